"""Withheld: what the pages and mails of such a signature show without its secret (nothing), and with it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail as django_mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from letters.models import Letter
from letters.states import LetterStatus
from mailing import services as mailing
from mailing.models import Mail
from signatories import emails, links, services
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.signatories.reaching import SECRET, leads_to, link_in, path, secret_of

pytestmark = pytest.mark.django_db

NAME = "Стары Замак"


@pytest.fixture(autouse=True)
def no_attempts_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def signature(letter: Letter) -> Signature:
    return make_signature(letter, name=NAME, visibility="withheld", country="BY", representative="Прыклад Асоба")


@pytest.fixture
def secret(signature: Signature) -> str:
    return secret_of(signature)


def shows_nothing(answer: Any, signature: Signature) -> None:
    for told in (NAME, signature.representative, signature.email, signature.letter.slug, signature.letter.title):
        assert told not in answer.text
    assert "Belarus" not in re.sub("Беларуская|Belarusian", "", answer.text)


class TestTheSecret:
    def test_it_opens_the_page(self, client: Client, signature: Signature, secret: str) -> None:
        own = path(links.own_url(signature))
        shows_nothing(client.get(own), signature)
        answer = client.post(SECRET, {"secret": secret})
        assert answer.headers["Location"] == f"/en/signatures/{signature.pk}/"
        for page in (answer.headers["Location"], own):
            assert NAME in client.get(page).text
        client.post("/en/signatures/sign-out/")
        shows_nothing(client.get(own), signature)

    def test_for_half_an_hour(self, client: Client, signature: Signature, secret: str) -> None:
        client.post(SECRET, {"secret": secret})
        with time_machine.travel(timezone.now() + timedelta(minutes=31)):
            shows_nothing(client.get(path(links.own_url(signature))), signature)

    @pytest.mark.parametrize(
        "spelling", [str.upper, lambda secret: secret.replace("-", " "), lambda secret: f" {secret}\t"]
    )
    def test_however_it_was_written_down(
        self, client: Client, signature: Signature, secret: str, spelling: Any
    ) -> None:
        assert client.post(SECRET, {"secret": spelling(secret)}).status_code == 302

    @pytest.mark.parametrize("wrong", ["", " ", "\0", "x", "ў" * 24, "0" * 24, "x" * 5000, "<b>", "%00", "' OR 1=1 --"])
    def test_what_is_none_opens_nothing(self, client: Client, signature: Signature, secret: str, wrong: str) -> None:
        answer = client.post(SECRET, {"secret": wrong})
        assert answer.status_code == 422
        shows_nothing(answer, signature)

    def test_of_another_signature_it_opens_that_one_alone(
        self, client: Client, letter: Letter, signature: Signature, secret: str
    ) -> None:
        other = make_signature(letter, name="Other", visibility="withheld")
        client.post(SECRET, {"secret": secret_of(other)})
        shows_nothing(client.get(path(links.own_url(signature))), signature)
        assert client.get(f"/en/signatures/{signature.pk}/").status_code == 404

    def test_attempts_are_bounded_and_no_address_is_kept(self, client: Client, secret: str) -> None:
        answers = [
            client.post(SECRET, {"secret": f"{number:024}"}, REMOTE_ADDR="192.0.2.77").status_code
            for number in range(12)
        ]
        assert answers == [422] * 10 + [429] * 2
        assert client.post(SECRET, {"secret": secret}, REMOTE_ADDR="192.0.2.77").status_code == 429
        assert client.post(SECRET, {"secret": secret}, REMOTE_ADDR="192.0.2.78").status_code == 302
        for session in Session.objects.all():
            assert secret not in str(session.get_decoded())

    def test_it_leads_nowhere_else(self, client: Client, signature: Signature, secret: str) -> None:
        answer = client.post(SECRET, {"secret": secret, "next": "https://evil.example.org/"})
        assert answer.headers["Location"] == f"/en/signatures/{signature.pk}/"

    def test_once_the_name_is_public_it_opens_nothing(self, client: Client, signature: Signature, secret: str) -> None:
        Signature.objects.update(visibility="public")
        assert client.post(SECRET, {"secret": secret}).status_code == 422

    def test_where_none_was_given_out_nothing_opens(self, client: Client, signature: Signature) -> None:
        assert signature.secret_index == ""
        assert client.post(SECRET, {"secret": ""}).status_code == 422
        shows_nothing(client.get(path(links.own_url(signature))), signature)


FILLED_IN = {
    "visibility": "withheld",
    "name": NAME,
    "country": "BY",
    "representative": "Прыклад Асоба",
    "role": "Director",
    "email": "org@example.org",
    "consent": "on",
    "authority": "on",
}


def fill_in(client: Client, letter: Letter, seed: str = "s" * 32) -> str:
    """Sign with the form; the secret that is shown, which is another for another page of the form (`seed`)."""
    version = letter.versions.get().pk
    answer = client.post(f"/en/letters/{letter.slug}/sign/", {**FILLED_IN, "version": version, "seed": seed})
    secret: str = answer.context["secret"]
    return secret


class TestBeforeItIsConfirmed:
    def test_it_tells_nobody_whether_there_was_a_signature(self, client: Client, letter: Letter) -> None:
        unsigned = client.post(SECRET, {"secret": fill_in(client, letter)})
        Signature.objects.update(status=SignatureStatus.PENDING, secret_index="")
        signed = client.post(SECRET, {"secret": fill_in(client, letter)})
        assert unsigned.status_code == signed.status_code == 422
        assert client.get(f"/en/signatures/{Signature.objects.get().pk}/").status_code == 404

    def test_it_opens_behind_the_mailed_link(self, client: Client, letter: Letter) -> None:
        secret = fill_in(client, letter)
        link = link_in(Mail.objects.get())
        answer = client.post(SECRET, {"secret": secret, "next": link}, follow=True)
        assert NAME in answer.text

    def test_nor_behind_the_link_of_another(self, client: Client, letter: Letter) -> None:
        other = make_signature(letter, name="Other", visibility="withheld", status="unconfirmed")
        secret = fill_in(client, letter)
        for link in (path(links.confirm_url(other)), "/en/signatures/confirm/x/", "//evil.example.org/", "/\0", "["):
            assert client.post(SECRET, {"secret": secret, "next": link}).status_code == 422

    def test_what_was_filled_in_twice_takes_the_latest_secret(self, client: Client, letter: Letter) -> None:
        secret = fill_in(client, letter)
        link = link_in(Mail.objects.get())
        secret = fill_in(client, letter)
        page = client.get(link)
        shows_nothing(page, Signature.objects.get())
        assert client.post(link, {"shown": page.context["shown"]}).status_code == 409
        assert Signature.objects.get().status == SignatureStatus.UNCONFIRMED
        client.post(SECRET, {"secret": secret, "next": link})
        assert client.post(link, {"shown": page.context["shown"]}).status_code == 302
        assert Signature.objects.get().status == SignatureStatus.PENDING


class TestWithoutIt:
    def test_the_link_to_confirm_confirms_and_shows_nothing(self, client: Client, letter: Letter) -> None:
        signature = make_signature(letter, name=NAME, visibility="withheld", status="unconfirmed")
        link = path(links.confirm_url(signature))
        page = client.get(link)
        shows_nothing(page, signature)
        answer = client.post(link, {"shown": page.context["shown"]}, follow=True)
        shows_nothing(answer, signature)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.PENDING

    def test_nor_where_signing_is_closed_meanwhile(self, client: Client, letter: Letter) -> None:
        signature = make_signature(letter, name=NAME, visibility="withheld", status="unconfirmed")
        Letter.objects.update(status=LetterStatus.CLOSED)
        answer = client.get(path(links.confirm_url(signature)))
        assert answer.status_code == 410
        shows_nothing(answer, signature)
        assert letter.contact_email not in answer.text

    def test_what_was_filled_in_again_since_is_not_confirmed(self, client: Client, letter: Letter) -> None:
        signature = make_signature(letter, name=NAME, visibility="withheld", status="unconfirmed")
        link = path(links.confirm_url(signature))
        shown = client.get(link).context["shown"]
        Signature.objects.update(signed_at=timezone.now())
        answer = client.post(link, {"shown": shown})
        assert answer.status_code == 409
        shows_nothing(answer, signature)

    @pytest.mark.parametrize("status", list(SignatureStatus))
    @pytest.mark.parametrize("language", ["en", "be", "ru"])
    def test_no_page_shows_anything_in_any_state(
        self, client: Client, letter: Letter, status: str, language: str
    ) -> None:
        signature = make_signature(letter, name=NAME, visibility="withheld", status=status, language=language)
        for link in (links.own_url, links.confirm_url, links.withdraw_url):
            shows_nothing(client.get(path(link(signature))), signature)
        for below in ("correct/", "hand-over/"):
            shows_nothing(client.get(path(links.own_url(signature)) + below), signature)

    def test_nothing_can_be_changed(self, client: Client, signature: Signature) -> None:
        before = Signature.objects.filter(pk=signature.pk).values().get()
        for below in ("correct/", "hand-over/", "language/", "hand-over/take-back/"):
            answer = client.post(path(links.own_url(signature)) + below, {"name": "x", "language": "ru"})
            assert answer.status_code == 403
            shows_nothing(answer, signature)
        assert Signature.objects.filter(pk=signature.pk).values().get() == before

    def test_it_can_be_withdrawn(self, client: Client, signature: Signature) -> None:
        link = path(links.withdraw_url(signature))
        assert leads_to(client.get(path(links.own_url(signature))).text, "withdraw", signature)
        answer = client.post(link, follow=True)
        assert "is withdrawn" in answer.text
        shows_nothing(answer, signature)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN


class TestMails:
    def every(self, signature: Signature) -> list[Mail]:
        """Each mail that a signature can get."""
        made = services.correct(signature, changes={"role": "Other"}, by=make_user())
        handover = services.hand_over(signature, representative="A", role="B", email="new@example.org", language="be")
        for mail in (emails.confirm, emails.already, emails.received, emails.approved, emails.withdrawn):
            assert mail(signature)
        assert emails.new_link(signature)
        assert emails.correction_declined(made)
        signature.reason = Signature.Reason.AUTHORITY
        assert emails.rejected(signature)
        emails.handover_told(signature, to="old@example.org", language="ru")
        assert handover.email == "new@example.org"
        return list(Mail.objects.all())

    def test_they_name_neither_letter_nor_organisation_nor_site(self, signature: Signature, settings: Settings) -> None:
        settings.NEUTRAL_FROM = "office@neutral.example.org"
        letter = signature.letter
        for mail in self.every(signature):
            django_mail.outbox.clear()
            mailing.send(mail)
            [sent] = django_mail.outbox
            text = str(sent.message())
            assert re.fullmatch(r"office\+m\d+\.[0-9a-f]{20}@neutral\.example\.org", sent.from_email)
            assert sent.message()["From"] == "office@neutral.example.org"
            said = sent.subject + re.sub(r"http\S+", "", str(sent.body) + str(sent.alternatives))
            titles = [getattr(letter, f"title_{code}") for code in ("en", "be", "ru")]
            for told in (
                *titles,
                NAME,
                "Замак",
                letter.slug,
                letter.contact_email,
                letter.campaign.hashtag,
                "Undersigned",
            ):
                assert told not in said
                assert told.encode() not in text.encode()
            for word in ("signature", "letter", "подпіс", "ліст", "подпис", "письм", "арганізац", "организац"):
                assert word not in said.casefold()

    def test_the_usual_sender_has_no_name_of_ours_beside_the_address(self, settings: Settings) -> None:
        assert settings.NEUTRAL_FROM == "signatures@undersigned.example.org"

    def test_who_fills_in_the_form_again_is_told_that_nothing_changed_and_which_secret_counts(
        self, client: Client, letter: Letter
    ) -> None:
        first = fill_in(client, letter)
        link = link_in(Mail.objects.get())
        client.post(link, {"shown": client.get(link).context["shown"]})
        Mail.objects.all().delete()
        second = fill_in(client, letter, "t" * 32)
        mail = Mail.objects.get()
        own = link_in(mail)
        mailing.send(mail)
        [sent] = django_mail.outbox
        assert sent.subject == "Nothing has changed"
        assert "so does your earlier secret; a secret that was shown now opens nothing" in str(sent.body)
        assert client.post(SECRET, {"secret": second}).status_code == 422
        assert client.post(SECRET, {"secret": first, "next": own}).status_code == 302
        assert NAME in client.get(own).text

    def test_their_links_open_pages_that_show_nothing(self, client: Client, signature: Signature) -> None:
        for mail in self.every(signature):
            if "/signatures/" in mail.body:
                answer = client.get(link_in(mail))
                assert answer.status_code == 200
                shows_nothing(answer, signature)

    def test_others_get_theirs_from_the_usual_sender(self, letter: Letter) -> None:
        emails.received(make_signature(letter))
        assert Mail.objects.get().sender == ""
