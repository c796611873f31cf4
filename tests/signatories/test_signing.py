"""An organisation signs: form, mail, button, and its own page. All of it over HTTP."""

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from letters.models import Letter
from letters.services import save_version
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import links, services
from signatories.forms import SignForm
from signatories.forms.fields import BLANKS, ORDINARY, clean_line
from signatories.models import Signature
from signatories.services.secrets import secret_index
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

    def test_whoever_opens_the_link_after_two_forms_is_told_to_read_each_line(
        self, client: Client, letter: Letter
    ) -> None:
        client.post(SIGN, stated(letter, visibility="withheld"))
        link = link_in(Mail.objects.get())
        warned = "filled in more than once with this address, and what was stated last"
        client.post(SIGN, stated(letter, visibility="public"))
        assert warned in client.get(link).text

    def test_without_what_was_shown_nothing_is_confirmed(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter))
        link = link_in(Mail.objects.get())
        assert client.post(link).status_code == 409
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED


SITUATIONS = ["new", "sent a moment ago", "past the limit of mails", *SignatureStatus.values]


def normalised(sql: str) -> str:
    """A query without what it asks for."""
    text = re.sub(r"'(?:[^']|'')*'(?:::\w+)?|\b\d+\b|NULL|true|false", "?", sql)
    return re.sub(r"_s\d+_x\d+|s\d+_x\d+", "savepoint", text)


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

    @pytest.mark.parametrize("visibility", ["public", "withheld"])
    def test_the_same_page_bytes_and_queries_for_whoever_has_signed(
        self, client: Client, letter: Letter, visibility: str
    ) -> None:
        found = {situation: self.answered(letter, situation, visibility) for situation in SITUATIONS}
        for situation, answered in found.items():
            assert answered[-1] == found["new"][-1], situation
            assert answered == found["new"], situation

    def answered(self, letter: Letter, situation: str, visibility: str) -> tuple[Any, ...]:
        """What a browser gets and the database is asked, in that situation of an address."""
        Mail.objects.all().delete()
        Signature.objects.all().delete()
        who = {"name": "Example Watch", "email": "jane@watch.example.org"}
        if situation == "sent a moment ago":
            Client().post(SIGN, stated(letter))
        elif situation == "past the limit of mails":
            for number in range(5):
                Client().post(SIGN, stated(letter, name=f"Organisation {number}"))
        elif situation != "new":
            make_signature(letter, status=situation, **who)
        browser = Client(enforce_csrf_checks=True)
        browser.get(SIGN)
        token = browser.cookies["csrftoken"].value
        with CaptureQueriesContext(connection) as queries:
            answer = browser.post(SIGN, {**stated(letter, visibility=visibility), "csrfmiddlewaretoken": token})
        page = answer.text.replace(answer.context["secret"], "") if visibility == "withheld" else answer.text
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
        return answer.status_code, headers, len(answer.content), page, [normalised(query["sql"]) for query in queries]

    def test_a_thousand_forms_at_variants_of_one_address_are_three_mails(self, letter: Letter) -> None:
        variants = (
            "Jane.Example@watch.example.org",
            "janeexample+{0}@watch.example.org",
            "JANE.EXAMPLE@WATCH.example.org",
        )
        signing = SignForm(stated(letter), latest=letter.version)
        assert signing.is_valid()
        for number in range(1000):
            address = variants[number % 3].format(number)
            changed = replace(signing.signing(), email=address, name=f"Organisation {number % 50}")
            services.sign(letter, letter.version, changed)
        assert Mail.objects.count() == 3
        assert letter.signatures.count() == 50

    def test_past_the_limit_the_earlier_link_works_and_the_page_says_so(self, client: Client, letter: Letter) -> None:
        for _ in range(5):
            Signature.objects.update(link_mailed_at=None)
            page = client.post(SIGN, stated(letter), follow=True).text
        assert "An earlier link goes on working." in page
        first = Mail.objects.order_by("pk")[0]
        assert press_button(client, link_in(first)).status_code == 302
        assert letter.signatures.get().status == SignatureStatus.PENDING

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

    def test_what_is_ordinary_has_nothing_to_be_looked_for(self) -> None:
        ordinary = [character for character in map(chr, range(0x110000)) if ORDINARY.fullmatch(character)]
        assert {"a", "ў", "І", "’", " "} <= {*ordinary}
        assert {unicodedata.category(character)[0] for character in ordinary} <= {*"LNPSZ"}
        assert not {*ordinary} & {*"<>\ufffd\u2028\u2029", *BLANKS}

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


class TestTheTextChanged:
    @pytest.fixture
    def opened(self, letter: Letter) -> dict[str, str]:
        """What was filled in before the text was changed."""
        opened = stated(letter)
        demand = letter.blocks.filter(kind="demand").first()
        assert demand
        for language in ("en", "be", "ru"):
            setattr(demand, f"text_{language}", f"<b>{language}</b> A demand that was put otherwise.")
        demand.save()
        save_version(letter)
        return opened

    @pytest.mark.parametrize("language", ["en", "be", "ru"])
    def test_the_form_says_what_changed_in_the_readers_language(
        self, client: Client, letter: Letter, opened: dict[str, str], language: str
    ) -> None:
        answer = client.post(f"/{language}/letters/belarus-2020/sign/", opened)
        assert answer.status_code == 422
        [change] = answer.context["form"].changes
        assert (change.change, change.number) == ("changed", 1)
        old = letter.versions.get(number=1).text(language)["blocks"]
        assert "".join(words.text for words in change.old) in [block["text"] for block in old]
        assert escape(f"<b>{language}</b>") in answer.text
        assert "<b>" not in answer.text

    def test_what_was_typed_is_kept_and_consent_asked_anew(
        self, client: Client, letter: Letter, opened: dict[str, str]
    ) -> None:
        answer = client.post(SIGN, {**opened, "email": "jane"})
        assert sorted(answer.context["form"].errors) == ["email", "version"]
        assert 'value="Jane Example"' in answer.text
        assert [name for name in ("consent", "authority") if answer.context["form"][name].value()] == ["authority"]
        again = {**opened, "version": str(letter.version.pk)}
        assert client.post(SIGN, {**again, "consent": ""}).status_code == 422
        assert client.post(SIGN, again).status_code == 302

    def test_a_version_of_another_letter_is_none_of_this(self, client: Client, letter: Letter) -> None:
        other = make_letter(slug="another")
        answer = client.post(SIGN, stated(letter, version=str(other.version.pk)))
        assert "It was not clear which text you had read." in answer.text
        assert answer.context["form"].changes == []


INDIVIDUAL = {
    "kind": "individual",
    "visibility": "public",
    "person": "Jane Example",
    "affiliation": "University of Example",
    "country": "PL",
    "email": "jane@example.org",
    "consent": "on",
}


class TestIndividuals:
    @pytest.fixture
    def letter(self) -> Letter:
        return make_letter(accepts_individuals=True)

    def post(self, client: Client, letter: Letter, **changes: str) -> Any:
        form = {**INDIVIDUAL, "version": str(letter.version.pk), **changes}
        return client.post(SIGN, {key: value for key, value in form.items() if value})

    def test_one_signs_by_name_and_affiliation(self, client: Client, letter: Letter) -> None:
        assert self.post(client, letter).status_code == 302
        signature = letter.signatures.get()
        assert (signature.kind, signature.name_en) == ("individual", "Jane Example")
        assert (signature.affiliation, signature.representative) == ("University of Example", "")
        press_button(client, link_in(Mail.objects.get()))
        assert letter.signatures.get().status == SignatureStatus.PENDING

    def test_an_organisation_signs_as_ever(self, client: Client, letter: Letter) -> None:
        assert client.post(SIGN, stated(letter, kind="organisation")).status_code == 302
        signature = letter.signatures.get()
        assert (signature.kind, signature.name_en, signature.role) == ("organisation", "Example Watch", "Director")

    def test_what_is_asked_of_the_other_kind_is_not_looked_at(self, client: Client, letter: Letter) -> None:
        ignored = {"name": "<b>", "website": "javascript:alert(1)", "role": "x" * 500, "name_be": "\0"}
        assert self.post(client, letter, **ignored).status_code == 302
        signature = letter.signatures.get()
        assert (signature.website, signature.role, signature.name_be) == ("", "", "")

    @pytest.mark.parametrize(
        ("changes", "wrong"),
        [
            ({"kind": ""}, ["kind"]),
            ({"kind": "robot"}, ["kind"]),
            ({"kind": "", "email": "jane"}, ["email", "kind"]),
            ({"person": ""}, ["person"]),
            ({"person": "Jane\u202eExample"}, ["person"]),
            ({"affiliation": "<script>"}, ["affiliation"]),
            ({"affiliation": "x" * 251}, ["affiliation"]),
            ({"country": ""}, ["country"]),
            ({"kind": "organisation"}, ["authority", "name", "representative", "role"]),
        ],
    )
    def test_errors_concern_who_signs(
        self, client: Client, letter: Letter, changes: dict[str, str], wrong: list[str]
    ) -> None:
        answer = self.post(client, letter, **changes)
        assert answer.status_code == 422
        assert sorted(answer.context["form"].errors) == wrong
        assert "University of Example" in answer.text or "affiliation" in changes
        assert not Signature.objects.exists()

    def test_where_only_organisations_sign_nobody_else_is_asked(self, client: Client) -> None:
        letter = make_letter(slug="organisations")
        page = f"/en/letters/{letter.slug}/sign/"
        assert 'name="kind"' not in client.get(page).text
        assert client.post(page, {**INDIVIDUAL, "version": str(letter.version.pk)}).status_code == 422


class TestTheCode:
    """Whoever is withheld gets one on the page that answers the form; it is the only way to the own page."""

    def post(self, client: Client, letter: Letter, **changes: str) -> str:
        answer = client.post(SIGN, stated(letter, visibility="withheld", **changes))
        assert answer.status_code == 200
        secret: str = answer.context["secret"]
        assert secret in answer.text
        return secret

    def test_its_hash_is_kept_and_nothing_else(self, client: Client, letter: Letter) -> None:
        secret = self.post(client, letter)
        assert letter.signatures.get().secret_index == secret_index(secret)
        [mail] = Mail.objects.all()
        assert secret not in mail.subject + mail.body

    def test_a_form_that_is_sent_twice_shows_the_same_one(self, client: Client, letter: Letter) -> None:
        seed = client.get(SIGN).context["form"]["seed"].value()
        one, other = (self.post(client, letter, seed=seed) for _ in range(2))
        assert one == other
        assert self.post(client, letter, seed=client.get(SIGN).context["form"]["seed"].value()) != one

    @pytest.mark.parametrize("seed", ["", "short", "\0", "ў" * 5000])
    def test_it_can_t_be_chosen(self, client: Client, letter: Letter, seed: str) -> None:
        assert secret_index(self.post(client, letter, seed=seed)) == letter.signatures.get().secret_index

    def test_what_stands_keeps_its_own(self, client: Client, letter: Letter) -> None:
        for status in (SignatureStatus.PENDING, SignatureStatus.APPROVED):
            Signature.objects.all().delete()
            make_signature(
                letter, name="Example Watch", email="jane@watch.example.org", status=status, secret_index="its own"
            )
            self.post(client, letter)
            assert letter.signatures.get().secret_index == "its own"

    def test_a_stranger_who_fills_in_the_form_again_gets_into_no_page(self, client: Client, letter: Letter) -> None:
        mine = self.post(client, letter)
        strangers = self.post(Client(), letter, role="Stranger")
        link = link_in(Mail.objects.get())
        client.post("/en/signatures/secret/", {"secret": mine, "next": link})
        client.post(link, {"shown": client.get(link).context["shown"]})
        assert letter.signatures.get().status == SignatureStatus.UNCONFIRMED
        mine_again = self.post(client, letter)
        client.post("/en/signatures/secret/", {"secret": mine_again, "next": link})
        press_button(client, link)
        signature = letter.signatures.get()
        assert (signature.status, signature.role) == (SignatureStatus.PENDING, "Director")
        assert signature.secret_index == secret_index(mine_again) != secret_index(strangers)

    def test_one_that_is_public_after_all_has_none(self, client: Client, letter: Letter) -> None:
        self.post(client, letter)
        assert client.post(SIGN, stated(letter)).status_code == 302
        assert letter.signatures.get().secret_index == ""

    def test_the_page_stays_nowhere(self, client: Client, letter: Letter) -> None:
        answer = client.post(SIGN, stated(letter, visibility="withheld"))
        assert answer.headers["Cache-Control"] == "no-store"


class TestVisibility:
    def test_nothing_is_chosen_beforehand(self, client: Client, letter: Letter) -> None:
        assert "checked" not in client.get(SIGN).text

    def test_the_question_comes_first(self, client: Client, letter: Letter) -> None:
        text = client.get(SIGN).text
        assert text.index('name="visibility"') < text.index('name="name"')

    def test_no_mail_holds_a_withheld_name(self, client: Client, letter: Letter) -> None:
        secret = client.post(SIGN, stated(letter, visibility="withheld")).context["secret"]
        link = link_in(Mail.objects.get())
        client.post("/en/signatures/secret/", {"secret": secret, "next": link})
        press_button(client, link)
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
