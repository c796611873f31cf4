"""Addresses of signers that mails come back from: marked once, shown to staff, and forgotten when one gets through."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from campaign.embedded import free_port
from dispatch.models import Notice
from dispatch.services import mailbox
from ledger.models import Event
from mailing import returns
from mailing.models import Mail
from mailing.states import MailStatus
from signatories import emails, services, tasks
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import PASSWORD, make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def signature() -> Signature:
    return make_signature(make_letter(), status=SignatureStatus.PENDING)


class Picky:
    """A mail server that has no mailbox of its own; `answer` is what it says to every recipient."""

    answer = "550 5.1.1 No such user here"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.answer


@pytest.fixture
def picky(settings: Settings) -> Iterator[Picky]:
    handler = Picky()
    server = Controller(handler, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield handler
    server.stop()


def sent(signature: Signature, worker: Callable[[], None]) -> Mail:
    emails.received(signature)
    worker()
    return Mail.objects.latest("pk")


def report(
    mail: Mail, action: str = "failed", status: str = "5.1.1", said: str = "no such user", to: str = ""
) -> bytes:
    to = to or returns.beside("signatures@example.org", returns.of_mail(mail.pk))
    return f"""Return-Path: <>
From: MAILER-DAEMON@mail.example.org
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{action}{mail.pk}{status}@mail.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; somebody@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} {said}

--b--
""".encode()


def reach(signature: Signature) -> tuple[bool, str]:
    signature.refresh_from_db()
    return signature.bounced_at is not None, signature.bounced_for


def reviewer() -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": make_user(Role.Name.REVIEWER).email, "password": PASSWORD})
    return browser


def text_of(browser: Client, address: str) -> str:
    return " ".join(browser.get(address).content.decode().split())


# How it is learnt ----------------------------------------------------------------------------------


def test_a_mail_that_comes_back_marks_the_address_once(signature: Signature, worker: Callable[[], None]) -> None:
    mail = sent(signature, worker)
    assert reach(signature) == (False, "")
    mailbox.take_in(report(mail))
    mailbox.take_in(report(mail))
    assert reach(signature) == (True, "mailbox")
    mail.refresh_from_db()
    assert mail.status == MailStatus.BOUNCED
    assert [event.target for event in Event.objects.about(signature)].count("mail came back") == 1
    assert not Notice.objects.exists(), "it is no delivery’s"


def test_read_from_the_mailbox_it_is_marked_as_read(
    signature: Signature, worker: Callable[[], None], settings: Settings, tmp_path: Path
) -> None:
    mail = sent(signature, worker)
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "maildir" / folder).mkdir(parents=True)
    (tmp_path / "maildir" / "new" / "1.m").write_bytes(report(mail))
    settings.BOUNCE_MAILBOX_URL = f"maildir://{tmp_path}/maildir"
    mailbox.read()
    assert reach(signature) == (True, "mailbox")
    assert not list((tmp_path / "maildir" / "new").iterdir())


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [("5.7.1", "blocked as spam", "policy"), ("5.2.2", "mailbox full", "size"), ("5.0.0", "no", "other")],
)
def test_why_is_kept(signature: Signature, worker: Callable[[], None], status: str, said: str, why: str) -> None:
    mailbox.take_in(report(sent(signature, worker), status=status, said=said))
    assert reach(signature) == (True, why)


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"action": "delivered", "status": "2.0.0"},
        {"status": "5.7.1", "said": "Relay access denied"},
        {"to": "signatures+m1.0123456789abcdef0123@example.org"},
        {"to": "signatures@example.org"},
    ],
)
def test_nothing_else_marks_it(signature: Signature, worker: Callable[[], None], changes: dict[str, str]) -> None:
    mailbox.take_in(report(sent(signature, worker), **changes))
    assert reach(signature) == (False, "")


def test_an_automatic_answer_marks_nothing(signature: Signature, worker: Callable[[], None]) -> None:
    mail = sent(signature, worker)
    to = returns.beside("signatures@example.org", returns.of_mail(mail.pk))
    mailbox.take_in(f"From: a@example.org\nTo: {to}\nAuto-Submitted: auto-replied\n\nAway.".encode())
    assert reach(signature) == (False, "")


def test_a_server_that_refuses_the_address_at_once(
    picky: Picky, signature: Signature, worker: Callable[[], None]
) -> None:
    assert sent(signature, worker).status == MailStatus.BOUNCED
    assert reach(signature) == (True, "mailbox")


@pytest.mark.parametrize(
    ("answer", "status"), [("451 4.2.1 Later", MailStatus.QUEUED), ("554 5.7.1 Relay access denied", MailStatus.FAILED)]
)
def test_a_server_that_refuses_for_now_or_refuses_us(
    picky: Picky, signature: Signature, worker: Callable[[], None], answer: str, status: str
) -> None:
    picky.answer = answer
    assert sent(signature, worker).status == status
    assert reach(signature) == (False, "")


def test_a_notice_of_a_mail_in_hand_waits(signature: Signature, worker: Callable[[], None]) -> None:
    mail = sent(signature, worker)
    Mail.objects.filter(pk=mail.pk).update(status=MailStatus.CLAIMED)
    with pytest.raises(mailbox.NotYet):
        mailbox.take_in(report(mail))
    Mail.objects.filter(pk=mail.pk).update(status=MailStatus.SENT)
    mailbox.take_in(report(mail))
    assert reach(signature) == (True, "mailbox")


def test_mails_to_others_say_nothing_of_the_signer(signature: Signature, worker: Callable[[], None]) -> None:
    services.hand_over(signature, representative="New", role="Chair", email="new@example.net", language="en")
    worker()
    mailbox.take_in(report(Mail.objects.latest("pk")))
    assert reach(signature) == (False, "")


# Until when ----------------------------------------------------------------------------------------


def test_another_address_is_not_marked_and_not_by_a_mail_to_the_old_one(
    signature: Signature, worker: Callable[[], None]
) -> None:
    old, late = sent(signature, worker), sent(signature, worker)
    mailbox.take_in(report(old))
    handover = services.hand_over(signature, representative="New", role="Chair", email="new@example.net", language="en")
    services.take_over(handover)
    assert reach(signature) == (False, "")
    mailbox.take_in(report(late))
    assert reach(signature) == (False, "")


def test_a_later_mail_that_is_taken_clears_it_and_an_earlier_one_does_not(
    signature: Signature, worker: Callable[[], None]
) -> None:
    early, bad = sent(signature, worker), sent(signature, worker)
    mailbox.take_in(report(bad))
    mailbox.take_in(report(early, "delivered", "2.0.0"))
    assert reach(signature) == (True, "mailbox")
    later = sent(signature, worker)
    mailbox.take_in(report(later, "delivered", "2.0.0"))
    assert reach(signature) == (False, "")
    mailbox.take_in(report(bad))
    assert reach(signature) == (False, "")
    targets = [event.target for event in Event.objects.about(signature)]
    assert targets[-2:] == ["mail came back", "mail gets through"]


def test_a_later_mail_of_which_nothing_is_heard_for_days_clears_it(
    signature: Signature, worker: Callable[[], None]
) -> None:
    earlier = sent(signature, worker)
    mailbox.take_in(report(sent(signature, worker)))
    later = sent(signature, worker)
    Mail.objects.filter(pk=earlier.pk).update(sent_at=timezone.now() - timedelta(days=8))
    tasks.sweep_reach()
    assert reach(signature) == (True, "mailbox")
    Signature.objects.update(bounced_at=timezone.now() - timedelta(days=7))
    Mail.objects.filter(pk=later.pk).update(sent_at=timezone.now() - timedelta(days=6))
    tasks.sweep_reach()
    assert reach(signature) == (False, "")


def test_one_that_comes_back_too_does_not(signature: Signature, worker: Callable[[], None]) -> None:
    mailbox.take_in(report(sent(signature, worker)))
    later = sent(signature, worker)
    mailbox.take_in(report(later))
    Signature.objects.update(bounced_at=timezone.now() - timedelta(days=7))
    Mail.objects.filter(pk=later.pk).update(sent_at=timezone.now() - timedelta(days=6))
    tasks.sweep_reach()
    assert reach(signature) == (True, "mailbox")


def test_a_code_that_was_read_clears_it(signature: Signature, worker: Callable[[], None], mailboxes: Path) -> None:
    mailbox.take_in(report(sent(signature, worker)))
    assert reach(signature) == (True, "mailbox")
    browser = Client()
    browser.post("/en/signatures/", {"email": signature.email})
    worker()
    mails = [message_from_bytes(path.read_bytes()) for path in (mailboxes / "others").iterdir()]
    texts = [
        part.get_payload(decode=True).decode()
        for mail in mails
        for part in mail.walk()
        if part.get_content_type() == "text/plain"
    ]
    [code] = {
        found[1]
        for text in texts
        if (found := re.search(r"^\s*([A-Z0-9]{4}-?[A-Z0-9]{4}|[A-Z0-9]{6,8})\s*$", text, re.M))
    }
    answer = browser.post("/en/signatures/code/", {"code": code})
    assert answer.status_code == 302
    assert reach(signature) == (False, "")


# Who sees it ---------------------------------------------------------------------------------------


def test_staff_see_it_at_the_signature_and_in_the_queue(signature: Signature, worker: Callable[[], None]) -> None:
    browser = reviewer()
    pages = ("/desk/", f"/desk/signatures/{signature.pk}/")
    assert not any("Mails to this address come back" in text_of(browser, page) for page in pages)
    mailbox.take_in(report(sent(signature, worker)))
    for page in pages:
        assert "Mails to this address come back since" in text_of(browser, page)
        assert "there is no such mailbox, or it is closed" in text_of(browser, page)
    assert "A mail to the signatory came back" in text_of(browser, pages[1])


def test_the_queue_is_narrowed_to_those_who_are_out_of_reach(signature: Signature, worker: Callable[[], None]) -> None:
    other = make_signature(signature.letter, name="Within Reach", status=SignatureStatus.PENDING)
    mailbox.take_in(report(sent(signature, worker)))
    browser = reviewer()
    found = {value: browser.get("/desk/", {"reach": value}).content.decode() for value in ("no", "yes", "")}
    address = "/desk/signatures/%s/"
    assert [address % signature.pk in found[value] for value in ("no", "yes", "")] == [True, False, True]
    assert [address % other.pk in found[value] for value in ("no", "yes", "")] == [False, True, True]


def test_no_log_names_the_address(
    signature: Signature, worker: Callable[[], None], picky: Picky, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sent(signature, worker)
    picky.answer = "250 OK"
    mailbox.take_in(report(sent(signature, worker), status="5.7.1", said="Relay access denied"))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("mail.log", "asyncio"))]
    assert ours
    assert not any(signature.email in line or signature.name in line for line in ours)
