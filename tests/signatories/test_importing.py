"""Tables at the desk and at the command line: looked through first, all or nothing, and no row twice."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter
from mailing.models import Mail
from signatories.models import Import, Organisation, Signature
from signatories.services import importing
from signatories.services.exporting import export
from signatories.states import ImportStatus, SignatureStatus
from signatories.tables import xlsx_pieces
from tests.factories import make_letter, make_signature, make_signatures_of_demo, make_user

pytestmark = pytest.mark.django_db
Worker = Callable[[], None]

TABLE = """\
Organisation,Country,E-mail,Visibility,State,How did you hear of us?
epicenter.works,Austria,one@epicenter.works,public,approved,
Citizen D / Državljan D,Slovenia,two@drzavljan-d.si,withheld,approved,a friend
"Masaar ""Community for Technology and Law""\",Egypt,,public,,
"""


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def campaigner() -> User:
    return make_user(Role.Name.CAMPAIGNER)


@pytest.fixture
def desk(campaigner: User, client: Client) -> Client:
    client.force_login(campaigner)
    return client


def upload(desk: Client, letter: Letter, content: str | bytes, name: str = "table.csv") -> Any:
    file = SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)
    return desk.post(reverse("desk:tables", args=[letter.slug]), {"table": file}, follow=True)


def begin(desk: Client, **data: str) -> Any:
    return desk.post(reverse("desk:begin_import", args=[Import.objects.latest("pk").pk]), data, follow=True)


def signed(letter: Letter) -> list[tuple[str, str, str]]:
    return list(letter.signatures.order_by("pk").values_list("name_en", "status", "visibility"))


def exported(letter: Letter, kind: str = "csv") -> bytes:
    return b"".join(export(letter, kind, by=None))


class TestAtTheDesk:
    def test_what_is_found_is_shown_and_nothing_is_imported_yet(self, desk: Client, letter: Letter) -> None:
        page = upload(desk, letter, TABLE)
        assert page.status_code == 200
        assert page.context["survey"].states == {"approved": 2, "pending": 1}
        assert page.context["survey"].unread == ["How did you hear of us?"]
        assert "How did you hear of us?" in page.text
        assert signed(letter) == []

    def test_the_button_imports_all_of_it(self, desk: Client, letter: Letter, campaigner: User) -> None:
        upload(desk, letter, TABLE)
        assert begin(desk).status_code == 200
        assert signed(letter) == [
            ("epicenter.works", "approved", "public"),
            ("Citizen D / Državljan D", "approved", "withheld"),
            ('Masaar "Community for Technology and Law"', "pending", "public"),
        ]
        assert Import.objects.get().status == ImportStatus.DONE
        one = letter.signatures.all()[0]
        assert (one.via, one.recorded_by, one.decided_by) == (Signature.Via.IMPORT, campaigner, campaigner)
        assert one.version == letter.version
        assert one.organisation == Organisation.objects.get(folded_name="epicenter works", country="AT")
        assert [event.by for event in Event.objects.about(one)] == [campaigner]
        assert Mail.objects.count() == 0

    def test_rows_that_do_not_say_so_are_not_published_unless_somebody_says_so(
        self, desk: Client, letter: Letter
    ) -> None:
        upload(desk, letter, "organisation\nOne\n")
        assert begin(desk).status_code == 422
        assert signed(letter) == []
        begin(desk, visibility="withheld")
        upload(desk, letter, "organisation\nOne\nTwo\n")
        begin(desk, visibility="public")
        assert signed(letter) == [("One", "pending", "withheld"), ("Two", "pending", "public")]

    def test_one_wrong_row_and_nothing_is_imported(self, desk: Client, letter: Letter) -> None:
        page = upload(desk, letter, f"{TABLE}---,Nowhere,nobody,,,\n")
        assert [(problem.row, problem.heading) for problem in page.context["survey"].problems] == [
            (5, "Organisation"),
            (5, "Country"),
            (5, "E-mail"),
        ]
        assert begin(desk).status_code == 422
        assert signed(letter) == []

    def test_an_unreadable_file_is_refused_in_place(self, desk: Client, letter: Letter) -> None:
        for content in ("", "Name,Country\nOne,BY\n", b"PK\x03\x04"):
            page = upload(desk, letter, content)
            assert page.status_code == 422
            assert page.context["form"].errors["table"]
        assert desk.post(reverse("desk:tables", args=[letter.slug])).status_code == 422
        assert Import.objects.count() == 0

    def test_a_file_that_is_too_large_is_refused_unread(self, desk: Client, letter: Letter) -> None:
        response = desk.post(reverse("desk:tables", args=[letter.slug]), CONTENT_LENGTH=str(10**9))
        assert response.status_code == 413

    def test_what_waits_is_encrypted_and_goes(self, desk: Client, letter: Letter, settings: Settings) -> None:
        upload(desk, letter, TABLE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM signatories_import")
            assert "picenter" not in repr(cursor.fetchall())
        assert not list(settings.VAR_DIR.rglob("*table*"))
        waiting = Import.objects.get()
        desk.post(reverse("desk:drop_import", args=[waiting.pk]))
        waiting.refresh_from_db()
        assert (waiting.status, waiting.content) == (ImportStatus.DROPPED, "")
        assert begin(desk).context["upload"].status == ImportStatus.DROPPED
        assert signed(letter) == []

    def test_what_nobody_comes_back_to_is_dropped_after_a_day(
        self, desk: Client, letter: Letter, worker: Worker
    ) -> None:
        upload(desk, letter, TABLE)
        worker()
        assert Import.objects.get().status == ImportStatus.CHECKED
        Import.objects.update(made_at=datetime.now(UTC) - timedelta(hours=25))
        worker()
        assert (Import.objects.get().status, Import.objects.get().content) == (ImportStatus.DROPPED, "")

    def test_long_tables_are_worked_on_behind_the_page(
        self, desk: Client, letter: Letter, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "AT_ONCE", 1)
        page = upload(desk, letter, TABLE)
        assert page.context["upload"].status == ImportStatus.UPLOADED
        worker()
        begin(desk)
        assert Import.objects.get().status == ImportStatus.QUEUED
        worker()
        assert Import.objects.get().status == ImportStatus.DONE
        assert len(signed(letter)) == 3

    def test_what_a_long_table_has_further_on_is_told_too(
        self, desk: Client, letter: Letter, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "AT_ONCE", 1)
        book = b"".join(xlsx_pieces(["organisation"], [[f"Organisation {number}"] for number in range(5000)]))
        with zipfile.ZipFile(io.BytesIO(book)) as archive:
            sheet = archive.getinfo("xl/worksheets/sheet1.xml")
        damaged = bytearray(book)
        damaged[sheet.header_offset + sheet.compress_size // 2 + 500] ^= 0xFF
        assert upload(desk, letter, bytes(damaged)).context["upload"].status == ImportStatus.UPLOADED
        worker()
        assert Import.objects.get().status == ImportStatus.REFUSED
        assert importing.survey_of(Import.objects.get()).problem_count == 1

    def test_each_row_of_a_long_table_keeps_what_is_its_own(self, letter: Letter) -> None:
        """More than one statement, and more than one batch, takes: none gets another's state, organisation or event."""
        states = [state.value for state in SignatureStatus]
        rows = [(f"Organisation {number}", states[number % len(states)]) for number in range(1100)]
        lines = [f"{name},BY,{name.split()[1]}@example.org,{state},{name} site.example" for name, state in rows]
        content = "organisation,country,email,state,role\n" + "\n".join(lines)
        importing.import_file(letter, io.BytesIO(content.encode()), by=None, visibility="public")
        made = list(letter.signatures.order_by("pk").select_related("organisation"))
        assert [(one.name_en, one.status) for one in made] == rows
        events = Event.objects.filter(table="signatories.signature").order_by("row").values_list("row", "target")
        assert list(events) == [(one.pk, one.status) for one in made]
        for one in made:
            assert (one.role, one.email) == (f"{one.name_en} site.example", f"{one.name_en.split()[1]}@example.org")
            linked = one.organisation.name_en if one.organisation else None
            assert linked == (one.name_en if one.status in ("approved", "lapsed") else None)
        entered = Event.objects.filter(table="signatories.organisation", target="known").values_list("row", flat=True)
        assert sorted(entered) == sorted(one.organisation.pk for one in made if one.organisation)

    def test_pressed_twice_it_is_imported_once(self, desk: Client, letter: Letter) -> None:
        upload(desk, letter, TABLE)
        begin(desk)
        begin(desk)
        importing.carry_out(Import.objects.get())
        assert len(signed(letter)) == 3

    def test_only_campaigners_come_here(self, client: Client, letter: Letter) -> None:
        path = reverse("desk:tables", args=[letter.slug])
        assert client.get(path).status_code == 302
        client.force_login(make_user(Role.Name.REVIEWER))
        for response in (
            client.get(path),
            client.post(path, {"table": SimpleUploadedFile("t.csv", TABLE.encode())}),
            client.post(reverse("desk:export", args=[letter.slug]), {"kind": "csv"}),
        ):
            assert response.status_code == 403

    def test_a_form_without_its_token_is_refused(self, campaigner: User, letter: Letter) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(campaigner)
        path = reverse("desk:tables", args=[letter.slug])
        assert client.post(path, {"table": SimpleUploadedFile("t.csv", TABLE.encode())}).status_code == 403

    def test_evidence_and_doubts_are_looked_for_afterwards(self, desk: Client, letter: Letter, worker: Worker) -> None:
        make_signature(letter, name="Epicenter Works", country="DE", status=SignatureStatus.PENDING)
        content = "organisation,website,email,visibility\nepicenter works,epicenter.org,a@epicenter.org,public\n"
        upload(desk, letter, content.replace("epicenter works", "épicenter works"))
        begin(desk)
        new = letter.signatures.latest("pk")
        assert (new.grade, new.risk) == (0, 0)
        worker()
        new.refresh_from_db()
        assert new.grade > 0
        assert new.risk > 0

    def test_public_pages_name_them(self, desk: Client, letter: Letter) -> None:
        upload(desk, letter, TABLE)
        begin(desk)
        text = desk.get("/en/letters/belarus-2020/").text
        assert "epicenter.works" in text
        assert "Državljan" not in text


class TestRepeating:
    def test_the_same_table_again_changes_nothing(self, desk: Client, letter: Letter) -> None:
        upload(desk, letter, TABLE)
        begin(desk)
        page = upload(desk, letter, TABLE)
        assert (page.context["survey"].known, page.context["survey"].new) == (3, 0)
        assert begin(desk).status_code == 422
        assert len(signed(letter)) == 3

    def test_whoever_stands_there_already_is_passed_over(self, letter: Letter) -> None:
        make_signature(letter, name="Same Name", country="BY", status=SignatureStatus.PENDING)
        make_signature(letter, name="Other Country", country="BY", status=SignatureStatus.PENDING)
        make_signature(letter, name="Same Box", country="BY", email="a.b+c@example.org", status=SignatureStatus.PENDING)
        content = (
            "organisation,country,email\nSAME name,BY,x@example.org\nOther Country,LT,y@example.org\n"
            "Same Box,LT,ab@example.org\nNo country,,\n"
        )
        survey = importing.import_file(letter, io.BytesIO(content.encode()), by=None, visibility="withheld")
        assert (survey.known, survey.new) == (2, 2)
        assert [name for name, _, _ in signed(letter)][3:] == ["Other Country", "No country"]

    def test_a_table_does_not_bring_back_what_was_withdrawn(self, desk: Client, letter: Letter) -> None:
        make_signature(letter, name="epicenter.works", country="AT", status=SignatureStatus.WITHDRAWN)
        page = upload(desk, letter, TABLE)
        assert (page.context["survey"].withdrawn, page.context["survey"].new) == (1, 2)
        begin(desk)
        assert not letter.signatures.filter(name_en="epicenter.works").exclude(status="withdrawn").exists()

    def test_two_rows_that_can_not_both_be_kept(self, desk: Client, letter: Letter) -> None:
        content = (
            "organisation,email,state\nOne,a@example.org,\nONE,A@example.org,\nTwo,,approved\nTwo,,approved\n"
            "Three,c@example.org,withdrawn\nThree,c@example.org,\n"
        )
        page = upload(desk, letter, content)
        assert [(problem.row, problem.heading) for problem in page.context["survey"].problems] == [
            (3, "email"),
            (5, "organisation"),
        ]

    def test_somebody_signs_between_the_look_and_the_button(self, desk: Client, letter: Letter) -> None:
        upload(desk, letter, TABLE)
        make_signature(letter, name="epicenter.works", country="AT", email="one@epicenter.works")
        page = begin(desk)
        assert page.context["survey"].new == 2
        assert len(signed(letter)) == 3

    def test_one_organisation_under_two_names(self, desk: Client, letter: Letter) -> None:
        """The registry knows what the table does not; the database refuses the second, and with it all of them."""
        organisation = make_signature(make_letter(slug="other"), name="Two", country="BY").organisation
        assert organisation
        organisation.aliases.create(name="Deux", folded_name="deux")
        upload(desk, letter, "organisation,country,state\nTwo,BY,approved\nDeux,BY,approved\nThree,BY,approved\n")
        page = begin(desk, visibility="public")
        assert page.context["upload"].status == ImportStatus.REFUSED
        assert page.context["survey"].problem_count == 1
        assert signed(letter) == []
        assert not Organisation.objects.filter(folded_name="three").exists()


class TestExport:
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_into_an_empty_letter_and_out_again_is_the_same_file(self, letter: Letter, kind: str) -> None:
        make_signatures_of_demo(letter)
        for state in SignatureStatus:
            make_signature(letter, name=f"=State of {state}", names={"be": "Назва", "ru": "'Название"}, status=state)
        make_signature(letter, name="Again", email="a@example.org", status=SignatureStatus.WITHDRAWN)
        make_signature(letter, name="Again", email="a@example.org", visibility=Signature.Visibility.WITHHELD)
        make_signature(letter, name="Somebody", kind=Signature.Kind.INDIVIDUAL, affiliation="-", country="")
        content, other = exported(letter, kind), make_letter(slug="other")
        survey = importing.import_file(other, io.BytesIO(content), by=make_user(), visibility="withheld")
        assert survey.problems == []
        assert exported(other, kind) == content
        assert importing.import_file(other, io.BytesIO(content), by=None, visibility="withheld").new == 0
        assert exported(other, kind) == content

    def test_the_desk_gives_it_away_and_writes_down_to_whom(
        self, desk: Client, letter: Letter, campaigner: User
    ) -> None:
        make_signature(letter, name="=cmd()")
        response: Any = desk.post(reverse("desk:export", args=[letter.slug]), {"kind": "csv"})
        assert response.getvalue() == exported(letter)
        assert b"\r\n'=cmd()," in exported(letter)
        assert response["Content-Disposition"] == 'attachment; filename="belarus-2020.csv"'
        assert response["Cache-Control"] == "no-store"
        event = Event.objects.about(letter).filter(target="exported")[0]
        assert event.by == campaigner
        assert desk.get(reverse("desk:export", args=[letter.slug])).status_code == 405
        assert desk.post(reverse("desk:export", args=[letter.slug]), {"kind": "pdf"}).status_code == 302

    def test_queries_do_not_grow_with_the_rows(
        self, letter: Letter, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_signatures_of_demo(letter)
        with django_assert_num_queries(3):
            exported(letter)


class TestCommands:
    def test_out_and_in(self, letter: Letter, tmp_path: Path) -> None:
        make_signatures_of_demo(letter)
        other = make_letter(slug="other")
        for kind in ("csv", "xlsx"):
            path = tmp_path / f"signatures.{kind}"
            call_command("export_signatures", letter.slug, path, stdout=io.StringIO())
            assert path.stat().st_mode & 0o777 == 0o600
            said = io.StringIO()
            call_command("import_signatures", "other", path, "--dry-run", stdout=said)
            assert "To import: " in said.getvalue()
        assert signed(other) == []
        by = make_user(email="campaigner@example.org")
        call_command("import_signatures", "other", path, "--by", by.email, stdout=io.StringIO())
        assert signed(other) == signed(letter)
        assert set(other.signatures.values_list("recorded_by", flat=True)) == {by.pk}

    def test_without_a_word_names_are_withheld(self, letter: Letter, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("organisation\nOne\n")
        call_command("import_signatures", letter.slug, path, stdout=io.StringIO())
        assert signed(letter) == [("One", "pending", "withheld")]

    def test_what_is_wrong_is_told_by_row(self, letter: Letter, tmp_path: Path) -> None:
        path, told = tmp_path / "t.csv", io.StringIO()
        path.write_text("organisation,email\nOne,a@example.org\n---,nobody\n")
        with pytest.raises(CommandError, match="Nothing was imported"):
            call_command("import_signatures", letter.slug, path, stdout=io.StringIO(), stderr=told)
        assert [line.partition(":")[0] for line in told.getvalue().splitlines()] == [
            "Row 3, organisation",
            "Row 3, email",
        ]
        assert signed(letter) == []

    @pytest.mark.parametrize(
        "arguments",
        [
            ("import_signatures", "nowhere", "t.csv"),
            ("import_signatures", "belarus-2020", "missing.csv"),
            ("import_signatures", "belarus-2020", "t.csv", "--by", "nobody@example.org"),
            ("import_signatures", "belarus-2020", "empty.csv"),
            ("export_signatures", "nowhere", "x.csv"),
            ("export_signatures", "belarus-2020", "x.pdf"),
            ("export_signatures", "belarus-2020", "missing/x.csv"),
        ],
    )
    def test_failures_are_one_clear_line(
        self, letter: Letter, tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("t.csv").write_text("organisation\nOne\n")
        Path("empty.csv").write_text("")
        with pytest.raises(CommandError) as failed:
            call_command(*arguments, stdout=io.StringIO())
        assert len(str(failed.value).splitlines()) == 1
