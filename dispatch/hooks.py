"""What a provider of mail calls us to say of a mail: heard in the same way as what comes back to the mailbox.

The provider's own formats are read by django-anymail. Letters are not sent through it. It is large, and in memory only
where a provider calls: `dispatch.views.tracking` loads this.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from anymail import signals
from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dispatch import returns
from dispatch.incoming import Incoming
from dispatch.models import Notice
from dispatch.services import mailbox
from dispatch.transcript import printable
from mailing.provider import message_id_of
from mailing.refusals import STATUS, Refusal, refusal_of
from mailing.returns import mail_in

VIEWS: dict[str, type[AnymailCoreWebhookView]] = {
    "brevo": BrevoTrackingWebhookView,
    "mailgun": MailgunTrackingWebhookView,
    "postmark": PostmarkTrackingWebhookView,
}
KINDS = {
    EventType.DELIVERED: Notice.Kind.TAKEN,
    EventType.DEFERRED: Notice.Kind.DELAYED,
    EventType.BOUNCED: Notice.Kind.FAILED,
    EventType.REJECTED: Notice.Kind.FAILED,
    EventType.FAILED: Notice.Kind.FAILED,
    EventType.COMPLAINED: Notice.Kind.COMPLAINT,
    EventType.AUTORESPONDED: Notice.Kind.AUTOMATIC,
}
# Why the provider itself would not pass a mail on. What a recipient's server said is read like any other answer.
BY_PROVIDER = {
    RejectReason.INVALID: Refusal.MAILBOX,
    RejectReason.BOUNCED: Refusal.MAILBOX,
    RejectReason.BLOCKED: Refusal.POLICY,
    RejectReason.SPAM: Refusal.POLICY,
    RejectReason.UNSUBSCRIBED: Refusal.POLICY,
}
STUMBLES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)  # over what is no event
LONGEST = 200_000  # characters of what is looked through
log = logging.getLogger(__name__)


def called(request: HttpRequest, provider: str) -> HttpResponse:
    """What it should say again later is answered with 503."""
    try:
        answer: HttpResponse = _view(VIEWS[provider])(request)
    except AnymailWebhookValidationFailure:
        log.warning("Somebody called the address of %s without its secret or its signature.", provider)
        return HttpResponse(status=403)
    except Unreadable:
        log.warning("What %s said can’t be read.", provider)
        return HttpResponse(status=400)
    except mailbox.NotYet:
        return HttpResponse(status=503, headers={"Retry-After": "60"})
    return answer


class Unreadable(Exception):
    """It is not in the provider's format."""


@receiver(signals.tracking)
def hear(sender: type, event: AnymailTrackingEvent, esp_name: str, **_: object) -> None:
    """One event of the signal `anymail.signals.tracking`. What was opened or clicked is nobody's business."""
    if event.event_type in KINDS:
        mailbox.hear(_understood(event, esp_name))


def _view(of_provider: type[AnymailCoreWebhookView]) -> Any:
    class Hook(of_provider):
        def run_validators(self, request: HttpRequest) -> None:
            try:
                super().run_validators(request)
            except STUMBLES as trouble:
                raise Unreadable from trouble

        def parse_events(self, request: HttpRequest) -> list[Any]:
            try:
                return list(super().parse_events(request))
            except (AnymailConfigurationError, *STUMBLES) as trouble:
                raise Unreadable from trouble

    return Hook.as_view()


def _understood(event: AnymailTrackingEvent, provider: str) -> Incoming:
    whole = json.dumps(_without_signature(event.esp_event), sort_keys=True, default=str)
    said = printable(" ".join(map(str, filter(None, (event.mta_response, event.description)))))
    status = STATUS.search(said)
    return Incoming(
        key=hashlib.sha256(f"{provider} {whole}".encode(errors="replace")).hexdigest(),
        kind=KINDS[event.event_type],
        is_vouched=True,
        answers=list(_message_ids(event)),
        token=returns.read(whole[:LONGEST]),
        mail=mail_in(whole[:LONGEST]),
        status=status[0] if status else "",
        said=said,
        at=_past(event.timestamp),
        refusal=_refusal(event, said),
    )


def _past(stated: datetime | None) -> datetime | None:
    return stated if stated and stated.tzinfo and stated <= timezone.now() else None


def _refusal(event: AnymailTrackingEvent, said: str) -> Refusal | None:
    if event.event_type == EventType.FAILED:
        return Refusal.OURS
    if event.event_type == EventType.REJECTED:
        return BY_PROVIDER.get(event.reject_reason, Refusal.OTHER)
    found = refusal_of(said)
    return BY_PROVIDER.get(event.reject_reason, found) if found == Refusal.OTHER else found


def _message_ids(event: AnymailTrackingEvent) -> Iterable[str]:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    stated = (event.message_id, message_id_of(metadata, host))
    return (printable(text) for text in stated if isinstance(text, str) and text)


def _without_signature(esp_event: Any) -> Any:
    """What a provider says again it signs anew."""
    return {key: value for key, value in dict(esp_event).items() if key != "signature"}
