"""What happens to a signature: signed, confirmed, forgotten."""

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ledger.models import Event
from ledger.services import Overtaken, move, record_once
from letters.models import Letter, Version
from signatories import emails, logos
from signatories.folding import fold_name, mailbox
from signatories.models import Invitation, Signature
from signatories.services import guard
from signatories.services.answering import has_signed
from signatories.services.evidence import assess
from signatories.services.objecting import tell_organisation
from signatories.services.reach import IN_REACH
from signatories.services.secrets import secret_index
from signatories.services.stating import stating
from signatories.states import SignatureStatus

KEPT_UNCONFIRMED = timedelta(days=7)
SHOWN_IN = ("signatories", "leaving", "editions")  # the kinds of pages that may name a signatory


class NotOpen(Exception):
    """The letter takes no signatures now."""


class Changed(Exception):
    """What is to be confirmed is not what the signer was shown."""


@dataclass(frozen=True, kw_only=True)
class Signing:
    """What a signer states in the form; cleaned, not yet believed."""

    kind: str = Signature.Kind.ORGANISATION
    visibility: str
    name: str
    names: dict[str, str] = field(default_factory=dict)
    affiliation: str = ""
    country: str
    website: str = ""
    representative: str = ""
    role: str = ""
    email: str
    language: str

    def columns(self) -> dict[str, str]:
        """As columns of a signature."""
        stated = {key: value for key, value in asdict(self).items() if key not in ("name", "names")}
        return {**stated, **name_columns(self.name, self.names)}


def name_columns(name: str, names: dict[str, str]) -> dict[str, str]:
    """A name and its other languages as columns: the default language holds what the organisation calls itself."""
    by_language = {language: names.get(language, "") for language in settings.SHIPPED_LANGUAGES}
    by_language[settings.MODELTRANSLATION_DEFAULT_LANGUAGE] = name
    return {f"name_{language}": value for language, value in by_language.items()}


def sign(
    letter: Letter,
    version: Version,
    signing: Signing,
    *,
    logo: bytes = b"",
    invitation: Invitation | None = None,
    secret: str = "",
    proof: str = "",
    is_proven: bool = False,
) -> Signature:
    """Take a signature and mail the signer a link to confirm it.

    The same mailbox for the same name is one row, however often and however simultaneously it comes: while it is
    unconfirmed, what was stated last counts; afterwards nothing changes, and the mail says where it stands. A withdrawn
    one is over and stays as it is: who signs again signs anew. The caller can't tell the one from the other, and must
    not. `secret` opens the page of a signature that is withheld, and becomes that of one that is new or unconfirmed
    alone; so does `logo`, a PNG. `proof` is used up (`guard.spend`). Where the mailbox `is_proven`, there is nothing to
    confirm: the signature goes to the staff at once. Raises `NotOpen` and `guard.Unproven`.
    """
    if not letter.takes_signatures:
        raise NotOpen
    who = {"mailbox": mailbox(signing.email), "folded_name": fold_name(signing.name)}
    stated: dict[str, Any] = {
        **signing.columns(),
        "version": version,
        "signed_at": timezone.now(),
        "secret_index": secret_index(secret),
        "logo": logos.keep(logo) if logo else "",
        **({"invitation": invitation} if invitation else {}),
    }
    statement = Signature(letter=letter, link_mailed_at=stated["signed_at"], **who, **stated)
    state = stating(statement, [*stated, "name"])
    with transaction.atomic():
        if proof:
            guard.spend(proof)
        signature = state()
        if not is_proven:
            _mail_link(signature, again=signature.link_mailed_at != statement.link_mailed_at)
        record_once(signature, by=None)
        if is_proven:
            confirm(signature, shown=fingerprint(signature))
    return signature


def confirm(signature: Signature, *, shown: str, version: Version | None = None) -> None:
    """The signer's button: puts the signature before the staff. Pressed again, it changes nothing.

    `shown` is the `fingerprint` of what the signer was shown, `version` the text, if it is another than that of the
    form. Raises `Changed`, also for a text whose meaning is not the letter's any more, and `NotOpen` for a letter that
    was closed since.
    """
    version = version or signature.version
    if signature.status != SignatureStatus.UNCONFIRMED:
        return
    if not signature.letter.takes_signatures:
        raise NotOpen
    if shown != fingerprint(signature) or version.number < signature.letter.binding_number:
        raise Changed
    with transaction.atomic():
        try:
            move(
                signature,
                SignatureStatus.PENDING,
                by=None,
                version=version,
                confirmed_at=timezone.now(),
                **IN_REACH,
                only_if={"signed_at": signature.signed_at},
            )
        except Overtaken:
            if _was_confirmed_at_once(signature):
                return
            raise Changed from None
        assess(signature)
        has_signed(signature)
        tell_organisation(signature)
        emails.received(signature)


def _was_confirmed_at_once(signature: Signature) -> bool:
    """By another press of the same button, of the same words."""
    same_words = Signature.objects.filter(pk=signature.pk, signed_at=signature.signed_at)
    return same_words.exclude(status=SignatureStatus.UNCONFIRMED).exists()


def is_stated_again(signature: Signature) -> bool:
    """Whether the form was sent more than once: whose words they are only the one with the latest secret can tell."""
    first = Event.objects.about(signature).order_by("pk").first()
    return first is not None and signature.signed_at > first.at


def fingerprint(signature: Signature) -> str:
    """Changes whenever the signer states something else."""
    return signature.signed_at.isoformat()


def _mail_link(signature: Signature, *, again: bool) -> None:
    """Mail the link to confirm, or where the signature stands; a double click gets one mail."""
    mail = emails.confirm if signature.status == SignatureStatus.UNCONFIRMED else emails.already
    mail(signature, again=again)
