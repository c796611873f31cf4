"""What a mail that came back to us says: a failure, a delay, a notice that it was taken, an automatic answer, a reply.

It was written by strangers, so nothing in it is trusted but our own signed token, and nothing in it may break the
reader: only its first megabyte is parsed, nesting is looked at before, and every text is made one printable line.
"""

import codecs
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, TypeVar

from django.core.exceptions import SuspiciousOperation
from django.utils import timezone
from django.utils.html import strip_tags

from dispatch import returns
from dispatch.models import Notice
from dispatch.transcript import printable
from mailing.refusals import Refusal, refusal_of
from mailing.returns import mail_in

T = TypeVar("T")
PARSED = 1024 * 1024  # bytes
NESTED = 40  # mentions of a boundary; more than that is made to hurt
PARTS = 50
TEXT = 100_000  # characters

NO_CHARSETS = ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem")
ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x20\x7f]{1,250}>")
ABSENT = re.compile(
    r"^(out of (the )?office|auto(matic)?[ -]?(reply|response)|автоответ|автоматический ответ"
    r"|аўтаадказ|аўтаматычны адказ)",
    re.IGNORECASE,
)
UNDELIVERED = re.compile(r"undeliver|deliver\w* (status|failure)|returned mail|failure notice", re.IGNORECASE)
ACTIONS = {  # RFC 3464, 2.3.3
    "failed": Notice.Kind.FAILED,
    "delayed": Notice.Kind.DELAYED,
    "delivered": Notice.Kind.TAKEN,
    "relayed": Notice.Kind.TAKEN,
    "expanded": Notice.Kind.TAKEN,
}


@dataclass(frozen=True)
class Incoming:
    """One mail, understood as far as that goes. `token` names a delivery and its attempt, `mail` one of the outbox.

    `answers` are the Message-IDs that it refers to, the nearest first. A provider vouches for what it says itself, and
    may give the `refusal` in its own words.
    """

    key: str
    kind: Notice.Kind = Notice.Kind.UNCLEAR
    token: tuple[int, int] | None = None
    mail: int | None = None
    answers: list[str] = field(default_factory=list)
    status: str = ""
    said: str = ""
    server: str = ""
    at: datetime | None = None
    sender: str = ""
    subject: str = ""
    text: str = ""
    is_vouched: bool = False
    refusal: Refusal | None = None

    @property
    def why(self) -> Refusal:
        """Why it failed, out of what is said."""
        return self.refusal or refusal_of(f"{self.status} {self.said}")


def understand(raw: bytes) -> Incoming:
    """Whatever `raw` is. What the parser of the standard library stumbles over is unclear, and people read it."""
    for understood in (_understand, _understand_head):
        with contextlib.suppress(Exception):  # it stumbles in many ways: no reason to stop reading the mailbox
            return understood(raw)
    return Incoming(key=hashlib.sha256(raw).hexdigest())


def _understand_head(raw: bytes) -> Incoming:
    """To whom it belongs, at least."""
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[:PARSED])
    stated = _addressed(message, {})
    token, mail = _first(returns.read, stated), _first(mail_in, stated)
    return Incoming(key=_key(message, raw), token=token, mail=mail, answers=_answers(message))


def _understand(raw: bytes) -> Incoming:
    message = _parsed(raw[:PARSED])
    report = _report(message)
    kind = _kind(message, report)
    texts = (_text_of(message) if kind == Notice.Kind.REPLY else "")[:TEXT]
    stated = _addressed(message, report)
    return Incoming(
        key=_key(message, raw),
        kind=kind,
        token=_first(returns.read, stated),
        mail=_first(mail_in, stated),
        answers=_answers(message),
        status=_line(report.get("status"))[:20],
        said=_line(report.get("diagnostic-code")),
        server=_line(report.get("remote-mta") or report.get("reporting-mta")).rpartition(";")[2].strip()[:255],
        at=_date(message),
        sender=_header(message, "From"),
        subject=_header(message, "Subject"),
        text=texts,
    )


def _parsed(raw: bytes) -> Message:
    is_nested = raw.lower().count(b"boundary") > NESTED
    return (BytesHeaderParser if is_nested else BytesParser)(policy=policy.compat32).parsebytes(raw)


def _key(message: Message, raw: bytes) -> str:
    """Of the mail as its sender named it, so that a copy that took another way is the same one."""
    named = str(message.get("Message-ID", "")).strip()
    return hashlib.sha256(named.encode(errors="replace") if named else raw).hexdigest()


# What it is ---------------------------------------------------------------------------------------


def _kind(message: Message, report: dict[str, str]) -> Notice.Kind:
    if action := report.get("action"):
        return ACTIONS.get(action.strip().lower(), Notice.Kind.UNCLEAR)
    if report or _is_from_a_mail_server(message):
        return Notice.Kind.UNCLEAR
    return Notice.Kind.AUTOMATIC if _is_automatic(message) else Notice.Kind.REPLY


def _report(message: Message) -> dict[str, str]:
    """The fields of the report on a delivery (RFC 3464), those of the mail and of its first recipient together."""
    for part in _parts(message):
        if part.get_content_type() == "message/delivery-status":
            blocks: Any = part.get_payload()
            fields: dict[str, str] = {"is": "report"}
            for block in blocks[:PARTS] if isinstance(blocks, list) else []:
                fields = {name.lower(): str(value) for name, value in block.items()} | fields
            return fields
    return {}


def _is_from_a_mail_server(message: Message) -> bool:
    local = parseaddr(_header(message, "From"))[1].partition("@")[0].lower()
    from_nobody = str(message.get("Return-Path", "")).strip() == "<>"
    return local in ("mailer-daemon", "postmaster") or (
        from_nobody and bool(UNDELIVERED.search(_header(message, "Subject")))
    )


def _is_automatic(message: Message) -> bool:
    """RFC 3834, and what older programs say."""
    submitted = str(message.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    return (
        submitted != "no"
        or any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"))
        or str(message.get("Precedence", "")).strip().lower() in ("bulk", "junk", "auto_reply")
        or str(message.get("Return-Path", "")).strip() == "<>"
        or any(part.get_content_type() == "message/disposition-notification" for part in _parts(message))
        or bool(ABSENT.search(_header(message, "Subject")))
    )


# What it belongs to -------------------------------------------------------------------------------


def _addressed(message: Message, report: dict[str, str]) -> list[str]:
    """Where a token of ours may stand."""
    values = [str(value)[:4000] for name in ENVELOPE for value in (message.get_all(name) or [])[:PARTS]]
    return [*values, report.get("original-envelope-id", "")[:4000]]


def _first(read: Callable[[str], T | None], texts: Iterable[str]) -> T | None:
    return next((found for text in texts if (found := read(text)) is not None), None)


def _answers(message: Message) -> list[str]:
    """What a reply answers stands last in its references. A report holds the head of the mail that it is about."""
    found: list[str] = []
    for name in ("In-Reply-To", "References"):
        found += reversed(MESSAGE_ID.findall(str(message.get(name, ""))[:8000]))
    for part in list(_parts(message))[1:]:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            inner: Any = part.get_payload()
            head = str(inner[0].get("Message-ID", "")) if isinstance(inner, list) and inner else str(inner)
            found += MESSAGE_ID.findall(head[:8000])
    return found[:PARTS]


# Its parts ----------------------------------------------------------------------------------------


def _parts(message: Message) -> Iterator[Message]:
    """Its own, and nothing of a mail that it only encloses: somebody may pass a notice on, or send one back."""
    waiting, number = [message], 0
    while waiting and number < PARTS:
        part = waiting.pop(0)
        yield part
        number += 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            enclosed: Any = part.get_payload()
            waiting = [*enclosed[:PARTS], *waiting]


def _header(message: Message, name: str) -> str:
    """Decoded, whatever encoding it claims to be in."""
    value = str(message.get(name, ""))[:4000]
    try:
        pieces = decode_header(value)
    except (ValueError, HeaderParseError):
        return _line(value)
    return _line("".join(_decoded(piece, charset) for piece, charset in pieces))


def _decoded(piece: str | bytes, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    try:
        return piece.decode(_known(charset or "utf-8"), errors="replace")
    except (LookupError, ValueError):
        return piece.decode("utf-8", errors="replace")


def _known(charset: str) -> str:
    """No mail is written in what Python can decode besides, and some of that takes a minute for a megabyte."""
    return "utf-8" if codecs.lookup(charset).name in NO_CHARSETS else charset


def _line(text: object) -> str:
    return printable(str(text or ""))


def _text_of(message: Message) -> str:
    """The first plain text, or the first HTML without its tags."""
    for wanted in ("text/plain", "text/html"):
        for part in _parts(message):
            if part.get_content_type() == wanted and part.get_content_disposition() != "attachment":
                payload = part.get_payload(decode=True)
                text = _decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset())[:TEXT]
                return _plain(_without_tags(text) if wanted == "text/html" else text)
    return ""


def _without_tags(text: str) -> str:
    try:
        return strip_tags(text)
    except SuspiciousOperation:  # it is made to hurt: people read the mail itself
        return ""


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable() or character in "\n\t").strip()


def _date(message: Message) -> datetime | None:
    """When our own mail server had it, which writes its line on top; else when it was written, as it says."""
    received = str(message.get("Received", ""))[:2000].rpartition(";")[2]
    return _past(received) or _past(str(message.get("Date", "")))


def _past(text: str) -> datetime | None:
    """If that can be."""
    try:
        stated = parsedate_to_datetime(" ".join(text.split())[:200])
        return stated if stated.tzinfo and stated <= timezone.now() else None
    except (TypeError, ValueError, OverflowError):
        return None
