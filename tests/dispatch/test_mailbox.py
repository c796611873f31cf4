"""What comes back: read once from a mailbox that anybody may write to, and followed as far as it can be trusted."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from dispatch import returns, tasks
from dispatch.models import Delivery, Dispatch, Evidence, Notice, Reply
from dispatch.services import evidence, mailbox
from dispatch.states import DeliveryStatus, DispatchStatus
from ledger.models import Event
from ledger.services import move
from tests.dispatch.sending import make_delivery

pytestmark = pytest.mark.django_db
TO_ACCEPTED = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.ACCEPTED)


@pytest.fixture
def delivery(settings: Settings) -> Delivery:
    settings.SENDING_ENABLED = True
    return at(make_delivery(), *TO_ACCEPTED)


def at(delivery: Delivery, *states: str) -> Delivery:
    for status in states:
        move(delivery, status, by=None)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=1)
    delivery.refresh_from_db()
    return delivery


def report(delivery: Delivery, action: str, status: str = "", said: str = "", *, to: str = "", **headers: str) -> bytes:
    """A notice by RFC 3464, as a mail server writes it."""
    to = to or returns.address(delivery.pk, 1)
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"""Return-Path: <>
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{action}{status}@mail.example.org>
{more}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; {delivery.address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.government.example.org
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

Message-ID: {delivery.message_id}

--b--
""".encode()


def answer(delivery: Delivery, text: str = "Паважаныя спадары", **headers: str) -> bytes:
    stated = {"In_Reply_To": delivery.message_id, "Message_ID": "<answer@government.example.org>", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in stated.items() if value)
    return f"""From: =?utf-8?b?0JDQtNC80ZbQvdGW0YHRgtGA0LDRhtGL0Y8=?= <office@government.example.org>
To: contact@undersigned.example.org
Subject: Re: the letter
Content-Type: text/plain; charset=utf-8
{lines}
{text}
""".encode()


def now_at(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


# Notices of mail servers --------------------------------------------------------------------------


def test_a_failure_bounces_the_delivery_once(delivery: Delivery) -> None:
    raw = report(delivery, "failed", "5.1.1", "550 5.1.1 no such user")
    mailbox.take_in(raw)
    mailbox.take_in(raw)
    found = now_at(delivery)
    assert (found.status, found.refusal, found.is_returned) == ("bounced", "mailbox", True)
    assert [event.target for event in Event.objects.about(delivery)][-1] == "bounced"
    notice = Notice.objects.get()
    assert (notice.kind, notice.status, notice.server) == ("failed", "5.1.1", "mx.government.example.org")


@pytest.mark.parametrize(
    ("status", "said", "refusal"),
    [
        ("5.7.1", "550 5.7.1 message rejected", "policy"),
        ("5.1.1", "550 5.1.1 blocked by Spamhaus", "policy"),
        ("5.0.0", "554 Your IP is on our blocklist", "policy"),
        ("5.1.10", "550 recipient not found", "mailbox"),
        ("5.0.0", "550 mailbox unavailable", "mailbox"),
        ("5.2.2", "552 mailbox is full", "size"),
        ("5.7.1", "554 5.7.1 Relay access denied", "ours"),
        ("5.1.8", "550 sender address rejected", "ours"),
        ("5.5.0", "what?", "other"),
    ],
)
def test_a_refusal_for_policy_is_not_a_dead_mailbox(delivery: Delivery, status: str, said: str, refusal: str) -> None:
    mailbox.take_in(report(delivery, "failed", status, said))
    assert now_at(delivery).refusal == refusal


def test_what_is_delayed_has_not_failed(delivery: Delivery) -> None:
    mailbox.take_in(report(delivery, "delayed", "4.4.1", "connection timed out"))
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind == "delayed"


@pytest.mark.parametrize("action", ["delivered", "relayed"])
def test_the_recipients_server_has_taken_it(delivery: Delivery, action: str) -> None:
    mailbox.take_in(report(delivery, action, "2.0.0"))
    found = now_at(delivery)
    assert (found.status, found.taken_by, found.taken_how) == ("accepted", "mx.government.example.org", "notice")
    assert found.taken_at


def test_a_failure_after_it_was_taken_still_counts(delivery: Delivery) -> None:
    mailbox.take_in(report(delivery, "delivered", "2.0.0"))
    mailbox.take_in(report(delivery, "failed", "5.7.1"))
    assert now_at(delivery).status == "bounced"


def test_a_notice_tells_of_an_unknown_one_that_the_relay_had_it(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    delivery = at(make_delivery(), DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)
    mailbox.take_in(report(delivery, "delivered", "2.0.0"))
    assert now_at(delivery).status == "accepted"
    assert Dispatch.objects.get().status == DispatchStatus.DONE


def test_while_a_worker_has_it_in_hand_the_notice_waits(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    delivery = at(make_delivery(), DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
    with pytest.raises(mailbox.NotYet):
        mailbox.take_in(report(delivery, "failed", "5.1.1"))
    assert not Notice.objects.exists()
    at(delivery, DeliveryStatus.ACCEPTED)
    mailbox.take_in(report(delivery, "failed", "5.1.1"))
    assert now_at(delivery).status == "bounced"


def test_a_notice_of_an_earlier_attempt_is_only_noted(delivery: Delivery) -> None:
    Delivery.objects.update(attempts=2)
    mailbox.take_in(report(delivery, "failed", "5.1.1"))
    assert now_at(delivery).status == "accepted"
    assert (Notice.objects.get().kind, Notice.objects.get().attempt) == ("failed", 1)


@pytest.mark.parametrize("to", ["letters@undersigned.example.org", "letters+d1.1.00000000000000000000@example.org"])
def test_nobody_makes_up_a_notice_without_our_signature(delivery: Delivery, to: str) -> None:
    mailbox.take_in(report(delivery, "failed", "5.1.1", to=to))
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind == "unclear"


def test_the_envelope_is_found_where_mail_servers_put_it(delivery: Delivery) -> None:
    to = returns.address(delivery.pk, 1).upper()
    mailbox.take_in(report(delivery, "failed", "5.1.1", to="undisclosed", Delivered_To=to))
    assert now_at(delivery).status == "bounced"


def test_a_failure_in_no_standard_form_is_for_people(delivery: Delivery) -> None:
    to = returns.address(delivery.pk, 1)
    raw = f"From: MAILER-DAEMON@example.org\nTo: {to}\nSubject: failure notice\n\nHi. I'm afraid I wasn't able.\n"
    mailbox.take_in(raw.encode())
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind == "unclear"


# Replies ------------------------------------------------------------------------------------------


def test_a_reply_is_filed_with_its_delivery_and_encrypted(delivery: Delivery) -> None:
    raw = answer(delivery)
    mailbox.take_in(raw)
    mailbox.take_in(raw)
    reply = Reply.objects.get()
    assert (reply.delivery, reply.kind, reply.channel) == (delivery, "unread", "email")
    assert reply.sender == "Адміністрацыя <office@government.example.org>"
    assert (reply.subject, reply.text) == ("Re: the letter", "Паважаныя спадары")
    kept = Evidence.objects.get()
    assert evidence.contents(kept) == raw
    stored = b"".join(path.read_bytes() for path in Path(kept_in()).rglob("*") if path.is_file())
    assert b"office@" not in stored
    assert now_at(delivery).status == "accepted"


def test_evidence_is_encrypted_anew_with_the_contacts(delivery: Delivery, settings: Settings) -> None:
    mailbox.take_in(answer(delivery))
    old = Evidence.objects.get()
    settings.CONTACT_KEYS = ["new", *settings.CONTACT_KEYS]
    call_command("encrypt_contacts")
    settings.CONTACT_KEYS = ["new"]
    assert evidence.contents(Evidence.objects.get()) == answer(delivery)
    assert Reply.objects.get().text == "Паважаныя спадары"
    assert not default_storage.exists(old.path)


def kept_in() -> str:
    from django.conf import settings

    return str(settings.MEDIA_ROOT / "evidence")


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_a_reply_is_known_by_what_it_answers(delivery: Delivery, header: str) -> None:
    headers = {"In_Reply_To": "", header: f"<other@example.org> {delivery.message_id}"}
    mailbox.take_in(answer(delivery, **headers))
    assert Reply.objects.get().delivery == delivery


def test_a_reply_to_the_return_address_is_known_by_it(delivery: Delivery) -> None:
    mailbox.take_in(answer(delivery, In_Reply_To="", Delivered_To=returns.address(delivery.pk, 1)))
    assert Reply.objects.get().delivery == delivery


@pytest.mark.parametrize(
    "header",
    [
        {"Auto_Submitted": "auto-replied (vacation)"},
        {"X_Autoreply": "yes"},
        {"Precedence": "bulk"},
        {"Return_Path": "<>"},
        {"X_Auto_Response_Suppress": "All"},
    ],
)
def test_out_of_office_is_no_answer(delivery: Delivery, header: dict[str, str]) -> None:
    mailbox.take_in(answer(delivery, **header))
    assert not Reply.objects.exists()
    assert Notice.objects.get().kind == "automatic"


def test_what_belongs_to_no_delivery_is_not_kept(delivery: Delivery) -> None:
    mailbox.take_in(answer(delivery, In_Reply_To="<nothing@example.org>"))
    assert not Reply.objects.exists()
    notice = Notice.objects.get()
    assert (notice.kind, notice.delivery, notice.said) == ("unmatched", None, "")


# Hostile mail -------------------------------------------------------------------------------------

NESTED = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(5000))
HOSTILE = {
    "nothing": b"",
    "noise": bytes(range(256)) * 500,
    "nested": NESTED,
    "unknown charset": b"Content-Type: text/plain; charset=\x00klingon\n\n\xff\xfe\n",
    "charset with a NUL": b"Content-Type: text/plain; charset*=utf-8\x00'x'%00\n\nx\n",
    "broken base64": b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n====!!\xff\n",
    "broken quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n=ZZ=\n",
    "unknown encoding": b"Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n!!\nend\n",
    "header without an end": b"Subject: " + b"=?utf-8?q?" * 50_000,
    "wrong encoded word": b"Subject: =?utf-8?b?####?= =?nope?q?=FF?=\nFrom: =?\xff\n\nx",
    "a report that is none": b"Content-Type: message/delivery-status\n\n\x00\x00\n\n: : :\n",
    "a report in base64": b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nQUJD\n",
    "impossible date": b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n\nx",
    "date of no year": b"Date: 1 Jan 0 00:00:00 +0000\n\nx",
    "many ids": b"References: " + b"<a@b> " * 100_000 + b"\n\nx",
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 50_000,
    "huge": b"Subject: x\n\n" + b"x" * 3_000_000,
    "lines without end": b"To: " + b"a" * 2_000_000,
    "token of digits": b"To: letters+d" + b"9" * 40 + b".1." + b"0" * 20 + b"@example.org\n\nx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_breaks_nothing(delivery: Delivery, name: str) -> None:
    raw = HOSTILE[name]
    mailbox.take_in(raw)
    assert Notice.objects.get().kind == "unmatched"
    addressed = b"Message-ID: <another>\nTo: " + returns.address(delivery.pk, 1).encode() + b"\n" + raw
    mailbox.take_in(addressed)
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.count() == 2


def test_a_reply_whose_subject_is_broken_is_a_reply(delivery: Delivery) -> None:
    mailbox.take_in(answer(delivery).replace(b"Subject: Re: the letter", b"Subject: =?utf-8?b?a?="))
    reply = Reply.objects.get()
    assert (reply.subject, reply.text) == ("=?utf-8?b?a?=", "Паважаныя спадары")


def test_a_message_id_with_a_nul_is_none(delivery: Delivery) -> None:
    mailbox.take_in(answer(delivery, In_Reply_To="<\x00@example.org>", References="<a\x00b@example.org>"))
    assert Notice.objects.get().kind == "unmatched"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "undefined", "rot13", "zlib", "utf-16"])
def test_what_is_no_charset_takes_no_time(delivery: Delivery, charset: str) -> None:
    text = "a-" + "zz9z" * 200_000
    raw = answer(delivery, text).replace(b"charset=utf-8", f"charset={charset}".encode())
    began = time.monotonic()
    mailbox.take_in(raw)
    assert time.monotonic() - began < 5
    assert Reply.objects.get().delivery == delivery


def test_html_that_is_made_to_hurt_is_filed_for_people(delivery: Delivery) -> None:
    raw = answer(delivery, "<a" + "<" * 1500).replace(b"text/plain", b"text/html")
    mailbox.take_in(raw)
    reply = Reply.objects.get()
    assert reply.delivery == delivery
    assert evidence.contents(reply.files.get()) == raw


def enclosing(outer: str, inner: bytes, **headers: str) -> bytes:
    """A mail that somebody wrote, with another one in it."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    head = f"""{lines}MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: text/plain; charset=utf-8

{outer}
--outer
Content-Type: message/rfc822

"""
    return head.encode() + inner + b"\n--outer--\n"


def test_a_notice_that_somebody_encloses_in_a_reply_is_not_one(delivery: Delivery) -> None:
    raw = enclosing(
        "We got this from you. What is it?",
        report(delivery, "failed", "5.1.1", "no such user"),
        From="office@government.example.org",
        To=returns.address(delivery.pk, 1),
        Message_ID="<passed-on@government.example.org>",
    )
    mailbox.take_in(raw)
    assert now_at(delivery).status == "accepted"
    assert Reply.objects.get().text == "We got this from you. What is it?"


def test_a_bounce_of_a_bounce_is_of_nothing(delivery: Delivery) -> None:
    inner = report(delivery, "failed", "5.1.1", "no such user")
    outer = enclosing("", inner, From="MAILER-DAEMON@elsewhere.example", To="postmaster@example.org", Return_Path="<>")
    mailbox.take_in(outer)
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind in ("unmatched", "unclear")


def test_a_notice_sent_again_under_another_name_changes_nothing_more(delivery: Delivery) -> None:
    raw = report(delivery, "failed", "5.1.1", "no such user")
    mailbox.take_in(raw)
    mailbox.take_in(raw.replace(b"Message-ID: <failed", b"Message-ID: <again", 1))
    assert [event.target for event in Event.objects.about(delivery)].count("bounced") == 1
    assert Notice.objects.count() == 2


def test_a_reply_counts_from_when_our_server_had_it_whatever_day_it_names(delivery: Delivery) -> None:
    Delivery.objects.update(settled_at=timezone.now() - timedelta(days=30))
    had_it = timezone.now() - timedelta(days=2)
    received = f"from mx by us (Postfix) id 4F2B;\n\t{format_datetime(had_it)}"
    mailbox.take_in(answer(delivery, Received=received, Date="Mon, 1 Jan 2001 00:00:00 +0000"))
    assert Reply.objects.get().received_on == had_it.date()


def test_no_reply_came_before_the_letter_left(delivery: Delivery) -> None:
    left = timezone.now() - timedelta(days=1)
    Delivery.objects.update(settled_at=left)
    mailbox.take_in(answer(delivery, Date="Mon, 1 Jan 2001 00:00:00 +0000"))
    assert Reply.objects.get().received_on == left.date()


def test_nothing_that_somebody_wrote_is_logged(delivery: Delivery, caplog: pytest.LogCaptureFixture) -> None:
    mailbox.take_in(answer(delivery))
    mailbox.take_in(report(delivery, "failed", "5.1.1"))
    assert "@" not in caplog.text


# The mailbox --------------------------------------------------------------------------------------


@pytest.fixture
def maildir(tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "Mail dir"
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    settings.BOUNCE_MAILBOX_URL = f"maildir://{str(path).replace(' ', '%20')}"
    return path


def test_a_maildir_is_read_once_and_nothing_deleted(delivery: Delivery, maildir: Path) -> None:
    (maildir / "new" / "1.host").write_bytes(report(delivery, "failed", "5.1.1"))
    (maildir / "cur" / "2.host:2,F").write_bytes(answer(delivery))
    (maildir / "cur" / "3.host:2,S").write_bytes(b"read by somebody")
    tasks.read_mailbox()
    tasks.read_mailbox()
    assert sorted(path.name for path in (maildir / "cur").iterdir()) == ["1.host:2,S", "2.host:2,FS", "3.host:2,S"]
    assert not list((maildir / "new").iterdir())
    assert sorted(Notice.objects.values_list("kind", flat=True)) == ["failed", "reply"]


def test_one_that_cant_be_taken_in_holds_up_no_other_and_is_read_again(
    delivery: Delivery, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "AT_ONCE", 1)  # what fails takes nobody's place
    (maildir / "new" / "1.reply").write_bytes(answer(delivery))
    (maildir / "new" / "2.report").write_bytes(report(delivery, "failed", "5.1.1"))
    with monkeypatch.context() as full:
        full.setattr(evidence, "keep", _no_space)
        with pytest.raises(ExceptionGroup):
            mailbox.read()
    assert now_at(delivery).status == "bounced"
    assert [path.name for path in (maildir / "new").iterdir()] == ["1.reply"]
    mailbox.read()
    assert not list((maildir / "new").iterdir())
    assert evidence.contents(Reply.objects.get().files.get()) == answer(delivery)


def test_a_full_mailbox_is_read_bit_by_bit(delivery: Delivery, maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "AT_ONCE", 2)
    for number in range(3):
        (maildir / "new" / f"{number}.mail").write_bytes(
            answer(delivery, Message_ID=f"<{number}@government.example.org>")
        )
    for left in (1, 0):
        mailbox.read()
        assert len(list((maildir / "new").iterdir())) == left
    assert Reply.objects.count() == 3


def test_one_that_cant_be_read_at_all_holds_up_no_other(
    delivery: Delivery, maildir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (maildir / "new" / "1.no-mail").mkdir()
    (maildir / "new" / "2.report").write_bytes(report(delivery, "failed", "5.1.1"))
    mailbox.read()
    assert now_at(delivery).status == "bounced"
    assert "IsADirectoryError" in caplog.text


def _no_space(*_: object, **__: object) -> None:
    raise OSError("No space left on device")


def test_what_has_to_wait_stays_unread(settings: Settings, maildir: Path) -> None:
    settings.SENDING_ENABLED = True
    delivery = at(make_delivery(), DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
    (maildir / "new" / "1.host").write_bytes(report(delivery, "failed", "5.1.1"))
    tasks.read_mailbox()
    assert [path.name for path in (maildir / "new").iterdir()] == ["1.host"]


@pytest.mark.parametrize("url", ["maildir:///nowhere", "imap://user:secret@127.0.0.1:1/", "pop3://user:secret@host"])
def test_a_mailbox_that_cant_be_read_is_told_without_its_password(
    settings: Settings, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    settings.BOUNCE_MAILBOX_URL = url
    tasks.read_mailbox()
    assert "BOUNCE_MAILBOX_URL" in caplog.text
    assert "secret" not in caplog.text


class Imap:
    """A server that holds mails, and knows as much of RFC 3501 as it is asked."""

    def __init__(self, mails: dict[int, bytes]) -> None:
        self.mails, self.seen, self.said = mails, set[int](), list[str]()

    def answer(self, connection: socket.socket) -> None:
        file = connection.makefile("rwb")
        file.write(b"* OK hello\r\n")
        file.flush()
        while line := file.readline().decode().strip():
            tag, _, command = line.partition(" ")
            self.said.append(command)
            for part in self._reply(command):
                file.write(part)
            file.write(f"{tag} OK done\r\n".encode())
            file.flush()
            if command == "LOGOUT":
                return

    def _reply(self, command: str) -> Iterator[bytes]:
        verb, *rest = command.split()
        if verb == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif verb == "SELECT":
            yield b"* 2 EXISTS\r\n"
        elif rest[:1] == ["SEARCH"]:
            unseen = " ".join(str(name) for name in self.mails if name not in self.seen)
            yield f"* SEARCH {unseen}\r\n".encode()
        elif rest[:1] == ["FETCH"]:
            raw = self.mails[int(rest[1])]
            yield f"* 1 FETCH (UID {rest[1]} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
        elif rest[:1] == ["STORE"]:
            self.seen.add(int(rest[1]))


@contextmanager
def served(imap: Imap, times: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(times):
                connection, _address = server.accept()
                with connection:
                    imap.answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(20)


def test_imap_is_read_once_and_nothing_deleted(delivery: Delivery, settings: Settings) -> None:
    imap = Imap({7: report(delivery, "failed", "5.1.1"), 9: answer(delivery)})
    with served(imap, times=2) as port:
        settings.BOUNCE_MAILBOX_URL = f"imap://letters%40example.org:s%2Fcret@127.0.0.1:{port}/Back%20mail"
        tasks.read_mailbox()
        tasks.read_mailbox()
    assert imap.seen == {7, 9}
    assert sorted(Notice.objects.values_list("kind", flat=True)) == ["failed", "reply"]
    assert 'LOGIN letters@example.org "s/cret"' in imap.said
    assert 'SELECT "Back mail"' in imap.said
    assert not [said for said in imap.said if "EXPUNGE" in said or "Deleted" in said]
