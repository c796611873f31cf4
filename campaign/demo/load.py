"""The first letter, its addressees and press release, out of the files in `data/`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from dispatch.models import Covering, Recipient
from letters import services
from letters.models import Campaign, Letter, PressRelease
from signatories.models import Signature
from signatories.services import Signing

DATA = Path(__file__).parent / "data"


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def load_letter(*, by: User) -> Letter:
    """The demonstration letter, public and open for signing; the one that is there already, untouched."""
    found = read("letter")
    existing = Letter.objects.filter(slug=found["letter"]["slug"]).first()
    if existing:
        return existing
    with transaction.atomic():
        letter = Letter.objects.create(
            campaign=_campaign(found["campaign"]),
            slug=found["letter"]["slug"],
            dated=found["letter"]["dated"],
            contact_email=found["contact"]["email"],
            is_demonstration=True,
            **_translated(found["letter"], "title", "subject", "salutation", "closing"),
            **{f"contact_{field}": text for field, text in _translated(found["contact"], "name", "address").items()},
        )
        for order, block in enumerate(found["blocks"], start=1):
            letter.blocks.create(key=block["key"], kind=block["kind"], order=order, **_in_languages("text", block))
        _load_recipients(letter, verified_by=by)
        _load_press_release(letter)
        services.save_version(letter)
        services.open_for_signing(letter, by=by)
        services.publish(letter)
    return letter


def signings() -> list[Signing]:
    """What the lead organisation, the first, and its made-up co-signers state in the form."""
    found = read("organisations")
    return [_signing(entry) for entry in (found["lead"], *found["organisations"])]


def _campaign(found: dict[str, Any]) -> Campaign:
    campaign, _ = Campaign.objects.get_or_create(
        hashtag=found["hashtag"],
        defaults={
            "country": found["country"],
            "event_date": found["event_date"],
            "host_organisation": found["host"]["name"],
            "host_website": found["host"]["website"],
            **_translated(found, "event"),
        },
    )
    return campaign


def _load_recipients(letter: Letter, *, verified_by: User) -> None:
    """Their addresses are made up, so that there is nothing to find out about them."""
    found = read("recipients")
    for entry in found["recipients"]:
        Recipient.objects.create(
            letter=letter,
            kind=entry["kind"],
            order=entry["order"],
            email=entry["email"],
            language=entry["language"],
            verified_on=timezone.now().date(),
            verified_by=verified_by,
            **_translated(entry, "title", "name", "address_block", "salutation"),
        )
    texts = {field: {code: found["covering"][code][field] for code in _codes()} for field in ("subject", "body")}
    Covering.objects.create(letter=letter, **_translated(texts, "subject", "body"))


def _load_press_release(letter: Letter) -> None:
    found = read("press")
    parts: dict[str, dict[str, str]] = {
        "body": _joined(part for part in found["paragraphs"] if part["kind"] == "paragraph"),
        "quote": _joined(part for part in found["paragraphs"] if part["kind"] == "quote"),
        "notes": _joined(found["notes"]),
    }
    PressRelease.objects.create(
        letter=letter,
        **_translated(found, "headline", "standfirst", "demands_lead"),
        **_translated(parts, *parts),
    )


def _joined(parts: Iterable[dict[str, str]]) -> dict[str, str]:
    """Paragraphs, parted by an empty line, in each language."""
    found = list(parts)
    return {code: "\n\n".join(part[code] for part in found) for code in _codes()}


def _signing(entry: dict[str, Any]) -> Signing:
    visibility = Signature.Visibility.PUBLIC if entry["publishable"] else Signature.Visibility.WITHHELD
    return Signing(
        visibility=visibility,
        names={code: entry.get(f"name_{code}", "") for code in _codes()},
        **{key: entry[key] for key in ("name", "country", "website", "representative", "role", "email", "language")},
    )


def _translated(found: dict[str, Any], *fields: str) -> dict[str, str]:
    """The columns of translated fields: `title = {en: …, be: …}` becomes `title_en`, `title_be`."""
    return {column: text for field in fields for column, text in _in_languages(field, found[field]).items()}


def _in_languages(field: str, texts: dict[str, str]) -> dict[str, str]:
    return {f"{field}_{code}": texts[code].strip() for code in _codes()}


def _codes() -> list[str]:
    return list(settings.SHIPPED_LANGUAGES)
