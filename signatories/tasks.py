from celery import shared_task

from signatories import digest, services
from signatories.services import inviting


@shared_task
def forget_unconfirmed() -> None:
    services.forget_unconfirmed()


@shared_task
def mail_digests() -> None:
    digest.mail_digests()


@shared_task
def send_invitations() -> None:
    inviting.send_waiting()
