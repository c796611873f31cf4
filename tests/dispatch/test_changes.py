"""What a new edition has that the last one had not: on its public page, and at the desk before it is cut."""

from datetime import date

import pytest
from django.test import Client

from accounts.models import Role
from dispatch.models import Delivery, Edition
from dispatch.services import dispatches
from dispatch.states import DeliveryStatus
from letters import services as letters
from letters.models import Letter
from signatories import services
from signatories.models import Signature
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.tools import freshly_signed_in

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "be", "ru")
DAY = date(2100, 1, 1)


@pytest.fixture
def letter() -> Letter:
    letter = make_letter()
    make_signature(letter, name="Stays")
    make_edition(letter, sealed=True)
    return letter


def public(edition: Edition, language: str = "en") -> str:
    answer = Client().get(f"/{language}/letters/{edition.letter.slug}/editions/{edition.number}/")
    assert answer.status_code == 200
    return answer.content.decode()


def changed(page: str) -> str:
    """That part of the page alone."""
    return page.partition('id="changed"')[2].partition("</section>")[0]


def desk(letter: Letter, role: str = Role.Name.CAMPAIGNER) -> str:
    answer = freshly_signed_in(make_user(role)).get(f"/desk/letters/{letter.slug}/next-edition/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_first_edition_changes_nothing(letter: Letter) -> None:
    assert 'id="changed"' not in public(letter.editions.get())


def test_a_late_signer_is_named_as_new_before_and_after(letter: Letter) -> None:
    make_signature(letter, name="Came late")
    before = desk(letter)
    edition = make_edition(letter, sealed=True)
    for said in (before, changed(public(edition))):
        assert "Came late" in said
        assert "Stays" not in said
        assert "The text is the same." in said
    assert "2, before: 1" in before


def test_whoever_left_is_counted_at_the_desk_alone_and_named_nowhere(letter: Letter) -> None:
    leaves = make_signature(letter, name="Has to leave")
    hides = make_signature(letter, name="Has to hide")
    make_edition(letter, sealed=True)
    services.withdraw(leaves)
    Signature.objects.filter(pk=hides.pk).update(visibility=Signature.Visibility.WITHHELD)
    before = desk(letter)
    edition = make_edition(letter, sealed=True)
    for page in (before, *(public(each) for each in letter.editions.all()), public(edition, "be")):
        assert "Has to" not in page
    assert "Names no longer given" in before
    assert "<dd>2</dd>" in before.replace("\n", "").replace(" ", "")
    assert "2, before: 3" in before
    said = changed(public(edition))
    assert "No name is new or corrected; text and addressees are the same." in said
    assert "before:" not in said


def test_a_new_name_that_leaves_later_goes_from_what_changed_too(letter: Letter) -> None:
    late = make_signature(letter, name="Came late")
    edition = make_edition(letter, sealed=True)
    services.withdraw(late)
    page = public(edition)
    assert "Came late" not in page
    assert "New among the signatories" in changed(page)


def test_a_corrected_name_stands_as_it_is_now(letter: Letter) -> None:
    Signature.objects.update(name_en="Stays, spelt well", name_be="Stays, spelt well", name_ru="Stays, spelt well")
    edition = make_edition(letter, sealed=True)
    said = changed(public(edition))
    assert "Corrected, as they stand now" in said
    assert "Stays, spelt well" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_corrected_text_is_shown_in_each_language(letter: Letter, language: str) -> None:
    columns = {f"salutation_{code}": f"Corrected in {code}" for code in LANGUAGES}
    Letter.objects.filter(pk=letter.pk).update(**columns)
    letters.save_version(Letter.objects.get(pk=letter.pk))
    edition = make_edition(Letter.objects.get(pk=letter.pk), sealed=True)
    assert f"Corrected in {language}" in changed(public(edition, language)).replace("<ins>", "").replace("</ins>", "")


def test_only_those_who_renewed_their_consent_are_in_the_edition_of_the_new_text(letter: Letter) -> None:
    asked = make_signature(letter, name="Keeps it")
    make_edition(letter, sealed=True)
    Letter.objects.filter(pk=letter.pk).update(**{f"closing_{code}": f"Other meaning, {code}" for code in LANGUAGES})
    letter = Letter.objects.get(pk=letter.pk)
    version = letters.save_version(letter, is_material=True, reason=dict.fromkeys(LANGUAGES, "Why"), keep_until=DAY)
    services.keep(asked, version=version)
    edition = make_edition(letter, sealed=True)
    assert [entry["name"]["en"] for entry in edition.content["signatories"]] == ["Keeps it"]
    said = changed(public(edition))
    assert "before:" not in said
    assert "Stays" not in said

    # The one who comes back later is new in the next one.
    services.keep(Signature.objects.get(name_en="Stays"), version=version)
    assert "Stays" in changed(public(make_edition(letter, sealed=True)))


def test_new_and_former_addressees(letter: Letter) -> None:
    gone = letter.recipients.order_by("order").last()
    assert gone
    gone.delete()
    edition = make_edition(letter, sealed=True)
    said = changed(public(edition))
    assert "No longer addressed to" in said
    assert gone.name_en in said  # type: ignore[attr-defined]
    assert "New addressees" not in said


def test_nothing_but_the_number(letter: Letter) -> None:
    assert "Text, signatories and addressees are the same." in desk(letter)
    said = changed(public(make_edition(letter, sealed=True)))
    assert "No name is new or corrected; text and addressees are the same." in said


def test_before_there_is_an_edition_everything_is_new() -> None:
    assert "everything would be new" in desk(make_letter())


def test_the_button_beside_what_would_be_new_cuts_that(letter: Letter) -> None:
    browser = freshly_signed_in(make_user(Role.Name.CAMPAIGNER))
    for _ in range(2):
        browser.post(f"/desk/letters/{letter.slug}/cut/", {"last": "1"})
    assert letter.editions.count() == 2
    assert 'name="last"' not in desk(letter, Role.Name.REVIEWER)


def test_the_desk_knows_who_has_which_edition(letter: Letter) -> None:
    address = f"/desk/letters/{letter.slug}/recipients/"
    browser = freshly_signed_in(make_user(Role.Name.SENDER))
    assert "Who has which edition" not in browser.get(address).content.decode()
    first = dispatches.prepare(letter.editions.get(), by=make_user())
    assert "Who has which edition" not in browser.get(address).content.decode()
    type(first).objects.filter(pk=first.pk).update(status="done", authorised_by=make_user())
    Delivery.objects.update(status="accepted")
    refused = first.deliveries.earliest("pk")
    Delivery.objects.filter(pk=refused.pk).update(status="failed")
    page = browser.get(address).content.decode().partition('id="which"')[2]
    assert page.count(str(DeliveryStatus.ACCEPTED.label)) == 4
    assert page.count(f'href="/desk/deliveries/{refused.pk}/"') == 1
    assert "Edition 2" not in page
