from celery import shared_task

from signatories import services
from signatories.services import inviting


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
def send_invitations() -> None:
    inviting.send_waiting()
