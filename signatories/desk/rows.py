"""A signature as the desk shows it: with all that a decision stands on, in a number of queries that does not grow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Max
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from ledger.models import Event
from signatories.authority import Grade
from signatories.countries import country_name
from signatories.lookalikes import foreign_letters
from signatories.models import Correction, Organisation, Signature
from signatories.services.deciding import looked_at
from signatories.services.evidence import Doubt, doubts
from signatories.states import CorrectionStatus, SignatureStatus

# In two words for whoever decides; the signer is told in a sentence.
REASONS: dict[str, Promise] = {
    Signature.Reason.AUTHORITY: gettext_lazy("No authority shown"),
    Signature.Reason.UNKNOWN: gettext_lazy("Unknown organisation"),
    Signature.Reason.DUPLICATE: gettext_lazy("Has signed already"),
    Signature.Reason.SCOPE: gettext_lazy("Not an organisation"),
}


@dataclass(frozen=True)
class Beside:
    """A reason to look twice, and what stands beside the signature: another one of the letter, or of the registry."""

    reason: str | Promise
    name: str
    country: str
    signature: Signature | None
    organisation: Organisation | None


@dataclass(frozen=True)
class Row:
    """A signature as the desk lists it. `then` is where the reviewer is led when it is decided."""

    signature: Signature
    country: str
    other_names: list[tuple[str, str]]
    doubts: list[Beside] = field(default_factory=list)
    is_corrected: bool = False
    withdrawn_at: datetime | None = None
    then: str = ""

    @property
    def name(self) -> str:
        return own_name(self.signature)

    @property
    def pieces(self) -> list[tuple[str, Promise | None]]:
        return pieces(self.name)

    @property
    def foreign_letters(self) -> list[tuple[str, Promise]]:
        return foreign_letters(*names(self.signature))

    @property
    def reasons_to_doubt(self) -> list[tuple[str, list[str]]]:
        """Each once, with the names of those beside whom it stands."""
        found: dict[str, list[str]] = {}
        for doubt in self.doubts:
            found.setdefault(str(doubt.reason), []).extend([doubt.name] if doubt.name else [])
        return [(reason, list(dict.fromkeys(names))) for reason, names in found.items()]

    @property
    def shown(self) -> str:
        return shown(self.signature)

    @property
    def grade(self) -> Grade:
        return Grade(self.signature.grade)

    @property
    def waits(self) -> bool:
        return self.signature.status == SignatureStatus.PENDING

    @property
    def may_approve(self) -> bool:
        return self.waits or self.signature.status == SignatureStatus.REJECTED

    @property
    def may_reject(self) -> bool:
        return self.waits or self.signature.status == SignatureStatus.APPROVED


def rows(signatures: Iterable[Signature], *, here: str = "") -> list[Row]:
    """`here` is the address of the list: a decision leads back to it, at the next row."""
    language = get_language() or settings.LANGUAGE_CODE
    listed = list(signatures)
    withdrawn, about, corrected = _withdrawn_at(listed), doubts(listed), _corrected(listed)
    following = [f"{here}#signature-{signature.pk}" for signature in [*listed[1:], *listed[-2:-1]]]
    return [
        Row(
            signature=signature,
            country=country_name(signature.country, language),
            other_names=_other_names(signature),
            doubts=[_beside(doubt, language) for doubt in about[signature.pk]],
            is_corrected=signature.pk in corrected,
            withdrawn_at=withdrawn.get(signature.pk),
            then=then,
        )
        for signature, then in zip(listed, following if len(listed) != 1 else [here], strict=True)
    ]


def _beside(doubt: Doubt, language: str) -> Beside:
    other = doubt.signature or doubt.organisation
    return Beside(
        reason=doubt.reason,
        name=own_name(other) if other else "",
        country=country_name(other.country, language) if other else "",
        signature=doubt.signature,
        organisation=doubt.organisation,
    )


def own_name(signature: Signature | Organisation) -> str:
    """What the organisation calls itself, whatever the reader's language."""
    name: str = getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    return name


def names(signature: Signature) -> list[str]:
    return [getattr(signature, f"name_{language}") or "" for language in settings.SHIPPED_LANGUAGES]


def shown(signature: Signature) -> str:
    """What a decision goes back with: it holds for what stood there, and for the decision that it overturns, if any."""
    stated = "\n".join(str(value) for value in (*looked_at(signature).values(), *names(signature)))
    return salted_hmac("signatories.shown", stated).hexdigest()[:20]


def pieces(name: str) -> list[tuple[str, Promise | None]]:
    """`name` cut up so that letters that look as if they were of another script can be marked, each with its script."""
    scripts = dict(foreign_letters(name))
    if not scripts:
        return [(name, None)]
    cut: list[tuple[str, Promise | None]] = []
    for word in re.findall(r"[^\W\d_]+|[\W\d_]+", name):
        is_mixed = bool(foreign_letters(word)) or set(word) <= scripts.keys()
        cut += [(letter, scripts.get(letter) if is_mixed else None) for letter in word]
    return cut


def _other_names(signature: Signature) -> list[tuple[str, str]]:
    named = zip(settings.SHIPPED_LANGUAGES, names(signature), strict=True)
    return [(language, name) for language, name in named if name and name != own_name(signature)]


def _withdrawn_at(signatures: list[Signature]) -> dict[int, datetime]:
    """When those that are withdrawn were: the signer's own doing is in the event log alone."""
    withdrawn = [signature.pk for signature in signatures if signature.status == SignatureStatus.WITHDRAWN]
    if not withdrawn:
        return {}
    events = Event.objects.filter(table=Signature._meta.label_lower, row__in=withdrawn)
    return dict(events.filter(target=SignatureStatus.WITHDRAWN).order_by().values_list("row").annotate(Max("at")))


def _corrected(signatures: list[Signature]) -> set[int]:
    """Those whose signers have asked for a correction that nobody has decided on."""
    waiting = Correction.objects.filter(signature__in=signatures, status=CorrectionStatus.PENDING)
    return set(waiting.values_list("signature", flat=True))
