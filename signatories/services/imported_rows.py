"""Rows of a table beside the signatures of a letter: what would become of each, and what is made of it."""

import base64
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import IO, Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.rows import Rows
from ledger.services import record_all
from letters.models import Letter
from signatories.folding import fold_name, mailbox
from signatories.models import Alias, Import, Organisation, Signature
from signatories.services.signing import name_columns
from signatories.states import OrganisationStatus, SignatureStatus
from signatories.tables import Problem, Table, open_table
from signatories.tables.columns import NAMES, language_of

A_BATCH = 500  # rows
SHOWN_PROBLEMS = 500
DECIDED = (SignatureStatus.APPROVED, SignatureStatus.REJECTED)
IN_REGISTRY = (SignatureStatus.APPROVED, SignatureStatus.LAPSED)

SIGNATURES, ORGANISATIONS = Rows(Signature), Rows(Organisation)
SAME_SIGNER = _("The same address signs for the same organisation in row %(row)d. Keep one of the two.")
SAME_APPROVED = _("The same organisation is approved in row %(row)d. Keep one of the two.")

Values = dict[str, str]
Columns = dict[str, Any]


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

    def complain(self, problems: list[Problem]) -> None:
        self.problem_count += len(problems)
        self.problems += problems[: SHOWN_PROBLEMS - len(self.problems)]

    def count(self, values: Values, signer: "Signer", seen: "Seen") -> None:
        if seen.was_withdrawn(signer):
            self.withdrawn += 1
        elif seen.has(signer):
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
        if row.problems:
            survey.complain(row.problems)
            continue
        signer = Signer.of(row.values)
        if clashes := seen.clashes(row.number, row.values, signer, table):
            survey.complain(clashes)
            continue
        survey.count(row.values, signer, seen)
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


@dataclass(frozen=True, slots=True)
class Signer:
    """By what we know whoever signs in a row. Made once a row: folding and keyed indexes cost more than a look-up."""

    name: str  # folded
    country: str
    mailbox: str
    keys: list[bytes]

    @classmethod
    def of(cls, values: Values) -> "Signer":
        name, country = fold_name(values["organisation"]), values.get("country", "")
        box = mailbox(values.get("email", ""))
        keys = [*_keys(name, country, box), *([] if country else [_digest("name", name)])]
        return cls(name, country, box, keys)


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

    def has(self, signer: Signer) -> bool:
        """Whether it stands there: also one that was withdrawn, for a table is no new consent."""
        return any(key in self._live or key in self._withdrawn for key in signer.keys)

    def was_withdrawn(self, signer: Signer) -> bool:
        keys = signer.keys
        return not any(key in self._live for key in keys) and any(key in self._withdrawn for key in keys)

    def clashes(self, number: int, values: Values, signer: Signer, table: Table) -> list[Problem]:
        """Whether another row says the same, so that only one of them can be imported."""
        if self.has(signer):
            return []
        found = []
        for key, heading, message in _unique(values, signer):
            if key in self._rows:
                said = str(message) % {"row": self._rows[key]}
                found.append(Problem(number, table.headings.get(heading, ""), said))
            self._rows.setdefault(key, number)
        return found

    def new(self, rows: list[Values]) -> Iterator[tuple[Values, Signer]]:
        """Those of `rows` that don't stand there."""
        for values in rows:
            signer = Signer.of(values)
            if not self.has(signer):
                yield values, signer


def _keys(name: str, country: str, box: str) -> Iterator[bytes]:
    yield _digest("country", name, country)
    if box:
        yield _digest("mailbox", name, box)


def _unique(values: Values, signer: Signer) -> Iterator[tuple[bytes, str, Promise]]:
    """What the database holds but once, the column that decides it, and what is said of a second one."""
    state = state_of(values)
    if signer.mailbox and state != SignatureStatus.WITHDRAWN:
        yield _digest("mailbox", signer.name, signer.mailbox), "email", SAME_SIGNER
    if state == SignatureStatus.APPROVED and not is_individual(values):
        yield _digest("approved", signer.name, signer.country), "organisation", SAME_APPROVED


def _digest(*parts: str) -> bytes:
    """Small, for there may be a hundred thousand."""
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()


class Maker:
    """Makes signatures of rows, a batch at a time, in the caller's transaction. They have keys in `after`…`last`.

    Of each only what differs is put together: a model for each would take most of the time of a long table.
    """

    def __init__(self, upload: Import, now: datetime) -> None:
        self._upload, self._now = upload, now
        self._pattern = Signature(
            letter=upload.letter,
            version=upload.letter.version,
            language=settings.LANGUAGE_CODE,
            via=Signature.Via.IMPORT,
            recorded_by=upload.made_by,
        )
        self.after = self.last = 0
        self.states: Counter[str] = Counter()

    def make(self, rows: Iterable[tuple[Values, Signer]]) -> None:
        made = [self._signature(values, signer) for values, signer in rows]
        self._register([signature for signature in made if signature["status"] in IN_REGISTRY])
        keys = SIGNATURES.insert_like(self._pattern, made)
        states = [signature["status"] for signature in made]
        record_all(Signature, zip(keys, states, strict=True), by=self._upload.made_by)
        self.states.update(states)
        if keys:
            self.after = self.after or keys[0] - 1
            self.last = keys[-1]

    def _signature(self, values: Values, signer: Signer) -> Columns:
        state, by = state_of(values), self._upload.made_by
        is_decided = by is not None and state in DECIDED
        signed_at = values.get("signed_at")
        return {
            "status": state,
            "kind": values.get("kind") or Signature.Kind.ORGANISATION.value,
            "visibility": values.get("visibility") or self._upload.visibility,
            "folded_name": signer.name,
            "mailbox": signer.mailbox,
            "signed_at": datetime.fromisoformat(signed_at) if signed_at else self._now,
            "confirmed_at": None if state == SignatureStatus.UNCONFIRMED else self._now,
            "decided_by_id": by.pk if by and is_decided else None,
            "decided_at": self._now if is_decided else None,
            "reason": Signature.Reason.BEFORE.value if state == SignatureStatus.REJECTED else "",
            **_names(values),
            **{column: values.get(column, "") for column in STATED},
        }

    def _register(self, signatures: list[Columns]) -> None:
        """Link each to its organisation of the registry, as approving by hand does; enter those that are not known."""
        speaking = [signature for signature in signatures if signature["kind"] == Signature.Kind.ORGANISATION]
        known = _registry({signature["folded_name"] for signature in speaking})
        new: dict[tuple[str, str], Columns] = {}
        for signature in speaking:
            who = _who(signature)
            if who not in known:
                new.setdefault(who, {column: signature[column] for column in REGISTERED})
        pattern = Organisation()
        keys = ORGANISATIONS.insert_like(pattern, list(new.values()))
        record_all(Organisation, ((key, pattern.status) for key in keys), by=self._upload.made_by)
        known |= zip(new, keys, strict=True)
        for signature in speaking:
            signature["organisation_id"] = known[_who(signature)]


STATED = ("affiliation", "country", "website", "representative", "role", "email")
REGISTERED = (
    "name", *(f"name_{language}" for language in settings.SHIPPED_LANGUAGES), "folded_name", "country", "website"
)  # fmt: skip


def _names(values: Values) -> Columns:
    name = values["organisation"]
    names = name_columns(name, {language_of(column): values.get(column, "") for column in NAMES})
    return {"name": name, **names}


def _who(signature: Columns) -> tuple[str, str]:
    return signature["folded_name"], signature["country"]


def _registry(names: set[str]) -> dict[tuple[str, str], int]:
    """The organisations that go by one of `names`, by name and country; by another name, if it is one's alone there.

    Until the end of the transaction nobody merges them.
    """
    others = defaultdict(list)
    aliases = Alias.objects.filter(folded_name__in=names).exclude(organisation__status=OrganisationStatus.MERGED)
    for name, country, key in aliases.values_list("folded_name", "organisation__country", "organisation"):
        others[name, country].append(key)
    found = {who: organisations[0] for who, organisations in others.items() if len(organisations) == 1}
    for key, name, country in (
        Organisation.objects.live().filter(folded_name__in=names).values_list("pk", "folded_name", "country")
    ):
        found[name, country] = key
    live = Organisation.objects.live().filter(pk__in=set(found.values()))
    locked = set(live.select_for_update().order_by("pk").values_list("pk", flat=True))
    return {who: key for who, key in found.items() if key in locked}
