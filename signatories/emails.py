"""Every mail to a signer, one function each, in the signer's language. Each returns whether it was queued.

None names the organisation: its name may be withheld, and a stranger who typed it writes no line of ours. One about a
withheld signature names neither letter nor site: whoever looks over the reader's shoulder learns nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from letters.differences import differences
from letters.models import Version
from mailing.services import in_outbox, queue
from publishing.models import Mirror
from signatories import links
from signatories.models import Correction, Handover, Question, Signature
from signatories.queries import Copy, reasons, text_of

MAILS_A_DAY = 3  # to one mailbox, by strangers' doing
AFTER_A_FORM = ("confirm", "already")  # written by whoever sends them: the signer waits for a page
# What a withheld signature's mails say, by the mail that another would get; the rest say that there is news.
NEUTRAL = {
    "confirm": "neutral_confirm",
    "reminder": "neutral_reminder",
    "already": "neutral_already",
    "handover_offered": "neutral_take_over",
    "handover_told": "neutral_told",
}


def confirm(signature: Signature, *, again: bool = False) -> bool:
    """The link that confirms; not once more for a form that was sent `again`."""
    link: dict[str, Any] = {"link": links.confirm_url(signature), "days": links.CONFIRM_WITHIN.days}
    return _queue_limited(signature, "confirm", again, stop_link=links.url(signature, "no_reminders"), **link)


def reminder(signature: Signature, *, until: datetime) -> bool:
    """Once, to somebody who has not confirmed; `until` is when what was stated is deleted."""
    stop = links.url(signature, "no_reminders")
    context: dict[str, Any] = {"link": links.confirm_url(signature), "until": until, "stop_link": stop}
    return _may_be_told(signature) and _queue_limited(signature, "reminder", **context)


def already(signature: Signature, *, again: bool = False) -> bool:
    """To somebody who signs again what is signed already: where it stands."""
    return _queue_limited(signature, "already", again, link=links.own_url(signature))


def received(signature: Signature) -> bool:
    """Where it stands from now on, and the link to keep in case the name becomes dangerous."""
    context = {"link": links.own_url(signature), "withdraw_link": links.withdraw_url(signature)}
    return _queue(signature, "received", **context)


def approved(signature: Signature) -> bool:
    return _queue(signature, "approved", link=links.own_url(signature), letter_url=_letter_url(signature))


def rejected(signature: Signature) -> bool:
    return _queue(signature, "rejected", link=links.own_url(signature))


def question(signature: Signature, asked: Question) -> bool:
    """What staff want to know, in their own words, and the page on which it is answered."""
    key = f"question:{asked.pk}"
    return _put(signature, "question", key, {"link": links.answer_url(signature), "question": asked})


def withdrawn(signature: Signature, copies: Sequence[Copy] = ()) -> bool:
    """What can't be called back: the copies that were delivered, and the mirrors that follow in a moment."""
    mirrors = [mirror.address for mirror in Mirror.objects.public()]
    return _queue(signature, "withdrawn", link=links.own_url(signature), copies=copies, mirrors=mirrors)


def published(signature: Signature) -> bool:
    """The letter is public now; to those who were approved before."""
    context = {"link": links.own_url(signature), "letter_url": _letter_url(signature)}
    return _tell(signature, "published", published_key(signature.pk), **context)


def published_key(pk: int) -> str:
    return f"published:{pk}"


def delivered(signature: Signature, *, edition: int, key: str, record_url: str, pdf_url: str) -> bool:
    """An edition that names or counts the signature has gone out; `pdf_url` is empty where its PDFs are not public."""
    context = {"link": links.own_url(signature), "edition": edition, "record_url": record_url, "pdf_url": pdf_url}
    return _tell(signature, "delivered", key, **context)


def text_changed(signature: Signature, version: Version) -> bool:
    """The meaning is not what was signed: why, what is different, and until when the signature can be kept."""
    letter, language = signature.letter, signature.language
    context = {
        "link": links.keep_url(signature),
        "reasons": reasons(letter, since=signature.version, language=language),
        "differences": differences(text_of(signature.version, language), text_of(letter.version, language)),
        "keep_until": version.keep_until,
    }
    return _tell(signature, "text_changed", f"text-changed:{signature.pk}:{version.number}", **context)


def lapsed(signature: Signature, version: Version) -> bool:
    """Nothing was heard; and how to come back."""
    key = f"lapsed:{signature.pk}:{version.number}"
    return _tell(signature, "lapsed", key, link=links.keep_url(signature), keep_until=version.keep_until)


def new_link(signature: Signature) -> bool:
    """After the earlier links were made worthless, but for the one that withdraws."""
    context = {"link": links.own_url(signature), "withdraw_link": links.withdraw_url(signature)}
    return _queue(signature, "new_link", **context)


def correction_accepted(correction: Correction) -> bool:
    signature = correction.signature
    return _queue(signature, "correction_accepted", link=links.own_url(signature), correction=correction)


def correction_declined(correction: Correction) -> bool:
    signature = correction.signature
    return _queue(signature, "correction_declined", link=links.own_url(signature))


def handover_offered(handover: Handover) -> bool:
    """To the new representative: whether they take it on."""
    context: dict[str, Any] = {"link": links.take_over_url(handover), "days": links.TAKE_OVER_WITHIN.days}
    name, to = "handover_offered", (handover.email, handover.language)
    return _queue_limited(handover.signature, name, mailbox=handover.mailbox, to=to, **context)


def handover_told(signature: Signature, *, to: str, language: str) -> bool:
    """To the representative that was: their links are dead now."""
    return _put(signature, "handover_told", _key(signature, "handover_told"), {}, to=(to, language))


def code(code: str, *, mailbox: str, to: str, language: str, is_demonstration: bool, by_link: bool = False) -> bool:
    """The code that opens the list of what was signed; empty where nothing was, and the mail says so.

    One that was asked for `by_link`, as no stranger can, counts apart from what strangers cause.
    """
    path = "code" if code else "neutral_code"
    with translation.override(language):
        secret_link = f"{settings.PUBLIC_URL}{reverse('signatures:secret')}"
    return any(
        queue(
            key=key,
            to=to,
            sender="" if code else settings.NEUTRAL_FROM,
            language=language,
            template=f"emails/signatories/{path}.txt",
            context={"code": code, "secret_link": secret_link},
            is_demonstration=is_demonstration,
        )
        for key in _places(mailbox, of="by-link" if by_link else "signing")
    )


def _tell(signature: Signature, name: str, key: str, **context: Any) -> bool:
    """Once for each `key`, and only where it is safe to write."""
    return _may_be_told(signature) and _put(signature, name, key, context)


def _may_be_told(signature: Signature) -> bool:
    """Nobody whose contact was deleted; nor a withheld one whose mailbox may be in other hands."""
    return signature.forgotten_at is None and not (signature.is_withheld and signature.is_locked)


def _queue(signature: Signature, name: str, **context: Any) -> bool:
    return _put(signature, name, _key(signature, name), context)


def _queue_limited(
    signature: Signature,
    name: str,
    again: bool = False,
    *,
    mailbox: str = "",
    to: tuple[str, str] | None = None,
    **context: Any,
) -> bool:
    """At most `MAILS_A_DAY` a mailbox and UTC day."""
    places = _places(mailbox or signature.mailbox, again=again)
    return any(_put(signature, name, place, context, to=to) for place in places)


def _places(mailbox: str, *, again: bool = False, of: str = "signing") -> list[str]:
    """The keys to try: each mail takes one of as many places as a mailbox has in a day.

    Asking for a place that is taken queues nothing: so the database is asked the same, whether there is a mail or not.
    """
    day = f"{of}:{mailbox[:32]}:{timezone.now().date()}"
    places = [f"{day}:{place}" for place in range(MAILS_A_DAY)]
    taken = in_outbox(places)
    free = [place for place in places if place not in taken]
    return sorted(taken)[:1] if taken and (again or not free) else free


def _key(signature: Signature, name: str) -> str:
    return f"{name}:{signature.pk}:{timezone.now().isoformat()}"


def _put(
    signature: Signature, name: str, key: str, context: dict[str, Any], *, to: tuple[str, str] | None = None
) -> bool:
    """Into the outbox, for the signer or for `to` (address and language); nothing where there is no address."""
    address, language = to or (signature.email, signature.language)
    about, is_later = "" if to else signature.addressed_as, name in AFTER_A_FORM
    if not address:
        return False
    if signature.is_withheld:
        name, sender = NEUTRAL.get(name, "neutral"), settings.NEUTRAL_FROM
        link = context.get("link") or links.own_url(signature)
        context = {"link": link, **{name: context.get(name) for name in ("days", "stop_link")}}
    else:
        sender = ""
        about_it = _plain(signature, language) if is_later else {"signature": signature, "letter": signature.letter}
        context = {**about_it, **context}
    return queue(
        key=key,
        to=address,
        sender=sender,
        about=about,
        language=language,
        template=f"emails/signatories/{name}.txt",
        context=context,
        is_demonstration=signature.letter.is_demonstration,
        written_later=is_later,
    )


def _plain(signature: Signature, language: str) -> dict[str, Any]:
    """What the mails after a form say of it, as JSON holds it."""
    letter = signature.letter
    with translation.override(language):
        said = {"title": letter.title, "contact_name": letter.contact_name, "contact_email": letter.contact_email}
    return {"signature": {"kind": signature.kind}, "letter": said}


def _letter_url(signature: Signature) -> str:
    with translation.override(signature.language):
        return f"{settings.PUBLIC_URL}{reverse('letter', kwargs={'slug': signature.letter.slug})}"
