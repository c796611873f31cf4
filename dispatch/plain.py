"""A letter as plain text: for web forms, and for whoever can't open a PDF."""

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from dispatch.content import signatories_of
from dispatch.models import Edition


def text_of(edition: Edition, language: str) -> str:
    """What the PDF of `edition` says, in `language`."""
    with translation.override(language):
        return "\n\n".join(_paragraphs(edition, language)) + "\n"


def _paragraphs(edition: Edition, language: str) -> Iterator[str]:
    content = edition.content
    text = content["languages"][language]
    addressees = [entry[language] for entry in content["recipients"] if entry["kind"] == "to"]
    if content["is_demonstration"]:
        yield _("This is a demonstration. It was not sent to anyone.")
    yield from (entry["address_block"] for entry in addressees)
    yield "{}\n{}".format(
        date_format(date.fromisoformat(content["dated"])),
        _("Our reference: %(reference)s") % {"reference": content["reference"]},
    )
    yield _("Re: %(subject)s") % {"subject": text["subject"]}
    yield addressees[0]["salutation"]
    yield from _blocks(text["blocks"])
    yield text["closing"]
    signed = signatories_of(content, language)
    yield "\n".join([_("Signatories"), *(signatory.name for signatory in signed.named)])
    if signed.individuals:
        yield "\n".join(f"{person.name}, {person.affiliation}".strip(", ") for person in signed.individuals)
    yield settings.PUBLIC_URL + reverse("edition", args=[content["letter"], content["number"]])
    yield "\n".join((text["contact_name"], text["contact_address"], content["contact_email"]))


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """Demands are numbered through, as in the PDF."""
    number = count(1)
    for block in blocks:
        yield f"{next(number)}. {block['text']}" if block["kind"] == "demand" else block["text"]
