from celery import shared_task

from campaign import purging


@shared_task
def purge() -> None:
    purging.purge()
