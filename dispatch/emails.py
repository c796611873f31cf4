"""The mail that carries a letter to an office: the same bytes for a delivery, however often it is tried."""

from collections.abc import Iterator, Mapping
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from string import Formatter

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from dispatch import seal
from dispatch.content import organisations_in
from dispatch.models import Covering, Delivery, EditionFile
from dispatch.services.editions import sealed_bytes
from dispatch.twin import twin
from mailing.provider import identity
from mailing.services import one_line, queue


class Unfit(Exception):
    """No mail can be made of it until somebody mends text, address or file. Says what, without any address.

    Said in the language that is active when it is shown, not in the one that the mail is put together in.
    """


def covering(delivery: Delivery) -> bytes:
    """The whole mail: covering text and sealed PDF in the delivery's language, and the PDF in English beside it.

    The text may hold {salutation}, {letter_title}, {count}, {reference}, {edition_url} and {contact}.
    Raises `Unfit`.
    """
    files = _files(delivery)
    message = EmailMessage(policy=SMTP)
    with translation.override(delivery.language):
        headers = _headers(delivery)
        message.set_content(_body(delivery), charset="utf-8", cte="quoted-printable")
    for file in files:
        message.add_attachment(
            _sealed(file), maintype="application", subtype="pdf", filename=f"letter-{file.language}.pdf"
        )
    message.set_boundary(f"=_{delivery.message_id.strip('<>').partition('@')[0]}")
    return headers + message.as_bytes()


def words(delivery: Delivery) -> tuple[str, str]:
    """Subject and covering text, as the recipient will read them. Raises `Unfit`."""
    with translation.override(delivery.language):
        if delivery.is_mail:
            _headers(delivery)  # an address that is none makes a mail unfit, too
        return _subject(delivery), _body(delivery)


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
        key=f"term:{delivery.pk}:{user.pk}",
        to=user.email,
        language=user.language,
        template="emails/dispatch/term_is_over.txt",
        context=context,
        is_demonstration=letter.is_demonstration,
    )


def _headers(delivery: Delivery) -> bytes:
    """All but those of MIME.

    Folded here, for EmailMessage loses a space now and then where it folds a long line of Cyrillic.
    """
    dispatch = delivery.dispatch
    headers = {
        "From": _mailbox(*parseaddr(settings.DISPATCH_FROM)),
        "To": _mailbox(_in(delivery.recipient, "title", delivery.language), delivery.address),
        "Reply-To": _mailbox("", delivery.edition.content["contact_email"]),
        "Subject": _encoded(_subject(delivery)),
        "Date": format_datetime(dispatch.authorised_at or dispatch.prepared_at),  # the latter in a preview
        "Message-ID": delivery.message_id,
        "Content-Language": delivery.language,
        **identity(delivery.message_id),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


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


def _encoded(text: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name="Subject").encode(linesep="\r\n")


def _subject(delivery: Delivery) -> str:
    subject = one_line(_filled(_in(_text(delivery), "subject", delivery.language), _values(delivery)))
    if delivery.edition.letter.is_demonstration:
        return gettext("[Demonstration] %(subject)s") % {"subject": subject}
    return subject


def _body(delivery: Delivery) -> str:
    """The covering text, and below it the letter itself, for mailboxes that take attachments away."""
    covering_text = _filled(_in(_text(delivery), "body", delivery.language), _values(delivery)).strip()
    text = f"{covering_text}\n\n{twin(delivery.edition, delivery.language)}"
    if delivery.edition.letter.is_demonstration:
        return gettext("This is a demonstration. It was not sent to anyone.") + "\n\n" + text
    return text


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


def _in(row: Covering | object, field: str, language: str) -> str:
    text: str = getattr(row, f"{field}_{language}")
    if not text:
        raise Unfit(
            format_lazy(
                _("{row}: {field} is missing in {language}."), row=type(row).__name__, field=field, language=language
            )
        )
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
    """In the delivery's language first; the one in English goes with each."""
    files = {file.language: file for file in delivery.edition.files.all()}
    languages = dict.fromkeys((delivery.language, settings.MODELTRANSLATION_DEFAULT_LANGUAGE))
    if missing := [language for language in languages if language not in files]:
        raise Unfit(format_lazy(_("The edition has no PDF in {languages}."), languages=", ".join(missing)))
    return [files[language] for language in languages]


def _sealed(file: EditionFile) -> bytes:
    try:
        return sealed_bytes(file)
    except (OSError, seal.Broken) as error:
        raise Unfit(format_lazy(_("The sealed PDF can’t be sent: {error}"), error=str(error))) from error
