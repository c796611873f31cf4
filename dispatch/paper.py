"""What is printed for a delivery beside the sealed PDF: covering letter, address label, and the follow-up letter."""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dispatch import pdf
from dispatch.content import signatories_of
from dispatch.models import Delivery
from publishing.pages import address_in


def covering_letter(delivery: Delivery) -> bytes:
    """In the recipient's language, to whom it was frozen, of today's date. Raises `pdf.CannotTypeset`.

    Its words are ours and not those of the covering mail, which speaks of attached files.
    """
    content, language = delivery.edition.content, delivery.language
    file = delivery.edition.files.filter(language=language).first()
    return _signed(
        delivery,
        "pdf/covering.html",
        signatories=signatories_of(content, language),
        page_address=settings.PUBLIC_URL
        + address_in(language, "edition", slug=content["letter"], number=content["number"]),
        enclosed=file.pages if file else 0,
    )


def follow_up_letter(delivery: Delivery) -> bytes:
    """For when the legal term is over, of today's date, in the recipient's language. Raises `pdf.CannotTypeset`."""
    paragraphs = [pdf.unbroken(paragraph, delivery.language) for paragraph in follow_up(delivery)]
    return _signed(delivery, "pdf/follow_up.html", paragraphs=paragraphs)


def follow_up(delivery: Delivery) -> list[str]:
    """What that letter says, paragraph by paragraph, in the recipient's language; of a delivery with a legal term."""
    content, language = delivery.edition.content, delivery.language
    told = {
        "title": content["languages"][language]["title"],
        "reference": content["reference"],
        "number": delivery.registered_as,
    }
    with translation.override(language):
        days = {"sent": delivery.settled_at, "on": delivery.registered_on, "due": delivery.answer_due_on}
        told |= {name: date_format(day) for name, day in days.items() if day}
        said = [
            _("On %(sent)s we sent you the open letter “%(title)s”, our reference number %(reference)s."),
            _("You registered it on %(on)s under the number %(number)s.")
            if delivery.registered_as
            else _("You registered it on %(on)s."),
            _("The legal term for an answer ended on %(due)s, and no answer has reached us."),
            *([_("Source of the term: %(source)s")] if delivery.recipient.term_source else []),
            _("We ask you to answer the letter, and to tell us in writing by whom and when it was considered."),
        ]
        return [text % {**told, "source": delivery.recipient.term_source} for text in said]


def label(delivery: Delivery) -> bytes:
    """The address, to be stuck on an envelope, with the sender in small above it. Raises `pdf.CannotTypeset`."""
    return _printed(delivery, "pdf/label.html")


def _signed(delivery: Delivery, template: str, **context: Any) -> bytes:
    """A letter of ours, from the salutation to the contact that signs."""
    content = delivery.edition.content
    text = content["languages"][delivery.language]
    text = {**text, "subject": pdf.unbroken(text["subject"], delivery.language)}
    salutation = delivery.wording.salutation
    contact = "\n".join((text["contact_name"], text["contact_address"], content["contact_email"]))
    pdf.require_glyphs([salutation, contact])
    return _printed(delivery, template, text=text, salutation=salutation, contact=contact, **context)


def _printed(delivery: Delivery, template: str, **context: Any) -> bytes:
    content, language = delivery.edition.content, delivery.language
    context |= {
        "language": language,
        "content": content,
        "sender": [content["host"], *content["languages"][language]["contact_address"].splitlines()],
        "address": delivery.wording.address_block or getattr(delivery.recipient, f"address_block_{language}"),
        "page": SafeString('<span class="page"></span>'),
        "pages": SafeString('<span class="pages"></span>'),
    }
    pdf.require_glyphs([context["address"], *context["sender"]])
    with translation.override(language):
        html = render_to_string(template, {**context, "dated": date_format(timezone.now().date())})
    return pdf.press().print(html, {}).data
