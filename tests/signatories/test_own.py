"""A signer's own page: what it shows, and what is corrected, handed over and locked. All of it over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken
from letters.models import Letter
from letters.services import save_version
from mailing.models import Mail
from signatories import emails, links, services
from signatories.authority import Grade
from signatories.models import Correction, Handover, Organisation, Signature
from signatories.services.evidence import assess
from signatories.states import CorrectionStatus, HandoverStatus, SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.signatories.reaching import SECRET, link_in, path, secret_of
from tests.tools import mails_to

pytestmark = pytest.mark.django_db

STANDING = ("pending", "asked", "approved", "lapsed")


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def signature(letter: Letter) -> Signature:
    return make_signature(letter, name="Example Watch", names={"be": "Прыклад"}, email="jane@watch.example.org")


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER)


def own(signature: Signature, below: str = "") -> str:
    return path(links.own_url(signature)) + below


def stated(**changes: str) -> dict[str, str]:
    """What a browser posts when the form to correct comes back as it was, but for `changes`."""
    as_it_was = {"name": "Example Watch", "name_be": "Прыклад", "name_ru": "", "country": "BY", "website": ""}
    return {**as_it_was, "representative": "Jane", "role": "Director", **changes}


class TestWhatItShows:
    def test_the_exact_text_that_was_signed_whatever_came_after(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        first = letter.version
        letter.title_en = "Another title"  # type: ignore[attr-defined]
        letter.blocks.filter(order=1).update(text_en="Another beginning.")
        letter.save()
        save_version(letter)
        page = client.get(own(signature)).text
        assert first.text("en")["blocks"][0]["text"][:40] in page
        assert "Another beginning" not in page
        assert "version 1" in page

    def test_the_link_names_no_letter(self, letter: Letter, signature: Signature) -> None:
        for url in (links.own_url(signature), links.confirm_url(signature), links.withdraw_url(signature)):
            assert letter.slug not in url

    def test_it_works_for_a_letter_that_is_not_public_and_for_one_that_is_archived(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        waiting = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        Letter.objects.update(published_at=None)
        for link in (links.own_url(signature), links.confirm_url(waiting), links.withdraw_url(signature)):
            page = client.get(path(link))
            assert page.status_code == 200
            assert f'href="{letter.get_absolute_url()}"' not in page.text
        shown = client.get(path(links.confirm_url(waiting))).context["shown"]
        assert client.post(path(links.confirm_url(waiting)), {"shown": shown}).status_code == 302
        waiting.refresh_from_db()
        assert waiting.status == SignatureStatus.PENDING
        Letter.objects.update(archived_at=timezone.now())
        assert client.get(own(signature)).status_code == 200

    def test_the_links_of_ones_own_do_not_expire(self, client: Client, signature: Signature) -> None:
        pages = [own(signature), path(links.withdraw_url(signature))]
        with time_machine.travel(timezone.now() + timedelta(days=4000)):
            assert [client.get(page).status_code for page in pages] == [200, 200]

    def test_nothing_of_it_is_kept_or_listed(self, client: Client, signature: Signature) -> None:
        answer = client.get(own(signature))
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'name="robots" content="noindex"' in answer.text
        assert "Disallow: /*/signatures/" in client.get("/robots.txt").text

    def test_get_changes_nothing(self, client: Client, signature: Signature) -> None:
        before, events = Signature.objects.filter(pk=signature.pk).values().get(), Event.objects.count()
        for below in ("", "correct/", "hand-over/"):
            assert client.get(own(signature, below)).status_code == 200
        for below in ("language/", "hand-over/take-back/"):
            assert client.get(own(signature, below)).status_code == 405
        client.get(path(links.withdraw_url(signature)))
        assert Signature.objects.filter(pk=signature.pk).values().get() == before
        assert Event.objects.count() == events


class TestCorrecting:
    def correct(self, client: Client, signature: Signature, **changes: str) -> Correction:
        assert client.post(own(signature, "correct/"), stated(**changes)).status_code == 302
        found: Correction = signature.corrections.get(status=CorrectionStatus.PENDING)
        return found

    def test_the_published_name_stays_until_it_is_accepted(
        self, client: Client, signature: Signature, reviewer: User
    ) -> None:
        correction = self.correct(client, signature, name="Example Watch International", name_ru="Пример")
        assert correction.changes["name_en"] == ["Example Watch", "Example Watch International"]
        assert "Example Watch International" not in client.get("/en/letters/belarus-2020/").text
        page = client.get(own(signature)).text
        assert "is under review" in page
        assert "Example Watch International" in page

        services.accept_correction(correction, by=reviewer)
        assert "Example Watch International" in client.get("/en/letters/belarus-2020/").text
        assert "Пример" in client.get("/ru/letters/belarus-2020/").text
        signature.refresh_from_db()
        assert signature.folded_name == "example watch international"
        assert "have accepted your correction" in mails_to(signature.email)[-1].body
        assert "is under review" not in client.get(own(signature)).text

    def test_declined_leaves_everything_as_it_is(self, client: Client, signature: Signature, reviewer: User) -> None:
        before = Signature.objects.filter(pk=signature.pk).values().get()
        services.decline_correction(self.correct(client, signature, name="Other"), by=reviewer)
        assert Signature.objects.filter(pk=signature.pk).values().get() == before
        assert "did not accept your correction" in mails_to(signature.email)[-1].body

    def test_a_later_correction_takes_the_place_of_the_one_that_waits(
        self, client: Client, signature: Signature, reviewer: User
    ) -> None:
        looked_at = self.correct(client, signature, name="One")
        self.correct(client, signature, name="Two")
        assert signature.corrections.count() == 1
        with pytest.raises(Overtaken):
            services.accept_correction(looked_at, by=reviewer)
        services.accept_correction(signature.corrections.get(), by=reviewer)
        signature.refresh_from_db()
        assert signature.name_en == "Two"  # type: ignore[attr-defined]

    def test_of_two_decisions_one_wins(self, client: Client, signature: Signature, reviewer: User) -> None:
        one = self.correct(client, signature, name="One")
        other = Correction.objects.get(pk=one.pk)
        services.accept_correction(one, by=reviewer)
        with pytest.raises(Overtaken):
            services.decline_correction(other, by=reviewer)

    def test_nothing_changed_says_so(self, client: Client, signature: Signature) -> None:
        same = stated(website=signature.website, representative=signature.representative, role=signature.role)
        answer = client.post(own(signature, "correct/"), same)
        assert answer.status_code == 422
        assert "Nothing here differs" in answer.text
        assert not signature.corrections.exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 251),
            ("name", "a\0"),
            ("country", "XX"),
            ("website", "javascript:x"),
            ("role", ""),
        ],
    )
    def test_wrong_input_is_named_and_what_was_typed_is_kept(
        self, client: Client, signature: Signature, field: str, value: str
    ) -> None:
        answer = client.post(own(signature, "correct/"), stated(name_ru="Пример", **{field: value}))
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
        assert 'value="Пример"' in answer.text
        assert not signature.corrections.exists()

    def test_a_name_that_the_same_mailbox_has_signed_with_is_refused(
        self, client: Client, letter: Letter, signature: Signature, reviewer: User
    ) -> None:
        make_signature(letter, name="Other Watch", email=signature.email)
        correction = self.correct(client, signature, name="Other Watch")
        with pytest.raises(services.SignedAlready):
            services.accept_correction(correction, by=reviewer)
        signature.refresh_from_db()
        correction.refresh_from_db()
        assert (signature.name_en, correction.status) == ("Example Watch", "pending")  # type: ignore[attr-defined]

    def test_staff_correct_at_once_with_a_trace_and_the_signer_is_told(
        self, client: Client, signature: Signature, reviewer: User
    ) -> None:
        waiting = self.correct(client, signature, role="Chair")
        made = services.correct(signature, changes={"name_be": "Прыклад Вотч"}, by=reviewer)
        assert (made.status, made.made_by, made.decided_by) == (CorrectionStatus.ACCEPTED, reviewer, reviewer)
        assert "Прыклад Вотч" in client.get("/be/letters/belarus-2020/").text
        assert "Our staff have corrected" in mails_to(signature.email)[-1].body
        waiting.refresh_from_db()
        assert waiting.status == CorrectionStatus.PENDING

    @pytest.mark.parametrize("status", sorted(set(SignatureStatus) - set(STANDING)))
    def test_what_is_not_confirmed_or_is_over_is_not_corrected(
        self, client: Client, letter: Letter, status: str
    ) -> None:
        signature = make_signature(letter, status=status)
        assert client.post(own(signature, "correct/"), stated(name="Other")).status_code == 302
        assert client.get(own(signature, "hand-over/")).status_code == 302
        assert not Correction.objects.exists()


class TestHandingOver:
    OTHER = {"representative": "Joe New", "role": "Chair", "email": "joe@elsewhere.example.org", "language": "ru"}

    def offer(self, client: Client, signature: Signature) -> str:
        """The way to the page where the new representative says yes."""
        assert client.post(own(signature, "hand-over/"), self.OTHER).status_code == 302
        [mail] = mails_to("joe@elsewhere.example.org")
        assert mail.language == "ru"
        return link_in(mail)

    def test_nothing_changes_until_the_other_says_yes(self, client: Client, signature: Signature) -> None:
        link = self.offer(client, signature)
        assert "Example Watch" in client.get(link).text
        signature.refresh_from_db()
        assert signature.email == "jane@watch.example.org"
        assert "Joe New" in client.get(own(signature)).text

    def test_then_the_links_are_the_others_and_the_earlier_ones_are_dead(
        self, client: Client, signature: Signature
    ) -> None:
        earlier = [own(signature), path(links.withdraw_url(signature)), path(links.confirm_url(signature))]
        link = self.offer(client, signature)
        assert client.post(link).status_code == 200
        signature.refresh_from_db()
        assert (signature.representative, signature.email, signature.language) == (
            "Joe New", "joe@elsewhere.example.org", "ru",
        )  # fmt: skip
        for dead in earlier:
            assert client.get(dead).status_code == 404
            assert client.post(dead).status_code in (404, 405)
        assert signature.status == SignatureStatus.APPROVED
        new = link_in(mails_to("joe@elsewhere.example.org")[-1])
        assert client.get(new).status_code == 200
        told = mails_to("jane@watch.example.org")[-1]
        assert "is now in the hands of another representative" in told.body
        assert "/signatures/" not in told.body
        assert client.post(link).status_code == 404, "it is accepted once"

    def test_evidence_is_looked_at_anew(self, client: Client, letter: Letter) -> None:
        signature = make_signature(letter, website="https://watch.example.org", email="jane@watch.example.org")
        assess(signature)
        assert signature.grade > Grade.NONE
        client.post(self.offer(client, signature))
        signature.refresh_from_db()
        assert signature.grade == Grade.NONE

    def test_it_can_be_taken_back_and_asked_of_another(self, client: Client, signature: Signature) -> None:
        link = self.offer(client, signature)
        assert client.post(own(signature, "hand-over/take-back/")).status_code == 302
        assert client.post(link).status_code == 404
        client.post(own(signature, "hand-over/"), {**self.OTHER, "email": "ann@example.org"})
        client.post(own(signature, "hand-over/"), {**self.OTHER, "email": "eve@example.org"})
        states = [handover.status for handover in Handover.objects.all()]
        assert states == [HandoverStatus.ENDED, HandoverStatus.ENDED, HandoverStatus.OFFERED]

    def test_the_offer_expires(self, client: Client, signature: Signature) -> None:
        link = self.offer(client, signature)
        with time_machine.travel(timezone.now() + links.TAKE_OVER_WITHIN * 1.01):
            assert client.post(link).status_code == 410

    def test_nobody_is_flooded_with_offers(self, client: Client, signature: Signature) -> None:
        codes = [client.post(own(signature, "hand-over/"), self.OTHER).status_code for _ in range(5)]
        assert codes == [302, 302, 302, 422, 422]
        assert len(mails_to("joe@elsewhere.example.org")) == 3

    def test_whoever_signed_for_the_same_organisation_already_can_not_take_over(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        make_signature(letter, name="EXAMPLE WATCH", email="joe@elsewhere.example.org", status="pending")
        assert client.post(self.offer(client, signature)).status_code == 409
        signature.refresh_from_db()
        assert signature.email == "jane@watch.example.org"

    def test_after_a_withdrawal_there_is_nothing_to_take_over(self, client: Client, signature: Signature) -> None:
        link = self.offer(client, signature)
        client.post(path(links.withdraw_url(signature)))
        assert client.post(link).status_code == 404

    def test_of_what_is_withheld_only_with_the_secret_and_then_with_a_new_one(
        self, client: Client, letter: Letter
    ) -> None:
        signature = make_signature(letter, name="Hidden Watch", visibility="withheld")
        secret = secret_of(signature)
        client.post(SECRET, {"secret": secret})
        link = self.offer(client, signature)
        other = Client()
        assert "Hidden Watch" not in other.get(link).text
        assert "Hidden Watch" not in other.post(link).text
        signature.refresh_from_db()
        assert signature.representative != "Joe New"
        assert other.post(SECRET, {"secret": secret, "next": link}).headers["Location"] == link
        answer = other.post(link)
        new = answer.context["secret"]
        assert new in answer.text
        signature.refresh_from_db()
        assert signature.representative == "Joe New"
        for browser, tried, status in ((Client(), secret, 422), (Client(), new, 302)):
            assert browser.post(SECRET, {"secret": tried}).status_code == status
        assert "Hidden Watch" not in client.get(own(signature)).text, "the earlier visit is over"
        for mail in Mail.objects.all():
            assert "Hidden" not in mail.subject + mail.body
            assert "/own/" not in mail.body or mail.to == "joe@elsewhere.example.org"


class TestLanguageOfMails:
    def test_it_is_chosen_and_holds_from_then_on(self, client: Client, signature: Signature) -> None:
        assert client.post(own(signature, "language/"), {"language": "be"}).status_code == 302
        signature.refresh_from_db()
        client.post(path(links.withdraw_url(signature)))
        assert Mail.objects.latest("pk").language == "be"

    @pytest.mark.parametrize("wrong", ["", "xx", "be\0", "en-us"])
    def test_there_are_no_others(self, client: Client, signature: Signature, wrong: str) -> None:
        client.post(own(signature, "language/"), {"language": wrong})
        signature.refresh_from_db()
        assert signature.language == "en"


class TestLocked:
    @pytest.fixture
    def organisation(self, signature: Signature, reviewer: User) -> Organisation:
        assert signature.organisation
        services.lock(signature.organisation, by=reviewer)
        return signature.organisation

    def test_every_own_page_is_closed_and_says_whom_to_write_to(
        self, client: Client, letter: Letter, signature: Signature, organisation: Organisation
    ) -> None:
        handover = signature.handovers.create(
            email="a@example.org", mailbox="a", language="en", representative="A", role="B"
        )
        pages = [own(signature, below) for below in ("", "correct/", "hand-over/")]
        for page in (*pages, path(links.confirm_url(signature)), path(links.take_over_url(handover))):
            answer = client.get(page)
            assert answer.status_code == 403
            assert letter.contact_email in answer.text
            assert "Example Watch" not in answer.text
        for below in ("correct/", "hand-over/", "language/", "hand-over/take-back/"):
            assert client.post(own(signature, below), stated(name="Other")).status_code == 403
        assert not Correction.objects.exists()

    def test_withdrawing_still_works(self, client: Client, signature: Signature, organisation: Organisation) -> None:
        link = path(links.withdraw_url(signature))
        assert f'action="{link}"' in client.get(own(signature)).text
        assert "Example Watch" not in client.get(link).text
        client.post(link)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN
        assert "Example Watch" not in client.get("/en/letters/belarus-2020/").text

    def test_so_are_those_of_its_signatures_under_other_letters(
        self, client: Client, organisation: Organisation
    ) -> None:
        other = make_signature(make_letter(slug="other"), name="EXAMPLE WATCH", status="pending")
        assert other.organisation is None
        assert client.get(own(other)).status_code == 403

    def test_it_can_be_opened_again_once(
        self, client: Client, signature: Signature, organisation: Organisation, reviewer: User
    ) -> None:
        services.unlock(organisation, by=reviewer)
        assert client.get(own(signature)).status_code == 200
        with pytest.raises(IllegalMove):
            services.unlock(organisation, by=reviewer)
        assert [event.target for event in Event.objects.about(organisation)][-2:] == ["locked", "known"]


class TestAtTheDesk:
    @pytest.fixture
    def desk(self, reviewer: User) -> Client:
        browser = Client()
        browser.force_login(reviewer)
        return browser

    def post(self, desk: Client, signature: Signature, what: str) -> Any:
        return desk.post(f"/desk/signatures/{signature.pk}/access/{what}/", follow=True)

    def test_a_new_link_makes_the_earlier_ones_worthless(
        self, client: Client, desk: Client, signature: Signature
    ) -> None:
        earlier = own(signature)
        assert "no longer work" in self.post(desk, signature, "new-link").text
        assert client.get(earlier).status_code == 404
        assert client.get(link_in(mails_to(signature.email)[-1])).status_code == 200

    def test_but_for_those_that_withdraw(self, client: Client, desk: Client, letter: Letter) -> None:
        first, second = make_signature(letter), make_signature(letter)
        earlier = path(links.withdraw_url(first)), path(links.withdraw_url(second))
        for signature in (first, second):
            self.post(desk, signature, "new-link")
            signature.refresh_from_db()
        newer = path(links.withdraw_url(first)), path(links.withdraw_url(second))
        for button in (earlier[0], newer[1]):
            client.post(button)
        for signature in (first, second):
            signature.refresh_from_db()
            assert signature.status == SignatureStatus.WITHDRAWN

    @pytest.mark.parametrize("before", [0, 1])
    def test_never_the_earlier_representatives(
        self, client: Client, desk: Client, signature: Signature, before: int
    ) -> None:
        """However many links were mailed before and after the handover."""
        buttons = [path(links.withdraw_url(signature))]
        for _ in range(before):
            self.post(desk, signature, "new-link")
            signature.refresh_from_db()
            buttons.append(path(links.withdraw_url(signature)))
        handover = services.hand_over(signature, representative="Joe", role="", email="joe@o.org", language="en")
        client.post(path(links.take_over_url(handover)))
        signature.refresh_from_db()
        theirs = path(links.withdraw_url(signature))
        self.post(desk, signature, "new-link")
        for button in buttons:
            assert client.post(button).status_code == 404
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.APPROVED
        client.post(theirs)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN

    def test_a_new_secret_is_shown_once(self, client: Client, desk: Client, letter: Letter) -> None:
        signature = make_signature(letter, visibility="withheld")
        earlier = secret_of(signature)
        secret = self.post(desk, signature, "new-secret").context["secret"]
        assert secret not in desk.get(f"/desk/signatures/{signature.pk}/access/").text
        assert client.post(SECRET, {"secret": earlier}).status_code == 422
        assert client.post(SECRET, {"secret": secret}).status_code == 302
        signature.refresh_from_db()
        assert secret not in signature.secret_index
        assert not Mail.objects.exists()

    def test_what_is_public_has_no_secret(self, desk: Client, signature: Signature) -> None:
        assert "Only a signature whose name is withheld" in self.post(desk, signature, "new-secret").text
        signature.refresh_from_db()
        assert signature.secret_index == ""

    def test_an_organisation_is_locked_and_opened(self, client: Client, desk: Client, signature: Signature) -> None:
        page = f"/desk/organisations/{signature.organisation_id}/"
        assert f"{page}lock/" in desk.get(f"/desk/signatures/{signature.pk}/access/").text
        desk.post(f"{page}lock/")
        assert client.get(own(signature)).status_code == 403
        desk.post(f"{page}unlock/")
        assert client.get(own(signature)).status_code == 200

    def test_one_that_the_registry_does_not_know_can_not_be(self, desk: Client, letter: Letter) -> None:
        unknown = make_signature(letter, status="pending")
        assert "does not know" in desk.get(f"/desk/signatures/{unknown.pk}/access/").text

    def test_it_takes_a_reviewer(self, client: Client, signature: Signature) -> None:
        client.force_login(make_user(Role.Name.SENDER))
        for what in ("new-link", "new-secret"):
            assert client.post(f"/desk/signatures/{signature.pk}/access/{what}/").status_code == 403
        assert client.get(f"/desk/signatures/{signature.pk}/access/").status_code == 403


class TestAnIndividual:
    @pytest.fixture
    def signature(self, letter: Letter) -> Signature:
        stated = {"affiliation": "University of Examples", "country": "BY", "representative": "", "role": ""}
        return make_signature(letter, name="Ann Example", kind=Signature.Kind.INDIVIDUAL, **stated)

    def test_sees_what_is_public_of_a_person(self, client: Client, signature: Signature) -> None:
        page = client.get(path(links.own_url(signature))).text
        public, _, staff = page.partition("Never public")
        assert "Ann Example" in public
        assert "University of Examples" in public
        assert "Belarus</dd>" not in public
        assert "Belarus</dd>" in staff
        assert "Representative" not in staff
        assert "your organisation" not in page.partition("<main")[2].partition("<details")[0]

    def test_is_asked_for_a_name_and_no_organisation(self, client: Client, signature: Signature) -> None:
        form = client.get(f"{path(links.own_url(signature))}correct/").context["form"]
        assert form.fields["name"].label == "Your name"

    @pytest.mark.parametrize("name", ["confirm", "received", "approved", "rejected", "withdrawn"])
    def test_is_not_taken_for_an_organisation_in_mails(self, signature: Signature, name: str) -> None:
        signature.reason = Signature.Reason.AUTHORITY if name == "rejected" else ""
        getattr(emails, name)(signature)
        assert "your organisation" not in Mail.objects.get().body
