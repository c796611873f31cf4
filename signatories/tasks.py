from celery import shared_task

from signatories import services


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
def forget() -> None:
    services.forget_unconfirmed()
    services.forget_contacts()
