"""An outbox for mail to people: `queue` it with what it tells of, and a worker sends it after the commit."""

import logging
import smtplib
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ledger.bell import ring
from ledger.services import Overtaken, insert_if_absent, move
from mailing import provider, relay, returns, signals
from mailing.html import html_of
from mailing.models import Mail
from mailing.refusals import Refusal, refusal_of
from mailing.states import MailStatus
from mailing.writing import write

LEASE = timedelta(minutes=5)
SHIFT = timedelta(minutes=1)  # how long one task sends
AT_ONCE = 500  # keys in one question, mails in one task
WITH_KEYS = f"SELECT key FROM {Mail._meta.db_table} WHERE key IN"  # noqa: S608 - a name of ours
# Of a mail that is over: it may hold a link that signs.
FORGOTTEN: dict[str, Any] = {"to": "", "text": "", "template": "", "context": {}}
log = logging.getLogger(__name__)
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))


class Unsendable(Exception):
    """A mail that can't be read or put together: which, what kind of trouble, and where in the code.

    Never the words of the trouble: they may be those of the mail.
    """

    def __init__(self, pk: int, trouble: Exception) -> None:
        place = traceback.extract_tb(trouble.__traceback__)[-1]
        super().__init__(f"Mail {pk}: {type(trouble).__name__} at {place.filename}:{place.lineno}")


def queue(
    *,
    key: str,
    to: str,
    language: str,
    template: str,
    context: Mapping[str, Any],
    is_demonstration: bool,
    sender: str = "",
    about: str = "",
    written_later: bool = False,
) -> bool:
    """Put a mail into the outbox, written in `language`; False if the mail of that key is there already.

    The first line of `template` is the subject. It comes from `MAIL_FROM`, unless `sender` says otherwise. `about` says
    to the caller's app whom it goes to, when it comes back (`mailing.signals`). Where somebody waits for an answer, it
    is `written_later`, by whoever sends it: then `context` is of what JSON holds.
    """
    from mailing import tasks

    given = {**context, "is_demonstration": is_demonstration}
    content = (
        {"template": template, "context": given}
        if written_later
        else {"text": write(template, given, language=language)}
    )
    mail = Mail(
        key=key,
        to=to,
        sender=sender,
        about=about,
        message_id=_message_id(key),
        language=language,
        is_demonstration=is_demonstration,
        **content,
    )
    if not insert_if_absent(mail):
        return False
    ring(tasks.send_waiting)
    return True


def in_outbox(keys: Iterable[str]) -> set[str]:
    """Those of `keys` under which there is a mail, waiting or long sent."""
    listed = list(keys)
    found: set[str] = set()
    for start in range(0, len(listed), AT_ONCE):
        some = listed[start : start + AT_ONCE]
        with connection.cursor() as cursor:  # for every form that is posted: Django takes longer to put it together
            cursor.execute(f"{WITH_KEYS} ({', '.join(['%s'] * len(some))})", some)
            found.update(key for (key,) in cursor.fetchall())
    return found


def send_waiting() -> None:
    """Hand over what waits; where that is much, somebody else helps, or goes on when this has taken long enough."""
    from mailing import tasks

    now = timezone.now()
    waiting = list(Mail.objects.due(now).values_list("pk", flat=True)[:AT_ONCE])
    if len(waiting) > 1:
        ring(tasks.send_waiting)
    troubles = []
    for pk in waiting:
        if timezone.now() > now + SHIFT:
            break
        try:
            send(Mail.objects.get(pk=pk))
        except Exception as trouble:  # it must not hold up the rest
            troubles.append(Unsendable(pk, trouble))
            _put_off_undeciphered(pk)
    if troubles:
        raise ExceptionGroup("Mails that could not be sent", troubles)


def send(mail: Mail) -> None:
    """Hand `mail` to the relay, if it is still waiting. It is tried again when the relay can't take it now.

    Or when it can't be put together; then what stands in the way is raised.
    """
    if not _claim(mail):
        return
    with suppress(Overtaken):  # our lease ran out, and somebody else has it or had it
        try:
            relay.check(is_demonstration=mail.is_demonstration)
            _message(mail).send()
        except relay.NotForDemonstrations:
            _give_up(mail)
        except smtplib.SMTPRecipientsRefused as refusal:
            _refused(mail, refusal)
        except (smtplib.SMTPException, OSError):
            _retry(mail)
        except Exception:
            _retry(mail)
            raise
        else:  # whoever has it by now
            move(mail, MailStatus.SENT, by=None, sent_at=timezone.now(), **FORGOTTEN)


def came_back(mail: Mail, refusal: Refusal) -> None:
    """A notice says that `mail` could not be brought to its address; a second notice says nothing new.

    Where it is our own server that is not liked, nothing is said of the address. Raises `Overtaken` while the mail is
    in hand: then it is to be told again later.
    """
    if mail.status in (MailStatus.QUEUED, MailStatus.CLAIMED):
        raise Overtaken(f"Mail {mail.pk} is {mail.status}")
    if mail.status == MailStatus.SENT:
        _bounce(mail, refusal)
    if refusal == Refusal.OURS:
        log.error("A mail came back because of our own mail server or sender: look into its log.")


def got_through(mail: Mail) -> None:
    """The server of the address has taken `mail`."""
    if mail.status == MailStatus.SENT:
        signals.got_through.send(Mail, mail=mail)


def sweep() -> None:
    """Ring for what waits, and free what a killed worker had claimed."""
    from mailing import tasks

    now = timezone.now()
    for mail in Mail.objects.abandoned(now).defer(*FORGOTTEN):
        with suppress(Overtaken):
            _retry(mail)
    if Mail.objects.due(now).exists():
        ring(tasks.send_waiting)


def _claim(mail: Mail) -> bool:
    """Make the mail ours for the length of a lease; False where it is not due or somebody else's."""
    if mail.status != MailStatus.QUEUED:
        return False
    now = timezone.now()
    try:
        move(
            mail, MailStatus.CLAIMED, by=None, attempts=mail.attempts + 1, lease_until=now + LEASE,
            only_if={"not_before__lte": now, "attempts": mail.attempts},
        )  # fmt: skip
    except Overtaken:
        return False
    return True


def _put_off_undeciphered(pk: int) -> None:
    """One that is still due, for it could not even be read: it counts as tried."""
    for mail in Mail.objects.due(timezone.now()).filter(pk=pk).defer(*FORGOTTEN):
        if _claim(mail):
            _retry(mail)


def _message(mail: Mail) -> EmailMultiAlternatives:
    sender = mail.sender or settings.MAIL_FROM
    subject, body = mail.written
    message = EmailMultiAlternatives(
        subject,
        body,
        from_email=returns.beside(parseaddr(sender)[1], returns.of_mail(mail.pk)),  # of the envelope
        to=[mail.to],
        headers={
            "From": sender,
            "Message-ID": mail.message_id,
            "Content-Language": mail.language,
            "Auto-Submitted": "auto-generated",
            **provider.identity(mail.message_id),
        },
    )
    message.attach_alternative(html_of(body, subject=subject, language=mail.language), "text/html")
    return message


def _message_id(key: str) -> str:
    """Django's own would name this machine."""
    digest = salted_hmac("mailing.message", key).hexdigest()[:32]
    return f"<{digest}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _refused(mail: Mail, refusal: smtplib.SMTPRecipientsRefused) -> None:
    """At RCPT, so that nothing but the address was looked at. There is one recipient."""
    [(code, said)] = refusal.recipients.values()
    why = refusal_of(said.decode(errors="replace") if isinstance(said, bytes) else str(said))
    if 400 <= code < 500:
        _retry(mail)
    elif why == Refusal.OURS:
        _give_up(mail)
    else:
        _bounce(mail, why)


def _bounce(mail: Mail, refusal: Refusal) -> None:
    with transaction.atomic():
        move(mail, MailStatus.BOUNCED, by=None, **FORGOTTEN)
        if refusal != Refusal.OURS:
            signals.came_back.send(Mail, mail=mail, refusal=refusal)


def _retry(mail: Mail) -> None:
    """Raises `Overtaken` where another attempt than this one is under way."""
    if mail.attempts > len(RETRIES):
        _give_up(mail)
    else:
        wait = RETRIES[mail.attempts - 1]
        ours = {"attempts": mail.attempts}
        move(mail, MailStatus.QUEUED, by=None, only_if=ours, not_before=timezone.now() + wait)


def _give_up(mail: Mail) -> None:
    """Raises `Overtaken` where another attempt than this one is under way."""
    move(mail, MailStatus.FAILED, by=None, only_if={"attempts": mail.attempts}, **FORGOTTEN)
