"""Rows of a table beside the signatures of a letter: what would become of each, and what is made of it."""

import base64
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _

from ledger.services import record_all
from letters.models import Letter
from signatories.folding import fold_name, mailbox
from signatories.models import Alias, Import, Organisation, Signature
from signatories.services.signing import name_columns
from signatories.states import OrganisationStatus, SignatureStatus
from signatories.tables import Problem, Row, Table, open_table
from signatories.tables.columns import NAMES, language_of

A_BATCH = 500  # rows
SHOWN_PROBLEMS = 500
DECIDED = (SignatureStatus.APPROVED, SignatureStatus.REJECTED)
IN_REGISTRY = (SignatureStatus.APPROVED, SignatureStatus.LAPSED)

Values = dict[str, str]


@dataclass
class Survey:
    """What a table holds, and what would become of it."""

    described: str = ""
    sheets_left_out: list[str] = field(default_factory=list)
    headings: Values = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    rows: int = 0
    known: int = 0  # stand under the letter already
    withdrawn: int = 0  # were withdrawn here, and stay so
    states: dict[str, int] = field(default_factory=dict)  # of those that are new
    unsaid: int = 0  # new ones that don't say whether the name may be published
    problems: list[Problem] = field(default_factory=list)  # the first of them
    problem_count: int = 0

    @property
    def new(self) -> int:
        return sum(self.states.values())

    def count(self, values: Values, seen: "Seen") -> None:
        if seen.was_withdrawn(values):
            self.withdrawn += 1
        elif seen.has(values):
            self.known += 1
        else:
            state = state_of(values)
            self.states[state] = self.states.get(state, 0) + 1
            self.unsaid += not values.get("visibility")

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Survey":
        """As it was kept."""
        return cls(**{**found, "problems": [Problem(**problem) for problem in found.get("problems", [])]})


def look_through(letter: Letter, file: IO[bytes]) -> tuple[Survey, list[str]]:
    """What `file` holds, and its rows, packed, to be imported if nothing is wrong. Raises `Unreadable`."""
    table = open_table(file)
    survey = Survey(table.described, table.sheets_left_out, table.headings, table.unread)
    seen, packed, batch = Seen(letter), [], list[Values]()
    for row in table.rows():
        survey.rows += 1
        problems = [*row.problems, *seen.clashes(row, table)]
        if problems:
            survey.problem_count += len(problems)
            survey.problems += problems[: SHOWN_PROBLEMS - len(survey.problems)]
            continue
        survey.count(row.values, seen)
        batch.append(row.values)
        if len(batch) == A_BATCH:
            packed.append(pack(json.dumps(batch, ensure_ascii=False).encode()))
            batch.clear()
    return survey, [*packed, pack(json.dumps(batch, ensure_ascii=False).encode())]


def unpacked_rows(packed: str) -> list[Values]:
    rows: list[Values] = json.loads(unpack(packed))
    return rows


def pack(content: bytes) -> str:
    """As text, since that is what is encrypted, and small."""
    return base64.b64encode(zlib.compress(content)).decode()


def unpack(packed: str) -> bytes:
    return zlib.decompress(base64.b64decode(packed))


def state_of(values: Values) -> str:
    return values.get("state") or SignatureStatus.PENDING


def is_individual(values: Values) -> bool:
    return values.get("kind") == Signature.Kind.INDIVIDUAL


class Seen:
    """Who signed a letter already, and who stands further up in a table: by name, and by mailbox or country."""

    def __init__(self, letter: Letter) -> None:
        self._live: set[bytes] = set()
        self._withdrawn: set[bytes] = set()
        self._rows: dict[bytes, int] = {}
        columns = ("status", "folded_name", "country", "mailbox", "organisation__folded_name", "organisation__country")
        for status, name, country, box, registered, of_country in letter.signatures.values_list(*columns).iterator():
            kept = self._withdrawn if status == SignatureStatus.WITHDRAWN else self._live
            kept.update(_keys(name, country, box), _keys(registered or name, of_country or country, ""))
            kept.update(_digest("name", known) for known in (name, registered) if known)

    def has(self, values: Values) -> bool:
        """Whether it stands there: also one that was withdrawn, for a table is no new consent."""
        return any(key in self._live or key in self._withdrawn for key in self._keys_of(values))

    def was_withdrawn(self, values: Values) -> bool:
        keys = self._keys_of(values)
        return not any(key in self._live for key in keys) and any(key in self._withdrawn for key in keys)

    def clashes(self, row: Row, table: Table) -> Iterator[Problem]:
        """Whether another row says the same, so that only one of them can be imported."""
        if row.problems or self.has(row.values):
            return
        for key, heading, message in _unique(row.values):
            if key in self._rows:
                yield Problem(row.number, table.headings.get(heading, ""), message % {"row": self._rows[key]})
            self._rows.setdefault(key, row.number)

    def _keys_of(self, values: Values) -> list[bytes]:
        name, country = fold_name(values["organisation"]), values.get("country", "")
        keys = list(_keys(name, country, mailbox(values.get("email", ""))))
        return keys if country else [*keys, _digest("name", name)]


def _keys(name: str, country: str, box: str) -> Iterator[bytes]:
    yield _digest("country", name, country)
    if box:
        yield _digest("mailbox", name, box)


def _unique(values: Values) -> Iterator[tuple[bytes, str, str]]:
    """What the database holds but once, the column that decides it, and what is said of a second one."""
    state, name = state_of(values), fold_name(values["organisation"])
    box = mailbox(values.get("email", ""))
    if box and state != SignatureStatus.WITHDRAWN:
        same = _("The same address signs for the same organisation in row %(row)d. Keep one of the two.")
        yield _digest("mailbox", name, box), "email", same
    if state == SignatureStatus.APPROVED and not is_individual(values):
        approved = _("The same organisation is approved in row %(row)d. Keep one of the two.")
        yield _digest("approved", name, values.get("country", "")), "organisation", approved


def _digest(*parts: str) -> bytes:
    """Small, for there may be a hundred thousand."""
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()


class Maker:
    """Makes signatures of rows, a batch at a time, in the caller's transaction. They have keys in `after`…`last`."""

    def __init__(self, upload: Import, now: datetime) -> None:
        self._upload, self._now = upload, now
        self._version = upload.letter.version
        self.after = self.last = 0
        self.states: Counter[str] = Counter()

    def make(self, rows: list[Values]) -> None:
        made = [self._signature(values) for values in rows]
        self._register([signature for signature in made if signature.status in IN_REGISTRY])
        Signature.objects.bulk_create(made)
        record_all(made, by=self._upload.made_by)
        self.states.update(signature.status for signature in made)
        if made:
            self.after = self.after or made[0].pk - 1
            self.last = made[-1].pk

    def _signature(self, values: Values) -> Signature:
        state, by = state_of(values), self._upload.made_by
        is_decided = by is not None and state in DECIDED
        signed_at = values.get("signed_at")
        return Signature(
            letter=self._upload.letter,
            version=self._version,
            status=state,
            kind=values.get("kind") or Signature.Kind.ORGANISATION,
            visibility=values.get("visibility") or self._upload.visibility,
            folded_name=fold_name(values["organisation"]),
            mailbox=mailbox(values.get("email", "")),
            language=settings.LANGUAGE_CODE,
            via=Signature.Via.IMPORT,
            recorded_by=by,
            signed_at=datetime.fromisoformat(signed_at) if signed_at else self._now,
            confirmed_at=None if state == SignatureStatus.UNCONFIRMED else self._now,
            decided_by=by if is_decided else None,
            decided_at=self._now if is_decided else None,
            reason=Signature.Reason.BEFORE if state == SignatureStatus.REJECTED else "",
            **name_columns(values["organisation"], {language_of(column): values.get(column, "") for column in NAMES}),
            **{column: values.get(column, "") for column in STATED},
        )

    def _register(self, signatures: list[Signature]) -> None:
        """Link each to its organisation of the registry, as approving by hand does; enter those that are not known."""
        speaking = [signature for signature in signatures if signature.kind == Signature.Kind.ORGANISATION]
        known = _registry({signature.folded_name for signature in speaking})
        new = {}
        for signature in speaking:
            who = signature.folded_name, signature.country
            if who not in known:
                known[who] = new[who] = _organisation(signature)
            signature.organisation = known[who]
        if new:
            Organisation.objects.bulk_create(new.values())
            record_all(list(new.values()), by=self._upload.made_by)
        for signature in speaking:
            signature.organisation = signature.organisation  # its key, now that it has one


STATED = ("affiliation", "country", "website", "representative", "role", "email")


def _registry(names: set[str]) -> dict[tuple[str, str], Organisation]:
    """The organisations that go by one of `names`, by name and country; by another name, if it is one's alone there.

    Until the end of the transaction nobody merges them.
    """
    others = defaultdict(list)
    aliases = Alias.objects.filter(folded_name__in=names).exclude(organisation__status=OrganisationStatus.MERGED)
    for alias in aliases.select_related("organisation"):
        others[alias.folded_name, alias.organisation.country].append(alias.organisation_id)
    found = {who: organisations[0] for who, organisations in others.items() if len(organisations) == 1}
    for key, name, country in (
        Organisation.objects.live().filter(folded_name__in=names).values_list("pk", "folded_name", "country")
    ):
        found[name, country] = key
    locked = Organisation.objects.live().select_for_update().order_by("pk").in_bulk(set(found.values()))
    return {who: locked[key] for who, key in found.items() if key in locked}


def _organisation(signature: Signature) -> Organisation:
    names = {f"name_{language}": getattr(signature, f"name_{language}") for language in settings.SHIPPED_LANGUAGES}
    return Organisation(
        folded_name=signature.folded_name, country=signature.country, website=signature.website, **names
    )
