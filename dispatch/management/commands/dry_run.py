"""`manage.py dry_run`: what the desk's button has a worker do, here and now."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch.models import Dispatch
from dispatch.services import dry_runs
from dispatch.states import DryRunStatus
from ledger.services import Overtaken


class Command(BaseCommand):
    """Its result stands at the desk as one that nobody of the staff asked for: a terminal is no desk."""

    help = "Hands the mails of a dispatch to a catcher on this machine and compares what arrives. Nothing is sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dispatch", type=int, help="the number in the address of its page, /desk/dispatches/NUMBER/"
        )

    def handle(self, *args: Any, dispatch: int, **options: Any) -> None:
        try:
            asked = dry_runs.ask(Dispatch.objects.get(pk=dispatch), by=None)
        except Dispatch.DoesNotExist as error:
            raise CommandError(f"There is no dispatch {dispatch}.") from error
        except dry_runs.UnderWay as error:
            raise CommandError("A dry run of this dispatch is under way.") from error
        except Overtaken as error:
            raise CommandError(f"Dispatch {dispatch} is not waiting to be authorised.") from error
        dry_runs.run(asked)
        while asked.ended_at is None:  # a worker was faster
            time.sleep(0.2)
            asked.refresh_from_db()
        for difference in asked.differences:
            self.stderr.write(f"Delivery {difference['delivery']}: {dry_runs.Trouble(difference['trouble']).label}")
        if asked.status != DryRunStatus.SAME:
            raise CommandError(f"Of {asked.count} mails, {len(asked.differences)} did not arrive as they are frozen.")
        self.stdout.write(f"{asked.count} mails arrived as they are frozen, byte for byte. Nothing was sent.")
