"""The registry: what is known of organisations across letters, and two records made one."""

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.models import Role, User
from ledger.models import Event
from ledger.services import Overtaken
from signatories import registry_tables
from signatories.authority import Grade
from signatories.models import Invitation, MandatedSigner, Organisation, Signature
from signatories.services import access, deciding, inviting, registry
from signatories.services.evidence import assess, organisation_of
from tests.factories import make_letter, make_organisation, make_signature, make_user

pytestmark = pytest.mark.django_db
LIST = "/desk/organisations/"
TODAY = timezone.now().date()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER, name="Rita Reviewer")


@pytest.fixture
def desk(reviewer: User) -> Client:
    browser = Client()
    browser.force_login(reviewer)
    return browser


def found(desk: Client, query: str, **filters: str) -> list[str]:
    return [name for _organisation, name, _country in desk.get(LIST, {"q": query, **filters}).context["rows"]]


def page_of(organisation: Organisation) -> str:
    return reverse("desk:organisation", args=[organisation.pk])


def locked(*signatures: Signature) -> list[bool]:
    return [signature.is_locked for signature in signatures]


class TestFinding:
    def test_by_every_name_and_domain(self, desk: Client, reviewer: User) -> None:
        one = make_organisation(
            name="Human Rights Center “Viasna”",
            name_be="Праваабарончы цэнтр «Вясна»",
            acronym="ПЦВ",
            domains=["spring.org"],
        )
        registry.add_alias(one, "Spring 96", by=reviewer)
        make_organisation(name="Another")
        for query in ("VIASNA", "rights center", "вясна", "цэнтр", "пцв", "spring 96", "spring.org", "Spring-96"):
            assert found(desk, query) == ["Human Rights Center “Viasna”"], query
        assert found(desk, "nobody") == []
        assert len(found(desk, "\0 ")) == 2

    def test_members_and_locked(self, desk: Client) -> None:
        make_organisation(name="Member", member_since=TODAY)
        make_organisation(name="Locked", status="locked")
        assert [found(desk, "", only=only) for only in ("members", "locked")] == [["Member"], ["Locked"]]

    @pytest.mark.parametrize("query", ["%", "_", "'", "\\", "<b>", "x" * 5000, "💥"])
    def test_nothing_breaks_the_search(self, desk: Client, query: str) -> None:
        make_organisation(name="One")
        assert desk.get(LIST, {"q": query}).status_code == 200

    @pytest.mark.parametrize("role", [Role.Name.TRANSLATOR, Role.Name.SENDER])
    def test_only_for_those_who_decide(self, role: Role.Name) -> None:
        browser = Client()
        browser.force_login(make_user(role, language="be" if role == Role.Name.TRANSLATOR else ""))
        assert browser.get(LIST).status_code == 403


STATED = {
    "name": "One / Адзін",
    "name_be": "Адзін",
    "name_ru": "",
    "acronym": "ONE",
    "country": "LT",
    "website": "one.org",
    "domains": "https://www.one.org/about\nmail.one.org, ONE.org",
    "public_email": "info@one.org",
    "member_since": "2019-05-01",
}


class TestEntering:
    def test_added_with_checked_fields(self, desk: Client) -> None:
        desk.post(f"{LIST}add/", STATED)
        one = Organisation.objects.get()
        assert (one.name_en, one.name_be, one.acronym, one.country) == ("One / Адзін", "Адзін", "ONE", "LT")
        assert (one.website, one.domains) == ("https://one.org", ["one.org", "mail.one.org"])
        assert (one.public_email, one.member_since) == ("info@one.org", date(2019, 5, 1))
        assert [event.target for event in Event.objects.about(one)] == ["known"]
        assert found(desk, "адзін") == ["One / Адзін"]

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("name", "", "Enter the name of the organisation."),
            (
                "name",
                "a\0b",
                "This holds characters that can’t be seen, or more than one line. Type it again on one line.",
            ),
            ("country", "XX", "Choose a country from the list."),
            (
                "domains",
                "gmail.com",
                "Anyone can have an address or a page at gmail.com, so it shows nothing. Leave it out.",
            ),
            ("domains", "not a domain", "“not” is not a domain, such as example.org."),
            ("website", "ftp://one.org", "Enter an address that begins with https:// or http://."),
            ("public_email", "a@b", "Enter an e-mail address with a full domain, such as name@example.org."),
            ("member_since", "05.08.2020", "Write the date as year, month and day, such as 2020-08-05."),
            ("member_since", "0020-08-05", "Look at the year of this date."),
        ],
    )
    def test_what_is_wrong_is_said_beside_it_and_typed_text_stays(
        self, desk: Client, field: str, value: str, message: str
    ) -> None:
        answer = desk.post(f"{LIST}add/", {**STATED, field: value})
        assert answer.status_code == 422
        assert message in answer.context["form"].errors[field]
        assert field == "acronym" or "ONE" in answer.text
        assert Organisation.objects.count() == 0

    def test_the_same_name_in_a_country_is_there_once(self, desk: Client) -> None:
        make_organisation(name="ONE. adzin", country="LT")
        answer = desk.post(f"{LIST}add/", {**STATED, "name": "One, Adzin"})
        assert answer.status_code == 422
        assert "is in the registry already" in answer.text
        assert desk.post(f"{LIST}add/", {**STATED, "name": "One, Adzin", "country": "PL"}).status_code == 302

    def test_changed(self, desk: Client) -> None:
        one, other = make_organisation(name="One", country="LT"), make_organisation(name="Other", country="LT")
        path = reverse("desk:change_organisation", args=[one.pk])
        assert desk.get(path).context["form"]["name"].value() == "One"
        desk.post(path, STATED)
        one.refresh_from_db()
        assert (one.name_en, one.folded_name, one.domains) == ("One / Адзін", "one адзін", ["one.org", "mail.one.org"])
        assert desk.post(path, {**STATED, "name": "Other"}).status_code == 422
        assert page_of(other) in desk.post(path, {**STATED, "name": "Other"}).text

    def test_domains_are_evidence_for_what_waits(self, desk: Client) -> None:
        one = make_organisation(name="One", country="BY")
        waiting = make_signature(make_letter(), name="One", status="pending", email="a@one.org", website="")
        desk.post(reverse("desk:change_organisation", args=[one.pk]), {**STATED, "name": "One", "country": "BY"})
        waiting.refresh_from_db()
        assert waiting.grade == Grade.DOMAIN

    def test_locked_and_unlocked(self, desk: Client) -> None:
        one = make_organisation(name="One")
        for verb, said in (
            ("lock", "Access is locked"), ("lock", "Somebody else has locked it already"),
            ("unlock", "Access is open again."), ("unlock", "Somebody else has unlocked it already"),
        ):  # fmt: skip
            assert said in desk.post(f"{page_of(one)}{verb}/", follow=True).text
        happened = [past.words for past in desk.get(page_of(one)).context["history"]]
        assert happened == ["Access unlocked", "Access locked"]

    def test_what_looks_alike_is_shown_at_locking_and_locked_where_it_is_ticked(self, desk: Client) -> None:
        letter = make_letter()
        one = make_organisation(name="Minsk Watch", country="BY")
        own = make_signature(letter, name="Minsk Watch", status="pending", email="own@one.org")
        cyrillic = make_signature(letter, name="Mіnsk Watch", status="pending", email="a@two.org")
        spelt = make_signature(letter, name="Minsk Wotch", status="pending", email="a@three.org")
        other = make_signature(letter, name="Brest Centre", status="pending")
        for signature in (own, cyrillic, spelt, other):
            assess(signature)
        page = desk.get(f"{page_of(one)}lock/")
        assert [signature for signature, *_ in page.context["alike"]] == [cyrillic, spelt]
        assert " checked" not in page.text
        desk.post(f"{page_of(one)}lock/", {"too": [spelt.pk, other.pk, "x"]})
        assert locked(own, cyrillic, spelt, other) == [True, False, True, False]
        desk.post(f"{page_of(one)}lock/too/", {"too": [cyrillic.pk]})
        assert locked(own, cyrillic, spelt, other) == [True, True, False, False]
        assert f'value="{cyrillic.pk}" checked' in desk.get(f"{page_of(one)}lock/").text
        history = desk.get(reverse("desk:signature", args=[spelt.pk])).text
        assert "Access no longer locked with another name" in history
        desk.post(f"{page_of(one)}unlock/")
        assert locked(own, cyrillic, spelt, other) == [False] * 4

    def test_what_was_locked_too_stays_so_in_a_merged_record(self, desk: Client, reviewer: User) -> None:
        goes, stays = make_organisation(name="One"), make_organisation(name="Two")
        spelt = make_signature(make_letter(), name="Oone", status="pending")
        access.lock(goes, by=reviewer, also=[spelt])
        registry.merge(goes, into=stays, by=reviewer)
        assert locked(spelt) == [True]

    def test_the_logo_is_a_bare_picture_for_staff(self, desk: Client) -> None:
        one = make_organisation(name="One")
        path = reverse("desk:logo", args=[one.pk])
        assert desk.get(path).status_code == 404
        picture = BytesIO()
        Image.new("RGB", (900, 300), "red").save(picture, "JPEG", comment=b"where it was taken")
        desk.post(path, {"logo": SimpleUploadedFile("logo.jpg", picture.getvalue())})
        kept = b"".join(desk.get(path).streaming_content)  # type: ignore[attr-defined]
        assert (kept[:4], b"where it was taken" in kept) == (b"\x89PNG", False)
        assert path in desk.get(page_of(one)).text
        wrong = desk.post(path, {"logo": SimpleUploadedFile("logo.png", b"<svg/>")})
        assert (wrong.status_code, "can’t be read" in wrong.text) == (422, True)
        assert Client().get(path).status_code == 302
        desk.post(reverse("desk:remove_logo", args=[one.pk]))
        assert desk.get(path).status_code == 404

    def test_names_and_mandates(self, desk: Client, reviewer: User) -> None:
        one = make_organisation(name="One")
        page = page_of(one)
        desk.post(f"{page}names/", {"name": "Uno", "language": ""})
        desk.post(f"{page}names/", {"name": "UNO!", "language": ""})
        assert [alias.name for alias in one.aliases.all()] == ["Uno"]
        mandate = {"name": "Jane Example", "email": "jane@one.org", "since": "2020-01-01", "until": ""}
        desk.post(f"{page}mandates/", mandate)
        held = one.mandated_signers.get()
        assert (held.name, held.added_by, held.holds(TODAY)) == ("Jane Example", reviewer, True)
        assert "jane@one.org" not in str(MandatedSigner.objects.values_list("email", flat=True).query)
        wrong = desk.post(f"{page}mandates/", {**mandate, "until": "2019-01-01"})
        assert (wrong.status_code, "A mandate ends after it has begun." in wrong.text) == (422, True)
        assert desk.post(f"{page}names/", {"name": ""}).status_code == 422
        desk.post(reverse("desk:end_mandate", args=[held.pk]))
        held.refresh_from_db()
        assert (held.holds(TODAY), held.until) == (False, TODAY - timedelta(days=1))
        desk.post(reverse("desk:remove_alias", args=[one.aliases.get().pk]))
        assert one.aliases.count() == 0
        happened = [past.words for past in desk.get(page).context["history"]]
        assert happened == ["Another name removed", "Mandate ended", "Mandate added", "Another name added"]


def make_pair() -> tuple[Organisation, Organisation]:
    """Derechos Digitales as it stands twice in the registry."""
    stays = make_organisation(name="Derechos Digitales", country="CL", domains=["derechosdigitales.org"])
    goes = make_organisation(
        name="Derechos Digitales · América Latina",
        name_ru="Деречос Диджиталес",
        country="CL",
        acronym="DD",
        domains=["dd.org", "derechosdigitales.org"],
        public_email="info@dd.org",
        member_since=date(2018, 1, 1),
    )
    return stays, goes


class TestMerging:
    def merge(self, desk: Client, stays: Organisation, goes: Organisation) -> Any:
        path = reverse("desk:merge", args=[goes.pk, stays.pk])
        page = desk.get(path).text
        assert stays.name in page
        assert goes.name in page
        return desk.post(path, {"stays": stays.pk}, follow=True)

    def test_everything_moves_and_the_record_leads_on(self, desk: Client, reviewer: User) -> None:
        stays, goes = make_pair()
        registry.add_alias(goes, "Digital Rights", language="en", by=reviewer)
        stated = {"name": "Ana", "role": "", "email": "ana@dd.org", "since": TODAY, "until": None}
        registry.add_mandate(goes, **stated, by=reviewer)
        registry.add_mandate(stays, **{**stated, "email": "A.na@dd.org"}, by=reviewer)
        letter = make_letter()
        signed = make_signature(letter, name=goes.name, country="CL")
        inviting.invite(
            letter, [inviting.Invitee(name="X", email="a@x.org", language="en", organisation=goes)], by=reviewer
        )
        answer = self.merge(desk, stays, goes)
        assert answer.redirect_chain == [(page_of(stays), 302)]
        stays.refresh_from_db()
        goes.refresh_from_db()
        signed.refresh_from_db()
        assert (goes.status, goes.merged_into, signed.organisation) == ("merged", stays, stays)
        assert [alias.name for alias in stays.aliases.all()] == [
            "Derechos Digitales · América Latina", "Деречос Диджиталес", "Digital Rights",
        ]  # fmt: skip
        assert stays.domains == ["derechosdigitales.org", "dd.org"]
        assert (stays.acronym, stays.public_email, stays.member_since) == ("DD", "info@dd.org", date(2018, 1, 1))
        assert (stays.mandated_signers.count(), Invitation.objects.get().organisation) == (1, stays)
        assert goes.name_keys.count() == 0
        assert found(desk, "digital rights") == ["Derechos Digitales"]

    def test_both_histories_are_shown(self, desk: Client, reviewer: User) -> None:
        stays, goes = make_pair()
        registry.add_alias(goes, "Digital Rights", by=reviewer)
        self.merge(desk, stays, goes)
        history = desk.get(page_of(stays)).context["history"]
        assert [(past.words, past.of) for past in history] == [
            ("Another record merged into this one", ""),
            ("Merged into another record", goes.name),
            ("Another name added", goes.name),
        ]
        assert page_of(stays) in desk.get(page_of(goes)).text

    def test_refused_while_both_stand_under_a_letter(self, desk: Client) -> None:
        stays, goes = make_pair()
        letter = make_letter()
        one, other = (make_signature(letter, name=row.name, country="CL") for row in (stays, goes))
        path = reverse("desk:merge", args=[stays.pk, goes.pk])
        assert desk.get(path).status_code == 409
        answer = desk.post(path, {"stays": stays.pk}, follow=True)
        assert f"Both stand approved under “{letter.title}”." in answer.text
        assert Organisation.objects.live().count() == 2
        deciding.reject(other, by=make_user(Role.Name.REVIEWER), reason="duplicate")
        self.merge(desk, stays, goes)
        assert set(stays.signatures.all()) == {one, other}

    def test_a_chain_leads_to_its_end_and_nothing_is_merged_twice(self, desk: Client, reviewer: User) -> None:
        stays, goes = make_pair()
        third = make_organisation(name="Third", country="CL")
        registry.merge(goes, into=stays, by=reviewer)
        registry.merge(stays, into=third, by=reviewer)
        goes.refresh_from_db()
        assert goes.merged_into == third
        with pytest.raises(Overtaken):
            registry.merge(goes, into=third, by=reviewer)
        path = reverse("desk:merge", args=[goes.pk, third.pk])
        assert desk.post(path, {"stays": third.pk}).status_code == 302
        for name in ("change_organisation", "merge_with"):
            assert desk.get(reverse(f"desk:{name}", args=[goes.pk])).status_code == 302
        for ending in ("names/", "mandates/"):
            answer = desk.post(
                page_of(goes) + ending, {"name": "X", "email": "x@x.org", "since": "2020-01-01"}, follow=True
            )
            assert "This record was merged into another one." in answer.text

    def test_a_lock_is_not_lost(self, reviewer: User) -> None:
        stays, goes = make_pair()
        Organisation.objects.filter(pk=goes.pk).update(status="locked")
        registry.merge(Organisation.objects.get(pk=goes.pk), into=stays, by=reviewer)
        assert Organisation.objects.get(pk=stays.pk).is_locked

    def test_approving_finds_the_record_that_stays(self, reviewer: User) -> None:
        stays, goes = make_pair()
        registry.merge(goes, into=stays, by=reviewer)
        signature = make_signature(make_letter(), name=goes.name, country="CL", status="pending")
        assert organisation_of(signature) == stays
        deciding.approve(signature, by=reviewer)
        assert signature.organisation == stays
        assert Organisation.objects.live().count() == 1

    def test_nothing_is_chosen_for_anybody(self, desk: Client) -> None:
        stays, goes = make_pair()
        path = reverse("desk:merge", args=[stays.pk, goes.pk])
        for wrong in ({}, {"stays": "x"}, {"stays": "9" * 30}, {"stays": str(goes.pk + 1000)}):
            assert "Choose the record that stays." in desk.post(path, wrong).text
        assert desk.get(reverse("desk:merge", args=[stays.pk, stays.pk])).status_code == 302

    def test_similar_names_are_proposed(self, desk: Client) -> None:
        stays, goes = make_pair()
        make_organisation(name="Another")
        path = reverse("desk:merge_with", args=[stays.pk])
        assert [row[0] for row in desk.get(path).context["rows"]] == [goes]
        assert [row[1] for row in desk.get(path, {"q": "anoth"}).context["rows"]] == ["Another"]


class TestTables:
    def take_in(self, desk: Client, text: str, step: str = "import") -> Any:
        file = SimpleUploadedFile("registry.csv", text.encode())
        return desk.post(f"{LIST}import/", {"file": file, "step": step}, follow=True)

    @pytest.mark.parametrize("form", ["csv", "xlsx"])
    def test_it_goes_out_and_comes_back_the_same(self, desk: Client, reviewer: User, form: str) -> None:
        one = make_organisation(
            name='=Masaar "Community"', name_be="Масар", acronym="M", domains=["a.org", "b.org"],
            website="https://a.org", public_email="info@a.org", member_since=date(2019, 5, 1),
        )  # fmt: skip
        registry.add_alias(one, "مركز Masaar", by=reviewer)
        registry.add_alias(one, "S.T.O.P., – Masaar", by=reviewer)
        table = desk.get(f"{LIST}export.{form}").content
        outcome = registry_tables.read(BytesIO(table), by=reviewer, keep=True)
        assert (outcome.added, outcome.changed, outcome.same, outcome.problems) == (0, 0, 1, [])
        Organisation.objects.all().delete()
        registry_tables.read(BytesIO(table), by=reviewer, keep=True)
        assert desk.get(f"{LIST}export.{form}").content == table

    def test_twice_changes_nothing_and_empty_cells_keep_what_is_there(self, desk: Client) -> None:
        make_organisation(name="One", website="https://one.org")
        text = "organisation;country;website;acronym\nOne;Belarus;;ONE\nTwo;LT;two.org;\n"
        assert "New: 1. Changed: 1. As before: 0." in self.take_in(desk, text).text
        assert "New: 0. Changed: 0. As before: 2." in self.take_in(desk, text).text
        assert Organisation.objects.get(folded_name="one").website == "https://one.org"

    def test_all_or_nothing_with_every_problem_by_row(self, desk: Client) -> None:
        text = "organisation;country;domains\nOne;BY;\nTwo;Nowhere;\nThree;;\nFour;BY;gmail.com\nONE;BY;\n"
        answer = self.take_in(desk, text)
        assert answer.status_code == 422
        assert [(problem.row, problem.heading) for problem in answer.context["outcome"].problems] == [
            (3, ""), (4, "country"), (5, "domains"), (6, ""),
        ]  # fmt: skip
        assert Organisation.objects.count() == 0

    def test_checking_imports_nothing(self, desk: Client) -> None:
        answer = self.take_in(desk, "organisation;country\nOne;BY\n", step="check")
        assert "It would add 1, change 0 and leave 0 as before." in answer.text
        assert Organisation.objects.count() == 0

    @pytest.mark.parametrize("text", ["", "name\nOne\n", "PK\x03\x04", "\0\0\0"])
    def test_what_is_no_table_is_said(self, desk: Client, text: str) -> None:
        assert self.take_in(desk, text).status_code == 422
