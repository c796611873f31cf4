"""What stands in the seals of a PDF, looked up in a process of its own.

The PDF may come from anybody, and be made to hang its reader or to eat all memory. So it is read by a child that may
use little of either, and that gives an answer or none. There is no Django here: the child is to start quickly.
"""

import asyncio
import json
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

SECONDS = 5  # of computing
PATIENCE = 15  # seconds in all, on a busy machine
MEMORY = 512 * 1024 * 1024
AT_ONCE = 2  # children of one process
WAIT = 5  # seconds for one of these places

_places = BoundedSemaphore(AT_ONCE)


class Unreadable(Exception):
    """The file is damaged, or takes more time or memory than any PDF of ours."""


class Busy(Exception):
    """Too many files are being looked at."""


@dataclass(frozen=True)
class Seal:
    """One signature on a PDF. Times are in ISO 8601.

    `is_intact`: the signature is that of its certificate's key over the bytes it names. `is_total`: these are all the
    bytes of the file.
    """

    certificate: str
    is_intact: bool
    is_total: bool
    subject: str
    issuer: str
    is_self_signed: bool
    valid_until: str
    stamped_at: str = ""
    stamped_by: str = ""

    @property
    def time_stamp(self) -> datetime | None:
        return datetime.fromisoformat(self.stamped_at) if self.stamped_at else None

    @property
    def expiry(self) -> datetime:
        return datetime.fromisoformat(self.valid_until)


@dataclass(frozen=True)
class Inspection:
    is_encrypted: bool
    seals: tuple[Seal, ...]


def inspect(pdf: bytes) -> Inspection:
    """Read the seals of `pdf`, which may be hostile. Raises `Unreadable` or `Busy`."""
    if not _places.acquire(timeout=WAIT):
        raise Busy
    try:
        child = subprocess.run(
            [sys.executable, "-m", "dispatch.inspection"],
            cwd=Path(__file__).parent.parent,
            input=pdf,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may quote the file
            timeout=PATIENCE,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as failure:
        raise Unreadable from failure
    finally:
        _places.release()
    found = json.loads(child.stdout)
    return Inspection(found["is_encrypted"], tuple(Seal(**seal) for seal in found["seals"]))


def read(pdf: bytes) -> Inspection:
    """The same in this process, for a file of our own. Raises `Unreadable`."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.errors import SignatureValidationError

    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True)
        if reader.encrypted:
            return Inspection(is_encrypted=True, seals=())
        return Inspection(is_encrypted=False, seals=tuple(_seal(found) for found in reader.embedded_signatures))
    except (PdfError, SignatureValidationError, ValueError) as failure:
        raise Unreadable from failure


def _seal(found: Any) -> Seal:
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    found.compute_integrity_info(skip_diff=True)
    certificate = found.signer_cert
    intact, valid = validate_sig_integrity(
        found.signer_info, certificate, expected_content_type="data", actual_digest=found.compute_digest()
    )
    _, first, second, _ = found.byte_range
    contents = 2 * len(found.pkcs7_content) + 2  # in hexadecimal, between < and >
    stamped_at, stamped_by = _time_stamp(found)
    return Seal(
        certificate=sha256(certificate.dump()).hexdigest(),
        is_intact=intact and valid,
        is_total=found.coverage == SignatureCoverageLevel.ENTIRE_FILE and second - first == contents,
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        is_self_signed=certificate.self_issued,
        valid_until=certificate.not_valid_after.isoformat(),
        stamped_at=stamped_at,
        stamped_by=stamped_by,
    )


def _time_stamp(found: Any) -> tuple[str, str]:
    """When the signature was stamped, and by whom; nothing for a stamp that is of something else."""
    from pyhanko.sign.validation import generic_cms
    from pyhanko_certvalidator import ValidationContext

    stamp = next(generic_cms.extract_tst_data_iter(found.signer_info, signed=False), None)
    if stamp is None:
        return "", ""
    imprint = generic_cms.message_imprint_checker(found.signer_info)
    status = asyncio.run(generic_cms.validate_tst_signed_data(stamp, ValidationContext(trust_roots=[]), imprint))
    if not (status["intact"] and status["valid"]):
        return "", ""
    return status["timestamp"].isoformat(), _name(status["signing_cert"].subject)


def _name(name: Any) -> str:
    """A common name with its organisation, or else all that there is."""
    parts = name.native
    chosen = [parts.get("common_name"), parts.get("organization_name")]
    named = ", ".join(dict.fromkeys(str(part) for part in chosen if part))
    return named or str(name.human_friendly)


def main() -> None:
    for limit, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # macOS knows no limit of memory
            resource.setrlimit(limit, (most, most))
    json.dump(asdict(read(sys.stdin.buffer.read())), sys.stdout)


if __name__ == "__main__":
    main()
