from celery import shared_task

from publishing import services


@shared_task
def write() -> None:
    services.write_if_free()


@shared_task
def sweep() -> None:
    services.sweep()
