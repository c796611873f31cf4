"""Evidence of authority, and what a signature's name meets: found by the machine, weighed for the queue."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.models import Event
from letters.models import Letter
from signatories.authority import Grade
from signatories.folding import fold_name, mailbox
from signatories.models import Organisation, Signature
from signatories.services import evidence
from signatories.services.evidence import Weight
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.signatories.test_signing import SIGN, link_in, press_button, stated

pytestmark = pytest.mark.django_db

SIGNED = datetime(2020, 8, 5, tzinfo=UTC)


@pytest.fixture
def letter() -> Letter:
    return make_letter()


def make_organisation(name: str = "Example Watch", **columns: object) -> Organisation:
    columns = {"name_en": name, "folded_name": fold_name(name), "country": "BY", **columns}
    organisation = Organisation.objects.create(**columns)
    evidence.write_name_keys(organisation)
    return organisation


def pending(letter: Letter, name: str = "Example Watch", **columns: object) -> Signature:
    columns = {"email": "jane@watch.example.org", "website": "", "signed_at": SIGNED, **columns}
    signature = make_signature(letter, name=name, status=SignatureStatus.PENDING, **columns)
    evidence.assess(signature)
    signature.refresh_from_db()
    return signature


def mandate(organisation: Organisation, email: str, **dates: date) -> None:
    organisation.mandated_signers.create(
        name="Jane", email=email, mailbox=mailbox(email), added_by=make_user(), **{"since": date(2020, 1, 1), **dates}
    )


class TestGrades:
    def test_an_address_at_the_stated_website(self, letter: Letter) -> None:
        assert pending(letter, website="https://www.watch.example.org/about").grade == Grade.STATED_DOMAIN

    def test_an_address_at_a_domain_of_the_registry(self, letter: Letter) -> None:
        make_organisation(domains=["watch.example.org"])
        assert pending(letter).grade == Grade.DOMAIN

    def test_the_registry_may_know_it_by_a_name_in_another_language(self, letter: Letter) -> None:
        make_organisation(name_be="Прыклад", domains=["watch.example.org"])
        assert pending(letter, "«Прыклад»").grade == Grade.DOMAIN

    def test_of_another_country_it_is_another_organisation(self, letter: Letter) -> None:
        make_organisation(domains=["watch.example.org"])
        assert pending(letter, country="PL").grade == Grade.NONE

    def test_free_mail_is_never_evidence(self, letter: Letter) -> None:
        make_organisation(domains=["gmail.com"])
        signature = pending(letter, email="watch@gmail.com", website="https://gmail.com")
        assert (signature.grade, signature.evidence.count()) == (Grade.NONE, 0)

    def test_a_mandated_signer(self, letter: Letter) -> None:
        mandate(make_organisation(), "jane@example.net")
        assert pending(letter, email="Jane@Example.net").grade == Grade.MANDATE

    @pytest.mark.parametrize(
        ("dates", "grade"),
        [
            ({"since": date(2020, 8, 5), "until": date(2020, 8, 5)}, Grade.MANDATE),
            ({"since": date(2020, 8, 6)}, Grade.NONE),
            ({"until": date(2020, 8, 4)}, Grade.NONE),
        ],
    )
    def test_a_mandate_holds_within_its_dates(self, letter: Letter, dates: dict[str, date], grade: Grade) -> None:
        mandate(make_organisation(), "jane@watch.example.org", **dates)
        assert pending(letter).grade == grade

    def test_a_mailbox_that_differs_by_a_dot_may_be_somebody_elses(self, letter: Letter) -> None:
        mandate(make_organisation(), "jane.doe@outlook.com")
        assert pending(letter, email="janedoe@outlook.com").grade == Grade.NONE

    def test_a_mandate_for_one_organisation_is_none_for_another(self, letter: Letter) -> None:
        mandate(make_organisation("Something Else"), "jane@watch.example.org")
        assert pending(letter).grade == Grade.NONE

    def test_who_was_invited_is_known_by_much_the_same_name(self, letter: Letter) -> None:
        organisation = make_organisation("Example Watch (EXW)", domains=["watch.example.org"])
        invitation = letter.invitations.create(
            organisation=organisation, name=organisation.name, language="en", invited_by=make_user()
        )
        assert pending(letter, invitation=invitation).grade == Grade.DOMAIN
        assert pending(letter, "Somebody Else", invitation=invitation).grade == Grade.NONE

    def test_an_individual_speaks_for_nobody(self, letter: Letter) -> None:
        make_organisation(domains=["watch.example.org"])
        signature = pending(letter, kind=Signature.Kind.INDIVIDUAL)
        assert (signature.grade, signature.risk) == (Grade.NONE, 0)

    def test_confirming_assesses(self, client: Client, letter: Letter) -> None:
        from mailing.models import Mail

        client.post(SIGN, stated(letter, website="https://watch.example.org"))
        press_button(client, link_in(Mail.objects.get()))
        signature = letter.signatures.get()
        assert signature.grade == Grade.STATED_DOMAIN
        assert signature.name_keys.exists()

    def test_again_replaces_what_the_machine_found_and_keeps_what_staff_found(self, letter: Letter) -> None:
        signature = pending(letter, website="https://watch.example.org")
        staff = make_user()
        evidence.add_evidence(signature, grade=Grade.CALL_BACK, by=staff, note="Called the number on their site.")
        signature.website = ""
        evidence.assess(signature)
        assert list(signature.evidence.values_list("grade", "by")) == [(Grade.CALL_BACK, staff.pk)]
        signature.refresh_from_db()
        assert signature.grade == Grade.CALL_BACK


class TestWhatStaffFound:
    def test_it_counts_and_is_written_down(self, letter: Letter) -> None:
        signature, staff = pending(letter), make_user()
        assert signature.risk == Weight.UNPROVEN + Weight.UNKNOWN
        found = evidence.add_evidence(
            signature, grade=Grade.ANNOUNCEMENT, by=staff, address="https://watch.example.org/news", dated=SIGNED.date()
        )
        signature.refresh_from_db()
        assert (signature.grade, signature.risk) == (Grade.ANNOUNCEMENT, Weight.UNKNOWN)
        assert found.by == staff
        assert Event.objects.about(signature).filter(target="evidence", by=staff).count() == 1

    @pytest.mark.parametrize(
        ("grade", "given"),
        [
            (Grade.ANNOUNCEMENT, {"address": "https://watch.example.org/"}),
            (Grade.CALL_BACK, {}),
            (Grade.MANDATE, {"note": "They said so."}),
        ],
    )
    def test_what_shows_nothing_is_refused(self, letter: Letter, grade: Grade, given: dict[str, str]) -> None:
        signature = pending(letter)
        with pytest.raises(evidence.NotEvidence):
            evidence.add_evidence(signature, grade=grade, by=make_user(), **given)
        assert not signature.evidence.exists()


def reasons(signature: Signature) -> list[str]:
    return [str(doubt.reason) for doubt in evidence.doubts([signature])[signature.pk]]


class TestDoubts:
    def test_two_spellings_meet_and_both_are_weighed(self, letter: Letter) -> None:
        one = pending(letter, "Derechos Digitales", email="one@example.net")
        other = pending(letter, "Derechos Digitales · América Latina", email="other@example.net")
        [doubt] = evidence.doubts([other])[other.pk]
        assert doubt.signature == one
        one.refresh_from_db()
        assert one.risk == other.risk == Weight.ALIKE + Weight.UNPROVEN + Weight.UNKNOWN

    def test_a_chapter_is_another_organisation(self, letter: Letter) -> None:
        pending(letter, "Amnesty International", email="one@example.net")
        assert reasons(pending(letter, "Amnesty International UK", email="other@example.net")) == []

    def test_look_alike_letters_weigh_more(self, letter: Letter) -> None:
        pending(letter, "Access Now", email="one@example.net")
        signature = pending(letter, "Аccess Now", email="other@example.net")
        assert signature.risk >= Weight.LETTERS
        assert "The name holds letters of another script that look like those around them." in reasons(signature)

    def test_a_dispute_weighs_most(self, letter: Letter) -> None:
        assert pending(letter, disputed_at=SIGNED).risk >= Weight.DISPUTED

    def test_other_letters_and_what_was_never_confirmed_say_nothing(self, letter: Letter) -> None:
        pending(make_letter(slug="another"), email="one@example.net")
        for status in (SignatureStatus.UNCONFIRMED, SignatureStatus.WITHDRAWN):
            evidence.assess(make_signature(letter, name="Example Watch", status=status))
        assert reasons(pending(letter)) == []

    def test_the_organisation_of_the_registry_is_no_rival_of_its_own_signature(self, letter: Letter) -> None:
        make_organisation(domains=["watch.example.org"])
        signature = pending(letter, "EXAMPLE WATCH")
        assert reasons(signature) == []
        assert signature.risk == Weight.UNKNOWN

    def test_a_known_organisation_by_another_address_is_pointed_out(self, letter: Letter) -> None:
        organisation = make_organisation(domains=["watch.example.org"])
        signature = pending(letter, email="jane@example.net")
        [doubt] = evidence.doubts([signature])[signature.pk]
        assert (doubt.weight, doubt.organisation) == (Weight.ELSEWHERE, organisation)

    def test_one_of_the_same_name_in_another_country_is_shown(self, letter: Letter) -> None:
        organisation = make_organisation(country="PL")
        signature = pending(letter)
        [doubt] = evidence.doubts([signature])[signature.pk]
        assert doubt.organisation == organisation

    def test_another_name_of_an_organisation_meets(self, letter: Letter) -> None:
        organisation = make_organisation("Something Else", country="PL")
        organisation.aliases.create(name="Example Watch", folded_name="example watch")
        evidence.write_name_keys(organisation)
        signature = pending(letter)
        assert [doubt.organisation for doubt in evidence.doubts([signature])[signature.pk]] == [organisation]

    def test_people_and_organisations_don_t_meet(self, letter: Letter) -> None:
        pending(letter, "Jane Example", email="one@example.net")
        assert reasons(pending(letter, "Jane Example", kind=Signature.Kind.INDIVIDUAL)) == []

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_page_takes_two_queries(self, letter: Letter, count: int) -> None:
        organisation = make_organisation("Twice", country="PL")
        organisation.aliases.create(name="Dvojčy", folded_name="dvojčy")
        for _ in range(count):
            pending(letter, "Twice", email="")
        listed = list(letter.signatures.all())
        with CaptureQueriesContext(connection) as queries:
            found = evidence.doubts(listed)
        assert len(queries) == 2
        assert {len(about) for about in found.values()} == {min(count, evidence.SHOWN_AT_MOST)}
