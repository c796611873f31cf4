"""Rows for tests. The letter's text, its addressees and co-signers are those of the demonstration letter."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.utils import timezone

from accounts.models import Role, User
from dispatch import pdf, seal
from dispatch.models import Edition, Host, Recipient, Switch
from dispatch.services import editions, hosts
from dispatch.states import HostStatus, SwitchStatus
from letters.models import Block, Campaign, Letter
from letters.services import save_version
from letters.states import LetterStatus
from signatories.folding import fold_name, mailbox
from signatories.models import Organisation, Signature
from signatories.services import name_columns
from signatories.services.evidence import write_name_keys
from signatories.states import SignatureStatus

PASSWORD = "correct horse battery staple"
DECIDED = (SignatureStatus.APPROVED, SignatureStatus.REJECTED, SignatureStatus.LAPSED)
_numbers = count(1)


@cache
def demo_data(name: str) -> dict[str, Any]:
    """A file of the demonstration letter: `letter`, `recipients` or `organisations`."""
    return tomllib.loads((settings.BASE_DIR / "campaign/demo/data" / f"{name}.toml").read_text())


def make_user(role: str = Role.Name.CAMPAIGNER, *, email: str = "", language: str = "", **fields: Any) -> User:
    """A member of staff who holds `role` (none where it is empty). The password is `PASSWORD`."""
    user = User.objects.create_user(email or f"staff{next(_numbers)}@example.org", PASSWORD, **fields)
    if role:
        user.roles.create(role=role, language=language)
    return user


def make_letter(
    *,
    slug: str = "belarus-2020",
    status: str = LetterStatus.OPEN,
    published: bool = True,
    is_demonstration: bool = True,
    with_recipients: bool = True,
    **columns: Any,
) -> Letter:
    """The demonstration letter with its five addressees, saved as version 1, open for signing and public."""
    data = demo_data("letter")
    contact = data["contact"]
    letter = Letter.objects.create(
        campaign=_campaign(data["campaign"]),
        slug=slug,
        status=status,
        dated=data["letter"]["dated"],
        contact_email=contact["email"],
        is_demonstration=is_demonstration,
        published_at=datetime(2020, 8, 5, tzinfo=UTC) if published else None,
        **{
            **_columns(data["letter"], "title", "subject", "salutation", "closing"),
            **_columns({f"contact_{field}": contact[field] for field in ("name", "address")}),
            **columns,
        },
    )
    Block.objects.bulk_create(
        Block(
            letter=letter,
            key=block["key"],
            kind=block["kind"],
            order=order,
            **{f"text_{language}": block[language] for language in settings.SHIPPED_LANGUAGES},
        )
        for order, block in enumerate(data["blocks"], start=1)
    )
    if with_recipients:
        _make_recipients(letter)
    save_version(letter)
    return letter


def make_organisation(*, name: str, country: str = "BY", **columns: Any) -> Organisation:
    """An organisation of the registry, found by its names."""
    stated = {**name_columns(name, {}), **columns}
    made = Organisation.objects.create(folded_name=fold_name(name), country=country, **stated)
    write_name_keys(made)
    return made


def make_signature(
    letter: Letter,
    *,
    name: str = "",
    names: dict[str, str] | None = None,
    status: str = SignatureStatus.APPROVED,
    visibility: str = Signature.Visibility.PUBLIC,
    **columns: Any,
) -> Signature:
    """A signature in `status`. An approved one stands in the registry; a decided one was decided by somebody."""
    number = next(_numbers)
    stated = {
        "country": "BY",
        "website": f"https://organisation{number}.example.org",
        "representative": f"Example Person {number}",
        "role": "Director",
        "email": f"signer{number}@organisation{number}.example.org",
        "language": "en",
        **columns,
    }
    name = name or f"Organisation {number}"
    spelt = name_columns(name, names or {})
    now = datetime.now(UTC)
    if status in DECIDED:
        stated = {"decided_at": now, "decided_by": make_user(Role.Name.REVIEWER), **stated}
    if status == SignatureStatus.REJECTED:
        stated = {"reason": Signature.Reason.AUTHORITY, **stated}
    if status in (SignatureStatus.APPROVED, SignatureStatus.LAPSED) and "kind" not in columns:
        stated["organisation"], _ = Organisation.objects.get_or_create(
            folded_name=fold_name(name), country=stated["country"], defaults={"website": stated["website"], **spelt}
        )
    return letter.signatures.create(
        version=letter.version,
        status=status,
        visibility=visibility,
        folded_name=fold_name(name),
        mailbox=mailbox(stated["email"]),
        confirmed_at=None if status == SignatureStatus.UNCONFIRMED else now,
        **spelt,
        **stated,
    )


def make_signatures_of_demo(letter: Letter) -> list[Signature]:
    """The lead organisation and its 39 made-up co-signers, approved; one that may not be named is withheld."""
    data = demo_data("organisations")
    reviewer = make_user(Role.Name.REVIEWER)
    return [
        make_signature(
            letter,
            name=entry["name"],
            names={language: entry.get(f"name_{language}", "") for language in settings.SHIPPED_LANGUAGES},
            visibility=Signature.Visibility.PUBLIC if entry["publishable"] else Signature.Visibility.WITHHELD,
            is_lead=entry is data["lead"],
            decided_by=reviewer,
            **{field: entry[field] for field in ("country", "website", "representative", "role", "email", "language")},
        )
        for entry in (data["lead"], *data["organisations"])
    ]


def make_edition(letter: Letter | None = None, *, sealed: bool = False, for_real: bool = False) -> Edition:
    """An edition cut from what is approved (one organisation where there is none), typeset and sealed on request.

    What stands in a PDF, and its seal, are nothing to most tests: its bytes are a line of ours unless it is `for_real`.
    """
    letter = letter or make_letter()
    if not letter.signatures.approved().exists():
        make_signature(letter)
    edition = editions.cut_edition(letter, by=None).edition
    if sealed:
        with nullcontext() if for_real else stand_ins():
            for step in (editions.render_file, editions.seal_file):
                for file in edition.files.select_related("edition__letter"):
                    step(file)
        edition.refresh_from_db()
    return edition


@contextmanager
def stand_ins() -> Iterator[None]:
    """A typesetter and a sealer that take no time: every other step of an edition is as it is."""

    def render(edition: Edition, language: str) -> pdf.Document:
        return pdf.Document(f"%PDF-1.7 {edition.reference} {language}".encode(), 3)

    def unsealed(data: bytes, *, reference: str) -> seal.Sealed:
        return seal.Sealed(data, "")

    with patch.object(pdf, "render", render), patch.object(seal, "seal", unsealed):
        yield


def _campaign(data: dict[str, Any]) -> Campaign:
    campaign, _ = Campaign.objects.get_or_create(
        hashtag=data["hashtag"],
        defaults={
            "country": data["country"],
            "event_date": data["event_date"],
            "host_organisation": data["host"]["name"],
            "host_website": data["host"]["website"],
            **_columns(data, "event"),
        },
    )
    return campaign


def _make_recipients(letter: Letter) -> None:
    Recipient.objects.bulk_create(
        Recipient(
            letter=letter,
            **{field: entry[field] for field in ("kind", "order", "email", "language")},
            **_columns(entry, "title", "name", "address_block", "salutation"),
        )
        for entry in demo_data("recipients")["recipients"]
    )


def _columns(data: dict[str, Any], *fields: str) -> dict[str, str]:
    """Translated fields as columns; all of `data` where none is named."""
    return {
        f"{field}_{language}": data[field][language]
        for field in fields or data
        for language in settings.SHIPPED_LANGUAGES
    }


def turn_on_the_switch() -> None:
    """The stop switch on, and this VAR_DIR let in, without a trace among the events."""
    with hosts._own_files() as files:
        files.note(None, timezone.now())
        Host.objects.get_or_create(key=files.key(), defaults={"name": "localhost", "status": HostStatus.ADMITTED})
    Switch.objects.get_or_create(pk=1, defaults={"status": SwitchStatus.ON, "turned_at": timezone.now()})
