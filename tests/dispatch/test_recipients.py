"""Recipients at the desk: entered in every language, verified by somebody, and doubted before anything goes out."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from dispatch.desk_forms import RecipientForm
from dispatch.models import Channel, FurtherAddress, Recipient
from dispatch.services import dispatches
from letters.models import Letter
from tests.factories import make_edition, make_letter, make_user

pytestmark = pytest.mark.django_db
LISTED = "/desk/letters/belarus-2020/recipients/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def campaigner() -> User:
    return make_user(Role.Name.CAMPAIGNER, name="Alena Campaigner")


def desk_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def stated(recipient: Recipient, **other: Any) -> dict[str, Any]:
    """The form as it stands, with something changed."""
    form = RecipientForm(instance=recipient)
    return {name: form[name].value() or "" for name in form.fields} | other


def save(user: User, recipient: Recipient, status: int = 200, **other: Any) -> str:
    answer = desk_of(user).post(f"/desk/recipients/{recipient.pk}/", stated(recipient, **other), follow=True)
    assert answer.status_code == status
    recipient.refresh_from_db()
    return answer.content.decode()


def test_an_address_is_verified_until_it_changes(letter: Letter, campaigner: User) -> None:
    recipient = letter.recipients.all()[0]
    assert "Nobody has verified the address." in desk_of(campaigner).get(LISTED).content.decode()
    save(campaigner, recipient, verified="on")
    assert (recipient.verified_on, recipient.verified_by) == (timezone.now().date(), campaigner)
    save(campaigner, recipient, requirements="Signed by hand.")
    assert recipient.verified_by == campaigner
    save(campaigner, recipient, email="registry@government.example.org")
    assert (recipient.email, recipient.verified_on, recipient.verified_by) == (
        "registry@government.example.org",
        None,
        None,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"title_be": ""},
        {"title_ru": "two\nlines"},
        {"name_en": "a\0b"},
        {"salutation_be": "x" * 201},
        {"address_block_en": "<b>Minsk</b>"},
        {"email": "a@example.org, b@example.org"},
        {"email": ""},
        {"email": "MPT@government.example.org"},
        {"channel": "web"},
        {"channel": "pigeon"},
        {"channel": "web", "web_form": "javascript:alert(1)"},
        {"order": "-1"},
        {"order": "9" * 40},
        {"answer_days": "soon"},
        {"language": "fr"},
    ],
)
def test_what_cant_be_is_said_and_what_was_typed_kept(letter: Letter, campaigner: User, wrong: dict[str, Any]) -> None:
    recipient = letter.recipients.all()[0]
    before = Recipient.objects.filter(pk=recipient.pk).values().get()
    shown = save(campaigner, recipient, status=422, requirements="What I typed", **wrong)
    assert "errorlist" in shown
    assert "What I typed" in shown
    assert Recipient.objects.filter(pk=recipient.pk).values().get() == before


def test_a_recipient_is_added_at_the_end_and_removed(letter: Letter, campaigner: User) -> None:
    model = letter.recipients.all()[0]
    form = stated(model, email="new@government.example.org", order=6, kind="cc", title_en="Ministry of Justice")
    desk_of(campaigner).post(f"{LISTED}add/", form)
    added = letter.recipients.get(order=6)
    assert (added.title_en, added.email) == ("Ministry of Justice", "new@government.example.org")  # type: ignore[attr-defined]
    desk_of(campaigner).post(f"/desk/recipients/{added.pk}/remove/")
    assert letter.recipients.count() == 5


def test_who_stands_in_a_dispatch_stays(letter: Letter, campaigner: User) -> None:
    dispatches.prepare(make_edition(letter, sealed=True), by=campaigner)
    recipient = letter.recipients.all()[0]
    answer = desk_of(campaigner).post(f"/desk/recipients/{recipient.pk}/remove/", follow=True)
    assert "the record keeps it" in answer.content.decode()
    assert letter.recipients.count() == 5


def test_further_addresses_are_as_their_channel_wants_them(letter: Letter, campaigner: User) -> None:
    recipient = letter.recipients.all()[0]
    add = f"/desk/recipients/{recipient.pk}/addresses/"
    desk = desk_of(campaigner)
    unfit = (
        (Channel.EMAIL, "nobody"),
        (Channel.WEB, "javascript:1"),
        (Channel.POST, ""),
        (Channel.FAX, "+375 17 000\n+375 17 001"),
    )
    for channel, address in unfit:
        assert desk.post(add, {"channel": channel, "address": address}).status_code == 422
    for _ in range(2):
        desk.post(add, {"channel": Channel.POST, "address": "Канцылярыя\r\nМінск"})
    further = FurtherAddress.objects.get()
    assert further.address == "Канцылярыя\nМінск"
    assert further.verified_by is None
    desk.post(add, {"channel": Channel.POST, "address": "Канцылярыя\nМінск", "verified": "on"})
    assert FurtherAddress.objects.get().verified_by == campaigner
    desk.post(f"/desk/addresses/{further.pk}/remove/")
    assert not FurtherAddress.objects.exists()


def test_who_may_change_recipients(letter: Letter) -> None:
    recipient, reviewer = letter.recipients.all()[0], desk_of(make_user(Role.Name.REVIEWER))
    assert reviewer.get(LISTED).status_code == 200
    assert "Add a recipient" not in reviewer.get(LISTED).content.decode()
    for address in (f"{LISTED}add/", f"/desk/recipients/{recipient.pk}/"):
        assert reviewer.get(address).status_code == 403
    assert reviewer.post(f"/desk/recipients/{recipient.pk}/remove/").status_code == 403


def test_the_letters_history_tells_who_changed_to_whom_it_goes(letter: Letter, campaigner: User) -> None:
    browser, recipient = desk_of(campaigner), letter.recipients.all()[0]
    further = {"channel": Channel.EMAIL, "address": "second@office.example.org"}
    new = stated(recipient) | {f"title_{language}": "Another office" for language in ("en", "be", "ru")}
    browser.post("/desk/letters/belarus-2020/recipients/add/", new | {"email": "another@office.example.org"})
    save(campaigner, recipient, name_en="Another name")
    for _ in range(2):  # the second changes nothing
        browser.post(f"/desk/recipients/{recipient.pk}/addresses/", further)
    browser.post(f"/desk/addresses/{FurtherAddress.objects.get().pk}/remove/")
    history = "/desk/letters/belarus-2020/"
    office = recipient.title
    assert [(what, who) for _at, what, who in browser.get(history).context["history"]] == [
        ("Recipient entered: Another office", campaigner),
        (f"Recipient changed: {office}", campaigner),
        (f"Further address added: {office}", campaigner),
        (f"Further address removed: {office}", campaigner),
    ]
    browser.post(f"/desk/recipients/{letter.recipients.get(title='Another office').pk}/remove/")
    (_at, last, who) = browser.get(history).context["history"][-1]
    assert (last, who) == ("Recipient removed", campaigner)
