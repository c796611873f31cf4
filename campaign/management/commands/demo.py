"""`manage.py demo`: the first letter's whole journey, on this machine alone."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.urls import reverse
from django.utils import translation

from campaign.demo.journey import Journey, Stuck, copy_pdfs, demo_dir, sweep
from campaign.embedded import BASE_DIR, Ended, Processes, answers, embedded
from campaign.management.commands.up import CELERY
from dispatch import seal
from dispatch.seal import NoCertificate
from letters.models import Letter
from publishing import services as publishing

WORKER = [*CELERY, "worker", "--concurrency=2", "--without-gossip", "--without-mingle", "--loglevel=warning"]
PATIENCE = 90.0  # seconds without progress
SWEEP_EVERY = 3.0  # seconds


class Command(BaseCommand):
    """Starts a worker and a catcher of mail, and in their company a second process that takes each step."""

    help = "Take the demonstration letter from its first signature to its deliveries. Safe to repeat."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--journey", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, journey: bool, **options: Any) -> None:
        try:
            self._travel() if journey else self._accompany()
        except (Ended, Stuck, NoCertificate, OperationalError, OSError) as error:
            raise CommandError(" ".join(str(error).split())) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted; run it again to go on from here.", returncode=130) from None

    def _accompany(self) -> None:
        seal.fingerprint()  # now, rather than when a worker wants to seal
        call_command("migrate", verbosity=0)
        if Letter.objects.filter(is_demonstration=False).exists():
            raise CommandError(
                "This site has letters of its own; the demonstration wants a VAR_DIR or database to itself."
            )
        # Only Redis may be the operator's own: a demonstration's mail goes to the catcher, whatever EMAIL_URL says.
        configured = {"REDIS_URL": os.environ.get("REDIS_URL", "")}
        if configured["REDIS_URL"] and not answers(configured["REDIS_URL"]):
            raise CommandError("Nothing answers at REDIS_URL.")
        with embedded(settings.VAR_DIR, configured) as services, Processes() as workers, Processes() as travellers:
            environment = os.environ | services | {"VAR_DIR": str(settings.VAR_DIR), "SENDING_ENABLED": "1"}
            workers.start("The worker", WORKER, env=environment, cwd=BASE_DIR, stdout=subprocess.DEVNULL)
            traveller = travellers.start(
                "The journey", [sys.executable, "manage.py", "demo", "--journey"], env=environment, cwd=BASE_DIR
            )
            workers.wait(lambda: traveller.poll() is not None)
            if traveller.returncode:
                sys.exit(traveller.returncode)

    def _travel(self) -> None:
        began = time.monotonic()
        journey = Journey(wait=self._wait, say=self._say, mail_dir=demo_dir() / "mail")
        letter = journey.run()
        pdfs = copy_pdfs(letter, demo_dir())
        publishing.publish()
        self._say(
            f"Done in {time.monotonic() - began:.0f} seconds. This is a demonstration: nothing left this machine."
        )
        self._say("\nWhat is where")
        for code, _ in settings.LANGUAGES:
            with translation.override(code):
                self._say(f"  page    {settings.PUBLIC_URL}{reverse('letter', kwargs={'slug': letter.slug})}")
        for path in pdfs:
            self._say(f"  PDF     {path}")
        self._say(f"  mails   {demo_dir() / 'mail'} (to the addressees), …{os.sep}others (to signers)")
        self._say(f"  desk    {settings.PUBLIC_URL}{reverse('desk:home')}")
        for address, password in journey.passwords.items():
            self._say(f"  login   {address}  {password}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _wait(self, what: str, how_many: Callable[[], int], total: int) -> None:
        """Show progress until `how_many()` is `total`; now and then do what the scheduler would."""
        if not total:
            return
        seen, moved, swept = -1, time.monotonic(), time.monotonic()
        while (now := how_many()) < total:
            if now != seen:
                seen, moved = now, time.monotonic()
                self._progress(f"{now} of {total} {what}")
            if time.monotonic() - moved > PATIENCE:
                raise Stuck(f"Only {now} of {total} {what}, and nothing more for {PATIENCE:.0f} seconds.")
            if time.monotonic() - swept > SWEEP_EVERY:
                sweep()
                swept = time.monotonic()
            time.sleep(0.1)
        self._progress("")
        self._say(f"{total} of {total} {what}.")

    def _progress(self, text: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r\033[K{text}", ending="")
            self.stdout.flush()
