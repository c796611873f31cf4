from celery import shared_task

from mailing import services


@shared_task
def send_waiting() -> None:
    services.send_waiting()


@shared_task
def sweep() -> None:
    services.sweep()
