"""The letter on paper: what stands on it, what may not, and what it is made of."""

import base64
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.conf import settings as configured
from django.db import transaction
from django.db.models import F
from django.test import override_settings
from django.utils.translation import gettext, override
from PIL import Image
from pytest_django import Settings

from dispatch import pdf, seal
from dispatch.models import Edition
from dispatch.services import editions
from dispatch.states import EditionStatus
from dispatch.twin import twin
from letters.services import save_version
from signatories.logos import keep
from signatories.models import Signature
from tests.factories import demo_data, make_edition, make_letter, make_signature, make_signatures_of_demo
from tests.tools import pages_of, pdftotext, program, text_of

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "be", "ru")
NOTICE = "This is a demonstration. It was not sent to anyone."
ELSEWHERE = """
import json, sys
from datetime import datetime
from hashlib import sha256
from types import SimpleNamespace
import django
django.setup()
from dispatch import pdf, seal
given = json.load(sys.stdin)
edition = SimpleNamespace(content=given["content"], cut_at=datetime.fromisoformat(given["cut_at"]))
print(sha256(pdf.render(edition, "be").data).hexdigest())
"""
WITHOUT_PANGO = """
import sys
class NoPango:
    def find_spec(self, name, path=None, target=None):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
sys.meta_path.insert(0, NoPango())
import django
django.setup()
from dispatch import pdf, seal
try:
    pdf.press()
except pdf.CannotTypeset as failure:
    print(failure)
"""


@pytest.fixture(scope="module")
def cut(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The demonstration letter with its 40 signatories: what is frozen of it needs no database to be typeset."""
    seal_of_its_own = override_settings(VAR_DIR=tmp_path_factory.mktemp("cut"))
    with django_db_blocker.unblock(), transaction.atomic(), override("en"), seal_of_its_own:
        letter = make_letter()
        make_signatures_of_demo(letter)
        edition = make_edition(letter)
        transaction.set_rollback(True)
    return edition


@pytest.fixture
def edition(cut: Edition) -> Edition:
    """A copy, to be changed at will."""
    return deepcopy(cut)


PRINTED: dict[str, bytes] = {}


def rendered(edition: Edition, language: str = "en") -> bytes:
    """The PDF, typeset once for all tests that look at the same one."""
    key = json.dumps([edition.content, str(edition.cut_at), language], sort_keys=True)
    if key not in PRINTED:
        PRINTED[key] = pdf.render(edition, language).data
    return PRINTED[key]


def in_a_process_of_its_own(script: str, tmp_path: Path, given: Any = None) -> str:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "VAR_DIR": str(tmp_path / "elsewhere"),
        "PUBLIC_URL": configured.PUBLIC_URL,
        "PYTHONHASHSEED": "1",
    }
    finished = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        cwd=configured.BASE_DIR,
        env=environment,
    )
    return finished.stdout.strip()


def with_names(edition: Edition, *names: str) -> None:
    """Adds signatories to what is frozen."""
    entry = edition.content["signatories"][-1]
    edition.content["signatories"] += [{**entry, "name": dict.fromkeys(LANGUAGES, name)} for name in names]


def fonts_of(data: bytes) -> set[str]:
    """The names of the fonts in a PDF, without the mark of a subset. Machines differ in whether these have hyphens."""
    with pikepdf.open(BytesIO(data)) as opened:
        descriptors = [each for each in opened.objects if _is(each, "/FontDescriptor")]
        names = (str(each.FontName).rpartition("+")[2].removeprefix("/") for each in descriptors)
        return {name.replace("-", "") for name in names}


# What stands on it -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_letter_is_there(edition: Edition, language: str) -> None:
    text = text_of(rendered(edition, language)).replace("- ", "").replace("-", "")
    data = demo_data("letter")
    for field in ("title", "subject", "salutation", "closing"):
        assert data["letter"][field][language].replace("-", "") in text
    for block in data["blocks"]:
        # The first words of each block: where lines end, words may be divided.
        start = " ".join(block[language].split()[:5]).replace("-", "")
        assert start in text, block["key"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_forty_names_stand_under_it_in_the_language_of_the_letter(edition: Edition, language: str) -> None:
    text = text_of(rendered(edition, language))
    organisations = demo_data("organisations")
    entries = [organisations["lead"], *organisations["organisations"]]
    assert len(entries) == 40
    missing = [entry["name"] for entry in entries if (entry.get(f"name_{language}") or entry["name"]) not in text]
    assert missing == []


def test_the_lead_organisation_comes_first() -> None:
    letter = make_letter()
    make_signature(letter, name="Aardvark Union")
    make_signature(letter, name="Zebra Union", is_lead=True)
    text = text_of(rendered(make_edition(letter)))
    assert text.index("Zebra Union") < text.index("Aardvark Union")


def test_addressee_copies_date_reference_and_contact(edition: Edition) -> None:
    text = text_of(rendered(edition, "be"))
    recipients = demo_data("recipients")["recipients"]
    to, *copies = recipients
    assert " ".join(to["address_block"]["be"].split()) in text
    for recipient in copies:
        assert recipient["name"]["be"] in text
        assert recipient["title"]["be"] in text
    assert "5 жніўня 2020 г." in text
    assert edition.reference in text
    assert edition.content["text_sha256"] in text
    contact = demo_data("letter")["contact"]
    assert contact["email"] in text
    assert contact["name"]["be"] in text
    assert "вул. Дэманстрацыйная, 1" in text


@pytest.mark.parametrize(
    ("language", "copy"),
    [
        ("en", "Uladzimir Makei, Minister of Foreign Affairs of the Republic of Belarus"),
        ("be", "Міністр замежных спраў Рэспублікі Беларусь Уладзімір Макей"),
        ("ru", "Министр иностранных дел Республики Беларусь Владимир Макей"),
    ],
)
def test_an_office_and_its_holder_stand_in_the_order_of_the_language(
    edition: Edition, language: str, copy: str
) -> None:
    assert copy in text_of(rendered(edition, language))
    assert copy in twin(edition, language)


def test_the_plain_text_counts_whom_the_pdf_counts(edition: Edition) -> None:
    entry = {**edition.content["signatories"][-1], "is_individual": True, "affiliation": "Press Union"}
    edition.content["signatories"].append({**entry, "name": dict.fromkeys(LANGUAGES, "Jana Example")})
    edition.content.update(withheld=3, withheld_individuals=2)
    text = twin(edition, "en")
    for said in (text, text_of(rendered(edition))):
        assert "Jana Example, Press Union" in said
        assert "and 3 organisations whose names are withheld for their safety" in said
        assert "and 2 people whose names are withheld for their safety" in said


def test_where_only_people_signed_no_organisations_are_counted(edition: Edition) -> None:
    for entry in edition.content["signatories"]:
        entry["is_individual"] = True
    for said in (text_of(rendered(edition)), twin(edition, "en")):
        assert "Individuals" in said
        assert "organisations have signed" not in said


def test_belarusian_words_survive_extraction(edition: Edition) -> None:
    text = " ".join(pdftotext(rendered(edition, "be")).split())
    for words in ("шырокага ўдзелу", "Рэспублікі Беларусь", "сілавыя структуры", "аб’ядноўвае", "Лідзія Ярмошына"):
        assert words in text


@pytest.mark.parametrize(("language", "words"), [("be", ("у", "ў", "і")), ("ru", ("в", "о", "и"))])
def test_no_line_ends_with_a_word_of_one_letter_nor_begins_with_a_dash(
    edition: Edition, language: str, words: tuple[str, ...]
) -> None:
    """As custom asks in Belarusian and Russian, wherever the line may fall: here the lines get longer by a letter."""
    blocks = [block for block in edition.content["languages"][language]["blocks"] if block["kind"] != "demand"]
    dashes = {**blocks[0], "text": "Сетка — гэта сувязь, а сувязь – гэта сетка, " * 20}
    edition.content["languages"][language]["blocks"] = [
        {**block, "text": f"{'а' * more} {block['text']}"} for more in range(1, 9) for block in [*blocks, dashes]
    ]
    lines = [line.strip() for line in pdftotext(rendered(edition, language)).splitlines() if line.strip()]
    assert [line for line in lines if line.split()[-1] in words] == []
    assert [line for line in lines if line[0] in "–—"] == []


def test_every_page_is_counted_and_referenced(edition: Edition) -> None:
    document = pdf.render(edition, "en")
    pages = pages_of(document.data)
    assert len(pages) == document.pages
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {document.pages}" in page
        assert edition.reference in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_demonstration_says_so_on_every_page(edition: Edition, language: str) -> None:
    with override(language):
        notice = gettext(NOTICE)
    pages = pages_of(rendered(edition, language))
    assert len(pages) > 1
    assert all(notice in page for page in pages)


def test_a_real_letter_does_not() -> None:
    edition = make_edition(make_letter(is_demonstration=False))
    assert NOTICE not in text_of(rendered(edition))


def test_withheld_names_are_counted_and_nowhere_named() -> None:
    letter = make_letter()
    make_signature(letter, name="Named Union")
    for number in (1, 2):
        make_signature(letter, name=f"Sheltered Union {number}", visibility=Signature.Visibility.WITHHELD)
    data = rendered(make_edition(letter))
    text = text_of(data)
    assert "3 organisations have signed this letter." in text
    assert "and 2 organisations whose names are withheld for their safety" in text
    assert "Named Union" in text
    plain = BytesIO()
    with pikepdf.open(BytesIO(data)) as opened:
        opened.save(plain, qdf=True, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    for found in (text.encode(), data, plain.getvalue()):
        assert b"Sheltered" not in found


def test_one_withheld_name_takes_the_singular() -> None:
    letter = make_letter()
    make_signature(letter)
    make_signature(letter, visibility=Signature.Visibility.WITHHELD)
    assert "and 1 organisation whose name is withheld for its safety" in text_of(rendered(make_edition(letter)))


def test_demands_are_numbered_through() -> None:
    letter = make_letter()
    order = letter.blocks.get(key="report-and-repair").order
    letter.blocks.filter(order__gte=order).update(order=F("order") + 1)
    letter.blocks.filter(key="offer").update(order=order)
    save_version(letter)
    text = " ".join(pdftotext(rendered(make_edition(letter))).split())
    offer = text.index("Our organisations are ready to help.")
    assert text.index("4. Work with internet service providers") < offer < text.index("5. Order the providers")


def test_a_long_list_is_run_in(edition: Edition) -> None:
    entry = edition.content["signatories"][0]
    names = [f"Union of the Many {number}" for number in range(1001)]
    edition.content["signatories"] = [{**entry, "name": dict.fromkeys(LANGUAGES, name)} for name in names]
    document = pdf.render(edition, "en")
    text = text_of(document.data)
    broken = [name for name in names if name not in text]
    assert len(broken) < document.pages, "a name may break over a page, once a page"
    assert "1,001 organisations have signed this letter." in text
    assert document.pages < 12


def test_a_long_list_of_people_is_run_in_too(edition: Edition) -> None:
    entry = {**edition.content["signatories"][0], "is_lead": False, "is_individual": True, "affiliation": "Press Union"}
    people = [{**entry, "name": dict.fromkeys(LANGUAGES, f"Person {number}")} for number in range(1001)]
    edition.content["signatories"] += people
    document = pdf.render(edition, "en")
    assert "Person 0, Press Union; Person 1, Press Union; Person 10," in text_of(document.data)
    assert document.pages < 12


def test_markup_in_a_name_is_text() -> None:
    letter = make_letter()
    name = '<img src="file:///etc/hostname"> & </ul><b>Union</b> {{ content }}'
    make_signature(letter, name=name)
    assert name in text_of(rendered(make_edition(letter)))


def test_marks_typed_apart_from_their_letters_are_put_together() -> None:
    letter = make_letter()
    make_signature(letter, name="Саюз У\u0306 Вольна\u2010Сетка")
    assert "Саюз Ў Вольна-Сетка" in text_of(rendered(make_edition(letter)))


def test_a_mark_at_the_head_of_a_line_goes_with_no_letter_before_it(edition: Edition) -> None:
    edition.content["recipients"][0]["en"]["address_block"] = "Office\n\u0301 Minsk"
    assert "Office" in text_of(rendered(edition))


def test_the_lines_of_the_contact_are_broken_between_and_not_within(edition: Edition) -> None:
    for language, street, town in (
        ("en", "Demonstration Street 1", "00000 Exampletown"),
        ("be", "вул. Дэманстрацыйная, 1", "00000, г. Прыкладск"),
        ("ru", "ул. Демонстрационная, д. 1", "00000, г. Примерск"),
    ):
        lines = pdftotext(rendered(edition, language)).splitlines()
        assert sum(town in line for line in lines) == 2, "by the window of the envelope, and in the record"
        assert sum(street in line for line in lines) == 2


def test_the_closing_stands_on_one_page_with_the_first_names(edition: Edition) -> None:
    demand = {"key": "", "kind": "demand", "text": "End the shutdowns of the internet."}
    blocks = edition.content["languages"]["en"]["blocks"]
    for more in range(10, 20):
        edition.content["languages"]["en"]["blocks"] = [*blocks, *[demand] * more]
        (page,) = (page for page in pages_of(pdf.render(edition, "en").data) if "Respectfully," in page)
        assert "Access Now" in page.partition("Respectfully,")[2], more


SCRIPTS = {
    "Greek": "Ελληνική Ένωση Δικτύου",
    "Vietnamese": "Hội Mạng Tự Do",
    "Armenian": "Բաց ցանց",
    "Georgian": "თავისუფალი ქსელი",
    "Hebrew": "האיגוד לאינטרנט פתוח",
    "Arabic": "اتحاد الشبكة الحرة",
    "Devanagari": "मुक्त नेटवर्क संघ",
    "Bengali": "মুক্ত নেটওয়ার্ক সংঘ",
    "Gujarati": "મુક્ત નેટવર્ક",
    "Gurmukhi": "ਮੁਕਤ ਨੈੱਟਵਰਕ",
    "Tamil": "திறந்த வலை",
    "Telugu": "స్వేచ్ఛా నెట్‌వర్క్",
    "Kannada": "ಮುಕ್ತ ಜಾಲ",
    "Malayalam": "സ്വതന്ത്ര ശൃംഖല",
    "Sinhala": "විවෘත ජාලය",
    "Thai": "เครือข่ายเปิด",
    "Lao": "ເຄືອຂ່າຍເປີດ",
    "Tibetan": "བོད་ཀྱི་དྲ་བ།",
    "Myanmar": "ကွန်ရက်အဖွဲ့",
    "Khmer": "បណ្តាញបើកចំហ",
    "Ethiopic": "ክፍት መረብ",
}


def test_a_name_in_any_of_these_scripts_is_set_in_our_fonts(edition: Edition) -> None:
    with_names(edition, *SCRIPTS.values())
    data = rendered(edition)
    assert len(data) < 300_000
    fonts = fonts_of(data)
    faces = dict.fromkeys(("Greek", "Vietnamese"), "NotoSerif")
    faces |= {"Arabic": "NotoNaskhArabic", "Myanmar": "NotoSansMyanmar"}
    wanted = {faces.get(script, f"NotoSerif{script}") for script in SCRIPTS}
    assert {font for font in fonts if font.startswith("Noto")} == wanted
    text = pdftotext(data)
    for script in ("Greek", "Vietnamese", "Armenian", "Georgian", "Hebrew", "Arabic", "Ethiopic"):
        assert SCRIPTS[script] in text, script


def test_a_name_from_right_to_left_keeps_its_order(edition: Edition) -> None:
    """What ends it stands at the left of what begins it; a text is drawn from the left."""
    with_names(edition, "אינטרנט (IL)")
    text = text_of(rendered(edition))
    assert text.index("IL)") < text.index("א")


# What it is made of ------------------------------------------------------------------------------


def test_it_is_tagged_and_says_its_language_and_title(edition: Edition) -> None:
    for language in LANGUAGES:
        with pikepdf.open(BytesIO(rendered(edition, language))) as opened:
            root = opened.Root
            assert root.MarkInfo.Marked
            assert root.StructTreeRoot.K
            assert str(root.Lang) == language
            assert root.ViewerPreferences.DisplayDocTitle
            assert [str(entry.title) for entry in opened.open_outline().root]
            metadata = opened.open_metadata()
            assert metadata["pdfuaid:part"] == "1"
            assert demo_data("letter")["letter"]["title"][language] in str(metadata["dc:title"])


def test_the_qr_code_is_described_and_the_page_of_the_edition_linked(edition: Edition) -> None:
    with pikepdf.open(BytesIO(rendered(edition))) as opened:
        figures = [
            each
            for each in opened.objects
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == pikepdf.Name.Figure
        ]
        links = [str(note.A.URI) for page in opened.pages for note in page.get("/Annots", [])]
    assert [str(figure.Alt) for figure in figures] == ["QR code with the address of this edition’s page"]
    assert links == [f"{configured.PUBLIC_URL}/en/letters/belarus-2020/editions/1/"]


def test_the_same_edition_gives_the_same_bytes_wherever_it_is_typeset(edition: Edition, tmp_path: Path) -> None:
    first = rendered(edition, "be")
    assert first == pdf.render(edition, "be").data
    given = {"content": edition.content, "cut_at": edition.cut_at.isoformat()}
    assert in_a_process_of_its_own(ELSEWHERE, tmp_path, given) == hashlib.sha256(first).hexdigest()


def test_its_date_is_that_of_the_cut(edition: Edition) -> None:
    edition.cut_at = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    with pikepdf.open(BytesIO(rendered(edition))) as opened:
        assert str(opened.open_metadata()["xmp:CreateDate"]).startswith("2026-03-02T12:30:00")


def test_it_is_small_and_brings_its_fonts(edition: Edition) -> None:
    data = rendered(edition, "be")
    assert len(data) < 300_000
    fonts = fonts_of(data)
    with pikepdf.open(BytesIO(data)) as opened:
        embedded = [font for font in opened.objects if _is(font, "/FontDescriptor") and "/FontFile2" in font]
    assert len(embedded) == len(fonts)
    assert fonts == {"PTSerif", "PTSerifBold", "PTSerifItalic"}


@pytest.mark.parametrize(
    "asked",
    ["file:///etc/hostname", "http://127.0.0.1:9/picture.png", "font:../../campaign/settings.py", "letter:other"],
)
def test_the_renderer_fetches_nothing_it_was_not_given(asked: str) -> None:
    with pytest.raises(pdf.CannotTypeset, match="was not given"):
        pdf.press().print(f'<html lang="en"><img src="{asked}" alt="">', {"letter:given": b""})


# What is missing ---------------------------------------------------------------------------------


def test_a_letter_that_no_font_has_is_named_with_the_name_it_stands_in() -> None:
    letter = make_letter()
    make_signature(letter, name="网络 Union")
    edition = make_edition(letter)
    with pytest.raises(pdf.CannotTypeset, match=r"U\+7EDC CJK UNIFIED IDEOGRAPH-7EDC.*“网络 Union”"):
        rendered(edition)
    editions.render_file(edition.files.get(language="en"))
    edition.refresh_from_db()
    assert edition.status == EditionStatus.FAILED
    assert edition.failure_detail.endswith("“网络 Union”")


def test_a_sign_without_a_name_is_called_so(edition: Edition) -> None:
    with_names(edition, "\ue000 Union")
    with pytest.raises(pdf.CannotTypeset, match=r"U\+E000 without a name: “"):
        rendered(edition)


def test_a_missing_pango_ends_in_one_clear_message(tmp_path: Path) -> None:
    said = in_a_process_of_its_own(WITHOUT_PANGO, tmp_path)
    assert "libpango-1.0-0" in said
    assert said.count("\n") == 0


def test_what_stands_in_the_margins_is_no_part_of_the_text(edition: Edition) -> None:
    """Whoever listens to the letter is not told at each page what it is the page of."""
    with pikepdf.open(BytesIO(rendered(edition))) as opened:
        mapped = list(opened.Root.StructTreeRoot.ParentTree.Nums)[1::2]
        for page in opened.pages:
            drawn = pikepdf.parse_content_stream(page)
            marks = [each.operands for each in drawn if str(each.operator) == "BDC"]
            margins = [mark for mark in marks if str(mark[0]) == "/Artifact"]
            assert {str(mark[1].Type) for mark in margins} == {"/Pagination"}
            for element in mapped.pop(0):
                assert element is None or _is_in_the_tree(element)


def _is_in_the_tree(element: Any) -> bool:
    while element.S != "/Document":
        if not any(isinstance(kid, pikepdf.Object) and kid == element for kid in element.P.K):
            return False
        element = element.P
    return True


def test_the_list_of_demands_says_that_it_is_numbered(edition: Edition) -> None:
    with pikepdf.open(BytesIO(rendered(edition))) as opened:
        lists = [each for each in opened.objects if _is_tag(each, "/L")]
        numbered = [each for each in lists if "/Lbl" in {str(kid.S) for kid in each.K[0].K}]
        assert [str(each.A.ListNumbering) for each in numbered] == ["/Decimal"]
        assert not any("/A" in each for each in lists if each not in numbered)


def _is_tag(thing: Any, kind: str) -> bool:
    return isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == kind and "/Pg" in thing


def _is(thing: Any, kind: str) -> bool:
    return isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == kind


# Logos, fingerprint, bookmarks -------------------------------------------------------------------


def test_the_lead_organisations_logo_stands_in_its_head_as_it_was_when_it_was_frozen() -> None:
    letter = make_letter()
    lead = make_signature(letter, is_lead=True).organisation
    assert lead
    picture = BytesIO()
    Image.new("RGB", (40, 20), "navy").save(picture, "PNG")
    lead.logo = keep(picture.getvalue())
    lead.save(update_fields=["logo"])
    make_signature(letter)
    edition = make_edition(letter)
    lead.logo.delete()
    data = rendered(edition)
    with pikepdf.open(BytesIO(data)) as opened:
        sizes = {(int(each.Width), int(each.Height)) for each in opened.objects if _is_image(each)}
    assert (40, 20) in sizes


@pytest.mark.parametrize("count", [1, 3, 12])
def test_whoever_leads_and_hosts_the_letter_nothing_in_its_head_is_printed_over(edition: Edition, count: int) -> None:
    edition.content["host"] = "International Federation for Human Rights in the Digital Age and the Freedom of Networks"
    picture = BytesIO()
    Image.new("RGB", (480, 80), "navy").save(picture, "PNG")
    logo = {"png": base64.b64encode(picture.getvalue()).decode(), "name": dict.fromkeys(LANGUAGES, "A union")}
    edition.content["logos"] = [logo] * count
    data = pdf.render(edition, "en").data
    with pikepdf.open(BytesIO(data)) as opened:
        figures = [
            each.A.BBox for each in opened.objects if _is_tag(each, "/Figure") and each.Pg == opened.pages[0].obj
        ]
        logos = [tuple(float(side) for side in figure) for figure in figures]
    assert len(logos) == count
    boxes = [*logos, *_words_on_the_first_page(data)]
    for box in boxes:
        assert 70 < box[0] < box[2] < 533, "between the margins, in points"
    for logo_, other in itertools.product(logos, boxes):
        assert logo_ is other or not _overlap(logo_, other)


Box = tuple[float, float, float, float]


def _box(sides: Iterable[Any]) -> Box:
    left, below, right, above = map(float, sides)
    return left, below, right, above


def _overlap(one: Box, other: Box) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def _words_on_the_first_page(data: bytes) -> list[Box]:
    """Where they are printed, measured from below."""
    told = subprocess.run(
        [program("pdftotext"), "-l", "1", "-bbox", "-", "-"], input=data, capture_output=True, check=True
    )
    height = 841.89
    numbers = re.findall(rb'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)"', told.stdout)
    words = [_box(word) for word in numbers]
    return [(left, height - below, right, height - above) for left, above, right, below in words]


def _is_image(each: Any) -> bool:
    return isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Image"


def test_it_prints_the_certificate_that_seals_it_and_no_other_seals_it(settings: Settings) -> None:
    edition = make_edition()
    groups = " ".join(seal.fingerprint()[start : start + 8] for start in range(0, 64, 8))
    assert groups in text_of(rendered(edition))
    for file in edition.files.select_related("edition__letter"):
        editions.render_file(file)
    (settings.VAR_DIR / "seal").rename(settings.VAR_DIR / "gone")
    file = edition.files.select_related("edition__letter").first()
    assert file
    editions.seal_file(file)
    edition.refresh_from_db()
    assert (edition.status, file.sealed) == (EditionStatus.FAILED, "")


def test_its_headings_are_bookmarks(edition: Edition) -> None:
    with pikepdf.open(BytesIO(rendered(edition))) as opened, opened.open_outline() as outline:
        titles = [entry.title for entry in outline.root]
    assert titles[0].startswith("Re: ")
