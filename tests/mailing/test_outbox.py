"""Mail to people: sent once the row is there, by whichever worker claims it, and never twice at the same time."""

import smtplib
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as sent_mail
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from ledger.models import Event
from ledger.services import move
from mailing import returns, services, tasks
from mailing.models import Mail
from mailing.states import MailStatus

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def template(settings: Settings, tmp_path: Any) -> None:
    (tmp_path / "note.txt").write_text("About {{ what }}\n\nHello.\n")
    ours = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**ours, "DIRS": [tmp_path, *ours["DIRS"]]}]


def queue(key: str = "note:1", what: str = "a letter", **changes: Any) -> bool:
    given = {"to": "a@example.org", "language": "be", "template": "note.txt", "is_demonstration": False, **changes}
    return services.queue(key=key, context={"what": what}, **given)


def test_a_queued_mail_is_sent_and_then_forgotten(worker: Callable[[], None]) -> None:
    queue()
    worker()
    [message] = sent_mail.outbox
    assert (message.subject, message.body, message.to) == ("About a letter", "Hello.\n", ["a@example.org"])
    assert message.extra_headers["Content-Language"] == "be"
    row = Mail.objects.get()
    assert (row.status, row.to, row.subject, row.body) == (MailStatus.SENT, "", "", "")


def test_one_that_is_written_when_it_is_sent_says_the_same_and_keeps_no_less_to_itself(
    worker: Callable[[], None],
) -> None:
    assert queue(written_later=True)
    waiting = Mail.objects.values("text", "to", "template").get()
    assert waiting == {"text": "", "to": "a@example.org", "template": "note.txt"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT context FROM mailing_mail")
        [[stored]] = cursor.fetchall()
    assert "a letter" not in stored
    worker()
    assert [(mail.subject, mail.body) for mail in sent_mail.outbox] == [("About a letter", "Hello.\n")]
    over = Mail.objects.values("status", "text", "to", "template", "context").get()
    assert over == {"status": MailStatus.SENT, "text": "", "to": "", "template": "", "context": {}}


def test_one_key_is_one_mail(worker: Callable[[], None]) -> None:
    assert [queue(), queue(), queue()] == [True, False, False]
    worker()
    worker()
    assert len(sent_mail.outbox) == 1


def test_a_mail_of_a_transaction_that_fails_is_never_sent(worker: Callable[[], None]) -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    worker()
    assert not sent_mail.outbox
    assert not Mail.objects.exists()


def test_two_workers_with_the_same_mail_send_it_once() -> None:
    queue()
    first, second = Mail.objects.get(), Mail.objects.get()
    services.send(first)
    services.send(second)
    assert len(sent_mail.outbox) == 1


def test_a_relay_that_is_away_is_tried_again_later(monkeypatch: pytest.MonkeyPatch, worker: Callable[[], None]) -> None:
    queue()
    with monkeypatch.context() as away:
        away.setattr(EmailMessage, "send", _raising(ConnectionRefusedError()))
        worker()
    row = Mail.objects.get()
    assert (row.status, row.attempts) == (MailStatus.QUEUED, 1)
    assert row.not_before > timezone.now()
    worker()
    assert not sent_mail.outbox, "not before its time"
    Mail.objects.update(not_before=timezone.now())
    worker()
    assert len(sent_mail.outbox) == 1


def test_a_relay_that_stays_away_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    queue()
    monkeypatch.setattr(EmailMessage, "send", _raising(smtplib.SMTPServerDisconnected()))
    for _ in range(len(services.RETRIES) + 1):
        Mail.objects.update(not_before=timezone.now())
        services.send(Mail.objects.get())
    assert Mail.objects.get().status == MailStatus.FAILED


def test_an_address_that_is_refused_for_good_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    queue()
    refusal = smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"no such mailbox")})
    monkeypatch.setattr(EmailMessage, "send", _raising(refusal))
    services.send(Mail.objects.get())
    row = Mail.objects.get()
    assert (row.status, row.to, row.body) == (MailStatus.BOUNCED, "", "")


def test_where_it_is_our_server_that_is_refused_the_address_is_not_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    queue()
    refusal = smtplib.SMTPRecipientsRefused({"a@example.org": (554, b"5.7.1 Relay access denied")})
    monkeypatch.setattr(EmailMessage, "send", _raising(refusal))
    services.send(Mail.objects.get())
    assert Mail.objects.get().status == MailStatus.FAILED


def test_each_mail_comes_back_to_an_address_of_its_own_beside_its_sender(
    settings: Settings, worker: Callable[[], None]
) -> None:
    settings.MAIL_FROM = "A Coalition <signatures@example.org>"
    queue()
    queue("note:2", sender="hello@neutral.example.org")
    queue("note:3", sender=f"{'x' * 60}@example.org")
    worker()
    usual, neutral, long = sent_mail.outbox
    assert returns.mail_in(usual.from_email) == Mail.objects.get(key="note:1").pk
    assert usual.from_email.startswith("signatures+m")
    assert usual.message()["From"] == "A Coalition <signatures@example.org>"
    assert returns.mail_in(neutral.from_email) == Mail.objects.get(key="note:2").pk
    assert neutral.from_email.endswith("@neutral.example.org")
    assert neutral.message()["From"] == "hello@neutral.example.org"
    assert long.from_email == f"{'x' * 60}@example.org", "no server takes a longer one"


def test_nobody_makes_up_a_return_address() -> None:
    token = returns.of_mail(7)
    assert returns.mail_in(f"Signatures+{token.upper()}@example.org") == 7
    for forged in (
        "m8" + token[2:],
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        token[:-1],
        "m7.",
        "",
        "d" + token[1:],
    ):
        assert returns.mail_in(f"signatures+{forged}@example.org") is None


def test_what_a_killed_worker_had_claimed_is_sent_by_another(worker: Callable[[], None]) -> None:
    queue()
    long_ago = timezone.now() - timedelta(hours=1)
    Mail.objects.update(status=MailStatus.CLAIMED, attempts=1, lease_until=long_ago)
    services.sweep()
    Mail.objects.update(not_before=timezone.now())
    worker()
    assert len(sent_mail.outbox) == 1


def test_a_demonstrations_mail_never_leaves_this_machine(settings: Settings, worker: Callable[[], None]) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    queue(is_demonstration=True)
    worker()
    assert not sent_mail.outbox
    assert Mail.objects.get().status == MailStatus.FAILED


@pytest.mark.parametrize("what", ["a\r\nBcc: b@example.org", "a\u2028b", "a\x0bb\x0cc", "a\x00b", "a\x85b", "x" * 5000])
def test_a_subject_is_one_line_whatever_stands_in_it(what: str, worker: Callable[[], None]) -> None:
    queue(what=what)
    worker()
    [message] = sent_mail.outbox
    assert len(message.subject) <= 200
    assert message.subject.isprintable()
    assert message.message()["Bcc"] is None


def test_every_step_of_a_mail_is_an_event_without_its_address(worker: Callable[[], None]) -> None:
    queue()
    worker()
    steps = Event.objects.about(Mail.objects.get()).values_list("source", "target")
    assert list(steps) == [("queued", "claimed"), ("claimed", "sent")]


def _raising(error: Exception) -> Callable[..., None]:
    def send(*_: object) -> None:
        raise error

    return send


def test_a_mail_that_can_not_be_read_does_not_hold_up_the_rest() -> None:
    queue("note:1")
    queue("note:2")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Mail._meta.db_table} SET text = 'no cipher' WHERE key = 'note:1'")
    with pytest.raises(ExceptionGroup):
        services.send_waiting()
    assert len(sent_mail.outbox) == 1
    assert Mail.objects.get(key="note:2").status == MailStatus.SENT


def test_whoever_finds_much_calls_for_help(
    rung: list[Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for number in range(3):
        queue(f"note:{number}")
    for helpers in ([(tasks.send_waiting, ())], []):
        rung.clear()
        with django_capture_on_commit_callbacks(execute=True):
            services.send_waiting()
        assert rung == helpers
    assert len(sent_mail.outbox) == 3


def _now_due() -> None:
    Mail.objects.update(not_before=timezone.now())


def test_one_that_can_not_be_written_is_put_off_and_given_up_and_nothing_of_it_is_told(tmp_path: Any) -> None:
    queue("note:1", what="secret words", written_later=True)
    (tmp_path / "note.txt").write_text("About {{ what|default:words }}\n\nHello.\n")  # of another release
    for attempt in range(1, len(services.RETRIES) + 2):
        with pytest.raises(ExceptionGroup) as told:
            services.send_waiting()
        assert "secret words" not in "".join(traceback.format_exception(told.value))
        assert "VariableDoesNotExist" in str(told.value.exceptions)
        row = Mail.objects.get()
        assert row.attempts == attempt
        services.send_waiting()  # it waits
        _now_due()
    assert (row.status, row.to, row.template, row.context) == (MailStatus.FAILED, "", "", {})


def test_those_that_can_not_be_deciphered_are_put_off_and_given_up(
    rung: list[Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    queue("note:1")
    queue("note:2")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Mail._meta.db_table} SET text = 'no cipher'")
    stated = Mail.objects.values_list("status", "attempts")
    for attempt in range(1, len(services.RETRIES) + 2):
        with pytest.raises(ExceptionGroup):
            services.send_waiting()
        assert {attempts for _status, attempts in stated.all()} == {attempt}
        rung.clear()
        with django_capture_on_commit_callbacks(execute=True):
            services.send_waiting()
            services.sweep()
        assert not rung, "they are not called for again and again"
        _now_due()
    assert set(stated.all()) == {(MailStatus.FAILED, len(services.RETRIES) + 1)}


def test_one_that_can_not_be_deciphered_is_freed_like_any_other() -> None:
    for key in ("note:1", "note:2"):
        queue(key)
    Mail.objects.update(status=MailStatus.CLAIMED, attempts=1, lease_until=timezone.now() - timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Mail._meta.db_table} SET text = 'no cipher' WHERE key = 'note:1'")
    services.sweep()
    assert set(Mail.objects.values_list("status", flat=True)) == {MailStatus.QUEUED}


@pytest.mark.parametrize(
    ("ends", "left"), [(None, MailStatus.SENT), (smtplib.SMTPServerDisconnected(), MailStatus.CLAIMED)]
)
def test_who_comes_back_after_the_lease_takes_the_mail_from_nobody_unless_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, ends: Exception | None, left: str
) -> None:
    queue()

    def send(*_: object) -> None:
        Mail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        services.sweep()
        move(Mail.objects.get(), MailStatus.CLAIMED, by=None, attempts=2, lease_until=timezone.now() + services.LEASE)
        if ends:
            raise ends

    monkeypatch.setattr(EmailMessage, "send", send)
    services.send(Mail.objects.get())
    assert Mail.objects.values_list("status", "attempts").get() == (left, 2)


def test_two_sweepers_do_not_stumble_over_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("note:1", "note:2"):
        queue(key)
    Mail.objects.update(status=MailStatus.CLAIMED, attempts=1, lease_until=timezone.now() - timedelta(hours=1))
    seen = list(Mail.objects.abandoned(timezone.now()))
    services.sweep()
    monkeypatch.setattr("mailing.models.MailQuerySet.abandoned", lambda *_: _Seen(seen))
    services.sweep()
    assert Event.objects.filter(table="mailing.mail", target=MailStatus.QUEUED).count() == 2


class _Seen(list[Mail]):
    """What another sweeper saw before the first had begun."""

    def defer(self, *_: str) -> "_Seen":
        return self
