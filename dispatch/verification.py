"""Whether a copy of a PDF is one that we published, and unchanged.

Genuine is what has a published checksum and, besides, our seal over all of its bytes. Everything else is refused, each
with its reason. Nothing of a copy is kept, and nothing of it is repeated to whoever asks.
"""

import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from dispatch import inspection, seal
from dispatch.inspection import Inspection, Seal
from dispatch.models import Edition, EditionFile
from dispatch.services.editions import sealed_bytes
from dispatch.states import EditionStatus

logger = logging.getLogger(__name__)

LIMIT = 5 * 1024 * 1024  # bytes of a file that is looked at
ENDS = 1024  # bytes at either end in which a PDF says that it is one (ISO 32000, as readers take it)
PAIRS = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{2}[ :]){31}[0-9a-f]{2}(?![0-9a-f])"
)  # as older versions of certutil print
ALIKE = 0.9  # of the bytes: a copy that was changed, not another file of the same size


class Outcome(StrEnum):
    GENUINE = "genuine"
    SUPERSEDED = "superseded"
    TAKEN_DOWN = "taken-down"
    # Refused:
    UNKNOWN = "unknown"
    NOT_PDF = "not-pdf"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    UNSEALED = "unsealed"
    FOREIGN = "foreign"
    CHANGED = "changed"
    EXTENDED = "extended"
    UNPUBLISHED = "unpublished"


ACCEPTED: dict[Outcome, tuple[Promise, Promise]] = {
    Outcome.GENUINE: (
        _("Genuine and unchanged"),
        _("Byte for byte, this is a file that we published. It belongs to the latest edition of the letter."),
    ),
    Outcome.SUPERSEDED: (
        _("Genuine and unchanged, but superseded"),
        _("Byte for byte, this is a file that we published. A newer edition has taken its place since."),
    ),
    Outcome.TAKEN_DOWN: (
        _("Genuine and unchanged, but taken down"),
        _(
            "Byte for byte, this is a file that we published. It is no longer offered, since a signatory has left"
            " this edition. Please do not pass it on."
        ),
    ),
}
REFUSED: dict[Outcome, Promise] = {
    Outcome.UNKNOWN: _(
        "We have published no file with this checksum. See whether it was copied whole, or choose the file itself:"
        " then we can say more."
    ),
    Outcome.NOT_PDF: _("This file is not a PDF."),
    Outcome.TRUNCATED: _("The end of this file is missing. Perhaps it did not arrive whole: get it once more."),
    Outcome.DAMAGED: _("This file is damaged, or built unlike any file of ours, so that it can’t be read to its end."),
    Outcome.ENCRYPTED: _("This file is encrypted or locked with a password. None of ours is."),
    Outcome.UNSEALED: _("This file carries no seal. Every PDF that we publish carries our seal."),
    Outcome.FOREIGN: _("This file is sealed, but by somebody else. The seal says nothing about us."),
    Outcome.CHANGED: _("This file was made out of one of ours, but it was changed after we had sealed it."),
    Outcome.EXTENDED: _(
        "Something was added to this file after we had sealed it: pages, notes, or something laid over the text."
        " Some programs show the seal as valid all the same."
    ),
    Outcome.UNPUBLISHED: _("This file carries our seal, but it is none of those that we have published."),
}


@dataclass(frozen=True)
class Verdict:
    """What became of a check. `file` is the one of ours that it is, or that it was made out of."""

    outcome: Outcome
    file: EditionFile | None = None
    seal: Seal | None = None
    sha256: str = field(default="", kw_only=True)

    @property
    def is_genuine(self) -> bool:
        return self.outcome in ACCEPTED

    @property
    def heading(self) -> str:
        return str(ACCEPTED[self.outcome][0]) if self.is_genuine else gettext("Not a copy that we published")

    @property
    def explanation(self) -> str:
        return str(ACCEPTED[self.outcome][1] if self.is_genuine else REFUSED[self.outcome])

    @property
    def edition(self) -> Edition | None:
        return self.file.edition if self.file else None

    @cached_property
    def newer(self) -> Edition | None:
        """The edition that took the place of this one."""
        if self.edition is None:
            return None
        return self.edition.letter.editions.public().filter(number__gt=self.edition.number).first()

    @property
    def title(self) -> str:
        """Of the letter, in the reader's language."""
        title: str = self.edition.version.text(get_language() or "en")["title"] if self.edition else ""
        return title

    @property
    def about_the_seal(self) -> list[str]:
        """What readers' software makes of the certificate and of the time, in whole sentences."""
        return list(_about(self.seal)) if self.seal else []


def of_copy(data: bytes) -> Verdict:
    """What `data` is. Raises `inspection.Busy`; the caller sees to it that it is not empty and not above LIMIT."""
    checksum = sha256(data).hexdigest()
    file = _files().filter(sha256=checksum).first()
    verdict = _of_ours(file, data) if file else _refused(data)
    return Verdict(verdict.outcome, verdict.file, verdict.seal, sha256=checksum)


def of_checksum(checksum: str) -> Verdict:
    """What the file with this SHA-256 (64 hexadecimal digits, in lower case) is."""
    file = _files().filter(sha256=checksum).first()
    if file is None:
        return Verdict(Outcome.UNKNOWN, sha256=checksum)
    try:
        verdict = _of_ours(file, sealed_bytes(file))
    except (OSError, seal.Broken):
        logger.exception("The stored PDF of %s can't be looked at.", file)
        verdict = Verdict(_standing(file), file)
    return Verdict(verdict.outcome, verdict.file, verdict.seal, sha256=checksum)


def is_in_print(checksum: str) -> bool:
    """Whether published letters print this SHA-256, which then is that of their text or of our certificate."""
    return bool(_files().filter(Q(edition__version__sha256=checksum) | Q(certificate=checksum)).exists())


def checksum_in(text: str) -> str | None:
    """The one SHA-256 in `text`, as people copy it: with its name, in capitals, in groups, as a command prints it."""
    text = "".join(character for character in text.lower() if unicodedata.category(character) != "Cf")
    text = PAIRS.sub(lambda pairs: re.sub("[ :]", "", pairs[0]), text)
    whole = set(re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", text))
    if whole:
        return whole.pop() if len(whole) == 1 else None
    digits = re.sub(r"^\W*sha[\s_-]*256|[\s:.,;=-]", "", text)
    return digits if re.fullmatch(r"[0-9a-f]{64}", digits) else None


def _files() -> Any:
    return EditionFile.objects.published().select_related("edition__letter", "edition__version")


def _of_ours(file: EditionFile, data: bytes) -> Verdict:
    """What has a published checksum still has to carry our seal, over all of it."""
    try:
        found = inspection.read(data)
    except inspection.Unreadable:
        return Verdict(Outcome.DAMAGED, file)
    if found.is_encrypted or len(found.seals) != 1 or not _holds(found.seals[0], {file.certificate}):
        return Verdict(_reason(found, {file.certificate}), file)
    return Verdict(_standing(file), file, found.seals[0])


def _standing(file: EditionFile) -> Outcome:
    if file.edition.names_someone_who_left:
        return Outcome.TAKEN_DOWN
    return Outcome.SUPERSEDED if file.edition.status == EditionStatus.SUPERSEDED else Outcome.GENUINE


def _refused(data: bytes) -> Verdict:
    """Why `data`, which is none of ours, is none. What can be told without reading it as a PDF is told first."""
    if b"%PDF-" not in data[:ENDS]:
        return Verdict(Outcome.NOT_PDF)
    if added_to := _beginning(data):
        return Verdict(Outcome.EXTENDED, added_to)
    is_whole = b"%%EOF" in data[-ENDS:]
    found = _looked_into(data) if is_whole else None
    is_sealed = found is not None and any(one.is_intact for one in found.seals)
    if not is_sealed and (made_of := _nearly(data)):
        return Verdict(Outcome.CHANGED, made_of)
    if found is None:
        return Verdict(Outcome.DAMAGED if is_whole else Outcome.TRUNCATED)
    certificates = EditionFile.objects.exclude(certificate="").values_list("certificate", flat=True)
    return Verdict(_reason(found, set(certificates.distinct())))


def _looked_into(data: bytes) -> Inspection | None:
    """The seals of a stranger's PDF, or None where it can't be read."""
    try:
        return inspection.inspect(data)
    except inspection.Unreadable:
        return None


def _reason(found: Inspection, ours: set[str]) -> Outcome:
    """Why a file that is a PDF is refused, by its seals."""
    if found.is_encrypted:
        return Outcome.ENCRYPTED
    if not found.seals:
        return Outcome.UNSEALED
    own = [one for one in found.seals if one.certificate in ours]
    if not own:
        return Outcome.FOREIGN
    if not all(one.is_intact for one in own):
        return Outcome.CHANGED
    return Outcome.UNPUBLISHED if len(found.seals) == 1 and own[0].is_total else Outcome.EXTENDED


def _holds(one: Seal, ours: set[str]) -> bool:
    return one.is_intact and one.is_total and one.certificate in ours


def _beginning(data: bytes) -> EditionFile | None:
    """The file of ours that `data` begins with: whatever follows was added to it."""
    sizes = _files().filter(size__gt=0, size__lt=len(data)).order_by("size").values_list("size", flat=True)
    digest, read = sha256(), 0
    for size in sizes.distinct():
        digest.update(memoryview(data)[read:size])
        read = size
        if found := _files().filter(size=size, sha256=digest.copy().hexdigest()).first():
            file: EditionFile = found
            return file
    return None


def _nearly(data: bytes) -> EditionFile | None:
    """The file of ours that `data` is but for some of its bytes."""
    for file in _files().filter(size=len(data)):
        try:
            original = sealed_bytes(file)
        except (OSError, seal.Broken):
            logger.exception("The stored PDF of %s can't be looked at.", file)
            continue
        if sum(map(int.__eq__, data, original)) >= ALIKE * len(data):
            found: EditionFile = file
            return found
    return None


def _about(one: Seal) -> Iterator[str]:
    if one.subject == seal.DEMONSTRATION:
        yield gettext(
            "The certificate is the demonstration certificate of this software, signed by itself:"
            " nobody is to trust it. Acrobat and other programs will say that the identity of the signer is unknown."
            " They are right: it proves that the file is unchanged since it was sealed, and not who sealed it."
        )
    elif one.is_self_signed:
        yield gettext(
            "The certificate is signed by itself: no authority vouches for its owner. Acrobat and other programs will"
            " say that the identity of the signer is unknown. Compare the SHA-256 of the certificate with one that you"
            " have from us in another way."
        )
    else:
        yield gettext(
            "The certificate was issued by %(issuer)s. Programs that trust this authority show the name of the signer;"
            " others will say that the identity of the signer is unknown."
        ) % {"issuer": one.issuer}
    if one.expiry < timezone.now():
        yield gettext("The certificate ran out on %(date)s, which programs may point out.") % {
            "date": date_format(one.expiry)
        }
    if one.time_stamp:
        yield gettext("When it was sealed is confirmed by a time stamp of %(authority)s: %(time)s UTC.") % {
            "authority": one.stamped_by,
            "time": date_format(one.time_stamp, "DATETIME_FORMAT"),
        }
    else:
        yield gettext("The seal carries no time stamp: when it was sealed is what our own clock said.")
