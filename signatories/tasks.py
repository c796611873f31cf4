from celery import shared_task

from signatories import digest, services
from signatories.models import Import
from signatories.services import importing, inviting, reach


@shared_task
def sweep_consent() -> None:
    services.ask_for_consent()
    services.lapse()


@shared_task
def sweep_reminders() -> None:
    services.remind()


@shared_task
def sweep_published() -> None:
    services.tell_published()


@shared_task
def check_import(pk: int) -> None:
    importing.check(Import.objects.get(pk=pk))


@shared_task
def carry_out_import(pk: int) -> None:
    importing.carry_out(Import.objects.get(pk=pk))


@shared_task
def weigh_import(pk: int) -> None:
    importing.weigh(Import.objects.get(pk=pk))


@shared_task
def sweep_imports() -> None:
    importing.sweep()


@shared_task
def sweep_reach() -> None:
    reach.sweep()


@shared_task
def mail_digests() -> None:
    digest.mail_digests()


@shared_task
def send_invitations() -> None:
    inviting.send_waiting()
