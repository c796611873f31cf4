"""What a provider of mail calls us to say: posted as it posts it, heard once, and from nobody else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail as sent_mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dispatch import emails as dispatch_emails
from dispatch import returns
from dispatch.models import Delivery, Notice
from dispatch.services import mailbox
from dispatch.states import DeliveryStatus
from mailing.models import Mail
from mailing.states import MailStatus
from signatories import emails
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.dispatch.sending import make_delivery
from tests.dispatch.test_mailbox import TO_ACCEPTED, at, report
from tests.factories import make_letter, make_signature

pytestmark = pytest.mark.django_db
SECRET, KEY = "hook:correct-horse", "signing-key"
OFFICE = "office@government.example.org"


@pytest.fixture
def postmark(settings: Settings) -> None:
    settings.ANYMAIL_PROVIDER = "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def mailgun(settings: Settings) -> None:
    settings.ANYMAIL_PROVIDER = "mailgun"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


@pytest.fixture
def brevo(settings: Settings) -> None:
    settings.ANYMAIL_PROVIDER = "brevo"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def delivery(settings: Settings) -> Delivery:
    settings.SENDING_ENABLED = True
    return at(make_delivery(), *TO_ACCEPTED)


@pytest.fixture
def signature() -> Signature:
    return make_signature(make_letter(), status=SignatureStatus.PENDING)


def post(provider: str, said: Any, *, secret: str = SECRET) -> HttpResponse:
    headers = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    answer: Any = Client().post(f"/hooks/{provider}/tracking/", body, "application/json", headers=headers)
    return answer


def label(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def bounce(message_id: str, **changes: Any) -> dict[str, Any]:
    """As Postmark documents it; its own MessageID is not ours, our metadata are."""
    return {
        "RecordType": "Bounce",
        "MessageStream": "outbound",
        "ID": 4323372036854775807,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"message": label(message_id)},
        "ServerID": 23,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": OFFICE,
        "From": "letters@undersigned.example.org",
        "BouncedAt": "2026-11-01T16:33:54.9070259Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "An open letter",
        **changes,
    }


def delivered(message_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "RecordType": "Delivery",
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "00000000-0000-0000-0000-000000000000",
        "Recipient": OFFICE,
        "Tag": "",
        "DeliveredAt": (timezone.now() - timedelta(seconds=1)).isoformat(),
        "Details": "250 2.0.0 OK",
        "Metadata": {"message": label(message_id)},
        **changes,
    }


def of_mailgun(event: str, message_id: str, *, key: str = KEY, token: str = "t1", **changes: Any) -> dict[str, Any]:
    """With its signature, of a timestamp and a token, by the key that only Mailgun and we have."""
    stamp = "1529006854"
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    data = {
        "event": event,
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": 1529006854.329574,
        "log-level": "info",
        "recipient": OFFICE,
        "recipient-domain": "government.example.org",
        "message": {"headers": {"message-id": message_id.strip("<>"), "to": OFFICE}, "attachments": [], "size": 111},
        "envelope": {"transport": "smtp", "sender": "letters@example.org", "targets": OFFICE},
        "flags": {"is-routed": False, "is-test-mode": False},
        "delivery-status": {"code": 250, "message": "OK", "description": "", "mx-host": "mx.government.example.org"},
        **changes,
    }
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data}


def refused(message_id: str, code: int, said: str, severity: str = "permanent", **more: Any) -> dict[str, Any]:
    status = {"attempt-no": 1, "code": code, "message": said, "description": "", "mx-host": "mx.government.example.org"}
    return of_mailgun("failed", message_id, severity=severity, reason="bounce", **{"delivery-status": status}, **more)


def now_at(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


# Letters -------------------------------------------------------------------------------------------


def test_a_bounce_that_postmark_tells_of_counts_once(postmark: None, delivery: Delivery) -> None:
    for _ in range(2):
        assert post("postmark", bounce(delivery.message_id)).status_code == 200
    found = now_at(delivery)
    assert (found.status, found.refusal, found.is_returned) == ("bounced", "mailbox", True)
    notice = Notice.objects.get()
    assert (notice.kind, notice.status, notice.attempt) == ("failed", "5.1.1", 1)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"Type": "Blocked", "Details": ""}, "policy"),
        ({"Type": "DMARCPolicy", "Details": ""}, "policy"),
        ({"Type": "BadEmailAddress", "Details": ""}, "mailbox"),
        ({"Type": "SoftBounce", "Details": "smtp;552 5.2.2 mailbox full", "Description": ""}, "size"),
        ({"Details": "smtp;550 5.7.1 blocked by our policy", "Description": ""}, "policy"),
        ({"Details": "", "Description": ""}, "mailbox"),
        ({"Type": "SMTPApiError", "Details": ""}, "ours"),
    ],
)
def test_policy_is_told_apart_from_a_dead_mailbox(
    postmark: None, delivery: Delivery, changes: dict[str, str], refusal: str
) -> None:
    assert post("postmark", bounce(delivery.message_id, **changes)).status_code == 200
    assert (now_at(delivery).status, now_at(delivery).refusal) == ("bounced", refusal)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Type": "Transient"}, "delayed"),
        ({"Type": "AutoResponder"}, "automatic"),
        ({"Type": "SpamComplaint", "RecordType": "SpamComplaint"}, "complaint"),
    ],
)
def test_what_is_no_failure_is_only_noted(
    postmark: None, delivery: Delivery, changes: dict[str, str], kind: str
) -> None:
    assert post("postmark", bounce(delivery.message_id, **changes)).status_code == 200
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind == kind


def test_the_recipients_server_has_taken_it(postmark: None, delivery: Delivery) -> None:
    said = delivered(delivery.message_id)
    for _ in range(2):
        assert post("postmark", said).status_code == 200
    found = now_at(delivery)
    assert (found.status, found.taken_how) == ("accepted", "provider")
    assert found.taken_at
    assert Notice.objects.get().kind == "taken"


@pytest.mark.parametrize("record", ["Open", "Click", "SubscriptionChange", "Something"])
def test_who_opens_what_is_nobodys_business(postmark: None, delivery: Delivery, record: str) -> None:
    assert post("postmark", delivered(delivery.message_id, RecordType=record)).status_code == 200
    assert not Notice.objects.exists()


def test_postmark_is_told_which_mail_it_is_and_nobody_else(settings: Settings) -> None:
    settings.SENDING_ENABLED = True

    def named(delivery: Delivery) -> str | None:
        return message_from_bytes(dispatch_emails.covering(delivery), policy=policy.SMTP)["X-PM-Metadata-message"]

    assert named(make_delivery()) is None
    settings.ANYMAIL_PROVIDER = "postmark"
    delivery = make_delivery()
    assert named(delivery) == label(delivery.message_id)
    assert len(label(delivery.message_id)) <= 80


def test_mailgun_names_our_message_id_and_return_address(mailgun: None, delivery: Delivery) -> None:
    said = refused(delivery.message_id, 550, "5.1.1 no such user")
    said["event-data"]["envelope"]["sender"] = returns.address(delivery.pk, 1)
    assert post("mailgun", said).status_code == 200
    assert (now_at(delivery).status, now_at(delivery).refusal) == ("bounced", "mailbox")


def test_said_again_under_another_signature_it_counts_once(mailgun: None, delivery: Delivery) -> None:
    for token in ("t1", "t2"):
        assert post("mailgun", refused(delivery.message_id, 550, "5.1.1 no", token=token)).status_code == 200
    assert Notice.objects.count() == 1


def test_what_is_said_of_an_earlier_attempt_is_only_noted(mailgun: None, delivery: Delivery) -> None:
    Delivery.objects.update(attempts=2)
    said = refused(delivery.message_id, 550, "5.1.1 no such user")
    said["event-data"]["envelope"]["sender"] = returns.address(delivery.pk, 1)
    assert post("mailgun", said).status_code == 200
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().attempt == 1


def test_delayed_is_not_failed(mailgun: None, delivery: Delivery) -> None:
    assert (
        post("mailgun", refused(delivery.message_id, 451, "4.7.1 greylisted", severity="temporary")).status_code == 200
    )
    assert now_at(delivery).status == "accepted"
    assert Notice.objects.get().kind == "delayed"


def test_taken_as_mailgun_says_even_where_nobody_knew(mailgun: None, settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    delivery = at(make_delivery(), DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)
    assert post("mailgun", of_mailgun("delivered", delivery.message_id)).status_code == 200
    assert (now_at(delivery).status, now_at(delivery).taken_how) == ("accepted", "provider")


def test_the_mailbox_and_the_provider_tell_of_one_bounce(postmark: None, delivery: Delivery) -> None:
    mailbox.take_in(report(delivery, "failed", "5.1.1", "no such user"))
    assert post("postmark", bounce(delivery.message_id)).status_code == 200
    assert now_at(delivery).status == "bounced"
    assert Notice.objects.count() == 2


def test_brevo(brevo: None, delivery: Delivery) -> None:
    said = {
        "event": "hard_bounce",
        "email": OFFICE,
        "id": 26224,
        "date": "2026-11-01 14:00:00",
        "ts_epoch": 1604933619000,
        "message-id": delivery.message_id,
        "subject": "An open letter",
        "reason": "550 5.1.1 no such user",
        "tag": "",
    }
    assert post("brevo", said).status_code == 200
    assert (now_at(delivery).status, now_at(delivery).refusal) == ("bounced", "mailbox")


def test_while_a_worker_has_it_in_hand_the_provider_is_to_say_it_again(postmark: None, settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    delivery = at(make_delivery(), DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
    answer = post("postmark", bounce(delivery.message_id))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert not Notice.objects.exists()


# Mails to signers ----------------------------------------------------------------------------------


def test_a_mail_to_a_signer_bounces_and_a_later_one_gets_through(
    postmark: None, signature: Signature, worker: Callable[[], None]
) -> None:
    for say, status in ((bounce, True), (delivered, False)):
        emails.received(signature)
        worker()
        mail = Mail.objects.latest("pk")
        assert sent_mail.outbox[-1].extra_headers["X-PM-Metadata-message"] == label(mail.message_id)
        assert post("postmark", say(mail.message_id)).status_code == 200
        signature.refresh_from_db()
        assert (signature.bounced_at is not None) is status
    assert not Notice.objects.exists()


def test_a_mail_is_found_by_its_return_address_too(
    mailgun: None, signature: Signature, worker: Callable[[], None]
) -> None:
    emails.received(signature)
    worker()
    said = refused("<another@mailgun.example>", 550, "5.7.1 spam")
    said["event-data"]["envelope"]["sender"] = sent_mail.outbox[-1].from_email
    assert post("mailgun", said).status_code == 200
    signature.refresh_from_db()
    assert signature.bounced_for == "policy"
    assert Mail.objects.latest("pk").status == MailStatus.BOUNCED


# Others --------------------------------------------------------------------------------------------


def test_a_mail_that_is_not_ours_is_ignored(postmark: None, delivery: Delivery) -> None:
    Mail.objects.create(key="old", language="en")  # of before mails had a Message-ID in their row
    for said in (
        bounce("<somebody@elses.example>"),
        bounce("", MessageID=""),
        bounce("", MessageID="\x00"),
        bounce("", MessageID=None, Metadata={}),
    ):
        assert post("postmark", said).status_code == 200
    assert now_at(delivery).status == "accepted"
    assert not Notice.objects.exists()


@pytest.mark.parametrize("secret", ["", "hook:wrong", "hook:", ":", "nonsense", "hook:correct-horse2", "п:ж"])
def test_without_the_secret_nobody_is_heard(postmark: None, delivery: Delivery, secret: str) -> None:
    assert post("postmark", bounce(delivery.message_id), secret=secret).status_code == 403
    assert now_at(delivery).status == "accepted"
    assert not Notice.objects.exists()


def test_without_the_signature_nobody_is_heard_either(mailgun: None, delivery: Delivery) -> None:
    for said in (
        of_mailgun("failed", delivery.message_id, key="guessed"),
        {"event-data": refused(delivery.message_id, 550, "no")["event-data"]},
    ):
        assert post("mailgun", said).status_code == 403
    assert post("mailgun", refused(delivery.message_id, 550, "no"), secret="").status_code == 403
    assert now_at(delivery).status == "accepted"


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic /w==", "Bearer x", "Basic aG9vaw=="])
def test_whatever_is_sent_in_place_of_the_secret(postmark: None, header: str) -> None:
    answer = Client().post("/hooks/postmark/tracking/", b"{}", "application/json", headers={"Authorization": header})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"RecordType": "Bounce", "BouncedAt": 7}',
     b'{"RecordType": "Bounce", "Type": []}', b'{"RecordType": "Inbound"}', b"{}"],
)  # fmt: skip
@pytest.mark.parametrize("provider", ["postmark", "mailgun", "brevo"])
def test_what_cant_be_read_breaks_nothing(settings: Settings, provider: str, body: bytes) -> None:
    settings.ANYMAIL_PROVIDER = provider
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}
    assert post(provider, body).status_code in (200, 400, 403)
    assert not Notice.objects.exists()


def test_odd_values_break_nothing(postmark: None, delivery: Delivery) -> None:
    for said in (
        bounce(delivery.message_id, Details="\x00\u2028" * 3000, Description=["no"], BouncedAt="2099-01-01T00:00:00Z"),
        delivered(delivery.message_id, DeliveredAt="2026-11-01T16:33:54", Metadata={"message": ["x"]}),
        delivered(delivery.message_id, DeliveredAt="2026-11-01T16:33:54", Metadata=[1]),
        delivered(delivery.message_id, DeliveredAt="2026-11-01T16:33:54"),
    ):
        assert post("postmark", said).status_code in (200, 400)
    assert now_at(delivery).status == "bounced"


def test_the_address_is_there_for_the_provider_that_is_configured_alone(settings: Settings, mailgun: None) -> None:
    assert post("postmark", {}).status_code == 404
    assert Client().get("/hooks/mailgun/tracking/").status_code == 405
    assert Client().head("/hooks/mailgun/tracking/").status_code == 200
    settings.ANYMAIL_PROVIDER = ""
    assert post("mailgun", {}).status_code == 404
    assert Client().post("/hooks//tracking/").status_code == 404


def test_no_log_names_an_address(
    postmark: None,
    delivery: Delivery,
    signature: Signature,
    worker: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    emails.received(signature)
    worker()
    mail = Mail.objects.latest("pk")
    post("postmark", bounce(delivery.message_id))
    post("postmark", bounce(mail.message_id, Type="SMTPApiError", Email=signature.email))
    post("postmark", bounce(mail.message_id, Email=signature.email), secret="hook:wrong")
    post("postmark", b"{" + signature.email.encode())
    assert caplog.records
    said = caplog.text
    assert signature.email not in said
    assert OFFICE not in said
    assert delivery.address not in said
