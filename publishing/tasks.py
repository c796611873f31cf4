from celery import shared_task

from publishing import mirrors, services


@shared_task
def write() -> None:
    services.write_if_free()


@shared_task
def sweep() -> None:
    services.sweep()


@shared_task
def sweep_mirrors() -> None:
    mirrors.refresh_mirrors()
