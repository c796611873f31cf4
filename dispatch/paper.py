"""The print pack of a delivery that a person carries: covering letter and address label, beside the sealed PDF."""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from dispatch import pdf
from dispatch.content import signatories_of
from dispatch.models import Delivery
from publishing.pages import address_in


def covering_letter(delivery: Delivery) -> bytes:
    """In the recipient's language, to whom it was frozen, of today's date. Raises `pdf.CannotTypeset`.

    Its words are ours and not those of the covering mail, which speaks of attached files.
    """
    content, language = delivery.edition.content, delivery.language
    text = content["languages"][language]
    salutation = delivery.wording.salutation
    contact = "\n".join((text["contact_name"], text["contact_address"], content["contact_email"]))
    file = delivery.edition.files.filter(language=language).first()
    pdf.require_glyphs([salutation, contact])
    return _printed(
        delivery,
        "pdf/covering.html",
        text=text,
        salutation=salutation,
        contact=contact,
        signatories=signatories_of(content, language),
        page_address=settings.PUBLIC_URL
        + address_in(language, "edition", slug=content["letter"], number=content["number"]),
        enclosed=file.pages if file else 0,
    )


def label(delivery: Delivery) -> bytes:
    """The address, to be stuck on an envelope, with the sender in small above it. Raises `pdf.CannotTypeset`."""
    return _printed(delivery, "pdf/label.html")


def _printed(delivery: Delivery, template: str, **context: Any) -> bytes:
    content, language = delivery.edition.content, delivery.language
    context |= {
        "language": language,
        "content": content,
        "sender": [content["host"], *content["languages"][language]["contact_address"].splitlines()],
        "address": delivery.wording.address_block,
        "page": SafeString('<span class="page"></span>'),
        "pages": SafeString('<span class="pages"></span>'),
    }
    pdf.require_glyphs([context["address"], *context["sender"]])
    with translation.override(language):
        html = render_to_string(template, {**context, "dated": date_format(timezone.now().date())})
    return pdf.press().print(html, {}).data
