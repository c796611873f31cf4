"""What the public reads: the same for everyone, in its language, at a constant cost."""

import hashlib
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from campaign.pages.common import sent_at
from dispatch.models import Delivery, Edition
from dispatch.services import dispatches
from dispatch.states import DeliveryStatus, EditionStatus
from letters.models import Letter, PressRelease
from letters.press import counted, paragraphs
from letters.services import save_version
from signatories import services
from signatories.models import Signature
from tests.factories import demo_data, make_edition, make_letter, make_signature, make_signatures_of_demo, make_user

pytestmark = pytest.mark.django_db

LANGUAGES = ["en", "be", "ru"]
LETTER = "/{}/letters/belarus-2020/"


def make_press_release(letter: Letter, body: str = "Signed by {count_organisations}.") -> PressRelease:
    texts = {"headline": "Headline", "standfirst": "In short", "body": body, "demands_lead": "They ask:"}
    columns = {f"{field}_{code}": text for field, text in texts.items() for code in LANGUAGES}
    return PressRelease.objects.create(letter=letter, **columns)


def seal_without_typesetting(edition: Edition) -> None:
    """Three small files where the PDFs would lie, so that a test of pages needs no typesetter."""
    for file in edition.files.all():
        data = f"%PDF {file.language}".encode()
        path = default_storage.save(f"letter-{file.language}.pdf", ContentFile(data))
        edition.files.filter(pk=file.pk).update(
            sealed=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data), pages=3, sealed_at=timezone.now()
        )
    Edition.objects.filter(pk=edition.pk).update(status=EditionStatus.SEALED)
    edition.refresh_from_db()


@pytest.fixture
def letter() -> Letter:
    return make_letter()


class TestLetter:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_holds_text_demands_addressees_and_signatories(
        self, client: Client, letter: Letter, language: str
    ) -> None:
        make_signatures_of_demo(letter)
        text = unescape(client.get(LETTER.format(language)).text)
        assert f'<html lang="{language}">' in text
        for block in demo_data("letter")["blocks"]:
            assert block[language] in text
        demands = [block["key"] for block in demo_data("letter")["blocks"] if block["kind"] == "demand"]
        assert re.findall(r'<li id="([\w-]+)">', text) == demands
        with translation.override(language):
            for recipient in letter.recipients.all():
                shown = recipient.address_block if recipient.kind == "to" else recipient.name
                assert shown.splitlines()[0] in text
            names = [signature.name for signature in letter.signatures.public()]
        assert len(names) > 30
        assert [name for name in names if name not in text] == []

    def test_the_lead_organisation_comes_first(self, client: Client, letter: Letter) -> None:
        make_signature(letter, name="Aardvark")
        make_signature(letter, name="Zebra", is_lead=True)
        text = client.get(LETTER.format("en")).text
        assert text.index("Zebra") < text.index("Aardvark")

    def test_withheld_organisations_are_counted_and_not_named(self, client: Client, letter: Letter) -> None:
        make_signature(letter, name="Named")
        make_signature(letter, name="Secret", names={"be": "Таямніца"}, visibility=Signature.Visibility.WITHHELD)
        make_signature(letter, name="Hidden", visibility=Signature.Visibility.WITHHELD)
        text = client.get(LETTER.format("en")).text
        assert "3 organisations have signed this letter." in text
        assert "and 2 organisations whose names are withheld for their safety" in text
        for language in LANGUAGES:
            text = client.get(LETTER.format(language)).text
            assert not {"Secret", "Hidden", "Таямніца"} & set(re.findall(r"\w+", text))

    def test_only_approved_signatories_are_named_and_nothing_else_of_them(self, client: Client, letter: Letter) -> None:
        for status in ("unconfirmed", "pending", "rejected", "withdrawn"):
            make_signature(letter, name=f"Not {status}", status=status)
        shown = make_signature(letter, name="Shown")
        text = client.get(LETTER.format("en")).text
        assert "Shown" in text
        assert "Not " not in text.replace("Nothing", "")
        assert shown.email not in text
        assert shown.representative not in text
        assert shown.website not in text

    def test_its_cost_does_not_grow_with_its_signatories(self, client: Client, letter: Letter) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(LETTER.format("be"))
            return len(captured)

        make_press_release(letter)
        for _ in range(3):
            make_signature(letter)
        few = queries()
        for _ in range(57):
            make_signature(letter)
        assert queries() == few <= 11

    def test_markup_in_names_and_text_stays_text(self, client: Client) -> None:
        letter = make_letter(title_en="<script>alert(1)</script>")
        make_signature(letter, name="<img src=x onerror=alert(1)>")
        block = letter.blocks.first()
        assert block
        block.text_en = "[a](javascript:alert(1)) <b onclick=x>*soft*</b>"
        block.save()
        save_version(letter)
        text = client.get(LETTER.format("en")).text
        assert "<script" not in text
        assert "<img" not in text
        assert 'href="javascript' not in text
        assert "<b " not in text
        assert "<em>soft</em>" in text

    def test_the_way_to_sign_goes_with_the_signing(self, client: Client, letter: Letter) -> None:
        sign = f'href="{LETTER.format("en")}sign/"'
        assert sign in client.get(LETTER.format("en")).text
        Letter.objects.update(status="closed")
        assert sign not in client.get(LETTER.format("en")).text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_dates_read_as_in_the_language(self, client: Client, letter: Letter, language: str) -> None:
        date = {"en": "5 August 2020", "be": "5 жніўня 2020 г.", "ru": "5 августа 2020 г."}[language]
        assert date in client.get(LETTER.format(language)).text


class TestEveryPage:
    @pytest.fixture
    def addresses(self, letter: Letter) -> list[str]:
        make_press_release(letter)
        seal_without_typesetting(make_edition(letter))
        below = ("", "press/", "editions/1/")
        own = [f"{LETTER.format(language)}{path}" for language in LANGUAGES for path in below]
        return own + [f"/{language}/{path}" for language in LANGUAGES for path in ("", "about/", "privacy/")]

    def test_is_the_same_for_everyone_and_cheap_to_ask_again(self, client: Client, addresses: list[str]) -> None:
        staff = Client()
        staff.force_login(make_user())
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert not answer.cookies
            assert "Cookie" not in answer.headers.get("Vary", "")
            assert answer.headers["Cache-Control"] == "no-cache"
            assert staff.get(address).content == answer.content
            again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")

    def test_loads_and_runs_nothing_but_its_style_sheet(self, client: Client, addresses: list[str]) -> None:
        for address in addresses:
            text = client.get(address).text
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|<img|<iframe", text), address
            assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', text) == ["/static/css/site.css"]

    def test_leads_to_itself_in_the_other_languages(self, client: Client, addresses: list[str]) -> None:
        for address in addresses:
            text = client.get(address).text
            for language in LANGUAGES:
                twin = f"/{language}/{address[4:]}"
                assert f'hreflang="{language}" href="{configured.PUBLIC_URL}{twin}"' in text
                assert f'<a href="{twin}" lang="{language}"' in text
            assert f'<link rel="canonical" href="{configured.PUBLIC_URL}{address}">' in text

    def test_of_a_demonstration_says_so(self, client: Client, addresses: list[str]) -> None:
        for address in addresses:
            if "/letters/" in address:
                assert '<aside class="demonstration">' in client.get(address).text
        Letter.objects.update(is_demonstration=False)
        for address in addresses:
            assert 'class="demonstration"' not in client.get(address).text

    def test_changes_its_tag_when_a_name_leaves(self, client: Client, addresses: list[str], letter: Letter) -> None:
        before = client.get(LETTER.format("en")).headers["ETag"]
        services.withdraw(letter.signatures.get())
        answer = client.get(LETTER.format("en"), headers={"If-None-Match": before})
        assert answer.status_code == 200


class TestPress:
    def test_it_counts_and_waits_for_the_sending(self, client: Client, letter: Letter) -> None:
        make_press_release(letter, "By {count_organisations}.\n\nSent on {sent_date}.")
        make_signatures_of_demo(letter)
        text = client.get(f"{LETTER.format('en')}press/").text
        assert "By 40&nbsp;organisations." in text
        assert "The letter has not been sent yet." in text
        assert "{" not in text
        assert all(block["en"] in text for block in demo_data("letter")["blocks"] if block["kind"] == "demand")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_sentence_about_the_sending_holds_its_date(self, letter: Letter, language: str) -> None:
        release = make_press_release(letter, "Sent on {sent_date}.")
        letter.is_demonstration = False
        date = {"en": "5 August 2020", "be": "5 жніўня 2020 г.", "ru": "5 августа 2020 г."}[language]
        with translation.override(language):
            sent = datetime(2020, 8, 5, 12, tzinfo=UTC)
            assert paragraphs(release, organisations=1, sent_at=sent) == [f"Sent on {date}."]

    def test_a_demonstration_was_sent_to_nobody(self, letter: Letter) -> None:
        release = make_press_release(letter, "Sent on {sent_date} to the President.")
        sent = datetime(2020, 8, 5, 12, tzinfo=UTC)
        (said,) = paragraphs(release, organisations=1, sent_at=sent)
        assert "local mail server on 5 August 2020; it was not sent to anyone" in said
        assert "President" not in said

    def test_numbers_take_their_form(self) -> None:
        with translation.override("en"):
            assert [counted(number) for number in (1, 2, 40)] == [
                "1\N{NO-BREAK SPACE}organisation",
                "2\N{NO-BREAK SPACE}organisations",
                "40\N{NO-BREAK SPACE}organisations",
            ]

    def test_a_letter_without_one(self, client: Client, letter: Letter) -> None:
        assert client.get(f"{LETTER.format('en')}press/").status_code == 404
        assert "press/" not in client.get(LETTER.format("en")).text


class TestEditions:
    @pytest.fixture
    def edition(self, letter: Letter) -> Edition:
        make_signature(letter, name="Stays")
        make_signature(letter, name="Leaves")
        edition = make_edition(letter)
        seal_without_typesetting(edition)
        return edition

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("path", ["letter.pdf", "editions/1/letter.pdf"])
    def test_the_sealed_bytes_are_served_as_they_are(
        self, client: Client, edition: Edition, language: str, path: str
    ) -> None:
        answer = client.get(f"{LETTER.format(language)}{path}")
        file = edition.files.get(language=language)
        assert hashlib.sha256(answer.content).hexdigest() == file.sha256
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["ETag"] == f'"{file.sha256[:32]}"'
        again = client.get(f"{LETTER.format(language)}{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304

    def test_the_letter_shows_the_hash_of_its_language_and_the_edition_all(
        self, client: Client, edition: Edition
    ) -> None:
        hashes = {file.language: file.sha256 for file in edition.files.all()}
        for language in LANGUAGES:
            assert re.findall(r"[0-9a-f]{64}", client.get(LETTER.format(language)).text) == [hashes[language]]
            page = client.get(f"{LETTER.format(language)}editions/1/").text
            in_print = {edition.content["text_sha256"], edition.content["certificate"]}
            assert set(re.findall(r"[0-9a-f]{64}", page)) == {*hashes.values(), *in_print}
            assert edition.reference in page

    def test_one_that_names_somebody_who_left_is_gone_and_its_hashes_stay(
        self, client: Client, letter: Letter, edition: Edition
    ) -> None:
        services.withdraw(letter.signatures.get(name_en="Leaves"))
        for path in ("letter.pdf", "editions/1/letter.pdf"):
            answer = client.get(f"{LETTER.format('be')}{path}")
            assert answer.status_code == 410
            assert answer.headers["Content-Type"].startswith("text/html")
            assert answer.headers["Cache-Control"] == "no-store"
        page = client.get(f"{LETTER.format('en')}editions/1/").text
        assert "Leaves" not in page
        assert "a new edition is due" in page
        assert all(file.sha256 in page for file in edition.files.all())
        assert "Leaves" not in client.get(LETTER.format("en")).text

    def test_a_new_edition_is_no_longer_due_where_it_stands(
        self, client: Client, letter: Letter, edition: Edition
    ) -> None:
        services.withdraw(letter.signatures.get(name_en="Leaves"))
        latest = make_edition(letter, sealed=True)
        for path in ("editions/1/", "editions/1/letter.pdf"):
            page = client.get(f"{LETTER.format('en')}{path}").text
            assert "A newer edition has taken the place of this one" in page
            assert "edition is due" not in page
            assert f'href="{latest.get_absolute_url()}"' in page

    def test_there_is_none_before_it_is_sealed(self, client: Client, letter: Letter) -> None:
        make_edition(letter)
        for path in ("letter.pdf", "editions/1/letter.pdf", "editions/1/", "editions/2/"):
            assert client.get(f"{LETTER.format('ru')}{path}").status_code == 404
        assert client.get(LETTER.format("ru")).status_code == 200

    def test_stored_bytes_that_are_not_the_sealed_ones_are_never_served(self, client: Client, edition: Edition) -> None:
        file = edition.files.get(language="en")
        with default_storage.open(file.sealed, "wb") as stored:
            stored.write(b"%PDF forged")
        client.raise_request_exception = False
        answer = client.get(f"{LETTER.format('en')}letter.pdf")
        assert answer.status_code == 500
        assert b"forged" not in answer.content

    def test_a_letter_is_sent_when_the_first_mail_server_took_it(self, client: Client, letter: Letter) -> None:
        make_signature(letter)
        edition = make_edition(letter)
        seal_without_typesetting(edition)
        dispatches.prepare(edition, by=make_user())
        assert sent_at(letter) is None
        now = timezone.now()
        Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(
            status=DeliveryStatus.ACCEPTED, settled_at=now
        )
        assert sent_at(letter) == now
        assert now.strftime("%B %Y") in client.get(LETTER.format("en")).text


class TestRoot:
    @pytest.mark.parametrize(
        ("asked", "language"),
        [
            ("be", "be"),
            ("ru-RU,ru;q=0.9", "ru"),
            ("de,be;q=0.5,en;q=0.3", "be"),
            ("de", "en"),
            ("", "en"),
            ("\0;q=x", "en"),
        ],
    )
    def test_it_leads_to_the_readers_language(self, client: Client, asked: str, language: str) -> None:
        answer = client.get("/", headers={"Accept-Language": asked})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/{language}/")
        assert "Accept-Language" in answer.headers["Vary"]
        assert not answer.cookies


class TestErrors:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("path", ["nothing/", "letters/nothing/", "letters/nothing/letter.pdf", "letters/%00/"])
    def test_not_found_in_the_language_of_the_address(self, client: Client, language: str, path: str) -> None:
        other = "ru" if language != "ru" else "be"
        answer = client.get(f"/{language}/{path}", headers={"Accept-Language": other})
        assert answer.status_code == 404
        assert f'<html lang="{language}">' in answer.text
        assert not answer.cookies

    def test_outside_of_any_language_in_the_readers(self, client: Client) -> None:
        answer = client.get("/nothing", headers={"Accept-Language": "be"})
        assert answer.status_code == 404
        assert '<html lang="be">' in answer.text

    def test_an_unpublished_letter_is_not_there(self, client: Client) -> None:
        make_letter(slug="hidden", published=False)
        for path in ("", "press/", "editions/1/", "letter.pdf"):
            assert client.get(f"/en/letters/hidden/{path}").status_code == 404
        assert "hidden" not in client.get("/en/").text

    def test_they_ask_the_database_nothing(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError

        monkeypatch.setattr("campaign.pages.letters.Letters.context", broken)
        client.raise_request_exception = False
        with CaptureQueriesContext(connection) as captured:
            answer = client.get("/be/")
        assert answer.status_code == 500
        assert '<html lang="be">' in answer.text
        assert not captured.captured_queries

    @pytest.mark.parametrize("method", ["post", "put", "delete"])
    def test_public_pages_take_nothing(self, client: Client, letter: Letter, method: str) -> None:
        assert getattr(client, method)(LETTER.format("en")).status_code == 405
