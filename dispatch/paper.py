"""The print pack of a delivery that a person carries: covering letter and address label, beside the sealed PDF."""

from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format

from dispatch import emails, pdf
from dispatch.models import Channel, Delivery


def covering_letter(delivery: Delivery) -> bytes:
    """In the recipient's language, of today's date. Raises `emails.Unfit` or `pdf.CannotTypeset`."""
    subject, text = emails.words_on_paper(delivery)
    return _printed(delivery, "pdf/covering.html", subject=subject, paragraphs=text.split("\n\n"))


def label(delivery: Delivery) -> bytes:
    """The address, to be stuck on an envelope, with the sender in small above it. Raises `pdf.CannotTypeset`."""
    return _printed(delivery, "pdf/label.html")


def _printed(delivery: Delivery, template: str, **context: Any) -> bytes:
    content, language = delivery.edition.content, delivery.language
    text = content["languages"][language]
    address = getattr(delivery.recipient, f"address_block_{language}")
    context |= {
        "language": language,
        "content": content,
        "sender": [content["host"], *text["contact_address"].splitlines()],
        "address": address if delivery.channel != Channel.POST else delivery.address,
    }
    with translation.override(language):
        context["dated"] = date_format(timezone.now().date())
        html = render_to_string(template, context)
    pdf.require_glyphs([*context.get("paragraphs", ()), context["address"], *context["sender"]])
    return pdf.press().print(html, {}).data
