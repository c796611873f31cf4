"""Small charts for the desk: what is drawn where, worked out from numbers alone; `desk/_chart.html` draws it.

Sizes are in the units of a canvas that is `WIDTH` wide and is scaled as a whole; colours come from the style sheet by
class, since the site's policy forbids styles within the page.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

WIDTH = 400
LEFT, TOP, FLOOR = 52, 12, 150  # of the field in which columns stand
ROW, BAR = 36, 10  # heights of a row, and of the bar in it
AT_MOST = 62  # columns
LEAST = 2  # height or length of what is not nothing


@dataclass(frozen=True)
class Number:
    """A line of the table beside a chart."""

    label: str
    value: int


@dataclass(frozen=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    kind: str = ""  # a class of the style sheet


@dataclass(frozen=True)
class Text:
    x: str
    y: str
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Chart:
    key: str  # unique on its page
    title: str
    description: str
    height: int
    numbers: list[Number]
    headings: tuple[str, str]  # of its table
    bars: list[Bar] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    grid: list[str] = field(default_factory=list)  # heights at which a line stands
    width: int = WIDTH
    left: int = LEFT


def a_day(counts: Mapping[date, int]) -> Chart | None:
    """Signatures by the day on which they were made; by weeks or more where the days are too many to tell apart."""
    if not any(counts.values()):
        return None
    first, last = min(counts), max(counts)
    days = next(step for step in (1, 7, 28, 364, 3640) if (last - first).days < step * AT_MOST)
    values = [0] * ((last - first).days // days + 1)
    for day, count in counts.items():
        values[(day - first).days // days] += count
    said = ngettext(
        "%(total)s signature from %(first)s to %(last)s; at most %(most)s in one column.",
        "%(total)s signatures from %(first)s to %(last)s; at most %(most)s in one column.",
        sum(values),
    )
    return Chart(
        key="a-day",
        title={1: _("Signatures a day"), 7: _("Signatures a week")}.get(days) or _("Signatures over time"),
        description=said % {"total": sum(values), "first": _day(first), "last": _day(last), "most": max(values)},
        height=FLOOR + 24,
        numbers=[Number(_day(first + timedelta(days=days * turn)), value) for turn, value in enumerate(values)],
        headings=(_("Day") if days == 1 else pgettext("first day", "From"), _("Signatures")),
        bars=list(_columns(values)),
        texts=[*_marks(values), *_ends(first, last)],
        grid=[_units(_height(mark, values)) for mark in scale(max(values))],
    )


def by_state(states: Sequence[tuple[str, str, int]]) -> Chart | None:
    """Signatures by state, each given by its value, its name and how many there are."""
    total = sum(count for _value, _label, count in states)
    said = ngettext("%(total)s signature in all.", "%(total)s signatures in all.", total)
    description, headings = said % {"total": total}, (_("State"), _("Signatures"))
    return _rows("by-state", _("Signatures by state"), description, headings, states) if total else None


def time_to_decision(times: Iterable[timedelta]) -> Chart | None:
    """How long signatures waited for the staff, from their confirmation to the decision."""
    bounds = {
        timedelta(hours=1): _("Within an hour"),
        timedelta(days=1): _("Within a day"),
        timedelta(days=3): _("Within three days"),
        timedelta(days=7): _("Within a week"),
        timedelta.max: _("Later than a week"),
    }
    counts = Counter(next(bound for bound in bounds if time <= bound) for time in times)
    total, quick = counts.total(), sum(count for bound, count in counts.items() if bound <= timedelta(days=1))
    said = ngettext(
        "%(total)s decision, %(quick)s within a day.", "%(total)s decisions, %(quick)s of them within a day.", total
    )
    description, headings = said % {"total": total, "quick": quick}, (pgettext("waiting", "Time"), _("Decisions"))
    rows = [("", label, counts[bound]) for bound, label in bounds.items()]
    return _rows("time-to-decision", _("Time to the decision"), description, headings, rows) if total else None


def scale(most: int) -> list[int]:
    """Round numbers from 0 to `most` or just above it, at most six."""
    step = next(size * 10**power for power in itertools.count() for size in (1, 2, 5) if size * 10**power * 5 >= most)
    return list(range(0, most + step, step)) if most % step else list(range(0, most + 1, step))


def _columns(values: Sequence[int]) -> Iterable[Bar]:
    pace = min((WIDTH - LEFT) / len(values), 40)
    gap = min(pace / 5, 4)
    for turn, value in enumerate(values):
        if value:
            top = min(_height(value, values), FLOOR - LEAST)
            yield Bar(_units(LEFT + turn * pace), _units(top), _units(pace - gap), _units(FLOOR - top))


def _height(value: int, values: Sequence[int]) -> float:
    return FLOOR - (FLOOR - TOP) * value / scale(max(values))[-1]


def _marks(values: Sequence[int]) -> Iterable[Text]:
    for mark in scale(max(values)):
        yield Text(_units(LEFT - 6), _units(_height(mark, values) + 4), str(mark), "end")


def _ends(first: date, last: date) -> Iterable[Text]:
    yield Text(str(LEFT), str(FLOOR + 18), _day(first))
    if last != first:
        yield Text(str(WIDTH), str(FLOOR + 18), _day(last), "end")


def _rows(
    key: str, title: str, description: str, headings: tuple[str, str], rows: Sequence[tuple[str, str, int]]
) -> Chart:
    """Bars that lie below one another, each under its name and number."""
    most = max(count for _kind, _label, count in rows)
    bars, texts = [], []
    for turn, (kind, label, count) in enumerate(rows):
        top = turn * ROW
        texts += [Text("0", str(top + 14), label), Text(str(WIDTH), str(top + 14), str(count), "end")]
        if count:
            bars.append(Bar("0", str(top + 20), _units(max(WIDTH * count / most, LEAST)), str(BAR), kind))
    numbers = [Number(label, count) for _kind, label, count in rows]
    return Chart(key, title, description, len(rows) * ROW, numbers, headings, bars, texts)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _units(length: float) -> str:
    """As SVG writes numbers, whatever the language of the page."""
    return f"{length:.1f}".removesuffix(".0")
