"""Who is listed where: in the letter's order; and apart, who joined later, signs for themselves, or signed before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from dispatch import pdf
from dispatch.services import deliveries, editions
from dispatch.states import DeliveryStatus
from ledger.services import move
from letters.models import Letter
from letters.services import digest
from signatories.models import Signature
from signatories.queries import signatory_count, signatory_list
from signatories.services import mark_delivered
from signatories.states import SignatureStatus
from tests.dispatch.sending import make_delivery
from tests.factories import PASSWORD, make_letter, make_signature, make_user
from tests.tools import text_of

pytestmark = pytest.mark.django_db
PAGE = "/en/letters/belarus-2020/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


def names(rows: list[Any]) -> list[str]:
    return [row.name for row in rows]


def change_meaning(letter: Letter) -> None:
    """A version of other words and another meaning."""
    content = {**letter.version.content, "changed": True}
    number = letter.version.number + 1
    keep_until = timezone.now().date() + timedelta(days=7)
    letter.versions.create(
        number=number, content=content, sha256=digest(content), is_material=True, reason="x", keep_until=keep_until
    )


def at_desk(role: str = Role.Name.CAMPAIGNER) -> Client:
    user, client = make_user(role), Client()
    client.login(username=user.email, email=user.email, password=PASSWORD)
    return client


class TestGroups:
    def test_whoever_joins_after_the_delivery_is_listed_apart(self, letter: Letter) -> None:
        early = make_signature(letter, name="Early")
        mark_delivered(Signature.objects.filter(pk=early.pk), at=timezone.now())  # type: ignore[arg-type]
        make_signature(letter, name="Late")
        listed = signatory_list(letter, "en")
        assert (names(listed.named), names(listed.joined), listed.count) == (["Early"], ["Late"], 2)
        page = Client().get(PAGE).content.decode()
        assert page.index("Early") < page.index("Joined after the letter was delivered") < page.index("Late")
        edition = editions.cut_edition(letter, by=None).edition
        assert {entry["name"]["en"] for entry in edition.content["signatories"]} == {"Early", "Late"}

    def test_before_the_delivery_nobody_is_late(self, letter: Letter) -> None:
        make_signature(letter, name="One")
        assert names(signatory_list(letter, "en").joined) == []

    def test_individuals_are_listed_apart_with_their_affiliation(self, letter: Letter) -> None:
        make_signature(letter, name="An Organisation")
        individual = {"kind": Signature.Kind.INDIVIDUAL, "affiliation": "University of Examples"}
        make_signature(letter, name="Ann Example", **individual)
        withheld = Signature.Visibility.WITHHELD
        make_signature(letter, name="Hidden Person", visibility=withheld, **individual)
        listed = signatory_list(letter, "en")
        assert (names(listed.named), listed.count) == (["An Organisation"], 1)
        assert (names(listed.individuals), listed.individual_count) == (["Ann Example"], 2)
        assert signatory_count(letter) == 1
        page = Client().get(PAGE).content.decode()
        assert "1 organisation has signed this letter." in page
        assert "2 people have signed this letter. Affiliations are for identification only." in page
        assert "University of Examples" in page
        assert "Hidden Person" not in page

    def test_whoever_signed_an_earlier_text_is_not_counted_and_not_in_the_next_edition(self, letter: Letter) -> None:
        old = make_signature(letter, name="Of the first text")
        change_meaning(letter)
        new = make_signature(letter, name="Of the second text")
        listed = signatory_list(letter, "en")
        assert (names(listed.named), names(listed.earlier), listed.count) == ([new.name], [old.name], 1)
        cut = editions.cut_edition(letter, by=None)
        assert [entry["signature"] for entry in cut.edition.content["signatories"]] == [new.pk]
        assert cut.earlier == [old]

    def test_an_edition_keeps_its_files_when_one_of_its_signatures_lapses(self, letter: Letter) -> None:
        signature = make_signature(letter)
        edition = editions.cut_edition(letter, by=None).edition
        move(signature, SignatureStatus.LAPSED, by=None)
        assert not edition.names_someone_who_left
        move(signature, SignatureStatus.WITHDRAWN, by=None)
        assert edition.names_someone_who_left


class TestOrder:
    @pytest.fixture(autouse=True)
    def signatures(self, letter: Letter) -> dict[str, Signature]:
        days = {"The Zebra": 3, "Apple": 2, "Mango": 1}
        return {
            name: make_signature(letter, name=name, signed_at=datetime(2020, 8, day, tzinfo=UTC))
            for name, day in days.items()
        }

    def test_by_name_with_or_without_articles(self, letter: Letter) -> None:
        assert names(signatory_list(letter, "en").named) == ["Apple", "Mango", "The Zebra"]
        client = at_desk()
        client.post("/desk/letters/belarus-2020/order/", {"signatory_order": "name"})
        letter.refresh_from_db()
        assert letter.ignores_articles is False
        assert names(signatory_list(letter, "en").named) == ["Apple", "Mango", "The Zebra"]

    def test_by_date_on_the_page_and_in_the_edition(self, letter: Letter) -> None:
        assert at_desk().post("/desk/letters/belarus-2020/order/", {"signatory_order": "date"}).status_code == 302
        letter.refresh_from_db()
        assert names(signatory_list(letter, "en").named) == ["Mango", "Apple", "The Zebra"]
        content = editions.cut_edition(letter, by=None).edition.content
        assert [entry["name"]["en"] for entry in content["signatories"]] == ["Mango", "Apple", "The Zebra"]

    def test_by_hand_with_a_lead(self, letter: Letter, signatures: dict[str, Signature]) -> None:
        client = at_desk()
        client.post("/desk/letters/belarus-2020/order/", {"signatory_order": "hand"})
        keys = {name: signature.pk for name, signature in signatures.items()}
        places = {f"{keys['The Zebra']}-position": "1", f"{keys['Mango']}-position": "2"}
        listed = {"listed": list(keys.values()), f"{keys['Apple']}-is_lead": "on"}
        assert client.post("/desk/letters/belarus-2020/places/", {**listed, **places}).status_code == 302
        letter.refresh_from_db()
        assert names(signatory_list(letter, "ru").named) == ["Apple", "The Zebra", "Mango"]

    def test_a_place_that_is_none_is_said_beside_it_and_nothing_is_saved(
        self, letter: Letter, signatures: dict[str, Signature]
    ) -> None:
        pk = signatures["Mango"].pk
        answer = at_desk().post(
            "/desk/letters/belarus-2020/places/",
            {"listed": [pk, "x", "²"], f"{pk}-position": "-1", f"{pk}-is_lead": "on"},
        )
        assert answer.status_code == 422
        assert "Enter 1 or more." in answer.content.decode()
        signatures["Mango"].refresh_from_db()
        assert (signatures["Mango"].position, signatures["Mango"].is_lead) == (None, False)

    def test_it_is_the_campaigners_to_choose(self) -> None:
        client = at_desk(Role.Name.REVIEWER)
        assert client.get("/desk/letters/belarus-2020/order/").status_code == 403
        assert client.post("/desk/letters/belarus-2020/places/").status_code == 403


def test_who_may_sign_is_chosen_at_the_desk(letter: Letter) -> None:
    client, page = at_desk(), "/desk/letters/belarus-2020/signing/"
    assert client.post(page, {"signing_until": "2030-02-31"}).status_code == 422
    assert client.post(page, {"signing_until": "2030-03-01", "accepts_individuals": "on"}).status_code == 302
    letter.refresh_from_db()
    assert (letter.signing_until.isoformat(), letter.accepts_individuals) == ("2030-03-01", True)  # type: ignore[union-attr]
    assert "1 March 2030" in Client().get(PAGE).content.decode()


def test_what_reached_an_addressee_marks_its_signatories(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    delivery = make_delivery()
    for status in (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN):
        move(delivery, status, by=None)
    [signature] = delivery.edition.signatures.all()
    assert signature.delivered_at is None
    deliveries.resolve(delivery, DeliveryStatus.ACCEPTED, by=make_user(Role.Name.SENDER))
    signature.refresh_from_db()
    assert signature.delivered_at is not None


def test_individuals_stand_apart_on_paper(letter: Letter) -> None:
    make_signature(letter, name="An Organisation")
    make_signature(letter, name="Ann Example", kind=Signature.Kind.INDIVIDUAL, affiliation="University of Examples")
    text = text_of(pdf.render(editions.cut_edition(letter, by=None).edition, "en").data)
    assert "1 organisation has signed this letter." in text
    people = (
        "1 person has signed this letter. Affiliations are for identification only. Ann Example, University of Examples"
    )
    assert people in text
