"""A delivery, against a real mail server that refuses, hangs and hangs up at every step."""

import contextlib
import errno
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from dispatch import emails, returns, smtp, tasks
from dispatch.models import Delivery, Dispatch, Wording
from dispatch.services import deliveries, dispatches
from dispatch.states import DeliveryStatus, DispatchStatus
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken, move
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.conftest import Rung
from tests.dispatch.catcher import DROP, HANG, STAGES, Catcher, Say
from tests.dispatch.sending import deliver, let_time_pass, make_delivery, make_dispatch, send_all
from tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BEFORE_THE_DOT = STAGES[:-1]
SIZES = {"body": 2_000_000}  # more than the buffers of the line hold, so that the dot is not written yet


@pytest.fixture
def catcher(settings: Settings) -> Iterator[Catcher]:
    with Catcher() as catcher:
        settings.EMAIL_PORT = catcher.port
        yield catcher


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 0.3
    settings.DELIVERY_LEASE = 0.6
    settings.DELIVERY_PATIENCE = 1


def states(delivery: Delivery) -> list[str]:
    return [event.target for event in Event.objects.about(delivery)]


# What the mail server says ------------------------------------------------------------------------


def test_a_mail_is_handed_over_once_and_the_answer_kept(catcher: Catcher) -> None:
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.code, delivery.answer) == ("accepted", 250, "2.0.0 taken as 42")
    assert delivery.attempts == 1
    assert delivery.settled_at
    [mail] = catcher.caught
    assert (mail.sender, mail.recipient) == (returns.address(delivery.pk, 1), "president@government.example.org")
    assert returns.read(mail.sender) == (delivery.pk, 1)
    assert mail.content == emails.covering(delivery)
    assert states(delivery) == ["queued", "claimed", "sending", "accepted"]
    deliver(delivery)
    assert len(catcher.caught) == 1


def test_the_last_one_finishes_the_dispatch(catcher: Catcher) -> None:
    dispatch = make_dispatch(recipients=5)
    *first, last = dispatch.deliveries.all()
    for delivery in first:
        deliver(delivery)
    assert Dispatch.objects.get().status == DispatchStatus.SENDING
    deliver(last)
    assert Dispatch.objects.get().status == DispatchStatus.DONE
    assert len(set(catcher.recipients())) == len(catcher.caught) == 5


@pytest.mark.parametrize("stage", STAGES)
def test_put_off_at_any_step_it_goes_out_later_and_once(catcher: Catcher, stage: str) -> None:
    catcher.at(stage, Say("451 4.7.1 later,\x07 please"))
    delivery = deliver(make_delivery(size=SIZES.get(stage, 3000)))
    assert (delivery.status, delivery.code, delivery.stage) == ("deferred", 451, stage)
    assert delivery.answer == "4.7.1 later, please"
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.ACCEPTED
    assert catcher.recipients()[-1:] == [delivery.address]
    assert len(catcher.caught) == (2 if stage == "dot" else 1)  # the first of which the server said it had not taken


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "body", "dot"])
def test_refused_for_good_it_is_not_tried_again(catcher: Catcher, stage: str) -> None:
    catcher.at(stage, Say("550 5.1.1 no such office"))
    delivery = deliver(make_delivery(size=SIZES.get(stage, 3000)))
    assert (delivery.status, delivery.code, delivery.stage) == ("failed", 550, stage)
    assert delivery.refusal == "mailbox"
    assert delivery.settled_at
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.FAILED
    assert delivery.attempts == 1
    assert Dispatch.objects.get().status == DispatchStatus.DONE


@pytest.mark.parametrize(("stage", "line"), [("connect", "554 no"), ("ehlo", "550 no"), ("mail", "530 log in first")])
def test_what_the_relay_has_against_us_is_not_the_recipients_refusal(catcher: Catcher, stage: str, line: str) -> None:
    catcher.at(stage, Say(line))
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.code, delivery.stage) == ("deferred", int(line[:3]), stage)


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
@pytest.mark.parametrize("trouble", [DROP, HANG])
def test_a_line_that_breaks_before_the_final_dot_is_tried_again(catcher: Catcher, stage: str, trouble: str) -> None:
    catcher.at(stage, trouble)
    delivery = deliver(make_delivery(size=SIZES.get(stage, 3000)))
    assert (delivery.status, delivery.code, delivery.stage) == ("deferred", None, stage)
    catcher.go_on()
    assert not catcher.caught
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.ACCEPTED
    assert len(catcher.caught) == 1


@pytest.mark.parametrize("trouble", [DROP, HANG, Say("banana"), Say("354 and then?"), Say("250" + "x" * 9000)])
def test_without_a_clear_answer_after_the_final_dot_people_decide(catcher: Catcher, trouble: str | Say) -> None:
    catcher.at("dot", trouble)
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.code, delivery.stage) == ("unknown", None, "dot")
    catcher.go_on()
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.UNKNOWN
    assert len(catcher.caught) == 1
    assert Dispatch.objects.get().status == DispatchStatus.SENDING


def test_nonsense_before_the_dot_is_tried_again(catcher: Catcher) -> None:
    catcher.at("rcpt", Say("banana"))
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage) == ("deferred", "rcpt")


def test_what_nobody_thought_of_is_put_off_and_told_and_not_tried_at_once_for_ever(
    catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(_: Delivery, **_files: object) -> None:
        raise KeyError("president@government.example.org")

    delivery = make_delivery()
    monkeypatch.setattr(emails, "frozen", stumbles)
    with pytest.raises(KeyError):
        deliver(delivery)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.stage, delivery.answer) == ("deferred", "message", "KeyError")
    assert delivery.not_before > timezone.now()


def test_nobody_listens(settings: Settings) -> None:
    settings.EMAIL_PORT = 1
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage) == ("deferred", "connect")
    assert "refused" in delivery.answer


def test_an_endless_answer_is_cut_to_one_printable_line(catcher: Catcher) -> None:
    catcher.at("rcpt", Say("550-" + "a" * 900 + "\r\n550 \u2028" + "b" * 900))
    delivery = deliver(make_delivery())
    assert delivery.answer == "a" * 500


def test_the_waits_grow_and_end_after_five_days(catcher: Catcher) -> None:
    catcher.at("rcpt", Say("450 later"), times=7)
    delivery = make_delivery()
    waits = []
    for _ in range(6):
        before = timezone.now()
        deliver(delivery)
        waits.append(round((delivery.not_before - before).total_seconds() / 60))
        let_time_pass(delivery)
        deliveries.sweep()
    assert waits == [5, 15, 60, 240, 240, 240]
    Delivery.objects.update(first_tried_at=timezone.now() - timedelta(days=5))
    deliver(delivery)
    assert (delivery.status, delivery.code) == ("failed", 450)


def test_what_was_halted_for_days_is_not_given_up_at_the_next_try(catcher: Catcher) -> None:
    """Nor where the clock was set forward: the days count only with the tries that belong to them."""
    catcher.at("rcpt", Say("451 greylisted"), times=2)
    delivery = deliver(make_delivery())
    Delivery.objects.update(first_tried_at=timezone.now() - timedelta(days=9))
    let_time_pass(delivery)
    deliveries.sweep()
    deliver(delivery)
    assert (delivery.status, delivery.attempts) == ("deferred", 2)
    send_all(delivery.dispatch)
    assert len(catcher.caught) == 1


def test_no_address_is_logged(catcher: Catcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    catcher.at("dot", DROP)
    delivery = deliver(make_delivery())
    assert str(delivery.pk) in caplog.text
    assert "@" not in caplog.text


def test_the_relay_is_asked_to_tell_what_becomes_of_it(catcher: Catcher) -> None:
    delivery = deliver(make_delivery())
    said = delivery.conversations.get().dialogue
    assert f"RET=HDRS ENVID={returns.token(delivery.pk, 1)}" in said
    assert f"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{delivery.address}" in said


@contextmanager
def speaking_out_of_turn(early: str, answer: str) -> Iterator[tuple[smtp.Relay, Callable[[], None]]]:
    """A server that says `early` in the middle of the mail, or whenever it is told to, and `answer` to the dot."""
    lines: list[socket.socket] = []

    def interrupt() -> None:
        lines[0].sendall(f"{early}\r\n".encode())

    def converse() -> None:
        line, _ = server.accept()
        lines.append(line)
        with contextlib.suppress(OSError), line, line.makefile("rb") as heard:
            line.sendall(b"220 hello\r\n")
            for reply in ("250 hello", "250 sender", "250 recipient", "354 go on"):
                heard.readline()
                line.sendall(f"{reply}\r\n".encode())
            if heard.readline() == b"interrupt\r\n":
                interrupt()
            while heard.readline() not in (b".\r\n", b""):
                pass
            line.sendall(f"{answer}\r\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        worker = threading.Thread(target=converse, daemon=True)
        worker.start()
        yield smtp.Relay("127.0.0.1", server.getsockname()[1], "us", timeout=10, patience=10), interrupt
        worker.join(10)


@pytest.mark.parametrize("answer", ["250 taken", "554 no"])
@pytest.mark.parametrize("is_late", [False, True], ids=["in the body", "when all but the dot is written"])
def test_a_mail_that_is_taken_before_its_end_is_for_people(is_late: bool, answer: str) -> None:
    """It may have been taken, and what is said to the dot may be said of it or of nothing."""
    steps: list[str] = []
    body = [b"hello\r\n"] if is_late else [b"interrupt\r\n", smtp.Encoded(b"x" * 78 + b"\r\n") * 100_000]
    with speaking_out_of_turn("250 taken already", answer) as (relay, interrupt):

        def before_dot() -> None:
            steps.append("committed")
            if is_late:
                interrupt()

        with pytest.raises(smtp.Unanswered, match="250 taken already"):
            smtp.hand_over(body, sender="a@example.org", recipient="b@example.org", relay=relay, before_dot=before_dot)
    assert steps == ["committed"], "only from there on is a mail one of which nobody knows"


def test_a_refusal_when_all_but_the_dot_is_written_is_one() -> None:
    with (
        speaking_out_of_turn("452 no room", "250 taken") as (relay, interrupt),
        pytest.raises(smtp.NotTaken, match="452 no room") as refusal,
    ):
        smtp.hand_over(
            [b"hello\r\n"], sender="a@example.org", recipient="b@example.org", relay=relay, before_dot=interrupt
        )
    assert refusal.value.stage == smtp.Stage.BODY


# A line that others can't read --------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls_catcher(settings: Settings, certificate: Path) -> Iterator[Catcher]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with Catcher(tls=context) as catcher:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "localhost", catcher.port, True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "user", "pass"
        settings.EMAIL_TIMEOUT = 5
        yield catcher


@pytest.mark.parametrize("from_the_start", [False, True])
def test_over_tls_and_with_a_password(
    tls_catcher: Catcher, certificate: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, from_the_start: bool
) -> None:
    tls_catcher.is_tls_from_the_start = settings.EMAIL_USE_SSL = from_the_start
    settings.EMAIL_USE_TLS = not from_the_start
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert deliver(make_delivery(is_demonstration=False)).status == DeliveryStatus.ACCEPTED
    assert len(tls_catcher.caught) == 1


def test_a_wrong_password_is_mended_and_not_a_refusal(
    tls_catcher: Catcher, certificate: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    settings.EMAIL_HOST_PASSWORD = "wrong"
    delivery = deliver(make_delivery(is_demonstration=False))
    assert (delivery.status, delivery.stage, delivery.code) == ("deferred", "auth", 535)


def test_a_server_that_nobody_vouches_for_gets_nothing(tls_catcher: Catcher) -> None:
    delivery = deliver(make_delivery(is_demonstration=False))
    assert (delivery.status, delivery.stage) == ("deferred", "starttls")
    assert not tls_catcher.caught


def test_where_tls_is_set_nothing_goes_without(catcher: Catcher, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage) == ("deferred", "starttls")
    assert not catcher.caught


def test_the_facts_of_the_line_are_kept_and_the_password_is_not(
    tls_catcher: Catcher, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    delivery = deliver(make_delivery(is_demonstration=False))
    attempt = delivery.conversations.get()
    assert (attempt.connection["tls"], attempt.connection["notices"]) == ("TLSv1.3", True)
    assert attempt.connection["relay"] == f"localhost:{tls_catcher.port}"
    assert len(attempt.connection["certificate_sha256"]) == len(attempt.message_sha256) == 64
    assert "C: AUTH …" in attempt.dialogue
    assert "AHVzZXIAcGFzcw" not in attempt.dialogue
    assert "S: 250 2.0.0 taken as 42" in attempt.dialogue
    assert delivery.relay_id == "42"


def test_a_password_that_is_said_on_a_line_of_its_own_is_not_kept(
    tls_catcher: Catcher, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_catcher.sign_in = "LOGIN"
    delivery = deliver(make_delivery(is_demonstration=False))
    assert delivery.status == DeliveryStatus.ACCEPTED
    said = delivery.conversations.get().dialogue
    assert "235 2.7.0 welcome" in said
    assert not [secret for secret in ("dXNlcg", "cGFzcw") if secret in said]


def test_a_challenge_that_is_nonsense_is_tried_again(
    tls_catcher: Catcher, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_catcher.sign_in = "CRAM-MD5"
    delivery = deliver(make_delivery(is_demonstration=False))
    assert (delivery.status, delivery.stage, delivery.code) == ("deferred", "auth", None)


def test_a_server_that_is_gone_before_we_look_whom_we_reached(
    catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: object) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(socket.socket, "getpeername", nobody)
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage) == ("deferred", "ehlo")


def test_without_tls_nothing_leaves_this_machine_unless_the_operator_says_so(
    catcher: Catcher, settings: Settings
) -> None:
    settings.EMAIL_HOST = "localhost"  # a name, that may be anybody's
    delivery = deliver(make_delivery(is_demonstration=False))
    assert (delivery.status, delivery.stage) == ("deferred", "starttls")
    settings.STARTTLS_REQUIRED = False
    send_all(delivery.dispatch)
    assert len(catcher.caught) == 1


# What holds a mail back ---------------------------------------------------------------------------


def test_nothing_goes_out_where_sending_is_off(catcher: Catcher, settings: Settings, rung: Rung) -> None:
    delivery = make_delivery()
    settings.SENDING_ENABLED = False
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("queued", 0)


def test_a_demonstrations_mail_never_looks_for_another_machine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("a host was looked up"))
    settings.EMAIL_HOST = "mail.example.org"
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage) == ("deferred", "message")
    assert "127.0.0.1" in delivery.answer


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Callable[[], None]], None]:
    """Have something happen in the middle of an attempt: just after a function was called."""

    def happens(module: Any, name: str, event: Callable[[], None]) -> None:
        original = getattr(module, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            monkeypatch.setattr(module, name, original)
            event()
            return result

        monkeypatch.setattr(module, name, wrapped)

    return happens


Meanwhile = Callable[[Any, str, Callable[[], None]], None]


def test_the_stop_switch_holds_even_a_mail_whose_body_is_on_the_line(catcher: Catcher, meanwhile: Meanwhile) -> None:
    delivery = make_delivery()
    meanwhile(smtp, "_pour", lambda: dispatches.halt(Dispatch.objects.get(), by=make_user()))
    deliver(delivery)
    assert delivery.status == DeliveryStatus.QUEUED
    send_all(delivery.dispatch)
    catcher.go_on()
    assert not catcher.caught
    dispatches.resume(Dispatch.objects.get(), by=make_user())
    send_all(delivery.dispatch)
    assert len(catcher.caught) == 1


def test_a_mail_that_came_back_after_its_dispatch_was_cancelled_is_cancelled(
    catcher: Catcher, meanwhile: Meanwhile
) -> None:
    delivery = make_delivery()

    def cancel() -> None:
        dispatches.halt(Dispatch.objects.get(), by=make_user())
        dispatches.cancel(Dispatch.objects.get(), by=make_user())

    meanwhile(smtp, "_pour", cancel)
    assert deliver(delivery).status == DeliveryStatus.QUEUED
    deliveries.sweep()
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.CANCELLED
    assert not catcher.caught


def test_a_name_taken_back_meanwhile_is_not_mailed(catcher: Catcher) -> None:
    delivery = make_delivery()
    Signature.objects.update(status=SignatureStatus.WITHDRAWN)
    deliver(delivery)
    assert delivery.status == DeliveryStatus.QUEUED
    assert Dispatch.objects.get().status == DispatchStatus.HALTED
    catcher.go_on()
    assert not catcher.caught


def test_a_mail_that_is_not_the_frozen_one_is_tried_again_once_it_is_mended(catcher: Catcher) -> None:
    delivery = make_delivery()
    subject = delivery.wording.subject
    Wording.objects.update(subject="Another")
    deliver(Delivery.objects.get())
    tried = Delivery.objects.get()
    assert (tried.status, tried.stage) == ("deferred", "message")
    assert "not the one that was frozen" in tried.answer
    assert not catcher.caught
    Wording.objects.update(subject=subject)
    send_all(delivery.dispatch)
    assert len(catcher.caught) == 1


# Several at once ----------------------------------------------------------------------------------


def test_an_answer_later_than_the_lease_still_counts(catcher: Catcher, meanwhile: Meanwhile) -> None:
    delivery = make_delivery()

    def lease_runs_out() -> None:
        let_time_pass(delivery)
        deliveries.sweep()
        assert Delivery.objects.get().status == DeliveryStatus.UNKNOWN

    meanwhile(smtp, "_finish", lease_runs_out)
    assert deliver(delivery).status == DeliveryStatus.ACCEPTED
    assert states(delivery)[-3:] == ["sending", "unknown", "accepted"]
    assert Dispatch.objects.get().status == DispatchStatus.DONE


@pytest.mark.parametrize(("line", "status"), [("550 no", "failed"), ("450 later", "queued")])
def test_a_refusal_later_than_the_lease_still_counts(
    catcher: Catcher, meanwhile: Meanwhile, line: str, status: str
) -> None:
    delivery = make_delivery()
    catcher.at("dot", Say(line))

    def lease_runs_out() -> None:
        let_time_pass(delivery)
        deliveries.sweep()

    meanwhile(deliveries, "_commit_to_sending", lease_runs_out)
    assert deliver(delivery).status == status
    assert states(delivery)[-2:] == ["unknown", status]
    assert status == "failed" or delivery.not_before > timezone.now()


def test_a_worker_that_lost_its_lease_before_the_dot_does_not_write_it(catcher: Catcher, meanwhile: Meanwhile) -> None:
    delivery = make_delivery()

    def another_worker_delivers() -> None:
        let_time_pass(delivery)
        deliveries.sweep()
        tasks.deliver(delivery.pk)

    meanwhile(smtp, "_pour", another_worker_delivers)
    assert deliver(delivery).status == DeliveryStatus.ACCEPTED
    assert delivery.attempts == 2
    catcher.go_on()
    assert len(catcher.caught) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_with_the_same_delivery_hand_it_over_once(catcher: Catcher, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = settings.DELIVERY_LEASE = settings.DELIVERY_PATIENCE = 20
    delivery = make_delivery()
    start = threading.Barrier(8)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            row = Delivery.objects.select_related("dispatch", "edition__letter", "recipient").get(pk=delivery.pk)
            start.wait()
            deliveries.deliver(row)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert len(catcher.caught) == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("accepted", 1)
    assert states(delivery) == ["queued", "claimed", "sending", "accepted"]


def test_a_condition_on_another_table_is_refused(catcher: Catcher) -> None:
    with pytest.raises(ValueError, match="another table"):
        move(make_delivery(), "claimed", by=None, only_if={"dispatch__status": "sending"})


# The sweeper --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left_in", "found"), [("claimed", "queued"), ("sending", "unknown")])
def test_what_a_killed_worker_left(left_in: str, found: str) -> None:
    delivery = make_delivery()
    Delivery.objects.update(status=left_in, lease_until=timezone.now() + timedelta(seconds=5))
    deliveries.sweep()
    assert Delivery.objects.get().status == left_in
    let_time_pass(delivery)
    deliveries.sweep()
    assert Delivery.objects.get().status == found


def test_the_sweeper_rings_for_what_the_bell_missed(rung: Rung, django_capture_on_commit_callbacks: Any) -> None:
    waiting, authorised = make_delivery(), make_dispatch(DispatchStatus.AUTHORISED)
    later = make_delivery()
    Delivery.objects.filter(pk=later.pk).update(not_before=timezone.now() + timedelta(minutes=1))
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        deliveries.sweep()
    assert rung == [(tasks.start, (authorised.pk,)), (tasks.deliver, (waiting.pk,))]


def test_a_put_off_one_waits_its_time(catcher: Catcher) -> None:
    catcher.at("rcpt", Say("450 later"))
    delivery = deliver(make_delivery())
    deliveries.sweep()
    assert Delivery.objects.get().status == DeliveryStatus.DEFERRED
    let_time_pass(delivery)
    deliveries.sweep()
    assert Delivery.objects.get().status == DeliveryStatus.QUEUED


# People decide ------------------------------------------------------------------------------------


@pytest.fixture
def unknown(catcher: Catcher) -> Delivery:
    catcher.at("dot", DROP)
    delivery = deliver(make_delivery())
    assert delivery.status == DeliveryStatus.UNKNOWN
    return delivery


@pytest.mark.parametrize("to", ["accepted", "failed"])
def test_somebody_found_out_what_became_of_it(unknown: Delivery, to: str) -> None:
    user = make_user()
    deliveries.resolve(unknown, to, by=user)
    assert Delivery.objects.get().status == to
    assert Delivery.objects.get().settled_at
    last = Event.objects.about(unknown).last()
    assert last
    assert last.by == user
    assert Dispatch.objects.get().status == DispatchStatus.DONE


def test_what_was_accepted_was_so_when_it_was_passed_on(unknown: Delivery) -> None:
    """And not when somebody read the log, days later."""
    passed_on = Event.objects.about(unknown).get(target="sending").at
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        deliveries.resolve(unknown, "accepted", by=make_user())
    assert Delivery.objects.get().settled_at == passed_on


def test_somebody_has_it_sent_again(
    unknown: Delivery, catcher: Catcher, rung: Rung, django_capture_on_commit_callbacks: Any
) -> None:
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        deliveries.resolve(unknown, "queued", by=make_user())
    assert (tasks.deliver, (unknown.pk,)) in rung
    assert deliver(unknown).status == DeliveryStatus.ACCEPTED


def test_of_two_who_decide_one_is_told(unknown: Delivery) -> None:
    stale = Delivery.objects.get()
    deliveries.resolve(unknown, "accepted", by=make_user())
    for late in (stale, Delivery.objects.get()):
        with pytest.raises(Overtaken):
            deliveries.resolve(late, "queued", by=make_user())
    assert Delivery.objects.get().status == DeliveryStatus.ACCEPTED


@pytest.mark.parametrize("status", ["queued", "claimed", "sending", "deferred"])
def test_what_the_machine_has_in_hand_is_not_for_people(status: str) -> None:
    delivery = make_delivery()
    Delivery.objects.update(status=status)
    delivery.refresh_from_db()
    with pytest.raises(Overtaken):
        deliveries.resolve(delivery, "failed", by=make_user())


def test_people_can_decide_on_nothing_else(unknown: Delivery) -> None:
    with pytest.raises(IllegalMove):
        deliveries.resolve(unknown, "deferred", by=make_user())


def test_a_slow_conversation_keeps_its_lease(catcher: Catcher, meanwhile: Meanwhile) -> None:
    delivery = make_delivery()
    left: list[timedelta] = []
    meanwhile(smtp, "_greet", lambda: time.sleep(0.4))
    meanwhile(smtp, "_pour", lambda: left.append(Delivery.objects.get().lease_until - timezone.now()))
    assert deliver(delivery).status == DeliveryStatus.ACCEPTED
    assert left[0] > timedelta(seconds=0.2)


def test_who_lost_the_lease_on_the_way_pours_nothing(catcher: Catcher, meanwhile: Meanwhile) -> None:
    delivery = make_delivery()
    poured: list[bool] = []

    def another_worker_claims() -> None:
        Delivery.objects.update(attempts=2)
        time.sleep(0.1)  # until it is time to renew

    meanwhile(smtp, "_greet", another_worker_claims)
    meanwhile(smtp, "_pour", lambda: poured.append(True))
    deliver(delivery)
    assert (poured, catcher.caught) == ([], [])
    assert Delivery.objects.get().status == DeliveryStatus.CLAIMED
