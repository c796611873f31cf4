"""What is authorised, as JSON through and through."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dispatch.dossier.looked import Looked, behind, wording_of
from dispatch.models import Delivery, EditionFile
from letters.services import digest

if TYPE_CHECKING:
    from dispatch.dossier.checks import Finding

Facts = dict[str, dict[str, Any]]
FROZEN = ("sender", "title", "reply_to", "subject", "salutation", "address_block", "covering", "letter", "files")


def of_rows(looked: Looked) -> Iterator[tuple[str, dict[str, Any]]]:
    edition, version = looked.edition, looked.versions[-1]
    yield "edition", {"reference": edition.reference, "status": edition.status, "sha256": edition.sha256}
    yield "text", {"version": version.number, "sha256": version.sha256}
    for language, parts in behind(looked.versions).items():
        yield f"text {language}", {"sha256": digest(version.text(language)), "behind": parts}
    grades: dict[str, int] = {}
    for row in looked.signatures:
        grades[str(row.grade)] = grades.get(str(row.grade), 0) + 1
    yield "signatories", {"count": len(looked.signatures), **{f"grade {grade}": n for grade, n in grades.items()}}
    for file in looked.files:
        yield f"pdf {file.language}", _of_file(file)
    dates = {wording.put_together_at.isoformat() for mail in looked.mails if (wording := wording_of(mail))}
    yield "mails", {"put_together_at": sorted(dates)}
    for delivery in looked.deliveries:
        yield f"delivery {delivery.pk}", _of_delivery(delivery)
    yield "sender", {finding.key: list(finding.records) for finding in looked.sender.findings}
    yield "rehearsal", {"is_done": looked.dry_run_of_these() is not None, "differences": looked.differences()}


def _of_file(file: EditionFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "size": file.size,
        "pages": file.pages,
        "certificate": file.certificate,
        "stamped_at": file.stamped_at.isoformat() if file.stamped_at else "",
    }


def _of_delivery(delivery: Delivery) -> dict[str, Any]:
    recipient, place, wording = delivery.recipient, delivery.place, wording_of(delivery)
    told: dict[str, Any] = {
        "title": wording.title if wording else getattr(recipient, f"title_{delivery.language}"),
        "kind": recipient.kind,
        "channel": delivery.channel,
        "address": delivery.address,
        "language": delivery.language,
        "requirements": recipient.requirements,
        "verified_on": place.verified_on.isoformat() if place and place.verified_on else "",
        "verified_by": str(place.verified_by or "") if place else "",
    }
    if wording:
        told |= {name: getattr(wording, name) for name in FROZEN if name not in ("title", "letter", "files")}
        told["letter"] = digest({"text": wording.letter})
        told["files"] = ", ".join(f"{file['language']} {file['sha256']}" for file in wording.files)
        told["sha256"] = wording.sha256
    return told


def of_findings(findings: "list[Finding]") -> Iterator[tuple[str, dict[str, Any]]]:
    for finding in findings:
        waiver = finding.waiver
        waived = {"by": str(waiver.by), "reason": waiver.reason} if waiver else {}
        yield f"finding {finding.key}", {"facts": finding.facts, **waived}
