from celery import shared_task

from dispatch.models import Dispatch, DryRun, EditionFile, SenderCheck
from dispatch.services import deliveries, dispatches, dry_runs, editions, followup, mailbox, senders, telling


@shared_task
def render_file(pk: int) -> None:
    editions.render_file(EditionFile.objects.select_related("edition__letter").get(pk=pk))


@shared_task
def seal_file(pk: int) -> None:
    editions.seal_file(EditionFile.objects.select_related("edition__letter").get(pk=pk))


@shared_task
def start(pk: int) -> None:
    dispatches.start(Dispatch.objects.get(pk=pk))


@shared_task
def deliver(pk: int) -> None:
    deliveries.deliver(deliveries.with_all(pk))


@shared_task
def dry_run(pk: int) -> None:
    dry_runs.run(DryRun.objects.select_related("dispatch__edition__letter").get(pk=pk))


@shared_task
def sweep_dry_runs() -> None:
    dry_runs.sweep()


@shared_task
def look_up_sender(pk: int) -> None:
    senders.look_up(SenderCheck.objects.get(pk=pk))


@shared_task
def sweep_senders() -> None:
    senders.sweep()


@shared_task
def sweep_editions() -> None:
    editions.sweep()


@shared_task
def sweep_dispatches() -> None:
    dispatches.sweep()


@shared_task
def sweep_deliveries() -> None:
    deliveries.sweep()


@shared_task
def sweep_delivered() -> None:
    telling.tell_delivered()


@shared_task
def read_mailbox() -> None:
    mailbox.read()


@shared_task
def remind() -> None:
    followup.remind()
