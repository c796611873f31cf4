"""What a mail with two PDFs costs: ours, alone and with all that is kept of a delivery, beside Django's.

`python -m tests.bench.mails` measures on whatever database the environment names, once its tables are there.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.bench.site import BASE_DIR, show

ROUNDS = 10
MAILS = 10  # of each kind in a round
SIZE = 300_000  # bytes of a PDF
SIGNATORIES = 40


def measure_mails() -> None:
    """The same mail to the same sink, in short turns one after the other."""
    from django.conf import settings
    from django.core.mail import get_connection

    from dispatch import tasks
    from dispatch.models import Delivery

    clock = DatabaseClock()

    def whole(_: int) -> None:
        with clock.running():
            tasks.deliver(next(waiting))

    to_sink = {"EMAIL_HOST": "127.0.0.1", "SENDING_ENABLED": True}
    with sink() as port, sink() as other, patch.multiple(settings, EMAIL_PORT=port, **to_sink):
        waiting = iter(make_deliveries(MAILS * (ROUNDS + 1)))
        with_all = Delivery.objects.select_related("edition", "wording").prefetch_related("edition__files")
        last = with_all.latest("pk")
        write, alone = writer(last), hander_over(last, port)
        kept_open = get_connection(port=other)
        kept_open.open()
        turns: dict[str, Callable[[int], Any]] = {
            "whole": whole,
            "alone": alone,
            "Django": lambda number: write(number).send(),
            "kept open": lambda number: kept_open.send_messages([write(number)]),
        }
        for turn in turns.values():
            rate(turn)  # each is awake
        clock.seconds = 0
        rounds = [{name: rate(turn) for name, turn in turns.items()} for _ in range(ROUNDS)]
        kept_open.close()
    assert not Delivery.objects.exclude(status="accepted").exists()
    tell(rounds, clock.seconds)


def tell(rounds: list[dict[str, float]], in_database: float) -> None:
    """The share of the database is that of its statements and commits; putting them together is ours."""
    a_second = {name: statistics.median(of[name] for of in rounds) for name in rounds[0]}

    def beside(name: str, other: str) -> str:
        return f"{statistics.median(of[name] / of[other] for of in rounds):.1f}"

    share = in_database / sum(MAILS / of["whole"] for of in rounds)
    show(f"mails with two PDFs of {SIZE // 1000} kB, Django's send()", f"{a_second['Django']:.0f} a second")
    show("  its connection kept open", f"{a_second['kept open']:.0f} a second")
    show("  ours, put together and handed over", f"{a_second['alone']:.0f} a second")
    show("    beside Django's send()", beside("alone", "Django"))
    show("  a whole delivery: states, evidence, marks, record", f"{a_second['whole']:.0f} a second")
    show("    beside Django's send(), which keeps none", f"{beside('whole', 'Django')} (wanted: 3 or more)")
    show("    of its time in the database", f"{share:.0%}")


def rate(turn: Callable[[int], Any]) -> float:
    began = time.perf_counter()
    for number in range(MAILS):
        turn(number)
    return MAILS / (time.perf_counter() - began)


def make_deliveries(wanted: int) -> list[int]:
    """Of one dispatch, in Belarusian, so that the PDF in English goes along."""
    from tests.dispatch.sending import make_covering, seal_noise, set_going
    from tests.factories import make_edition, make_letter, make_signatures_of_demo, turn_on_the_switch

    turn_on_the_switch()
    letter = make_letter(slug="mails", published=False)
    make_signatures_of_demo(letter)
    make_covering(letter)
    edition = seal_noise(make_edition(letter), size=SIZE)
    first = letter.recipients.earliest("order")
    letter.recipients.exclude(pk=first.pk).delete()
    columns = {field.attname: getattr(first, field.attname) for field in first._meta.concrete_fields}
    del columns["id"], columns["order"], columns["email"]
    for number in range(1, wanted):
        letter.recipients.create(order=100 + number, email=f"office{number}@government.example.org", **columns)
    return list(set_going(edition).deliveries.values_list("pk", flat=True))


def writer(delivery: Any) -> Callable[[int], Any]:
    """What one writes with Django, the files read once."""
    from django.core.mail import EmailMessage

    from dispatch.services.editions import sealed_bytes

    subject, text = delivery.wording.subject, delivery.wording.body
    files = delivery.edition.files.filter(language__in=("be", "en"))
    attached = [(f"letter-{file.language}.pdf", sealed_bytes(file)) for file in files]

    def write(number: int) -> EmailMessage:
        message = EmailMessage(subject, text, to=[f"office{number}@government.example.org"])
        for name, data in attached:
            message.attach(name, data, "application/pdf")
        return message

    return write


def hander_over(delivery: Any, port: int) -> Callable[[int], Any]:
    """Our mail alone, as a delivery puts it together and hands it over each time."""
    from dispatch import emails, smtp

    relay = smtp.Relay("127.0.0.1", port, "localhost")

    def hand_over(number: int) -> smtp.Answer:
        to = {"sender": "letters@undersigned.example.org", "recipient": f"office{number}@government.example.org"}
        return smtp.hand_over(emails.frozen(delivery).pieces, **to, relay=relay, before_dot=lambda: None)

    return hand_over


@contextmanager
def sink() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.sink"]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class DatabaseClock:
    """The seconds that pass in the database: its statements, and the beginnings and ends of its transactions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        from django.db import connection

        ends = {name: self.timed(getattr(connection, name)) for name in ("_commit", "_set_autocommit")}
        with connection.execute_wrapper(self.statement), patch.multiple(connection, **ends):
            yield

    def statement(self, execute: Callable[..., Any], *given: Any) -> Any:
        return self.timed(execute)(*given)

    def timed(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def doing(*given: Any) -> Any:
            began = time.perf_counter()
            try:
                return do(*given)
            finally:
                self.seconds += time.perf_counter() - began

        return doing


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    from tests.bench.site import quiet_bell

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with quiet_bell():
        measure_mails()


if __name__ == "__main__":
    main()
