"""Tables as coalitions keep them: whatever a spreadsheet saves is read, and what is written comes back the same."""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from django.conf import settings
from django.utils import translation

from signatories.countries import country_code
from signatories.models import Signature
from signatories.tables import COLUMNS, Table, Unreadable, csv_pieces, open_table, sources, xlsx_files, xlsx_pieces
from signatories.tables.reading import Problem
from signatories.tables.writing import protect, unprotect

NAMES = [
    "epicenter.works",
    "Citizen D / Državljan D",
    'Masaar "Community for Technology and Law"',
    "S.T.O.P. – The Surveillance Technology Oversight Project",
    "مؤسسة حرية الفكر والتعبير (AFTE)",
    "Право, слово; и дело",
    "Tilde ~ & Co., “Ltd.”",
    "'Aha Punana Leo",
    "''Twas",
    "=cmd|'/c calc'!A1",
    "'=1+1 for all",
    "''=1+1",
    "+Freedom",
    "-2 Degrees",
    "@Network",
    "＝Full Width",
    "'＋Full Width",
    "_x0041_ and _x005F_",
    "350",
]
KINDS: list[Callable[..., Any]] = [csv_pieces, xlsx_pieces]
both_kinds = pytest.mark.parametrize("pieces", KINDS)


def table(content: bytes | str) -> Table:
    return open_table(io.BytesIO(content.encode() if isinstance(content, str) else content))


def read(content: bytes | str) -> list[tuple[int, dict[str, str]]]:
    """Rows of a table in which nothing is wrong."""
    rows = list(table(content).rows())
    assert [row.problems for row in rows if row.problems] == []
    return [(row.number, row.values) for row in rows]


def names(content: bytes | str) -> list[str]:
    return [values["organisation"] for _, values in read(content)]


def problems(content: bytes | str) -> list[Problem]:
    return [problem for row in table(content).rows() for problem in row.problems]


def refusal(content: bytes | str) -> str:
    with pytest.raises(Unreadable) as refused:
        list(table(content).rows())
    return str(refused.value)


def workbook(*rows: list[Any], sheets: tuple[str, ...] = ("Form responses",)) -> bytes:
    book = openpyxl.Workbook()
    for number, title in enumerate(sheets):
        book.create_sheet(title, number)
    del book["Sheet"]
    for row in rows:
        book.worksheets[0].append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def changed(content: bytes, **parts: Callable[[str], str]) -> bytes:
    """A workbook some parts of which (by the first word of their file's name) are written otherwise."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            change = parts.get(name.rpartition("/")[2].partition(".")[0], str)
            new.writestr(name, change(old.read(name).decode()))
    return out.getvalue()


def as_excel_saves(content: bytes) -> bytes:
    """The workbook with its texts in a list of their own, to which the cells refer by number."""
    texts: list[str] = []

    def refer(found: re.Match[str]) -> str:
        texts.append(found[2])
        return f'<c r="{found[1]}" t="s"><v>{len(texts) - 1}</v></c>'

    cell = re.compile(r'<c r="(\w+)" t="inlineStr"><is>(.*?)</is></c>')
    content = changed(content, sheet1=lambda text: cell.sub(refer, text))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    relation = f'<Relationship Type="{kind}" Target="sharedStrings.xml" Id="rId9"/></Relationships>'
    file = io.BytesIO(changed(content, workbook=lambda text: text.replace("</Relationships>", relation)))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(file, "a") as archive:
        listed = "".join(f"<si>{text}</si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{listed}</sst>')
    return file.getvalue()


class TestRoundTrip:
    @both_kinds
    def test_names_come_back_byte_for_byte(self, pieces: Callable[..., Any]) -> None:
        content = b"".join(pieces(["organisation", "country"], [[name, "BY"] for name in NAMES]))
        assert names(content) == NAMES

    @both_kinds
    def test_every_column_comes_back(self, pieces: Callable[..., Any]) -> None:
        full = {
            "organisation": "Правозащита",
            "organisation_be": "Праваабарона",
            "organisation_ru": "",
            "country": "BY",
            "website": "https://example.org/a?b=1&c=2",
            "representative": "Example Person",
            "role": "-",
            "email": "person@example.org",
            "visibility": "withheld",
            "state": "approved",
            "signed_at": "2020-08-05T12:00:00.123456Z",
        }
        content = b"".join(pieces(COLUMNS, [[full[column] for column in COLUMNS]]))
        assert read(content) == [(2, full)]

    @both_kinds
    def test_the_same_rows_are_the_same_file(self, pieces: Callable[..., Any]) -> None:
        rows = [[name] for name in NAMES]
        assert b"".join(pieces(["organisation"], rows)) == b"".join(pieces(["organisation"], iter(rows)))

    def test_what_is_long_is_sent_while_it_is_written(self) -> None:
        rows = [[f"Organisation {number}"] for number in range(200_000)]
        assert all(len(list(pieces(["organisation"], rows))) > 2 for pieces in KINDS)

    def test_one_apostrophe_is_taken_away_exactly_where_one_was_put(self) -> None:
        assert {name: protect(name) for name in ("=1", "'=1", "'1", "a=1", "")} == {
            "=1": "'=1",
            "'=1": "''=1",
            "'1": "'1",
            "a=1": "a=1",
            "": "",
        }
        for start in ("", "'", "''", "a", " "):
            for sign in "=+-@\t\r\n＝＋－＠'a":
                assert unprotect(protect(start + sign + "1")) == start + sign + "1"

    def test_no_cell_is_a_formula_to_a_spreadsheet(self) -> None:
        rows = [[name] for name in NAMES]
        text = b"".join(csv_pieces(["organisation"], rows)).decode("utf-8-sig")
        cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""))]
        assert [cell for cell in cells if cell[0] in "=+-@＝＋－＠"] == []
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            sheet = openpyxl.load_workbook(io.BytesIO(b"".join(xlsx_pieces(["organisation"], rows)))).worksheets[0]
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
        assert {cell.number_format for row in sheet.iter_rows() for cell in row} == {"@"}

    def test_csv_says_that_it_is_utf_8(self) -> None:
        assert b"".join(csv_pieces(["organisation"], [])) == "\ufefforganisation\r\n".encode()


class TestCsv:
    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251"], ids=str.upper
    )
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_encodings_and_separators(self, encoding: str, separator: str) -> None:
        lines = [["Название организации", "Страна"], ["Праваабарона «Вясна», ГА; Мінск", "Беларусь"]]
        out = io.StringIO()
        csv.writer(out, delimiter=separator).writerows(lines)
        expected = {"organisation": "Праваабарона «Вясна», ГА; Мінск", "country": "BY"}
        assert read(out.getvalue().encode(encoding)) == [(2, expected)]

    def test_what_it_was_taken_for_is_said(self) -> None:
        assert table("organisation;country\n").source.described == "CSV in UTF-8, separated by semicolons"
        assert table("Организация\tСтрана\n".encode("cp1251")).source.described == "CSV in CP1251, separated by tabs"

    def test_western_letters_are_not_taken_for_cyrillic_ones(self) -> None:
        content = "organisation\nDerechos Digitales · América Latina\nEpicenter für Bürgerrechte\n"
        assert "CSV UTF-8" in refusal(content.encode("cp1252"))

    def test_rows_are_numbered_as_the_spreadsheet_numbers_them(self) -> None:
        content = '\n"Organisation\nin full",role\n"One",\n\n,\n"Two","first\nsecond"\nThree,\n'
        assert [(row.number, row.values["organisation"]) for row in table(content).rows()] == [
            (3, "One"),
            (6, "Two"),
            (7, "Three"),
        ]

    def test_a_hint_at_the_separator_is_no_row(self) -> None:
        assert read("sep=;\r\norganisation;country\r\nA, B;by\r\n") == [(2, {"organisation": "A, B", "country": "BY"})]

    def test_a_stray_zero_makes_it_no_utf_16(self) -> None:
        content = "organisation,role\n" + "One,Director\n" * 20 + "T\0wo,Director\n"
        assert [(problem.row, problem.heading) for problem in problems(content)] == [(22, "organisation")]

    def test_a_quotation_mark_that_does_not_close(self) -> None:
        wrong = "A quotation mark here does not close, or stands where none can."
        assert problems('organisation\nOne\n"Two" Org\nThree\n"Four\nFive\n') == [
            Problem(3, "", wrong),
            Problem(5, "", wrong),
        ]

    def test_a_name_cut_in_two_by_its_comma(self) -> None:
        (problem,) = problems("organisation,country\nRight, and left,BY\n")[:1]
        assert (problem.row, problem.heading) == (2, "")
        assert "more cells than there are headings" in problem.message

    def test_cells_left_out_at_the_end_are_empty(self) -> None:
        assert read("organisation,country,email\nOne\n") == [(2, {"organisation": "One", "country": "", "email": ""})]


class TestXlsx:
    def test_what_is_typed_is_read(self) -> None:
        content = workbook(["Organization name", "Country", "Timestamp"], [" epicenter.works ", "Austria", None])
        assert read(content) == [(2, {"organisation": "epicenter.works", "country": "AT", "signed_at": ""})]

    def test_numbers_and_dates(self) -> None:
        moment = datetime(2020, 8, 5, 12, 30)
        rows = [[350, moment], [7.0, date(2020, 8, 5)], ["A", "2020-08-05"]]
        assert [tuple(values.values()) for _, values in read(workbook(["organisation", "signed_at"], *rows))] == [
            ("350", "2020-08-05T12:30:00Z"),
            ("7", "2020-08-05T00:00:00Z"),
            ("A", "2020-08-05T00:00:00Z"),
        ]

    def test_years_counted_from_1904(self) -> None:
        book = openpyxl.Workbook()
        book.epoch = openpyxl.utils.datetime.MAC_EPOCH
        for row in (["organisation", "signed_at"], ["One", datetime(2020, 8, 5)]):
            book.active.append(row)
        assert [values["signed_at"] for _, values in read(saved(book))] == ["2020-08-05T00:00:00Z"]

    def test_cells_that_are_no_text(self) -> None:
        formula, error = '=CONCATENATE("a";"b")', "#REF!"
        odd = [formula, True, 1.5, date(2020, 3, 8), time(12, 30), error]
        content = workbook(["organisation", "remarks"], *([cell, "=1+1"] for cell in odd))
        found = problems(content)
        assert [problem.row for problem in found] == [2, 3, 4, 5, 6, 7]
        for problem, said in zip(found, ["formula", "no text", "no text", "a date", "no text", "error"], strict=True):
            assert said in problem.message

    def test_sheets_after_the_first_are_named(self) -> None:
        content = workbook(["organisation"], ["One"], sheets=("Responses", "Notes", "Pivot"))
        assert table(content).source.described == "XLSX, Responses"
        assert table(content).source.sheets_left_out == ["Notes", "Pivot"]
        assert names(content) == ["One"]

    def test_gaps_do_not_change_the_numbers_of_rows(self) -> None:
        book = openpyxl.Workbook()
        for cell, value in {"B3": "organisation", "B5": "One", "B1000": "Two"}.items():
            book.active[cell] = value
        assert [(number, values["organisation"]) for number, values in read(saved(book))] == [(5, "One"), (1000, "Two")]

    def test_dimensions_that_lie(self) -> None:
        content = workbook(["organisation"], ["One"], ["Two"])
        for stated in ("A1", "A1:XFD1048576"):
            lying = changed(content, sheet1=lambda text, ref=stated: text.replace("A1:A3", ref))
            assert names(lying) == ["One", "Two"]

    def test_shared_rich_and_pronounced_text(self) -> None:
        content = as_excel_saves(workbook(["organisation"], ["One"]))
        rich = "<r><t>Tw</t></r><r><t xml:space='preserve'>o </t></r><rPh sb='0' eb='1'><t>tu</t></rPh>"
        content = changed(content, sharedStrings=lambda text: text.replace("<t>One</t>", rich))
        assert names(content) == ["Two"]

    def test_cells_beyond_the_last_heading(self) -> None:
        (problem,) = problems(workbook(["organisation"], ["One", None, "a note"], ["Two"]))
        assert (problem.row, problem.heading) == (2, "")
        book = openpyxl.load_workbook(io.BytesIO(workbook(["organisation"], ["One"])))
        book.active["XFD2"] = "far away"
        assert len(problems(saved(book))) == 1


class TestHeadings:
    @pytest.mark.parametrize(
        ("heading", "column"),
        [
            ("Organisation", "organisation"),
            ("ORGANIZATION NAME *", "organisation"),
            ("Name of your organisation (as it should stand under the letter):", "organisation"),
            ("Назва арганізацыі", "organisation"),
            ("Название организации", "organisation"),
        ],
    )
    def test_the_organisation(self, heading: str, column: str) -> None:
        assert list(table(f"{heading},x\n").headings) == [column]

    @pytest.mark.parametrize(
        ("heading", "column"),
        [
            ("E-mail", "email"),
            ("Email address", "email"),
            ("Email Address (will not be published)", "email"),
            ("Электронная пошта", "email"),
            ("Адрес электронной почты", "email"),
            ("organisation_be", "organisation_be"),
            ("Organisation (ru)", "organisation_ru"),
            ("Country of registration", "country"),
            ("Краіна", "country"),
            ("Страна", "country"),
            ("Web-site", "website"),
            ("Сайт", "website"),
            ("ФИО", "representative"),
            ("Ваша імя", "representative"),
            ("Contact person", "representative"),
            ("Job title", "role"),
            ("Пасада", "role"),
            ("Должность", "role"),
            ("signed_at", "signed_at"),
            ("Отметка времени", "signed_at"),
            ("Публікацыя назвы", "visibility"),
            ("Стан", "state"),
        ],
    )
    def test_the_others(self, heading: str, column: str) -> None:
        assert table(f"organisation,{heading}\n").headings == {"organisation": "organisation", column: heading}

    def test_the_labels_of_the_site_are_understood(self) -> None:
        fields = (
            "kind",
            "affiliation",
            "country",
            "website",
            "representative",
            "role",
            "email",
            "visibility",
            "status",
            "signed_at",
        )
        for language in settings.SHIPPED_LANGUAGES:
            with translation.override(language):
                labels = [str(Signature._meta.get_field(name).verbose_name) for name in fields]
                labels.append(translation.gettext("Organisation"))
            found = table("\t".join(labels) + "\n")
            assert list(found.headings.values()) == labels
            assert found.unread == []

    def test_unknown_columns_are_named(self) -> None:
        assert table("Organisation,How did you hear of us?,,Comments\n").unread == [
            "How did you hear of us?",
            "Comments",
        ]

    def test_a_column_that_stands_there_twice(self) -> None:
        assert "“E-mail”, “Email address”" in refusal("organisation,E-mail,Email address\nOne,a@b.org,\n")

    def test_a_heading_with_an_explanation_gives_way_to_one_without(self) -> None:
        found = table("Organisation (acronym),Organisation\nA,One\n")
        assert (found.headings, found.unread) == ({"organisation": "Organisation"}, ["Organisation (acronym)"])

    def test_no_column_of_organisations(self) -> None:
        assert "“Name”, “Country”" in refusal("Name,Country\nOne,BY\n")
        assert "“�[2J�Name”" in refusal("\x1b[2J\aName,x\n"), (
            "a terminal is told nothing, and the reader that there is something"
        )


class TestCells:
    @pytest.mark.parametrize(
        ("column", "text"),
        [
            ("organisation", ""),
            ("organisation", "---"),
            ("organisation", "x" * 251),
            ("organisation", "ﷺ" * 200),
            ("organisation", "One\nTwo"),
            ("organisation", "<b>One</b>"),
            ("organisation", "On\u200be"),
            ("organisation", "Am\ufffdrica"),
            ("organisation_be", "x" * 251),
            ("country", "Belarus / Lithuania"),
            ("country", "XX"),
            ("website", "javascript:alert(1)"),
            ("representative", "x" * 151),
            ("role", "x" * 151),
            ("email", "nobody"),
            ("email", "a@example.org, b@example.org"),
            ("email", "нехта@example.org"),
            ("visibility", "maybe"),
            ("state", "California"),
            ("signed_at", "08/05/2020"),
            ("signed_at", "31.02.2020"),
            ("signed_at", "0001-01-01T00:00:00+14:00"),
            ("signed_at", "2999-01-01"),
            ("signed_at", "yesterday"),
        ],
    )
    def test_what_can_not_be_kept_is_said_of_its_cell(self, column: str, text: str) -> None:
        fine = {"organisation": "Fine", column: text}
        row = {**fine, "role": fine.get("role", "Director")}
        (problem,) = problems(b"".join(csv_pieces(list(row), [list(row.values())])))
        assert (problem.row, problem.heading) == (2, column)
        assert problem.message

    @pytest.mark.parametrize("language", list(settings.SHIPPED_LANGUAGES))
    def test_problems_are_told_in_the_language_of_the_reader(self, language: str) -> None:
        with translation.override(language):
            (problem,) = problems("organisation,country\nOne,Nowhere\n")
        first = {"en": "This", "be": "Такой", "ru": "Такой"}[language]
        assert problem.message.partition(" ")[0] == first

    def test_every_problem_of_a_row_is_said_at_once(self) -> None:
        found = problems("organisation,country,email\n---,Nowhere,nobody\nFine,,\n,BY,\n")
        assert [(problem.row, problem.heading) for problem in found] == [
            (2, "organisation"),
            (2, "country"),
            (2, "email"),
            (4, "organisation"),
        ]

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2020-08-05T12:00:00Z", "2020-08-05T12:00:00Z"),
            ("2020-08-05 15:00:00+03:00", "2020-08-05T12:00:00Z"),
            ("2020-08-05", "2020-08-05T00:00:00Z"),
            ("5.8.2020", "2020-08-05T00:00:00Z"),
            ("05.08.2020 12:30:15", "2020-08-05T12:30:15Z"),
            ("2020/08/05 3:30:15 PM GMT+3", "2020-08-05T12:30:15Z"),
            ("2020/08/05 12:30:15 am GMT-03:30", "2020-08-05T04:00:15Z"),
            ("2020/08/05 12:30:15 PM GMT", "2020-08-05T12:30:15Z"),
            ("", ""),
        ],
    )
    def test_moments(self, text: str, moment: str) -> None:
        ((_, values),) = read(f"organisation,signed_at\nOne,{text}\n")
        assert values["signed_at"] == moment

    def test_values_in_every_language_of_the_site(self) -> None:
        for language in settings.SHIPPED_LANGUAGES:
            with translation.override(language):
                said = {
                    "visibility": translation.gettext("Withheld"),
                    "state": translation.gettext("Under review"),
                }
            ((_, values),) = read(f"organisation,visibility,state\nOne,{said['visibility']},{said['state'].upper()}\n")
            assert (values["visibility"], values["state"]) == ("withheld", "pending")

    def test_an_answer_of_the_form_is_understood(self) -> None:
        rows = read("organisation,visibility\nOne,Yes; publish the name of our organisation\nTwo,WITHHELD\nThree,\n")
        assert [values["visibility"] for _, values in rows] == ["public", "withheld", ""]

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("by", "BY"),
            ("BLR", "BY"),
            ("Belarus", "BY"),
            ("Беларусь", "BY"),
            ("Германия", "DE"),
            ("Германія", "DE"),
            ("The Netherlands", "NL"),
            ("USA", "US"),
            ("U.K.", "GB"),
            ("Bosnia and Herzegovina", "BA"),
            ("Cote d’Ivoire", "CI"),
            ("Turkey", "TR"),
            ("EU", ""),
            ("Worldwide", ""),
            ("", ""),
        ],
    )
    def test_countries(self, name: str, code: str) -> None:
        assert country_code(name) == code


class TestRefused:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n\n,,\n",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            b"%PDF-1.7\n",
            b"PK\x03\x04 not really",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            bytes(range(256)),
            b"\xff\xfeo\0r",
            b"\xff\xfe\0",
            b"\xff\xfe\x00\xd8a\x00",
            b'"organisation\nOne\n',
        ],
    )
    def test_what_is_no_table(self, content: bytes) -> None:
        assert refusal(content)

    def test_damaged_workbooks(self) -> None:
        content = as_excel_saves(workbook(["organisation"], *([f"Organisation {number}"] for number in range(200))))
        assert len(names(content)) == 200
        cut = [
            content[: len(content) // 2],
            changed(content, sheet1=lambda text: text[: len(text) // 2]),
            changed(content, sheet1=lambda text: text.replace("<v>3</v>", "<v>99999</v>")),
            changed(content, sharedStrings=lambda text: text[:-9]),
            changed(content, workbook=lambda text: "<x/>"),
            changed(content, workbook=lambda text: text.replace('r:id="rId1"', 'r:id="rId99"')),
            changed(content, styles=lambda text: "no xml"),
        ]
        assert all("damaged" in refusal(each) or "no sheet" in refusal(each) for each in cut)

    def test_entities_are_not_unfolded(self) -> None:
        lol = '<!DOCTYPE lol [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
        content = as_excel_saves(workbook(["organisation"], ["One"]))
        for part in ("sheet1", "sharedStrings", "workbook", "styles"):
            assert "damaged" in refusal(changed(content, **{part: lambda text: lol + text}))

    def test_more_than_the_machine_has_room_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content = as_excel_saves(workbook(["organisation"], ["One"]))
        bombs = [
            changed(content, sheet1=lambda text: text + " " * xlsx_files.MAX_UNPACKED),
            changed(content, sharedStrings=lambda text: text + " " * xlsx_files.MAX_KEPT),
            changed(content, sharedStrings=lambda text: text.replace("One", "1" * 40_000)),
        ]
        for bomb in bombs:
            assert len(bomb) < sources.MAX_BYTES
            assert "too much" in refusal(bomb)
        monkeypatch.setattr(xlsx_files, "MAX_STRINGS", 1)
        assert "too much" in refusal(content)

    def test_rows_beyond_the_last(self) -> None:
        content = changed(
            workbook(["organisation"], ["One"]), sheet1=lambda text: text.replace('r="2"', 'r="99999999"')
        )
        assert "more rows" in refusal(content)

    def test_too_many_rows_and_columns_and_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "columns" in refusal("organisation," + ",".join(map(str, range(300))) + "\n")
        from signatories.tables import reading

        monkeypatch.setattr(reading, "MAX_ROWS", 2)
        assert "more than 2 rows" in refusal("organisation\n" + "One\n" * 3)
        monkeypatch.setattr(reading, "MAX_BYTES", 5)
        assert "larger" in refusal("organisation\n")
