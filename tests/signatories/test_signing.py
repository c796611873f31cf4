"""An organisation signs: form, mail, button, and its own page. All of it over HTTP."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from letters.models import Letter
from letters.services import save_version
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import links, services
from signatories.forms.fields import clean_line
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_edition, make_letter, make_signature

pytestmark = pytest.mark.django_db

SIGN = "/en/letters/belarus-2020/sign/"
STATED = {
    "visibility": "public",
    "name": "Example Watch",
    "name_be": "Прыклад",
    "country": "BY",
    "website": "example.org",
    "representative": "Jane Example",
    "role": "Director",
    "email": "jane@watch.example.org",
    "consent": "on",
    "authority": "on",
}


@pytest.fixture
def letter() -> Letter:
    return make_letter()


def stated(letter: Letter, **changes: str) -> dict[str, str]:
    """What a browser posts; a field that is changed to nothing is left out, as an empty tick is."""
    return {key: value for key, value in {**STATED, "version": str(letter.version.pk), **changes}.items() if value}


def link_in(mail: Mail) -> str:
    found = re.search(r"http://[^/]+(/\S+)", mail.body)
    assert found
    return found[1]


def press_button(client: Client, link: str) -> Any:
    return client.post(link, {"shown": client.get(link).context["shown"]})


class TestTheWayFromFormToStaff:
    def test_form_mail_button(self, client: Client, letter: Letter) -> None:
        assert client.get(SIGN).status_code == 200
        answer = client.post(SIGN, stated(letter))
        assert answer.headers["Location"] == f"{SIGN}sent/"
        assert client.get(answer.headers["Location"]).status_code == 200

        signature = letter.signatures.get()
        assert signature.status == SignatureStatus.UNCONFIRMED
        assert (signature.name_en, signature.name_be, signature.name_ru) == ("Example Watch", "Прыклад", "")
        assert signature.website == "https://example.org"
        assert signature.version == letter.version

        mail = Mail.objects.get()
        assert mail.to == "jane@watch.example.org"
        page = client.get(link_in(mail))
        assert "Jane Example" in page.text
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.UNCONFIRMED

        assert press_button(client, link_in(mail)).status_code == 302
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.PENDING
        assert signature.confirmed_at

    @pytest.mark.parametrize("language", ["en", "be", "ru"])
    def test_mail_is_in_the_language_of_the_form_and_says_that_it_is_a_demonstration(
        self, client: Client, letter: Letter, language: str
    ) -> None:
        client.post(f"/{language}/letters/belarus-2020/sign/", stated(letter))
        mail = Mail.objects.get()
        assert mail.language == language
        assert f"/{language}/signatures/confirm/" in mail.body
        assert getattr(letter, f"title_{language}") in mail.body
        assert "Undersigned" in mail.body

    def test_a_scanner_that_follows_the_link_confirms_nothing(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter))
        link = link_in(Mail.objects.get())
        for _ in range(3):
            client.get(link)
            client.head(link)
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED

    def test_pressing_the_button_twice_mails_once(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter))
        link = link_in(Mail.objects.get())
        shown = client.get(link).context["shown"]
        for _ in range(2):
            assert client.post(link, {"shown": shown}).status_code == 302
        assert letter.signatures.get().status == SignatureStatus.PENDING
        assert Mail.objects.count() == 2

    def test_a_form_filled_in_again_is_confirmed_only_after_it_was_shown(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter))
        link = link_in(Mail.objects.get())
        shown = client.get(link).context["shown"]
        client.post(SIGN, stated(letter, role="Somebody else"))
        answer = client.post(link, {"shown": shown})
        assert answer.status_code == 409
        assert "Somebody else" in answer.text
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED
        client.post(link, {"shown": answer.context["shown"]})
        assert letter.signatures.get().status == SignatureStatus.PENDING

    def test_without_what_was_shown_nothing_is_confirmed(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter))
        link = link_in(Mail.objects.get())
        assert client.post(link).status_code == 409
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED


class TestNobodyLearnsWhoSigned:
    def test_a_double_click_is_one_row_and_one_mail(self, client: Client, letter: Letter) -> None:
        for spelling in ("Example Watch", "EXAMPLE  WATCH", "Example Watch."):
            client.post(SIGN, stated(letter, name=spelling, email="Jane+letters@watch.example.org"))
        assert letter.signatures.count() == 1
        assert Mail.objects.count() == 1

    @pytest.mark.parametrize("status", list(SignatureStatus))
    def test_a_known_signer_gets_the_same_answer(self, client: Client, letter: Letter, status: str) -> None:
        new = client.post(SIGN, stated(letter, name="Another", email="new@other.example.org"))
        make_signature(letter, name="Example Watch", email="jane@watch.example.org", status=status)
        known = client.post(SIGN, stated(letter))
        assert (known.status_code, known.headers["Location"]) == (new.status_code, new.headers["Location"])
        assert known.content == new.content
        assert known.cookies.keys() == new.cookies.keys()

    def test_signing_again_changes_nothing_of_what_stands(self, client: Client, letter: Letter) -> None:
        standing = make_signature(letter, name="Example Watch", email="jane@watch.example.org")
        client.post(SIGN, stated(letter, role="Impostor"))
        standing.refresh_from_db()
        assert (standing.status, standing.role) == (SignatureStatus.APPROVED, "Director")
        assert "/own/" in link_in(Mail.objects.get())

    def test_a_mailbox_is_not_flooded(self, client: Client, letter: Letter) -> None:
        for number in range(10):
            client.post(SIGN, stated(letter, name=f"Organisation {number}"))
        assert Mail.objects.count() == 3

    def test_no_mail_repeats_what_a_stranger_typed(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter, name="Buy at shop.example.com", representative="Cheap Pills"))
        mail = Mail.objects.get()
        assert "shop.example.com" not in mail.subject + mail.body
        assert "Cheap Pills" not in mail.subject + mail.body


HOSTILE = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 301),
    ("name", "Watch\0"),
    ("name", "Example\nWatch"),
    ("name", "Example\x1bWatch"),
    ("name", "Example\u200bWatch"),
    ("name", "Access\u200dNow"),
    ("name", "Example\u202eWatch"),
    ("name", "Watc" + "h" + "\u0301" * 5),
    ("representative", "Jane" + "\u0489" * 40),
    ("name", "\u3164"),
    ("name", "Example\ufeffWatch"),
    ("name", "<script>alert(1)</script>"),
    ("name", "…!?"),
    ("name_be", "<b>Прыклад</b>"),
    ("country", ""),
    ("country", "XX"),
    ("country", "BY; DROP TABLE"),
    ("website", "javascript:alert(1)"),
    ("website", "data:text/html,x"),
    ("website", "https://exa mple.org"),
    ("website", "http://[::1"),
    ("website", "https://example.org/\u202ex"),
    ("website", "https://www.accessnow.org@evil.example.org/"),
    ("website", "https://user:password@example.org/"),
    ("website", "https://example.org:0/"),
    ("website", "https://example.org:70000/"),
    ("website", "https://example.org/" + "x" * 300),
    ("representative", "Jane\u2028Example"),
    ("role", "x" * 151),
    ("email", "jane"),
    ("email", "jane@localhost"),
    ("email", "jane@[127.0.0.1]"),
    ("email", "jane@watch.example.org\nBcc: all@example.org"),
    ("email", "jane@watch.example.org, joe@watch.example.org"),
    ("email", "jane@watch.example.org;joe@watch.example.org"),
    ("email", "jane@ехample.org"),  # its e and x are Cyrillic
    ("email", "jane\0@example.org"),
    ("email", '"<evil@x.example.org>"@b.example.org'),
    ("email", '"jane"@b.example.org'),
    ("visibility", ""),
    ("visibility", "maybe"),
    ("consent", ""),
    ("authority", ""),
    ("version", ""),
    ("version", "999999999999999999999999"),
    ("version", "\0"),
]


class TestHostileInput:
    @pytest.mark.parametrize(("field", "value"), HOSTILE)
    def test_each_gets_a_message_at_its_field_and_loses_nothing_that_was_typed(
        self, client: Client, letter: Letter, field: str, value: str
    ) -> None:
        answer = client.post(SIGN, stated(letter, **{field: value}))
        assert answer.status_code == 422
        form = answer.context["form"]
        assert list(form.errors) == [field]
        for message in form.errors[field]:
            assert escape(message) in answer.text
        for kept in {"name", "representative", "role", "email"} - {field}:
            assert f'value="{STATED[kept]}"' in answer.text
        assert not Signature.objects.exists()
        assert not Mail.objects.exists()

    @pytest.mark.parametrize("name", ["לְשָׁבְּ֑תָהּ", "လျှို့ဝှက်", "བསྒྲུབས", "ปฏิรูปที่", "क्षत्रियाँ", "Vie\u0323\u0302t"])
    def test_marks_that_spelling_needs_are_taken(self, name: str) -> None:
        assert clean_line(name) == name

    def test_markup_is_shown_as_what_was_typed(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, stated(letter, name='"><script>alert(1)</script>'))
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text

    def test_a_version_that_is_none_is_said_in_our_words(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, stated(letter, version="\0"))
        assert "It was not clear which text you had read." in answer.text

    def test_bytes_that_are_no_text(self, client: Client, letter: Letter) -> None:
        body = b"visibility=public&name=%ff%fe&country=BY"
        answer = client.post(SIGN, body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 422
        assert "name" in answer.context["form"].errors

    def test_a_post_in_another_encoding_is_refused(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, b"x", content_type="application/x-www-form-urlencoded; charset=utf-16")
        assert answer.status_code == 400

    def test_a_post_that_is_too_large_is_refused(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, b"name=" + b"x" * 1_000_000, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400
        assert "too large" in answer.text

    def test_an_empty_post_shows_what_is_missing(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, {})
        assert answer.status_code == 422
        assert {"visibility", "name", "country", "email", "consent", "authority"} <= set(answer.context["form"].errors)

    def test_every_error_is_announced_with_its_field(self, client: Client, letter: Letter) -> None:
        text = client.post(SIGN, stated(letter, email="jane")).text
        assert 'aria-invalid="true"' in text
        assert 'aria-describedby="id_email_helptext id_email_error"' in text
        assert 'href="#id_email"' in text

    def test_persian_names_keep_their_joiners(self, client: Client, letter: Letter) -> None:
        assert client.post(SIGN, stated(letter, name="خانه‌ی آزادی")).status_code == 302

    def test_a_form_of_another_site_is_refused(self, letter: Letter) -> None:
        answer = Client(enforce_csrf_checks=True).post(SIGN, stated(letter))
        assert answer.status_code == 403
        assert not Signature.objects.exists()

    def test_a_text_that_changed_meanwhile_is_read_again(self, client: Client, letter: Letter) -> None:
        old = stated(letter)
        letter.title_en = "Another title"
        letter.save()
        save_version(letter)
        answer = client.post(SIGN, old)
        assert list(answer.context["form"].errors) == ["version"]
        assert f'name="version" value="{letter.version.pk}"' in answer.text
        assert client.post(SIGN, stated(letter)).status_code == 302


class TestVisibility:
    def test_nothing_is_chosen_beforehand(self, client: Client, letter: Letter) -> None:
        assert "checked" not in client.get(SIGN).text

    def test_the_question_comes_first(self, client: Client, letter: Letter) -> None:
        text = client.get(SIGN).text
        assert text.index('name="visibility"') < text.index('name="name"')

    def test_no_mail_holds_a_withheld_name(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter, visibility="withheld"))
        press_button(client, link_in(Mail.objects.get()))
        assert Mail.objects.count() == 2
        for mail in Mail.objects.all():
            assert "Example Watch" not in mail.subject + mail.body


class TestLinks:
    @pytest.fixture
    def signature(self, letter: Letter) -> Signature:
        return make_signature(letter, status=SignatureStatus.UNCONFIRMED)

    @staticmethod
    def path(url: str) -> str:
        return "/" + url.split("/", 3)[3]

    def test_an_expired_one_says_so(self, client: Client, signature: Signature) -> None:
        link = self.path(links.confirm_url(signature))
        with time_machine.travel(timezone.now() + links.CONFIRM_WITHIN * 1.01):
            for answer in (client.get(link), client.post(link)):
                assert answer.status_code == 410
                assert "expired" in answer.text
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.UNCONFIRMED

    @pytest.mark.parametrize("token", ["x", "a:b:c", "%00", "%ff", "ў", "x" * 3000])
    def test_a_forged_one_is_refused(self, client: Client, letter: Letter, token: str) -> None:
        for page in ("confirm", "withdraw", "take-over"):
            address = f"/be/signatures/{page}/{token}/"
            assert client.get(address).status_code == 404
            assert client.post(address).status_code == 404

    def test_one_that_was_signed_for_something_else_is_refused(self, client: Client, signature: Signature) -> None:
        token = signing.dumps(signature.pk, salt="other")
        assert client.post(f"/en/signatures/confirm/{token}/").status_code == 404

    def test_an_altered_one_is_refused(self, client: Client, signature: Signature) -> None:
        link = self.path(links.confirm_url(signature))
        flipped = "A" if link[-2] != "A" else "B"
        assert client.post(f"{link[:-2]}{flipped}/").status_code == 404

    def test_the_link_to_confirm_does_not_withdraw(self, client: Client, signature: Signature) -> None:
        link = self.path(links.confirm_url(signature)).replace("/confirm/", "/withdraw/")
        assert client.post(link).status_code == 404

    def test_one_of_a_signature_that_was_deleted(self, client: Client, signature: Signature) -> None:
        link = self.path(links.confirm_url(signature))
        signature.delete()
        assert client.get(link).status_code == 404


class TestOwnPage:
    @pytest.mark.parametrize(
        ("status", "heading"),
        [
            (SignatureStatus.PENDING, "Public, once approved"),
            (SignatureStatus.APPROVED, "Public"),
            (SignatureStatus.REJECTED, "Not public now"),
            (SignatureStatus.WITHDRAWN, "Not public now"),
        ],
    )
    def test_what_is_public_depends_on_where_it_stands(
        self, client: Client, letter: Letter, status: str, heading: str
    ) -> None:
        signature = make_signature(letter, status=status)
        page = client.get(TestLinks.path(links.own_url(signature))).text
        assert f"<h2>{heading}</h2>" in page
        assert "Version 1, dated 5 August 2020" in page

    def test_withdrawal_takes_a_button_and_holds(self, client: Client, letter: Letter) -> None:
        signature = make_signature(letter, name="Example Watch")
        link = TestLinks.path(links.withdraw_url(signature))
        assert "Example Watch" in client.get("/en/letters/belarus-2020/").text
        client.get(link)
        assert "Example Watch" in client.get("/en/letters/belarus-2020/").text
        for _ in range(2):
            assert client.post(link).status_code == 302
        assert "Example Watch" not in client.get("/en/letters/belarus-2020/").text
        assert Mail.objects.count() == 1
        assert "withdrawn" in client.get(link).text

    @pytest.mark.parametrize("status", list(SignatureStatus))
    @pytest.mark.parametrize("language", ["en", "be", "ru"])
    def test_it_opens_in_every_state_and_language(
        self, client: Client, letter: Letter, status: str, language: str
    ) -> None:
        signature = make_signature(letter, status=status, language=language)
        for url in (links.own_url(signature), links.confirm_url(signature), links.withdraw_url(signature)):
            answer = client.get(TestLinks.path(url))
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "no-store"


class TestClosed:
    def test_a_closed_letter_says_so_and_takes_nothing(self, client: Client, letter: Letter) -> None:
        waiting = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        link = TestLinks.path(links.confirm_url(waiting))
        shown = client.get(link).context["shown"]
        Letter.objects.update(status=LetterStatus.CLOSED)
        answers = [
            client.get(SIGN),
            client.post(SIGN, stated(letter)),
            client.get(link),
            client.post(link, {"shown": shown}),
        ]
        for answer in answers:
            assert answer.status_code == 410
            assert "Signing is closed" in answer.text
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED

    def test_its_last_day_counts(self, client: Client, letter: Letter) -> None:
        Letter.objects.update(signing_until="2020-08-05")
        with time_machine.travel("2020-08-05T23:59:00Z"):
            assert client.get(SIGN).status_code == 200
        with time_machine.travel("2020-08-06T00:00:01Z"):
            assert client.get(SIGN).status_code == 410

    @pytest.mark.parametrize("page", ["sign/", "sign/sent/"])
    def test_an_unknown_or_unpublished_letter_is_not_found(self, client: Client, page: str) -> None:
        make_letter(slug="hidden", published=False)
        assert client.get(f"/en/letters/nothing/{page}").status_code == 404
        assert client.get(f"/en/letters/hidden/{page}").status_code == 404


class TestSigningAgain:
    """After a withdrawal: what was withdrawn stays withdrawn, whatever anybody types into the form."""

    @pytest.fixture
    def withdrawn(self, letter: Letter) -> Signature:
        signature = make_signature(letter, name="Стары Замак", email="signer@zamak.example.org", language="be")
        self.edition = make_edition(letter, sealed=True)
        services.withdraw(signature)
        return signature

    def post(self, client: Client, letter: Letter, withdrawn: Signature) -> None:
        stated = {"name": withdrawn.name_en, "email": withdrawn.email, "representative": "A Stranger"}  # type: ignore[attr-defined]
        typed = {**STATED, **stated, "visibility": "public", "version": letter.version.pk}
        assert client.post(f"/be/letters/{letter.slug}/sign/", typed).status_code == 302

    def test_a_stranger_changes_nothing_of_it(self, client: Client, letter: Letter, withdrawn: Signature) -> None:
        before = Signature.objects.filter(pk=withdrawn.pk).values().get()
        self.post(client, letter, withdrawn)
        assert Signature.objects.filter(pk=withdrawn.pk).values().get() == before
        assert letter.signatures.live().count() == 1

    def test_the_edition_that_names_it_stays_closed(self, client: Client, letter: Letter, withdrawn: Signature) -> None:
        self.post(client, letter, withdrawn)
        assert self.edition.names_someone_who_left
        Signature.objects.update(signed_at=timezone.now() - timedelta(days=8))
        services.forget_unconfirmed()
        assert self.edition.names_someone_who_left
        signature = make_signature(letter, name="Стары Замак", email="signer@zamak.example.org")
        assert signature in letter.signatures.public()
        assert self.edition.names_someone_who_left, "signed anew is for the next edition"

    def test_a_signature_that_is_gone_has_left(self, letter: Letter, withdrawn: Signature) -> None:
        withdrawn.editions.clear()
        withdrawn.delete()
        assert self.edition.names_someone_who_left
