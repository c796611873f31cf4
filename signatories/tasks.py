from celery import shared_task

from signatories import services
from signatories.services import inviting


@shared_task
def forget_unconfirmed() -> None:
    services.forget_unconfirmed()


@shared_task
def send_invitations() -> None:
    inviting.send_waiting()
