"""Signatures that came by mail, messenger or telephone; and what an organisation says of one in its name."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter
from letters.services import save_version
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import invited_links, services
from signatories.authority import Grade
from signatories.desk.rows import shown
from signatories.models import Evidence, Signature
from signatories.services import Signing
from signatories.services.secrets import secret_index
from tests.factories import make_letter, make_organisation, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
RECORD = "/desk/letters/belarus-2020/record/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER, email="rita@desk.example.org")


@pytest.fixture
def desk(reviewer: User) -> Client:
    browser = Client()
    browser.force_login(reviewer)
    return browser


def told(letter: Letter, **columns: str) -> dict[str, str]:
    return {
        "via": "telephone",
        "version": str(letter.version.pk),
        "visibility": "public",
        "name": "One",
        "country": "BY",
        "representative": "Jane Example",
        "email": "jane@one.org",
        "language": "be",
        "known_by": "call_back",
        "note": "Asked the chair by the number of their website: yes.",
        **columns,
    }


class TestRecording:
    def test_it_waits_for_somebody_else_s_decision(self, letter: Letter, desk: Client, reviewer: User) -> None:
        assert desk.get(RECORD).context["form"]["visibility"].value() is None
        answer = desk.post(RECORD, told(letter))
        assert answer.status_code == 302
        signature = Signature.objects.get()
        assert (signature.status, signature.via, signature.recorded_by) == ("pending", "telephone", reviewer)
        assert (signature.version, signature.visibility, signature.grade) == (letter.version, "public", Grade.CALL_BACK)
        assert Event.objects.about(signature).earliest("pk").by == reviewer
        (mail,) = mails_to("jane@one.org")
        assert mail.language == "be"

    def test_the_text_that_they_saw_is_chosen_where_there_was_but_one(self, letter: Letter, desk: Client) -> None:
        page = desk.get(RECORD)
        assert page.context["form"]["version"].value() == letter.version.pk
        assert "Choose a version" not in page.text
        Letter.objects.update(title_en="Another title")
        save_version(letter)
        page = desk.get(RECORD)
        assert not page.context["form"]["version"].value()
        assert "Choose a version" in page.text

    def test_who_recorded_it_does_not_approve_it(self, letter: Letter, desk: Client) -> None:
        desk.post(RECORD, told(letter))
        signature = Signature.objects.get()
        page = reverse("desk:signature", args=[signature.pk])
        assert "You have recorded it. Somebody else approves it." in desk.get(page).text
        stated = {"shown": shown(signature)}
        answer = desk.post(reverse("desk:approve", args=[signature.pk]), stated, follow=True)
        assert "Somebody else has to approve it." in answer.text
        other = Client()
        other.force_login(make_user(Role.Name.REVIEWER))
        other.post(reverse("desk:approve", args=[signature.pk]), stated)
        signature.refresh_from_db()
        assert signature.status == "approved"

    def test_without_an_address_nothing_is_mailed_ever(self, letter: Letter, desk: Client) -> None:
        desk.post(RECORD, told(letter, email=""))
        signature = Signature.objects.get()
        assert signature.mailbox == ""
        services.approve(signature, by=make_user(Role.Name.REVIEWER))
        services.reject(signature, by=make_user(Role.Name.REVIEWER), reason="unknown")
        services.withdraw(signature)
        assert Mail.objects.count() == 0

    def test_two_organisations_without_an_address_are_two(self, letter: Letter, desk: Client) -> None:
        for name in ("One", "Two"):
            desk.post(RECORD, told(letter, email="", name=name))
        assert Signature.objects.count() == 2

    def test_the_same_is_recorded_once(self, letter: Letter, desk: Client) -> None:
        desk.post(RECORD, told(letter))
        answer = desk.post(RECORD, told(letter))
        assert (answer.status_code, Signature.objects.count()) == (422, 1)
        assert "A signature of this organisation with this e-mail address is there already." in answer.text

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"visibility": ""}, "visibility"),
            ({"via": "form"}, "via"),
            ({"version": ""}, "version"),
            ({"version": "\0"}, "version"),
            ({"known_by": ""}, "known_by"),
            ({"note": " "}, "note"),
            ({"known_by": "announcement", "address": "https://one.org/news"}, "dated"),
            ({"known_by": "announcement", "dated": "2020-08-04"}, "address"),
            ({"known_by": "announcement", "address": "https://one.org", "dated": "2999-01-01"}, "dated"),
            ({"known_by": "paper", "note": ""}, "note"),
            ({"known_by": "mail", "via": "mail", "note": ""}, "note"),
            ({"known_by": "mail", "via": "telephone"}, "known_by"),
            ({"representative": ""}, "representative"),
            ({"language": "tlh"}, "language"),
        ],
    )
    def test_evidence_and_the_signer_s_own_choice_are_required(
        self, letter: Letter, desk: Client, wrong: dict[str, str], field: str
    ) -> None:
        answer = desk.post(RECORD, told(letter, **wrong))
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert "jane@one.org" in answer.text
        assert Signature.objects.count() == 0

    def test_each_kind_of_evidence_is_kept(self, letter: Letter, desk: Client) -> None:
        announced = {"known_by": "announcement", "address": "https://one.org/news", "dated": "2020-08-04", "note": ""}
        desk.post(RECORD, told(letter, **announced))
        desk.post(RECORD, told(letter, name="Two", email="", known_by="paper", note="Binder 3"))
        one, two = Signature.objects.order_by("pk")
        assert Evidence.objects.get(signature=one, grade=Grade.ANNOUNCEMENT).address == "https://one.org/news"
        assert (Evidence.objects.get(signature=two).note, two.grade) == ("Binder 3", Grade.PAPER)

    def test_their_own_mail_shows_as_much_as_its_address(self, letter: Letter, desk: Client) -> None:
        make_organisation(name="One", domains=["one.org"])
        mail = {"via": "mail", "known_by": "mail", "note": "Folder “In”, 4 August"}
        refused = desk.post(RECORD, told(letter, **mail, email=""))
        assert "Enter the address that the mail came from." in refused.text
        desk.post(RECORD, told(letter, **mail))
        desk.post(RECORD, told(letter, **mail, name="Two", email="two@gmail.com"))
        one, two = Signature.objects.order_by("pk")
        assert (one.grade, two.grade) == (Grade.DOMAIN, Grade.NONE)
        assert [note.text for note in two.notes.all()] == ["Folder “In”, 4 August"]

    def test_a_withheld_one_gets_its_secret_once(self, letter: Letter, desk: Client) -> None:
        answer = desk.post(RECORD, told(letter, visibility="withheld"))
        signature = Signature.objects.get()
        assert secret_index(answer.context["secret"]) == signature.secret_index
        assert "no-store" in answer.headers["Cache-Control"]
        assert "One" not in mails_to("jane@one.org")[0].body

    def test_not_for_a_letter_that_never_was_open(self, letter: Letter, desk: Client) -> None:
        Letter.objects.update(status=LetterStatus.DRAFT)
        assert desk.get(RECORD).status_code == desk.post(RECORD, told(letter)).status_code == 302
        assert Signature.objects.count() == 0


class TestThisIsNotUs:
    def confirmed(self, letter: Letter, **columns: Any) -> Signature:
        stated = {"visibility": "public", "name": "One", "email": "stranger@mail.org", "language": "ru", **columns}
        signing = Signing(names={}, country="BY", website="", representative="Jane Stranger", role="Chair", **stated)
        signature = services.sign(letter, letter.version, signing)
        services.confirm(signature, shown=services.fingerprint(signature))
        return signature

    def test_the_organisation_is_told_and_objects(self, letter: Letter, reviewer: User) -> None:
        make_organisation(name="One", public_email="info@one.org")
        signature = self.confirmed(letter)
        (mail,) = mails_to("info@one.org")
        path = urlsplit(invited_links.not_us_url(signature, "ru")).path
        assert (path in mail.body, mail.language) == (True, "ru")
        for private in ("Jane Stranger", "Chair", "stranger@mail.org"):
            assert private not in mail.body + Client().get(path).text
        signature.refresh_from_db()
        assert signature.disputed_at is None, "a mail scanner that opens the link objects to nothing"
        risk = signature.risk
        for _ in range(2):
            Client().post(path)
        signature.refresh_from_db()
        assert (signature.disputed_at is not None, signature.risk >= risk + 1000) == (True, True)
        assert Event.objects.about(signature).filter(target="objected to").count() == 1
        assert len(mails_to("rita@desk.example.org")) == 1
        assert "One" not in mails_to("rita@desk.example.org")[0].body.replace("One moment", "")

    def test_in_the_language_in_which_it_signed_last(self, letter: Letter) -> None:
        known = make_organisation(name="One", public_email="info@one.org")
        make_signature(make_letter(slug="another"), name="One", language="be")
        assert known.signatures.count() == 1
        self.confirmed(letter)
        assert mails_to("info@one.org")[0].language == "be"

    @pytest.mark.parametrize(
        ("known", "signed"),
        [
            ({"public_email": "info@one.org"}, {"visibility": "withheld"}),
            ({"public_email": ""}, {}),
            ({"public_email": "info@one.org"}, {"email": "In.fo+x@one.org"}),
            ({"public_email": "info@one.org", "status": "locked"}, {}),
            ({"public_email": "info@one.org"}, {"name": "Another"}),
        ],
    )
    def test_not_told_where_it_would_harm_or_say_nothing(
        self, letter: Letter, known: dict[str, str], signed: dict[str, str]
    ) -> None:
        make_organisation(name="One", **known)
        self.confirmed(letter, **signed)
        assert mails_to("info@one.org") == []

    def test_strangers_can_neither_flood_it_nor_use_up_its_mails(self, letter: Letter) -> None:
        make_organisation(name="One", public_email="info@one.org")
        for number in range(5):
            self.confirmed(letter, email=f"stranger{number}@mail.org")
        mails = mails_to("info@one.org")
        by_day: dict[Any, int] = {}
        for mail in mails:
            by_day[mail.not_before.date()] = by_day.get(mail.not_before.date(), 0) + 1
        assert sorted(by_day.values()) == [2, 3]

    @pytest.mark.parametrize("change", [{"visibility": "withheld"}, {"status": "withdrawn"}, {"status": "unconfirmed"}])
    def test_the_page_says_nothing_of_what_is_withheld_or_over(self, letter: Letter, change: dict[str, str]) -> None:
        make_organisation(name="One", public_email="info@one.org")
        signature = self.confirmed(letter)
        path = urlsplit(invited_links.not_us_url(signature, "en")).path
        Signature.objects.filter(pk=signature.pk).update(**change)
        for answer in (Client().get(path), Client().post(path)):
            assert (answer.status_code, "One" in answer.text.replace("One moment", "")) == (404, False)
        signature.refresh_from_db()
        assert signature.disputed_at is None
