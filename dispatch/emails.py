"""The mail that carries a letter to an office: the same bytes for a delivery, however often it is tried."""

import hashlib
from binascii import b2a_qp
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from functools import cached_property, lru_cache
from string import Formatter

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from dispatch import pdf, seal
from dispatch.content import organisations_in
from dispatch.encoded import Attached, filled
from dispatch.models import Channel, Covering, Delivery, EditionFile, Recipient, Wording
from dispatch.twin import twin
from mailing.provider import identity
from mailing.services import queue
from mailing.writing import one_line

# What stands above each part of a mail, as MIME has it (RFC 2046, 5.1).
TOP = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{}"\r\n'
TEXT = "\r\n--{}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
PDF = (
    "\r\n--{}\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="{}"\r\n\r\n'
)


class Unfit(Exception):
    """No mail can be made of it until somebody mends text, address or file. Says what, without any address.

    Said in the language that is active when it is shown, not in the one that the mail is put together in.
    """


@dataclass(frozen=True)
class Mail:
    """A mail in `pieces` that are it, byte for byte; and its `own` part alone, with the places of the PDFs in it."""

    pieces: tuple[bytes, ...]
    own: bytes
    attached: tuple[Attached, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces:
            digest.update(piece)
        return digest.hexdigest()


def covering(delivery: Delivery) -> bytes:
    """The whole mail of `frozen`."""
    return b"".join(frozen(delivery).pieces)


def frozen(delivery: Delivery, *, files: Iterable[EditionFile] | None = None) -> Mail:
    """The whole mail as it is frozen: covering text and sealed PDF in the delivery's language, and the PDF in English.

    `files` are those of the edition, where they are at hand. Raises `Unfit`, also where these are not the bytes that
    were frozen: what nobody looked at is not sent.
    """
    try:
        wording = delivery.wording
    except Wording.DoesNotExist:
        raise Unfit(_("The mail was never put together.")) from None
    mail = _mail(delivery, wording, files)
    if mail.sha256 != wording.sha256:
        raise Unfit(_("The mail is not the one that was frozen when it was put together."))
    return mail


def put_together(delivery: Delivery, *, at: datetime) -> Wording:
    """What `delivery` says as the rows are now, to be frozen; not saved. A mail is dated `at`. Raises `Unfit`."""
    wording = words(delivery)
    wording.delivery = delivery
    wording.put_together_at = at.replace(microsecond=0)
    if delivery.is_mail:
        wording.sha256 = _mail(delivery, wording).sha256
    return wording


def words(delivery: Delivery, *, twins: dict[str, str] | None = None) -> Wording:
    """The same for no delivery yet, without date and SHA-256. Raises `Unfit`.

    The covering text may hold {salutation}, {letter_title}, {count}, {reference}, {edition_url} and {contact}. `twins`
    keeps the letter's text by language, where many deliveries of an edition are looked at.
    """
    edition, language = delivery.edition, delivery.language
    twins = {} if twins is None else twins
    if language not in twins:
        twins[language] = twin(edition, language)
    wording = Wording(
        title=one_line(_in(delivery.recipient, "title", language)),
        reply_to=edition.content["contact_email"],
        salutation=_in(delivery.recipient, "salutation", language),
    )
    if delivery.is_mail:
        with translation.override(language):
            wording.sender = settings.DISPATCH_FROM
            wording.subject, wording.covering = _subject(delivery), _covering(delivery)
            wording.letter = twins[language]
            _headers(delivery, wording, at=edition.cut_at)  # an address that is none makes a mail unfit, too
    else:
        is_post = delivery.channel == Channel.POST
        wording.address_block = delivery.address if is_post else _in(delivery.recipient, "address_block", language)
        if delivery.channel == Channel.WEB:
            wording.letter = _to_paste(twins[language])
        elif missing := pdf.without_glyph(wording.address_block + wording.salutation):
            reason = _("No font has what stands in the address or the salutation: {characters}.")
            raise Unfit(format_lazy(reason, characters=", ".join(missing)))
    wording.files = [{"language": file.language, "sha256": file.sha256, "size": file.size} for file in _files(delivery)]
    return wording


def term_is_over(delivery: Delivery, user: User) -> bool:
    """To a campaigner, on the day after the last one that the law gives an office to answer."""
    letter = delivery.edition.letter
    with translation.override(user.language):
        context = {
            "letter": letter,
            "office": delivery.recipient.title,
            "since": delivery.registered_on,
            "due": delivery.answer_due_on,
            "source": delivery.recipient.term_source,
            "link": settings.PUBLIC_URL + reverse("desk:delivery", args=[delivery.pk]),
        }
    return queue(
        key=f"term:{delivery.pk}:{delivery.answer_due_on}:{user.pk}",
        to=user.email,
        language=user.language,
        template="emails/dispatch/term_is_over.txt",
        context=context,
        is_demonstration=letter.is_demonstration,
    )


def _mail(delivery: Delivery, wording: Wording, files: Iterable[EditionFile] | None = None) -> Mail:
    # Neither base64 nor quoted-printable can hold the boundary.
    boundary = f"=_{delivery.message_id.strip('<>').partition('@')[0]}"
    own = _headers(delivery, wording, at=wording.put_together_at)
    own += TOP.format(boundary).encode() + TEXT.format(boundary).encode() + _quoted(wording.body)
    attached = []
    for file in _as_frozen(wording, delivery.edition.files.all() if files is None else files):
        own += PDF.format(boundary, f"letter-{file.language}.pdf").encode()
        attached.append((len(own), file))
    own += f"--{boundary}--\r\n".encode()
    try:
        return Mail(tuple(filled(own, attached)), own, tuple(attached))
    except (OSError, seal.Broken) as error:
        raise Unfit(format_lazy(_("The sealed PDF can’t be sent: {error}"), error=str(error))) from error


def _as_frozen(wording: Wording, files: Iterable[EditionFile]) -> Iterator[EditionFile]:
    known = {file.language: file for file in files}
    for frozen_file in wording.files:
        file = known.get(frozen_file["language"])
        if file is None or file.sha256 != frozen_file["sha256"]:
            raise Unfit(_("A PDF is not the one that was frozen with the mail."))
        yield file


def _headers(delivery: Delivery, wording: Wording, *, at: datetime) -> bytes:
    """All but those of MIME.

    Folded here, for EmailMessage loses a space now and then where it folds a long line of Cyrillic.
    """
    headers = {
        "From": _mailbox(*parseaddr(wording.sender)),
        "To": _mailbox(wording.title, delivery.address),
        "Reply-To": _mailbox("", wording.reply_to),
        "Subject": _encoded(wording.subject),
        "Date": format_datetime(at),
        "Message-ID": delivery.message_id,
        "Content-Language": delivery.language,
        **identity(delivery.message_id),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


@lru_cache(maxsize=100)  # sender, answers and subject are the same in many mails, and slow to parse and encode
def _mailbox(name: str, address: str) -> str:
    """As it stands in a header. Raises `Unfit` for what is not one bare address in ASCII."""
    try:
        mailbox = Address(addr_spec=address)
    except (ValueError, IndexError) as error:  # the parser of the standard library runs off the end of some
        raise Unfit(_("The address is not one.")) from error
    if not address.isascii():
        raise Unfit(_("The address is not ASCII."))
    if name.isascii():
        return str(Address(one_line(name), mailbox.username, mailbox.domain))
    return f"{_encoded(one_line(name))}\r\n <{mailbox.addr_spec}>"


@lru_cache(maxsize=100)
def _encoded(text: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name="Subject").encode(linesep="\r\n")


def _subject(delivery: Delivery) -> str:
    subject = one_line(_filled(_in(_text(delivery), "subject", delivery.language), _values(delivery)))
    if delivery.edition.letter.is_demonstration:
        return gettext("[Demonstration] %(subject)s") % {"subject": subject}
    return subject


def _covering(delivery: Delivery) -> str:
    text = _filled(_in(_text(delivery), "body", delivery.language), _values(delivery)).strip()
    if delivery.edition.letter.is_demonstration:
        return gettext("This is a demonstration. It was not sent to anyone.") + "\n\n" + text
    return text


def _to_paste(text: str) -> str:
    """The text of the letter, without the line that says why it stands in a mail."""
    return text.partition("\n\n")[2]


def _values(delivery: Delivery) -> dict[str, str]:
    """What the placeholders stand for: what the edition prints, wherever it prints it."""
    content = delivery.edition.content
    printed = content["languages"][delivery.language]
    return {
        "salutation": _in(delivery.recipient, "salutation", delivery.language),
        "letter_title": printed["title"],
        "count": str(organisations_in(delivery.edition)),
        "reference": content["reference"],
        "edition_url": settings.PUBLIC_URL + delivery.edition.get_absolute_url(),
        "contact": "\n".join((printed["contact_name"], printed["contact_address"], content["contact_email"])),
    }


def _text(delivery: Delivery) -> Covering:
    try:
        return delivery.edition.letter.covering
    except Covering.DoesNotExist:
        raise Unfit(_("The letter has no covering text.")) from None


def _in(row: Covering | Recipient, field: str, language: str) -> str:
    text: str = getattr(row, f"{field}_{language}")
    if not text:
        about = {"row": capfirst(row._meta.verbose_name), "field": row._meta.get_field(field).verbose_name}  # type: ignore[union-attr]
        raise Unfit(format_lazy(_("{row}: “{field}” is missing in {language}."), language=language, **about))
    return text


def _filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders filled in: plain names only, for the text is written by people."""
    return "".join(_pieces(text, values))


def _pieces(text: str, values: Mapping[str, str]) -> Iterator[str]:
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise Unfit(_("The covering text has a brace too many or too few.")) from error
    for literal, name, details, conversion in pieces:
        yield literal
        if name is None:
            continue
        if name not in values or details or conversion:
            raise Unfit(format_lazy(_("The covering text has an unknown placeholder: {name}."), name=f"{{{name}}}"))
        yield values[name]


def _files(delivery: Delivery) -> list[EditionFile]:
    """In the delivery's language first; the one in English goes with each mail."""
    files = {file.language: file for file in delivery.edition.files.all()}
    default = (settings.MODELTRANSLATION_DEFAULT_LANGUAGE,) if delivery.is_mail else ()
    languages = dict.fromkeys((delivery.language, *default))
    if missing := [language for language in languages if language not in files]:
        raise Unfit(format_lazy(_("The edition has no PDF in {languages}."), languages=", ".join(missing)))
    return [files[language] for language in languages]


def _quoted(text: str) -> bytes:
    """Quoted-printable, in lines that end with CRLF."""
    return b2a_qp(b"".join(line + b"\r\n" for line in text.encode().splitlines()))
