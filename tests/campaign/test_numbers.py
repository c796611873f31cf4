"""The numbers page: what came in, where it stands, how long it took, what waits longest."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from letters.models import Letter
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db
NUMBERS = "/desk/numbers/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def desk() -> Client:
    browser = Client()
    browser.force_login(make_user(Role.Name.REVIEWER))
    return browser


def numbers(desk: Client, **asked: str) -> dict[str, dict[str, int]]:
    """The tables beside the charts, by the chart's key."""
    charts = desk.get(NUMBERS, asked).context["charts"]
    return {chart.key: {number.label: number.value for number in chart.numbers} for chart in charts}


def test_a_day_by_state_and_time_to_decision(desk: Client, letter: Letter) -> None:
    signed = datetime(2030, 5, 6, 23, 30, tzinfo=UTC)
    for day, status in ((0, "approved"), (0, "approved"), (1, "pending"), (2, "unconfirmed")):
        made = make_signature(letter, status=status, signed_at=signed + timedelta(days=day))
        if status == "approved":
            decided = {"confirmed_at": signed, "decided_at": signed + timedelta(hours=2)}
            Signature.objects.filter(pk=made.pk).update(**decided)
    shown = numbers(desk)
    assert shown["a-day"] == {"6 May 2030": 2, "7 May 2030": 1}
    assert (shown["by-state"]["Approved"], shown["by-state"]["Under review"], shown["by-state"]["Rejected"]) == (
        2,
        1,
        0,
    )
    assert shown["time-to-decision"]["Within a day"] == 2


def test_of_one_letter(desk: Client, letter: Letter) -> None:
    make_signature(letter), make_signature(make_letter(slug="second", title_en="The second letter"))
    assert numbers(desk, letter="second")["by-state"]["Approved"] == 1
    assert "Numbers: The second letter" in " ".join(desk.get(NUMBERS, {"letter": "second"}).content.decode().split())
    for nonsense in ("third", "\0"):
        assert desk.get(NUMBERS, {"letter": nonsense}).status_code == 404


def test_what_waits_longest_comes_first(desk: Client, letter: Letter) -> None:
    for number in range(12):
        made = make_signature(letter, status=SignatureStatus.PENDING, name=f"No. {number}")
        Signature.objects.filter(pk=made.pk).update(confirmed_at=datetime(2030, 5, 20 - number, tzinfo=UTC))
    answer = desk.get(NUMBERS)
    assert [row.name for row in answer.context["longest"]] == [f"No. {number}" for number in range(11, 1, -1)]
    assert "12" in answer.content.decode()
    assert f'href="/desk/?letter={letter.slug}"' in answer.content.decode()


def test_nothing_yet_and_nobody_else(desk: Client, client: Client) -> None:
    assert "There is no signature yet." in desk.get(NUMBERS).content.decode()
    assert client.get(NUMBERS).status_code == 302
    client.force_login(make_user(Role.Name.SENDER))
    assert client.get(NUMBERS).status_code == 403
    assert NUMBERS not in client.get("/desk/").content.decode()
    assert NUMBERS in desk.get("/desk/").content.decode()


def test_many_cost_as_many_queries_as_few(desk: Client, letter: Letter) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(NUMBERS).status_code == 200
        return len(captured)

    for status in ("approved", "pending"):
        make_signature(letter, status=status)
    few = queries()
    for _ in range(20):
        for status in ("approved", "pending"):
            make_signature(letter, status=status)
    assert queries() == few
