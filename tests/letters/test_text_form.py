"""Staff change a letter's text: in every language, with what it means for those who have signed, over nobody's work."""

import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, User
from letters.content import merged, structure, words, working
from letters.models import Letter, Version
from letters.services import digest, save_version
from letters.states import LetterStatus
from publishing.models import Touch
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db
FORM = "/desk/letters/belarus-2020/text/"
NEW = {"en": "Keep it on.", "be": "Не адключайце.", "ru": "Не отключайте."}


def day(ahead: int) -> date:
    return timezone.now().date() + timedelta(days=ahead)


class Editor:
    """A member of staff with the form open: what stands in its fields, and the buttons."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client()
        user = user or make_user(Role.Name.CAMPAIGNER)
        self.client.force_login(user)
        self.fields: dict[str, Any] = {}
        self.response: Any = None

    def open(self) -> "Editor":
        return self._read(self.client.get(FORM))

    def press(self, do: str, status: int = 200, **typed: Any) -> "Editor":
        self.response = self.client.post(FORM, {**self.fields, **typed, "do": do})
        assert self.response.status_code == status
        return self._read(self.response) if "text/html" in self.response.headers["Content-Type"] else self

    def preview(self, **typed: Any) -> "Editor":
        """As far as the page that shows what would be saved."""
        self.press("preview", **typed)
        assert self.response.templates[0].name == "desk/text_preview.html"
        return self

    def save(self, **typed: Any) -> Version:
        self.preview(**typed).press("save", status=302)
        return Version.objects.latest("pk")

    @property
    def html(self) -> str:
        return str(self.response.text)

    def wrong(self) -> dict[str, list[str]]:
        """What is said of which field."""
        forms = [form for form in (self.response.context["form"], self.response.context["meaning"]) if form]
        return {name: [str(error) for error in errors] for form in forms for name, errors in form.errors.items()}

    def _read(self, response: Any) -> "Editor":
        """What a browser would send again."""
        self.response = response
        html = response.text
        fields: dict[str, Any] = {}
        for tag in re.findall(r"<input[^>]*>", html):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if attributes.get("type") == "radio" and " checked" not in tag:
                continue
            if "name" in attributes and attributes["name"] != "language":
                fields.setdefault(attributes["name"], []).append(unescape(attributes.get("value", "")))
        for attributes, text in re.findall(r"<textarea([^>]*)>(.*?)</textarea>", html, re.DOTALL):
            if " disabled" not in attributes:
                fields[re.findall(r'name="([^"]*)"', attributes)[0]] = [unescape(text).removeprefix("\n")]
        self.fields = fields
        return self


def no(**typed: Any) -> dict[str, Any]:
    return {"is_material": "no", **typed}


def yes(**typed: Any) -> dict[str, Any]:
    reasons = {
        "reason_en": "One more demand.",
        "reason_be": "Яшчэ адно патрабаванне.",
        "reason_ru": "Ещё одно требование.",
    }
    return {"is_material": "yes", **reasons, "keep_until": day(10).isoformat(), **typed}


@pytest.fixture
def letter() -> Letter:
    return make_letter()


class TestSaving:
    def test_a_text_whose_meaning_stays_is_a_version_with_who_saved_it(self, letter: Letter) -> None:
        user = make_user(Role.Name.CAMPAIGNER)
        saved = Editor(user).open().save(**no(title_en="Keep the internet on"))
        assert (saved.number, saved.saved_by, saved.is_material, saved.keep_until) == (2, user, False, None)
        assert saved.text("en")["title"] == "Keep the internet on"
        assert saved.text("be") == letter.versions.get(number=1).text("be")
        letter.refresh_from_db()
        assert working(letter)["en"]["title"] == "Keep the internet on"
        assert saved.sha256 == digest(working(letter))

    def test_one_whose_meaning_changed_says_why_and_until_when(self, letter: Letter) -> None:
        saved = Editor().open().save(**yes(**{"text_keep-open_en": NEW["en"]}))
        assert (saved.is_material, saved.keep_until) == (True, day(10))
        reasons = Version.objects.values_list("reason_en", "reason_be").get(pk=saved.pk)  # type: ignore[misc]
        assert reasons == ("One more demand.", "Яшчэ адно патрабаванне.")
        assert letter.binding_number == 2

    def test_nothing_is_saved_by_looking(self, letter: Letter) -> None:
        editor = Editor().open().preview(**no(title_en="Another title"))
        editor.press("edit")
        assert letter.versions.count() == 1
        assert editor.fields["title_en"] == ["Another title"]
        letter.refresh_from_db()
        assert working(letter)["en"]["title"] != "Another title"

    def test_the_public_pages_are_written_again(self, letter: Letter) -> None:
        Touch.objects.all().delete()
        Editor().open().save(**no(title_en="Another title"))
        assert {"site", "letter:belarus-2020"} <= set(Touch.objects.values_list("subject", flat=True))

    def test_the_same_text_is_no_new_version(self, letter: Letter) -> None:
        editor = Editor().open().press("preview", **no())
        assert "There is nothing to save." in editor.html
        assert letter.versions.count() == 1

    def test_a_draft_that_nobody_can_have_signed_asks_nothing(self, letter: Letter) -> None:
        Letter.objects.update(status=LetterStatus.DRAFT)
        editor = Editor().open()
        assert editor.response.context["meaning"] is None
        assert editor.save(title_en="Another title").is_material is False

    def test_the_first_version_is_saved_here_too(self, letter: Letter) -> None:
        letter.versions.all().delete()
        Letter.objects.update(status=LetterStatus.DRAFT)
        assert Editor().open().save().number == 1

    def test_the_preview_says_how_many_are_asked_and_shows_old_and_new(self, letter: Letter) -> None:
        for status in (
            SignatureStatus.APPROVED,
            SignatureStatus.PENDING,
            SignatureStatus.ASKED,
            SignatureStatus.REJECTED,
        ):
            make_signature(letter, status=status)
        editor = Editor().open().preview(**yes(**{"text_keep-open_en": "Keep the internet <b>on</b>."}))
        assert "3 signatories are asked" in editor.html
        assert "have left no address" not in editor.html
        assert "Demand&nbsp;1" in editor.html
        assert "&lt;b&gt;on&lt;/b&gt;" in editor.html
        assert "<b>on" not in editor.html

    def test_the_preview_says_whom_no_mail_reaches(self, letter: Letter) -> None:
        for status in (SignatureStatus.APPROVED, SignatureStatus.PENDING, SignatureStatus.WITHDRAWN):
            make_signature(letter, status=status, email="")
        make_signature(letter)
        editor = Editor().open().preview(**yes(**{"text_keep-open_en": "Keep the internet on."}))
        assert "3 signatories are asked" in editor.html
        assert "2 of them have left no address and are yours to ask" in editor.html


class TestBlocks:
    def test_a_demand_is_added_behind_another_and_saved_in_its_place(self, letter: Letter) -> None:
        before = structure(working(letter))
        editor = Editor().open().press("add demand keep-open")
        assert letter.blocks.count() == len(before)
        typed = {f"text_demand-1_{language}": text for language, text in NEW.items()}
        saved = editor.save(**no(**typed))
        position = before.index(("keep-open", "demand")) + 1
        expected = [*before[:position], ("demand-1", "demand"), *before[position:]]
        assert structure(saved.content) == structure(working(letter)) == expected
        assert words(saved.content)["be", "text", "demand-1"] == NEW["be"]

    def test_what_was_typed_stays_while_blocks_are_arranged(self, letter: Letter) -> None:
        editor = (
            Editor().open().press("add paragraph ", title_ru="Новое название", is_material="yes", reason_be="Бо так")
        )
        editor.press("up keep-open").press("remove fear")
        assert editor.fields["title_ru"] == ["Новое название"]
        assert editor.fields["is_material"] == ["yes"]
        assert editor.fields["reason_be"] == ["Бо так"]
        assert editor.fields["block"][0] == "paragraph-1 paragraph"
        assert letter.versions.count() == 1

    def test_a_block_is_left_out_and_another_moved(self, letter: Letter) -> None:
        before = structure(working(letter))
        saved = Editor().open().press("remove fear").press("down opening").save(**no())
        expected = [before[1], before[0], *(block for block in before[2:] if block[0] != "fear")]
        assert structure(saved.content) == expected

    def test_a_key_is_never_used_twice(self, letter: Letter) -> None:
        typed = {f"text_demand-1_{language}": text for language, text in NEW.items()}
        Editor().open().press("add demand offer").save(**no(**typed))
        Editor().open().press("remove demand-1").save(**no())
        assert "demand-2 demand" in Editor().open().press("add demand offer").fields["block"]

    @pytest.mark.parametrize(
        "do", ["", "add", "add poem offer", "up opening", "down offer", "remove", "x" * 5000, "up \0"]
    )
    def test_a_button_that_means_nothing_changes_nothing(self, letter: Letter, do: str) -> None:
        editor = Editor().open()
        before = editor.fields["block"]
        assert editor.press(do).fields["block"] == before


class TestMistakes:
    def test_what_is_missing_in_a_language_is_said_beside_its_field(self, letter: Letter) -> None:
        editor = Editor().open().press("add paragraph opening")
        editor.press("preview", status=422, **no(**{"text_paragraph-1_en": NEW["en"], "closing_be": " "}))
        assert editor.wrong() == {
            "text_paragraph-1_be": ["This is missing in the language: Belarusian."],
            "text_paragraph-1_ru": ["This is missing in the language: Russian."],
            "closing_be": ["This is missing in the language: Belarusian."],
        }
        assert editor.fields["text_paragraph-1_en"] == [NEW["en"]]
        assert letter.versions.count() == 1

    def test_whether_the_meaning_changed_is_chosen_for_nobody(self, letter: Letter) -> None:
        editor = Editor().open()
        assert "is_material" not in editor.fields
        editor.press("preview", status=422, title_en="Another title")
        assert list(editor.wrong()) == ["is_material"]

    def test_a_changed_meaning_takes_a_reason_in_each_language_and_a_day(self, letter: Letter) -> None:
        editor = Editor().open()
        editor.press("preview", status=422, title_en="Another title", is_material="yes", reason_en="Because.")
        assert set(editor.wrong()) == {"reason_be", "reason_ru", "keep_until"}
        assert editor.fields["reason_en"] == ["Because."]

    @pytest.mark.parametrize("ahead", [-1, 0, 2, 1000])
    def test_signers_have_three_days_at_least(self, letter: Letter, ahead: int) -> None:
        editor = Editor().open()
        editor.press("preview", status=422, **yes(title_en="Another", keep_until=day(ahead).isoformat()))
        assert list(editor.wrong()) == ["keep_until"]

    def test_three_days_are_enough(self, letter: Letter) -> None:
        assert Editor().open().save(**yes(title_en="Another", keep_until=day(3).isoformat())).keep_until == day(3)

    @pytest.mark.parametrize(
        "typed",
        [
            {"title_en": "a\0b"},
            {"title_en": "x" * 251},
            {"text_opening_ru": "x" * 10_001},
            {"text_opening_be": "a\x0bb"},
            {"is_material": "maybe"},
            {"is_material": "\0"},
            {"keep_until": "tomorrow\0"},
            {"reason_en": "x" * 2001},
        ],
    )  # fmt: skip
    def test_bad_input_is_said_beside_its_field_and_kept(self, letter: Letter, typed: dict[str, str]) -> None:
        editor = Editor().open().press("preview", status=422, **yes(**typed))
        assert list(editor.wrong()) == list(typed)
        assert letter.versions.count() == 1

    @pytest.mark.parametrize(
        "forged",
        [
            {"block": ["opening paragraph"] * 3},
            {"block": ["../x paragraph", "ok poem", "\0 demand", "x" * 51 + " demand", ""]},
            {"version": "x", "started": "y"},
            {"version": "9" * 40, "started": ""},
            {"block": [f"p{number} paragraph" for number in range(300)]},
            {"block": []},
        ],
    )  # fmt: skip
    def test_what_no_browser_sends_is_no_error_of_ours(self, letter: Letter, forged: dict[str, Any]) -> None:
        editor = Editor().open()
        for do in ("preview", "up opening", "add demand opening"):
            response = editor.client.post(FORM, {**editor.fields, **no(), **forged, "do": do})
            assert response.status_code in (200, 409, 422)
        assert letter.versions.count() == 1

    def test_markup_is_text(self, letter: Letter) -> None:
        saved = Editor().open().save(**no(text_opening_en="</textarea><script>alert(1)</script>"))
        editor = Editor().open()
        assert "<script>alert" not in editor.html
        assert editor.fields["text_opening_en"] == ["</textarea><script>alert(1)</script>"]
        assert "<script>" in words(saved.content)["en", "text", "opening"]


class TestTwoAtOnce:
    def test_the_second_one_sees_what_the_first_changed_and_overwrites_nothing(self, letter: Letter) -> None:
        one, other = Editor().open(), Editor().open()
        one.save(**no(title_en="First title", subject_en="First subject"))
        other.press("preview", status=409, **no(title_en="Second title", closing_en="Yours"))
        assert "The text was changed meanwhile, so nothing was saved" in other.html
        assert "First title" in other.html
        assert other.fields["title_en"] == ["Second title"]
        assert other.fields["subject_en"] == ["First subject"]
        assert other.fields["closing_en"] == ["Yours"]
        assert other.response.context["both"] == ["title_en"]
        assert letter.versions.count() == 2
        saved = other.save()
        assert [saved.text("en")[part] for part in ("title", "subject", "closing")] == [
            "Second title", "First subject", "Yours",
        ]  # fmt: skip

    def test_it_holds_for_whoever_is_about_to_press_save(self, letter: Letter) -> None:
        one, other = Editor().open(), Editor().open()
        one.preview(**no(title_en="First title"))
        other.preview(**no(subject_en="Second subject"))
        one.press("save", status=302)
        other.press("save", status=409)
        assert letter.versions.count() == 2
        assert (other.fields["title_en"], other.fields["subject_en"]) == (["First title"], ["Second subject"])

    def test_save_pressed_twice_saves_once(self, letter: Letter) -> None:
        editor = Editor().open().preview(**no(title_en="First title"))
        fields = editor.fields
        editor.press("save", status=302)
        response = editor.client.post(FORM, {**fields, "do": "save"})
        assert response.status_code == 409
        assert letter.versions.count() == 2

    def test_a_change_in_the_admin_is_not_overwritten_either(self, letter: Letter) -> None:
        editor = Editor().open()
        Letter.objects.update(title_ru="Другое")  # type: ignore[misc]
        editor.press("preview", status=409, **no(title_en="Another"))
        assert editor.fields["title_ru"] == ["Другое"]

    def test_blocks_of_both_are_put_together(self, letter: Letter) -> None:
        one, other = Editor().open(), Editor().open()
        typed = {f"text_demand-1_{language}": text for language, text in NEW.items()}
        one.press("add demand offer").press("remove fear").save(**no(**typed))
        other.press("remove harm").press("preview", status=409, **no(text_jamming_en="They jam."))
        keys = [stated.partition(" ")[0] for stated in other.fields["block"]]
        assert keys[-1] == "demand-1"
        assert not {"fear", "harm"} & set(keys)

    def test_a_block_that_one_removed_and_the_other_changed_stays(self, letter: Letter) -> None:
        base = working(letter)
        mine, theirs = working(letter), working(letter)
        mine["en"]["blocks"][3]["text"] = "Changed."
        for text in theirs.values():
            del text["blocks"][3]
        assert structure(merged(base, mine, theirs)[0]) == structure(base)
        assert structure(merged(base, theirs, mine)[0]) == structure(base)


class TestWho:
    def test_a_translator_changes_one_language_alone(self, letter: Letter) -> None:
        editor = Editor(make_user(Role.Name.TRANSLATOR, language="be")).open()
        assert [name for name in editor.fields if name.startswith("title_")] == ["title_be"]
        assert "Add a paragraph here" not in editor.html
        saved = editor.save(**no(title_be="Іншы загаловак", title_en="Mine now", block=["opening paragraph"]))
        first = letter.versions.get(number=1)
        assert saved.text("be")["title"] == "Іншы загаловак"
        assert saved.text("en") == first.text("en")
        assert structure(saved.content) == structure(first.content)

    def test_two_translators_of_two_languages_do_not_get_in_each_others_way(self, letter: Letter) -> None:
        be, ru = (Editor(make_user(Role.Name.TRANSLATOR, language=code)).open() for code in ("be", "ru"))
        be.save(**no(title_be="Іншы загаловак"))
        ru.press("preview", status=409, **no(title_ru="Другой заголовок"))
        saved = ru.save()
        assert (saved.text("be")["title"], saved.text("ru")["title"]) == ("Іншы загаловак", "Другой заголовок")

    @pytest.mark.parametrize(("role", "status"), [(Role.Name.REVIEWER, 403), (Role.Name.SENDER, 403), ("", 403)])
    def test_others_may_not(self, letter: Letter, role: str, status: int) -> None:
        editor = Editor(make_user(role))
        assert editor.client.get(FORM).status_code == status
        assert editor.client.post(FORM, {"do": "save"}).status_code == status

    def test_a_stranger_is_led_to_the_login(self, letter: Letter) -> None:
        assert Client().get(FORM).status_code == 302

    def test_looking_saves_nothing(self, letter: Letter) -> None:
        client = Editor().client
        assert client.get(FORM, {"do": "save", "title_en": "x"}).status_code == 200
        assert letter.versions.count() == 1


class TestVersions:
    def test_the_desk_lists_them_with_hash_and_who(self, letter: Letter) -> None:
        user = make_user(Role.Name.CAMPAIGNER, name="Ana Campaigner")
        saved = Editor(user).open().save(**yes(title_en="Another title"))
        listed = Editor(make_user(Role.Name.REVIEWER)).client.get(f"{FORM}versions/").text
        assert saved.sha256 in listed
        assert letter.versions.get(number=1).sha256 in listed
        assert "Ana Campaigner" in listed

    def test_each_shows_what_it_changed_and_what_became_of_it(self, letter: Letter) -> None:
        saved = Editor().open().save(**yes(title_en="Another title"))
        for status in (SignatureStatus.LAPSED, SignatureStatus.APPROVED):
            signature = make_signature(letter, status=status)
            Signature.objects.filter(pk=signature.pk).update(asked_version=saved)
        page = Editor().client.get(f"{FORM}versions/2/")
        assert "Another title" in page.text
        assert "One more demand." in page.text
        renewal = page.context["renewal"]
        assert (renewal.kept, renewal.waiting, renewal.lapsed, renewal.withdrawn) == (1, 0, 1, 0)
        assert Editor().client.get(f"{FORM}versions/1/").status_code == 200
        assert Editor().client.get(f"{FORM}versions/3/").status_code == 404

    def test_the_list_asks_the_database_the_same_for_many(
        self, letter: Letter, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(20):
            Letter.objects.update(title_en=f"Title {number}")  # type: ignore[misc]
            save_version(letter)
        client = Editor().client
        with django_assert_max_num_queries(12):
            assert client.get(f"{FORM}versions/").status_code == 200
