"""The evidence of a delivery in one file, for a court or an archive: what went out, what was said, what came back.

A ZIP that needs nothing of ours to be checked: `manifest.json` lists every file with its SHA-256 and is sealed beside
it. `docs/evidence.md` says what is in it, and how to check one. The same rows make the same files.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation

from dispatch import record, seal
from dispatch.models import Attempt, Delivery
from dispatch.services import evidence
from ledger.models import Event

EARLIEST = (1980, 1, 1, 0, 0, 0)  # a ZIP knows no zone: the times that count are in the files, in UTC


def of(delivery: Delivery) -> bytes:
    """The bundle as of now. Raises `seal.NoCertificate` and, where a time stamp is due, `seal.NoTimeStamp`."""
    files = dict(_files(delivery))
    listed = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    ]
    manifest = _json({"reference": delivery.edition.reference, "delivery": delivery.pk, "files": listed})
    files |= {"manifest.json": manifest, "manifest.json.p7s": seal.sign(manifest)}
    if settings.TSA_URL:
        files["manifest.json.tsr"] = seal.stamp(manifest)
    return _zipped(files)


def _files(delivery: Delivery) -> Iterator[tuple[str, bytes]]:
    """Names are ASCII, whatever is in them."""
    yield "delivery.json", _json(_told(delivery))
    for attempt in delivery.conversations.all():
        stem = f"attempts/{attempt.number}-{attempt.pk}"
        yield f"{stem}.json", _json(_facts_of(attempt))
        yield f"{stem}.txt", attempt.dialogue.encode()
    yield "notices.json", _json(list(delivery.notices.values("kind", "attempt", "status", "said", "server", "read_at")))
    for kept in delivery.evidence.all():
        yield f"evidence/{evidence.name_of(kept)}", evidence.contents(kept)
    yield "certificate.pem", seal.certificate()


def _told(delivery: Delivery) -> dict[str, Any]:
    edition, recipient, dispatch = delivery.edition, delivery.recipient, delivery.dispatch
    with translation.override("en"):
        said = list(record.sentences(delivery))
    return {
        "site": settings.PUBLIC_URL,
        "is_demonstration": edition.letter.is_demonstration,
        "edition": {
            "reference": edition.reference,
            "number": edition.number,
            "text_sha256": edition.content["text_sha256"],
            "address": settings.PUBLIC_URL + edition.get_absolute_url(),
            "pdfs": list(edition.files.values("language", "sha256", "size", "pages", "sealed_at", "certificate")),
        },
        "recipient": getattr(recipient, f"title_{delivery.language}") or recipient.title,
        **_picked(delivery, ("channel", "address", "language", "message_id", "status", "relay_id", "tracking")),
        "what_became_of_it": said,
        "times": {
            "prepared_at": dispatch.prepared_at,
            "authorised_at": dispatch.authorised_at,
            **_picked(delivery, ("first_tried_at", "ended_on", "refused_on", "reminded_at")),
            **_settled(delivery),
        },
        "taken": _picked(delivery, ("taken_at", "taken_by", "taken_how")),
        "registered": _picked(delivery, ("registered_on", "registered_as")) | {"answer_due_on": delivery.answer_due_on},
        "states": list(Event.objects.about(delivery).order_by("pk").values("source", "target", "at")),
        "replies": list(delivery.replies.values("kind", "channel", "received_on", "number")),
        "evidence": [
            {"name": f"evidence/{evidence.name_of(kept)}", "kind": kept.kind, "added_at": kept.added_at}
            for kept in delivery.evidence.all()
        ],
    }


def _settled(delivery: Delivery) -> dict[str, Any]:
    """Of what a person carried, no more than the day is known."""
    settled = delivery.settled_at
    return {"settled_at": settled} if delivery.is_mail else {"settled_on": settled.date() if settled else None}


def _facts_of(attempt: Attempt) -> dict[str, Any]:
    """`stage` is how far it got; from `body` on, the mail of that SHA-256 was on the line."""
    told = ("number", "began_at", "ended_at", "stage", "code", "answer", "connection", "message_sha256")
    return _picked(attempt, told)


def _picked(row: object, fields: Iterable[str]) -> dict[str, Any]:
    return {field: getattr(row, field) for field in fields}


def _json(told: Any) -> bytes:
    return (json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1) + "\n").encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    into = BytesIO()
    with ZipFile(into, "w", ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            entry = ZipInfo(name, EARLIEST)
            entry.external_attr = 0o600 << 16
            bundle.writestr(entry, data, ZIP_DEFLATED)
    return into.getvalue()
