from celery import shared_task

from mailing import services
from mailing.models import Mail


@shared_task
def send(pk: int) -> None:
    services.send(Mail.objects.get(pk=pk))


@shared_task
def sweep() -> None:
    services.sweep()
