from celery import shared_task

from signatories import services


@shared_task
def forget_unconfirmed() -> None:
    services.forget_unconfirmed()
    services.forget_logos()
