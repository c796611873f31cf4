"""What an edition holds, frozen as JSON when it is cut."""

import base64
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from dispatch.models import Edition
from letters.models import Letter
from signatories.models import Signature
from signatories.ordering import Rule, in_order
from signatories.queries import Signatory, SignatoryList, rule_of


def frozen(letter: Letter, number: int, signatures: list[Signature], *, certificate: str) -> dict[str, Any]:
    """Everything that an edition prints, in every language. `signatures` are in the order that the letter gives.

    `certificate` is the fingerprint of the one that will seal it.
    """
    version, rule = letter.version, rule_of(letter)
    languages = [language for language, _ in settings.LANGUAGES]
    return {
        "reference": f"{letter.slug.upper()}/{number}",
        "number": number,
        "letter": letter.slug,
        "hashtag": letter.campaign.hashtag,
        "host": letter.campaign.host_organisation,
        "dated": letter.dated.isoformat(),
        "is_demonstration": letter.is_demonstration,
        "version": version.number,
        "text_sha256": version.sha256,
        "contact_email": letter.contact_email,
        "certificate": certificate,
        "logos": list(_logos(signatures, languages)),
        "languages": {
            language: {
                **version.text(language),
                "contact_name": _in(letter, "contact_name", language),
                "contact_address": _in(letter, "contact_address", language),
            }
            for language in languages
        },
        "recipients": [
            {
                "kind": recipient.kind,
                **{
                    language: {
                        field: _in(recipient, field, language)
                        for field in ("title", "name", "address_block", "salutation")
                    }
                    for language in languages
                },
            }
            for recipient in letter.recipients.all()
        ],
        "order": {"by_name": rule.by_name, "ignores_articles": rule.ignores_articles},
        "signatories": [_named(signature, languages) for signature in signatures if not signature.is_withheld],
        "withheld": _withheld(signatures, Signature.Kind.ORGANISATION),
        "withheld_individuals": _withheld(signatures, Signature.Kind.INDIVIDUAL),
    }


def signatories_of(content: dict[str, Any], language: str) -> SignatoryList:
    """Who signed an edition, as it lists them in `language`."""
    rows = [
        Signatory(
            name=entry["name"][language],
            names=entry["name"],
            country=entry["country"],
            is_lead=entry["is_lead"],
            is_individual=entry["is_individual"],
            affiliation=entry["affiliation"],
        )
        for entry in content["signatories"]
    ]
    rule = Rule(**content["order"])
    listed = in_order(rows, language, rule=rule, name=lambda row: row.name, lead=lambda row: row.is_lead)
    named = [row for row in listed if not row.is_individual]
    individuals = [row for row in listed if row.is_individual]
    return SignatoryList(
        count=len(named) + content["withheld"],
        withheld=content["withheld"],
        individual_count=len(individuals) + content["withheld_individuals"],
        withheld_individuals=content["withheld_individuals"],
        named=named,
        individuals=individuals,
    )


def presented(recipient: dict[str, Any]) -> str:
    """A person with the office, as the language that is active names them: the name first, or the office."""
    return gettext("%(name)s, %(title)s") % {"name": recipient["name"], "title": recipient["title"]}


def organisations_in(edition: Edition) -> int:
    """How many organisations signed an edition, the unnamed among them."""
    named = sum(not entry["is_individual"] for entry in edition.content["signatories"])
    return named + int(edition.content["withheld"])


def _named(signature: Signature, languages: list[str]) -> dict[str, Any]:
    return {
        "signature": signature.pk,
        "country": signature.country,
        "is_lead": signature.is_lead,
        "is_individual": signature.kind == Signature.Kind.INDIVIDUAL,
        "affiliation": signature.affiliation,
        "name": {language: _in(signature, "name", language) for language in languages},
    }


def _logos(signatures: list[Signature], languages: list[str]) -> Iterator[dict[str, Any]]:
    """Those of the lead organisations, as PNG in base64: what is frozen does not change with the registry."""
    for signature in signatures:
        organisation = signature.organisation
        if signature.is_lead and not signature.is_withheld and organisation and organisation.logo:
            with organisation.logo.open() as file:
                data = base64.b64encode(file.read()).decode()
            yield {"png": data, "name": {language: _in(signature, "name", language) for language in languages}}


def _withheld(signatures: list[Signature], kind: str) -> int:
    return sum(signature.is_withheld and signature.kind == kind for signature in signatures)


def _in(row: Any, field: str, language: str) -> str:
    """A field in `language`, or in the default language where that has no text of its own."""
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    text: str = getattr(row, f"{field}_{language}") or getattr(row, f"{field}_{default}")
    return text
