"""The queue and the decisions: with the evidence in front of staff, and one winner where two decide at once."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter
from letters.states import LetterStatus
from signatories import services
from signatories.desk.rows import REASONS, shown
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
HOME = "/desk/"
LETTER = "/desk/letters/belarus-2020/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER, name="Rita Reviewer")


def desk_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def make_pending(letter: Letter, **columns: Any) -> Signature:
    return make_signature(letter, status=SignatureStatus.PENDING, **columns)


def decide(browser: Client, decision: str, signature: Signature, **stated: str) -> str:
    """Press a button at the desk as it showed `signature`; the text of the page that follows."""
    stated = {"shown": shown(signature), "reason": "authority", **stated}
    answer = browser.post(reverse(f"desk:{decision}", args=[signature.pk]), stated, follow=True)
    assert answer.redirect_chain == [(HOME, 302)]
    return answer.content.decode()


def test_the_queue_shows_the_evidence(letter: Letter, reviewer: User) -> None:
    signature = make_pending(
        letter,
        name="Праваабарончы цэнтр",
        names={"ru": "Правозащитный центр"},
        visibility=Signature.Visibility.WITHHELD,
        website="https://centre.example.org",
        representative="Jane Example",
        role="Chair",
        email="jane@centre.example.org",
        language="be",
        country="LT",
    )
    page = desk_of(reviewer).get(HOME).content.decode()
    for said in ("Праваабарончы цэнтр", "Правозащитный центр", "Jane Example", "Chair", "jane@centre.example.org"):
        assert said in page
    for said in ("Lithuania", "Belarusian", "Withheld"):
        assert said in page
    assert '<a class="line" href="https://centre.example.org" rel="noreferrer nofollow">' in page
    assert reverse("desk:approve", args=[signature.pk]) in page
    assert reverse("desk:reject", args=[signature.pk]) in page


def test_only_what_is_confirmed_and_undecided_waits(letter: Letter, reviewer: User) -> None:
    for status in SignatureStatus:
        make_signature(letter, name=f"The {status} one", status=status)
    page = desk_of(reviewer).get(HOME).content.decode()
    assert "The pending one" in page
    for status in set(SignatureStatus) - {SignatureStatus.PENDING}:
        assert f"The {status} one" not in page


def test_approved_with_one_click(letter: Letter, reviewer: User) -> None:
    signature = make_pending(letter, name="Good People")
    page = decide(desk_of(reviewer), "approve", signature)
    assert "“Good People” is approved." in page
    assert reverse("desk:approve", args=[signature.pk]) not in page
    signature.refresh_from_db()
    assert (signature.status, signature.decided_by) == (SignatureStatus.APPROVED, reviewer)
    assert signature.decided_at
    assert Event.objects.about(signature).get(target=SignatureStatus.APPROVED).by == reviewer


def test_rejected_with_a_reason_that_is_mailed_in_the_signers_language(letter: Letter, reviewer: User) -> None:
    signature = make_pending(letter, name="Bad People", language="ru", email="bad@people.example.org")
    assert "“Bad People” is rejected." in decide(desk_of(reviewer), "reject", signature, reason="unknown")
    signature.refresh_from_db()
    assert (signature.status, signature.reason, signature.decided_by) == ("rejected", "unknown", reviewer)
    [mail] = mails_to("bad@people.example.org")
    assert mail.language == "ru"


@pytest.mark.parametrize("reason", ["because", ""])
def test_a_reason_that_is_none_rejects_nothing(letter: Letter, reviewer: User, reason: str) -> None:
    signature = make_pending(letter)
    assert "Choose one of the reasons." in decide(desk_of(reviewer), "reject", signature, reason=reason)
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.PENDING


@pytest.mark.parametrize(
    ("first", "said"), [("approve", "has already been approved"), ("reject", "already been rejected")]
)
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_the_second_of_two_is_told_who_decided_what(
    letter: Letter, reviewer: User, first: str, said: str, second: str
) -> None:
    signature = make_pending(letter, name="Wanted by Two")
    seen_by_both = shown(signature)
    decide(desk_of(reviewer), first, signature)
    signature.refresh_from_db()
    decided = (signature.status, signature.decided_by, signature.decided_at)
    page = decide(desk_of(make_user(Role.Name.REVIEWER)), second, signature, shown=seen_by_both)
    assert said in page
    assert "by Rita Reviewer on" in page
    signature.refresh_from_db()
    assert (signature.status, signature.decided_by, signature.decided_at) == decided


def test_of_two_at_the_same_moment_one_wins(letter: Letter, reviewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other's decision falls between our reading the row and our writing it."""
    signature = make_pending(letter, name="Wanted by Two")
    other, really = make_user(Role.Name.REVIEWER, name="Otto Other"), services.approve

    def overtaken(seen: Signature, *, by: User) -> None:
        services.reject(Signature.objects.get(pk=seen.pk), by=other, reason="scope")
        really(seen, by=by)

    monkeypatch.setattr(services, "approve", overtaken)
    page = decide(desk_of(reviewer), "approve", signature)
    assert "already been rejected, by Otto Other on" in page
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.REJECTED


def test_what_was_withdrawn_meanwhile_is_not_decided(letter: Letter, reviewer: User) -> None:
    signature = make_pending(letter, name="Changed Their Mind")
    services.withdraw(Signature.objects.get(pk=signature.pk))
    assert "has been withdrawn by the signatory" in decide(desk_of(reviewer), "approve", signature)
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.WITHDRAWN


def test_a_decision_holds_for_the_statement_that_was_shown(letter: Letter, reviewer: User) -> None:
    signature = make_pending(letter, name="Says Something Else")
    page = decide(desk_of(reviewer), "approve", signature, shown="2020-01-01T00:00:00+00:00")
    assert "has changed. Look at it again" in page
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.PENDING


def test_an_organisation_stands_under_a_letter_once(letter: Letter, reviewer: User) -> None:
    make_signature(letter, name="Good People", email="one@example.org")
    second = make_pending(letter, name="Good People", email="two@example.org")
    assert "stands under this letter already" in decide(desk_of(reviewer), "approve", second)
    second.refresh_from_db()
    assert second.status == SignatureStatus.PENDING


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_reading_decides_nothing(letter: Letter, reviewer: User, decision: str) -> None:
    signature = make_pending(letter)
    assert desk_of(reviewer).get(reverse(f"desk:{decision}", args=[signature.pk])).status_code == 405
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.PENDING


@pytest.mark.parametrize("role", [Role.Name.TRANSLATOR, Role.Name.SENDER])
def test_who_does_not_review_sees_no_signer(letter: Letter, role: str) -> None:
    signature = make_pending(letter, name="Hidden Name", email="hidden@example.org")
    browser = desk_of(make_user(role, language="be" if role == Role.Name.TRANSLATOR else ""))
    for address in (HOME, LETTER):
        page = browser.get(address).content.decode()
        assert "Hidden Name" not in page
        assert "hidden@example.org" not in page
    assert browser.post(reverse("desk:approve", args=[signature.pk])).status_code == 403
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.PENDING


def test_back_to_the_page_where_the_button_was_but_not_to_another_site(letter: Letter, reviewer: User) -> None:
    browser = desk_of(reviewer)
    stay = {"shown": "", "next": f"{LETTER}?state=pending"}
    signature = make_pending(letter)
    address = reverse("desk:approve", args=[signature.pk])
    assert browser.post(address, stay).headers["Location"] == stay["next"]
    for elsewhere in ("//evil.example.org/", "evil", "a@b", "x" * 20_000):
        assert browser.post(address, {"shown": "", "next": elsewhere}).headers["Location"] == HOME


def test_the_letters_page_lists_by_state_who_decided(letter: Letter, reviewer: User) -> None:
    make_signature(letter, name="Kept One", decided_by=reviewer)
    make_signature(letter, name="Never Confirmed", status=SignatureStatus.UNCONFIRMED)
    gone = make_pending(letter, name="Gone One")
    services.withdraw(gone)
    browser = desk_of(reviewer)
    page = browser.get(LETTER, {"state": "approved"}).content.decode()
    assert "Kept One" in page
    assert "Rita Reviewer" in page
    assert "Gone One" in browser.get(LETTER, {"state": "withdrawn"}).content.decode()
    for state in ("pending", "approved", "rejected", "withdrawn", "unconfirmed"):
        assert "Never Confirmed" not in browser.get(LETTER, {"state": state}).content.decode()
    assert "1 signature has not been confirmed" in page


def test_each_reason_is_a_button_of_its_own(letter: Letter, reviewer: User) -> None:
    signature = make_pending(letter)
    page = desk_of(reviewer).get(HOME).content.decode()
    reject = reverse("desk:reject", args=[signature.pk])
    for number, reason in enumerate(REASONS, start=1):
        assert f'formaction="{reject}" name="reason" value="{reason}" data-key="{number}"' in page


def test_an_approved_one_is_rejected_later_and_approved_again(letter: Letter, reviewer: User, client: Client) -> None:
    signature = make_signature(letter, name="Taken In", email="in@example.org")
    public = "/en/letters/belarus-2020/"
    assert "Taken In" in client.get(public).content.decode()
    browser = desk_of(reviewer)
    for state, decision, then in (("approved", "reject", "rejected"), ("rejected", "approve", "approved")):
        page = browser.get(LETTER, {"state": state}).content.decode()
        assert reverse(f"desk:{decision}", args=[signature.pk]) in page
        assert f'value="{shown(signature)}"' in page
        decide(browser, decision, signature, reason="unknown")
        signature.refresh_from_db()
        assert (signature.status, signature.decided_by) == (then, reviewer)
        assert ("Taken In" in client.get(public).content.decode()) == (then == "approved")
    assert list(Event.objects.about(signature).values_list("source", "target")) == [
        ("approved", "rejected"),
        ("rejected", "approved"),
    ]
    assert len(mails_to("in@example.org")) == 2


def test_a_counter_decision_holds_for_the_decision_that_was_shown(letter: Letter, reviewer: User) -> None:
    signature = make_signature(letter, name="Back And Forth")
    seen = shown(signature)
    services.reject(signature, by=reviewer, reason="unknown")
    services.approve(signature, by=reviewer)
    page = decide(desk_of(reviewer), "reject", signature, shown=seen)
    assert "has already been approved, by Rita Reviewer on" in page
    signature.refresh_from_db()
    assert signature.status == SignatureStatus.APPROVED


def test_the_page_names_whom_the_edition_leaves_out(letter: Letter, reviewer: User) -> None:
    make_signature(letter, name="Never Confirmed", status=SignatureStatus.UNCONFIRMED)
    make_pending(letter, name="Still Waiting")
    edition = make_edition(letter)
    page = desk_of(reviewer).get(LETTER, {"state": "approved"}).content.decode()
    assert f"Not in edition {edition.number}" in page
    assert "Never Confirmed" in page
    assert "Still Waiting" in page
    assert "Never Confirmed" not in desk_of(make_user(Role.Name.SENDER)).get(LETTER).content.decode()


def test_a_name_that_looks_like_another_is_marked(letter: Letter, reviewer: User) -> None:
    make_pending(letter, name="Plain Name")
    assert "Letters of different scripts" not in desk_of(reviewer).get(HOME).content.decode()
    make_pending(letter, name="Аccess Now")
    assert "А (Cyrillic)" in desk_of(reviewer).get(HOME).content.decode()


def test_the_queue_says_of_which_letter(letter: Letter, reviewer: User) -> None:
    make_pending(letter)
    page = desk_of(reviewer).get(HOME).content.decode()
    queue = page[page.index('<table class="queue">') : page.index("</table>")]
    assert f'<a href="{LETTER}">{letter.title}</a>' in queue


def test_opened_and_closed_for_signing(letter: Letter, reviewer: User) -> None:
    browser = desk_of(make_user(Role.Name.CAMPAIGNER))
    assert "closed for signing" in browser.post(f"{LETTER}close/", follow=True).content.decode()
    letter.refresh_from_db()
    assert letter.status == LetterStatus.CLOSED
    assert "was closed already" in browser.post(f"{LETTER}close/", follow=True).content.decode()
    assert desk_of(reviewer).post(f"{LETTER}open/").status_code == 403
    browser.post(f"{LETTER}open/")
    letter.refresh_from_db()
    assert letter.status == LetterStatus.OPEN


def test_the_letters_page_tells_what_was_done_to_it_and_by_whom(letter: Letter, reviewer: User) -> None:
    campaigner = make_user(Role.Name.CAMPAIGNER, name="Clara Campaigner")
    browser = desk_of(campaigner)
    browser.post(f"{LETTER}close/")
    browser.post(f"{LETTER}signing/", {"signing_until": "2031-05-06"})
    browser.post(f"{LETTER}invitations/link/", {"label": "Members"})
    told = [(str(what), who) for _at, what, who in browser.get(LETTER).context["history"]]
    assert told == [
        ("Closed for signing", campaigner),
        ("Chosen who may sign, and until when", campaigner),
        ("Private link made", campaigner),
    ]
    assert "Private link made" not in desk_of(reviewer).get(LETTER).content.decode()


@pytest.mark.parametrize("day", ["9999-12-31", "2026-99-99", "10000-01-01", "\0"])
def test_a_last_day_that_is_none_changes_nothing(letter: Letter, day: str) -> None:
    browser = desk_of(make_user(Role.Name.CAMPAIGNER))
    answer = browser.post(f"{LETTER}signing/", {"signing_until": day})
    assert answer.status_code == 422
    assert "Enter a day such as 2020-08-31." in answer.content.decode()


@pytest.mark.parametrize("address", [HOME, LETTER, f"{LETTER}?state=approved", f"{LETTER}?state=withdrawn"])
def test_sixty_rows_cost_as_many_queries_as_three(letter: Letter, reviewer: User, address: str) -> None:
    browser = desk_of(reviewer)
    states = (SignatureStatus.PENDING, SignatureStatus.APPROVED, SignatureStatus.WITHDRAWN)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    make_edition(letter)
    for state in states:
        for _ in range(3):
            make_signature(letter, status=state)
    few = queries()
    for state in states:
        for _ in range(57):
            make_signature(letter, status=state)
    for number in range(3):
        make_edition(make_letter(slug=f"another-{number}"))
    assert queries() == few


def test_a_long_queue_comes_in_pages(letter: Letter, reviewer: User) -> None:
    for number in range(51):
        make_pending(letter, name=f"Organisation No. {number:03}.")
    browser = desk_of(reviewer)
    first, second = (browser.get(HOME, {"page": page}).content.decode() for page in (1, 2))
    assert "51 signatures wait for a decision" in first
    assert ("No. 000." in first, "No. 050." in first) == (True, False)
    assert ("No. 000." in second, "No. 050." in second) == (False, True)
    assert browser.get(HOME, {"page": "nonsense"}).status_code == 200
