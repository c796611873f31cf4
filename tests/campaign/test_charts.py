"""Charts are worked out from numbers alone, and say in words what they show."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from campaign import charts
from campaign.charts import Chart, a_day, by_state, scale, time_to_decision
from signatories.states import SignatureStatus

DAY = date(2020, 8, 5)


def drawn(chart: Chart | None) -> str:
    assert chart
    return render_to_string("desk/_chart.html", {"chart": chart})


def days(*counts: int) -> dict[date, int]:
    return {DAY + timedelta(days=turn): count for turn, count in enumerate(counts) if count}


def numbers(chart: Chart | None) -> list[tuple[str, int]]:
    assert chart
    return [(number.label, number.value) for number in chart.numbers]


class TestDays:
    @pytest.mark.parametrize("most", [1, 2, 40, 10_000, 123_456])
    def test_every_column_is_within_its_scale_and_can_be_seen(self, most: int) -> None:
        chart = a_day(days(1, most, 0, 1))
        assert chart
        heights = [float(bar.height) for bar in chart.bars]
        assert len(heights) == 3
        assert min(heights) >= charts.LEAST
        assert max(heights) == heights[1] <= charts.FLOOR - charts.TOP
        assert heights[1] >= (charts.FLOOR - charts.TOP) * 0.5

    def test_days_without_a_signature_are_there(self) -> None:
        assert numbers(a_day(days(2, 0, 0, 5))) == [
            ("5 Aug 2020", 2),
            ("6 Aug 2020", 0),
            ("7 Aug 2020", 0),
            ("8 Aug 2020", 5),
        ]

    @pytest.mark.parametrize(
        ("length", "title"),
        [
            (62, "Signatures a day"),
            (63, "Signatures a week"),
            (7 * 62, "Signatures a week"),
            (7 * 62 + 1, "Signatures over time"),
            (30 * 366, "Signatures over time"),
        ],
    )
    def test_columns_never_become_too_many(self, length: int, title: str) -> None:
        chart = a_day({DAY: 1, DAY + timedelta(days=length - 1): 2})
        assert chart
        assert chart.title == title
        assert len(chart.numbers) <= charts.AT_MOST
        assert sum(number.value for number in chart.numbers) == 3
        assert chart.numbers[-1].value == 2

    def test_it_is_said_in_words(self) -> None:
        chart = a_day(days(1, 40))
        assert chart
        assert chart.description == "41 signatures from 5 Aug 2020 to 6 Aug 2020; at most 40 in one column."

    def test_no_signature_no_chart(self) -> None:
        assert a_day({}) is None
        assert a_day({DAY: 0}) is None


class TestStates:
    def test_each_state_has_its_length_number_and_class(self) -> None:
        chart = by_state(
            [("approved", "Approved", 10_000), ("pending", "Under review", 1), ("rejected", "Rejected", 0)]
        )
        assert chart
        assert [(bar.kind, bar.width) for bar in chart.bars] == [("approved", "400"), ("pending", "2")]
        assert numbers(chart) == [("Approved", 10_000), ("Under review", 1), ("Rejected", 0)]
        assert by_state([("approved", "Approved", 0)]) is None


class TestDecisions:
    def test_each_wait_is_counted_once(self) -> None:
        waits = [
            timedelta(0),
            timedelta(hours=1),
            timedelta(hours=2),
            timedelta(days=1),
            timedelta(days=2),
            timedelta(weeks=9),
        ]
        chart = time_to_decision(iter(waits))
        assert [value for _, value in numbers(chart)] == [2, 2, 1, 0, 1]
        assert chart
        assert chart.description == "6 decisions, 4 of them within a day."
        assert time_to_decision([]) is None


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),
        (40, [0, 10, 20, 30, 40]),
        (101, [0, 50, 100, 150]),
        (10_000, [0, 2000, 4000, 6000, 8000, 10_000]),
    ],
)
def test_scales_are_round(most: int, marks: list[int]) -> None:
    assert scale(most) == marks


class TestPage:
    def test_the_policy_of_the_site_lets_it_be_seen(self) -> None:
        """No style, no script, no reference to anything: only shapes and classes."""
        html = drawn(a_day(days(3, 0, 40)))
        attributes: set[str] = set()

        class Reader(HTMLParser):
            def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
                attributes.update(name for name, _ in attrs)

        Reader().feed(html)
        assert attributes == {
            "class", "viewbox", "role", "aria-labelledby", "id", "x", "y", "x1", "x2", "y1", "y2", "width", "height",
            "text-anchor", "scope",
        }  # fmt: skip

    def test_who_does_not_see_it_is_told(self) -> None:
        html = drawn(by_state([("approved", "Approved", 3)]))
        assert 'role="img" aria-labelledby="by-state-title by-state-desc"' in html
        assert '<title id="by-state-title">Signatures by state</title>' in html
        assert '<desc id="by-state-desc">3 signatures in all.</desc>' in html
        assert re.search(r'<th scope="row">Approved</th>\s*<td class="number">3</td>', html)

    def test_labels_are_text(self) -> None:
        assert "&lt;b&gt;" in drawn(by_state([("approved", "<b>", 3)]))

    @pytest.mark.parametrize("language", ["be", "ru"])
    def test_numbers_of_shapes_are_the_same_in_every_language(self, language: str) -> None:
        states = [(state.value, "x", 3 * turn) for turn, state in enumerate(SignatureStatus)]
        charted = (a_day(days(3, 1, 7)), by_state(states), time_to_decision([timedelta(hours=1)]))
        english = [re.findall(r'(?:x|y|width|height)="([^"]*)"', drawn(chart)) for chart in charted]
        with translation.override(language):
            charted = (a_day(days(3, 1, 7)), by_state(states), time_to_decision([timedelta(hours=1)]))
            assert [re.findall(r'(?:x|y|width|height)="([^"]*)"', drawn(chart)) for chart in charted] == english
