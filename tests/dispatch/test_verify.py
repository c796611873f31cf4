"""Checking a copy: what is genuine, and why everything else is not, on the page and in the terminal."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from random import Random
from typing import Any

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pytest_django import Settings

from campaign.pages.editions import EditionPage
from dispatch import inspection, pdf, seal, verification
from dispatch.models import Edition, EditionFile
from dispatch.services import editions
from dispatch.states import EditionStatus
from letters.models import Letter
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.dispatch.authority import NAME, Authority, authority
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.tools import pdfsig

pytestmark = pytest.mark.django_db
VERIFY = "/en/verify/"
CLAIM = "Genuine and unchanged"
NO_CHECKSUMS = [
    "", " ", "abc", "0" * 63, "0" * 65, "g" * 64, "٣" * 64, "\0", "<b>", f"{'0' * 64} {'1' * 64}", "x" * 9999,
]  # fmt: skip


@pytest.fixture(autouse=True)
def small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters of one line: what matters here begins with the seal."""

    def render(edition: Edition, language: str) -> pdf.Document:
        html = f'<html lang="{language}"><title>A letter</title><h1>{edition.reference}</h1><p>Its text.</p>'
        return pdf.press().print(html, {})

    monkeypatch.setattr(pdf, "render", render)


@pytest.fixture
def edition() -> Edition:
    return make_edition(sealed=True, for_real=True)


@pytest.fixture
def sealed(edition: Edition) -> bytes:
    return editions.sealed_bytes(edition.files.get(language="en"))


@dataclass
class Answer:
    status: int
    outcome: str
    text: str
    html: str


def asked(path: str = VERIFY, *, client: Client | None = None, **data: Any) -> Answer:
    response = (client or Client()).post(path, data)
    html = response.text
    found = re.search(r'data-outcome="([a-z-]+)"', html)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
    return Answer(response.status_code, found[1] if found else "", text, html)


def check(data: bytes, path: str = VERIFY) -> Answer:
    return asked(path, copy=SimpleUploadedFile("a letter.pdf", data, "application/pdf"))


def in_terminal(path: Path) -> str:
    out = StringIO()
    call_command("verify_pdf", str(path), stdout=out)
    return out.getvalue()


def refused_in_terminal(data: bytes, tmp_path: Path) -> str:
    path = tmp_path / "copy.pdf"
    path.write_bytes(data)
    with pytest.raises(CommandError) as failure:
        in_terminal(path)
    return str(failure.value)


# What is genuine ---------------------------------------------------------------------------------


def test_the_untouched_file_passes_everywhere(edition: Edition, sealed: bytes, tmp_path: Path) -> None:
    answer = check(sealed)
    assert (answer.status, answer.outcome) == (200, "genuine")
    for words in (CLAIM, "Edition 1", edition.reference, "English", seal.DEMONSTRATION, "nobody is to trust it"):
        assert words in answer.text
    assert edition.get_absolute_url() in answer.html
    path = tmp_path / "letter.pdf"
    path.write_bytes(sealed)
    said = in_terminal(path)
    for words in (CLAIM, edition.reference, seal.DEMONSTRATION, f"http://localhost:8000{edition.get_absolute_url()}"):
        assert words in said
    assert f"Sealed on: {date_format(timezone.now())}" in said
    assert "Signature is Valid" in pdfsig(path)
    assert "Total document signed" in pdfsig(path)


def test_each_language_is_told_apart(edition: Edition) -> None:
    for language, name in (("be", "Беларуская"), ("ru", "Русский")):
        answer = check(editions.sealed_bytes(edition.files.get(language=language)))
        assert answer.outcome == "genuine"
        assert name in answer.text.partition(CLAIM)[2]


def test_a_superseded_edition_leads_to_the_latest(edition: Edition, sealed: bytes, tmp_path: Path) -> None:
    latest = make_edition(edition.letter, sealed=True, for_real=True)
    answer = check(sealed)
    assert answer.outcome == "superseded"
    assert "Genuine and unchanged, but superseded" in answer.text
    assert latest.get_absolute_url() in answer.html
    (tmp_path / "letter.pdf").write_bytes(sealed)
    assert latest.get_absolute_url() in in_terminal(tmp_path / "letter.pdf")


@pytest.mark.parametrize("how", [{"status": SignatureStatus.WITHDRAWN}, {"visibility": Signature.Visibility.WITHHELD}])
def test_an_edition_that_was_taken_down_is_known_and_nobody_is_named(how: dict[str, str]) -> None:
    letter = make_letter()
    make_signature(letter, name="Those Who Stay")
    leaving = make_signature(letter, name="Those Who Left")
    edition = make_edition(letter, sealed=True, for_real=True)
    file = edition.files.get(language="en")
    letter.signatures.filter(pk=leaving.pk).update(**how)
    for answer in (check(editions.sealed_bytes(file)), asked(sha256=file.sha256)):
        assert answer.outcome == "taken-down"
        assert "A new edition is due." in answer.text
        assert "Those Who" not in answer.html
    latest = make_edition(letter, sealed=True, for_real=True)
    answer = asked(sha256=file.sha256)
    assert "A new edition is due." not in answer.text
    assert latest.get_absolute_url() in answer.html


def test_a_checksum_is_enough_however_it_is_written(edition: Edition) -> None:
    checksum = edition.files.get(language="en").sha256
    pairs = " ".join(checksum[start : start + 2] for start in range(0, 64, 2))
    for written in (
        checksum, checksum.upper(), f"  {checksum}\n", f"SHA-256: {checksum}", f"sha256:{checksum}", pairs,
        pairs.upper().replace(" ", ":"), f"{checksum[:32]}\n{checksum[32:]}", f"SHA256(letter.pdf)= {checksum}",
        f"{checksum}  letter.pdf", f"SHA-256 {pairs}", f"{checksum[:9]}\u200d{checksum[9:]}",
        f"SHA256 hash of file letter.pdf:\r\n{pairs}\r\nCertUtil: -hashfile command completed successfully.",
        f"\ufeff{checksum[:20]}\u200b{checksum[20:]}",
    ):  # fmt: skip
        answer = asked(sha256=written)
        assert (answer.status, answer.outcome) == (200, "genuine"), written
    assert seal.DEMONSTRATION in answer.text


def test_a_checksum_holds_where_our_own_copy_is_lost(edition: Edition, caplog: pytest.LogCaptureFixture) -> None:
    file = edition.files.get(language="en")
    default_storage.delete(file.sealed)
    assert asked(sha256=file.sha256).outcome == "genuine"
    assert "The stored PDF" in caplog.text


def test_what_a_letter_prints_is_not_taken_for_a_file_and_stands_on_the_page_of_the_edition(edition: Edition) -> None:
    page = EditionPage().render("en", slug=edition.letter.slug, number=edition.number).decode()
    for printed in (edition.content["text_sha256"], edition.content["certificate"]):
        assert printed in page
        answer = asked(sha256=printed)
        assert (answer.status, answer.outcome) == (422, "")
        assert "This SHA-256 is printed on letters" in answer.text
    Letter.objects.update(published_at=None)
    assert asked(sha256=edition.content["text_sha256"]).outcome == "unknown"


def test_an_unknown_checksum_is_none_of_ours(edition: Edition) -> None:
    answer = asked(sha256="0" * 64)
    assert (answer.status, answer.outcome) == (200, "unknown")
    assert CLAIM not in answer.text


def test_a_letter_that_is_not_public_is_not_given_away(edition: Edition, sealed: bytes) -> None:
    Letter.objects.update(published_at=None)
    answer = check(sealed)
    assert answer.outcome == "unpublished"
    assert edition.reference not in answer.text
    assert asked(sha256=edition.files.get(language="en").sha256).outcome == "unknown"


# Tampering ---------------------------------------------------------------------------------------


def overlaid(data: bytes) -> bytes:
    """A white box over the text, put on as programs do: by an update at the end of the file."""
    writer = IncrementalPdfFileWriter(BytesIO(data))
    writer.add_stream_to_page(0, writer.add_object(StreamObject(stream_data=b"1 g 0 0 500 500 re f")))
    return written(writer)


def annotated(data: bytes) -> bytes:
    """A note on the first page, which covers the text and which printers print."""
    writer = IncrementalPdfFileWriter(BytesIO(data))
    page = writer.root["/Pages"]["/Kids"][0]
    note = DictionaryObject({
        NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Square"),
        NameObject("/Rect"): ArrayObject(map(NumberObject, (0, 0, 500, 500))), NameObject("/F"): NumberObject(4),
    })  # fmt: skip
    page[NameObject("/Annots")] = ArrayObject([writer.add_object(note)])
    writer.update_container(page)
    return written(writer)


def with_a_page_appended(data: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(data))
    box = ArrayObject(map(NumberObject, (0, 0, 595, 842)))
    writer.insert_page(DictionaryObject({NameObject("/Type"): NameObject("/Page"), NameObject("/MediaBox"): box}))
    return written(writer)


def written(writer: IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def saved_anew(data: bytes, **options: Any) -> bytes:
    """As an editor writes a file: every object anew, with one page more."""
    out = BytesIO()
    with pikepdf.open(BytesIO(data)) as opened:
        opened.add_blank_page()
        opened.save(out, **options)
    return out.getvalue()


def with_a_changed_byte(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[data.index(b"stream") + 20] ^= 1
    return bytes(changed)


def with_other_words(data: bytes) -> bytes:
    return data.replace(b"/Reason", b"/Reaso_", 1)


def unsealed(data: bytes) -> bytes:
    return data[: data.index(b"%%EOF") + 6]


TAMPERED: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "an overlay": (overlaid, {"extended"}),
    "a note": (annotated, {"extended"}),
    "a page more": (with_a_page_appended, {"extended"}),
    "a remark at the end": (lambda data: data + b"\n% more\n", {"extended"}),
    "a byte": (with_a_changed_byte, {"changed"}),
    "the reason": (with_other_words, {"changed"}),
    "a byte of the seal": (lambda data: data.replace(b"3082", b"3083", 1), {"changed"}),
    "saved anew with a page more": (saved_anew, {"changed", "damaged", "extended"}),
    "the first half": (lambda data: data[: len(data) // 2], {"truncated"}),
    "all but the end": (lambda data: data[:-40], {"truncated"}),
    "encrypted": (
        lambda data: saved_anew(data, encryption=pikepdf.Encryption(owner="o", user="u")),
        {"encrypted"},
    ),
    "locked": (lambda data: saved_anew(data, encryption=pikepdf.Encryption(owner="o", user="")), {"encrypted"}),
    "without its seal": (unsealed, {"unsealed"}),
    "noise": (lambda data: Random(1).randbytes(20_000), {"not-pdf"}),
    "noise that says PDF": (lambda data: b"%PDF-1.7\n" + Random(1).randbytes(20_000) + b"\n%%EOF\n", {"damaged"}),
    "one byte": (lambda data: b"\0", {"not-pdf"}),
    "a picture": (lambda data: b"\x89PNG\r\n\x1a\n" + bytes(100), {"not-pdf"}),
    "a web page": (lambda data: b"<script>alert(1)</script>", {"not-pdf"}),
}


@pytest.fixture
def looked_at_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals are read in this process, for to start another takes longer than all else.

    Genuine copies, and files that are made to harm their reader, are read as everybody's are.
    """

    def inspect(data: bytes) -> inspection.Inspection:
        try:
            return inspection.read(data)
        except Exception as failure:  # which is the end of the other process
            raise inspection.Unreadable from failure

    monkeypatch.setattr(inspection, "inspect", inspect)


@pytest.mark.usefixtures("looked_at_here")
@pytest.mark.parametrize("kind", TAMPERED)
def test_what_was_tampered_with_is_refused_with_its_reason(kind: str, sealed: bytes, tmp_path: Path) -> None:
    tamper, outcomes = TAMPERED[kind]
    copy = tamper(sealed)
    assert copy != sealed
    answer = check(copy)
    assert answer.status == 200
    assert answer.outcome in outcomes
    reason = str(verification.REFUSED[verification.Outcome(answer.outcome)])
    assert reason in answer.text
    assert CLAIM not in answer.text
    assert refused_in_terminal(copy, tmp_path) == f"Not a copy that we published: {reason}"


@pytest.mark.usefixtures("looked_at_here")
def test_the_edition_behind_a_tampered_copy_is_shown(edition: Edition, sealed: bytes) -> None:
    for copy in (overlaid(sealed), with_a_changed_byte(sealed)):
        answer = check(copy)
        assert "The letter that it was made out of" in answer.text
        assert edition.get_absolute_url() in answer.html


def test_the_seal_of_somebody_else_is_refused(
    edition: Edition, settings: Settings, tmp_path: Path, sealed: bytes
) -> None:
    settings.SEAL_P12 = str(somebodys(tmp_path / "other.p12", "Undersigned <b>itself</b>"))
    forged = seal.seal(unsealed(sealed), reference=edition.reference).pdf
    answer = check(forged)
    assert answer.outcome == "foreign"
    assert "sealed, but by somebody else" in answer.text
    assert "itself" not in answer.text, "what a forger calls himself is not repeated"
    assert "by somebody else" in refused_in_terminal(forged, tmp_path)


def test_our_seal_on_what_was_never_published_is_not_enough(edition: Edition, sealed: bytes) -> None:
    assert check(seal.seal(unsealed(sealed), reference=edition.reference).pdf).outcome == "unpublished"


@pytest.mark.parametrize(
    ("tamper", "outcome"), [(overlaid, "extended"), (with_a_changed_byte, "changed"), (unsealed, "unsealed")]
)
def test_a_published_checksum_is_not_enough(
    tamper: Callable[[bytes], bytes], outcome: str, edition: Edition, sealed: bytes
) -> None:
    copy = tamper(sealed)
    checksum = verification.sha256(copy).hexdigest()
    edition.files.filter(language="en").update(sha256=checksum, size=len(copy))
    assert check(copy).outcome == outcome


def test_a_published_checksum_under_another_seal_is_not_enough(edition: Edition, sealed: bytes) -> None:
    EditionFile.objects.update(certificate="0" * 64)
    assert check(sealed).outcome == "foreign"


def test_an_older_certificate_of_ours_is_still_ours(
    edition: Edition, sealed: bytes, settings: Settings, tmp_path: Path
) -> None:
    settings.SEAL_P12 = str(somebodys(tmp_path / "new.p12", "Seal of the Coalition"))
    assert check(sealed).outcome == "genuine"
    renewed = make_edition(edition.letter, sealed=True, for_real=True)
    answer = check(editions.sealed_bytes(renewed.files.get(language="en")))
    assert answer.outcome == "genuine"
    assert "no authority vouches for its owner" in answer.text


# What is hostile ---------------------------------------------------------------------------------


def pdf_of(*objects: bytes) -> bytes:
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        size, table, size, len(out),
    )  # fmt: skip


def bomb() -> bytes:
    """A cross-reference stream that unpacks to more than the child may have."""
    packer, megabyte = zlib.compressobj(9), bytes(1024 * 1024)
    packed = b"".join(packer.compress(megabyte) for _ in range(800)) + packer.flush()
    head = b"%PDF-1.7\n"
    return (
        head
        + b"1 0 obj\n<</Type/XRef/W[1 2 1]/Size 2/Root 1 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
        + packed
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)
    )


HOSTILE: dict[str, Callable[[], bytes]] = {
    "deep": lambda: pdf_of(b"<</Type/Catalog/AcroForm" + b"[" * 100_000 + b"]" * 100_000 + b">>"),
    "in a circle": lambda: pdf_of(b"<</Type/Catalog/AcroForm 2 0 R>>", b"2 0 R"),
    "fields in a circle": lambda: pdf_of(
        b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>", b"<</T(a)/FT/Sig/Kids[2 0 R]>>"
    ),
    "a previous table that is itself": lambda: pdf_of(b"<</Type/Catalog>>").replace(
        b"/Root", b"/Prev %d/Root" % pdf_of(b"<</Type/Catalog>>").index(b"xref")
    ),
    "a place beyond": lambda: b"%PDF-1.7\nstartxref\n99999999999999999999\n%%EOF",
    "a place before": lambda: b"%PDF-1.7\nstartxref\n-1\n%%EOF",
    "a bomb": bomb,
    "a seal of nonsense": lambda: pdf_of(
        b"<</Type/Catalog/AcroForm<</Fields[2 0 R]/SigFlags 3>>>>", b"<</T(Seal)/FT/Sig/V 3 0 R>>",
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 -1 9 99999999999]/Contents<00>>>",
    ),
    "a great many": lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 600_000 + b"startxref\n9\n%%EOF",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_made_to_harm_its_reader_is_refused(kind: str, edition: Edition) -> None:
    answer = check(HOSTILE[kind]())
    assert answer.status == 200
    assert answer.outcome in {"damaged", "unsealed"}


def test_a_child_that_hangs_is_ended(sealed: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hanging = tmp_path / "hangs"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(inspection.sys, "executable", str(hanging))
    monkeypatch.setattr(inspection, "PATIENCE", 0.2)
    assert check(saved_anew(sealed)).outcome == "damaged"
    assert check(sealed).outcome == "genuine", "what is known needs no child"


def test_too_many_at_once_are_told_to_come_back(sealed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "WAIT", 0.01)
    for _ in range(inspection.AT_ONCE):
        assert inspection._places.acquire(blocking=False)
    try:
        answer = check(saved_anew(sealed))
    finally:
        for _ in range(inspection.AT_ONCE):
            inspection._places.release()
    assert (answer.status, answer.outcome) == (503, "")
    assert "Try again in a minute" in answer.text


# The form ----------------------------------------------------------------------------------------


def test_anyone_finds_the_form(edition: Edition) -> None:
    for page in ("/en/", edition.letter.get_absolute_url(), edition.get_absolute_url(), VERIFY):
        response = Client().get(page)
        assert response.status_code == 200
        assert f'href="{VERIFY}"' in response.text


def test_it_is_kept_by_no_cache_and_takes_no_other_method(edition: Edition) -> None:
    client = Client()
    response = client.get(VERIFY)
    assert response.headers["Cache-Control"] == "no-store"
    assert set(client.cookies) == {"csrftoken"}
    assert client.head(VERIFY).status_code == 200
    assert client.put(VERIFY).status_code == 405


def test_a_form_of_another_site_is_refused(sealed: bytes) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(VERIFY, {"sha256": "0" * 64}).status_code == 403
    token = re.search('csrfmiddlewaretoken" value="([^"]+)"', client.get(VERIFY).text)
    assert token
    copy = SimpleUploadedFile("letter.pdf", sealed)
    assert asked(client=client, copy=copy, csrfmiddlewaretoken=token[1]).outcome == "genuine"


def test_nothing_chosen_or_an_empty_file_is_said_at_the_field(edition: Edition) -> None:
    answer = asked()
    assert (answer.status, answer.outcome) == (422, "")
    assert "Choose the PDF file" in answer.text
    answer = check(b"")
    assert (answer.status, answer.outcome) == (422, "")
    assert "This file is empty." in answer.text


@pytest.mark.parametrize(
    "written",
    ["", " ", "abc", "0" * 63, "0" * 65, "g" * 64, "٣" * 64, "\0", "<b>", f"{'0' * 64} {'1' * 64}", "x" * 9999],
)
def test_what_is_no_checksum_is_said_at_the_field_and_kept(written: str) -> None:
    answer = asked(sha256=written)
    assert (answer.status, answer.outcome) == (422, "")
    assert "SHA-256" in answer.text.partition("Or by its checksum")[2]
    if written == "abc":
        assert 'value="abc"' in answer.html


def test_what_is_too_large_is_refused_unread(edition: Edition, tmp_path: Path) -> None:
    class Unread(BytesIO):
        def read(self, *args: Any) -> bytes:
            raise AssertionError("it was read")

    length = str(verification.LIMIT + 100_000)
    response = Client().generic("POST", VERIFY, content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=length,
                                **{"wsgi.input": Unread()})  # fmt: skip
    assert response.status_code == 413
    assert "larger than" in response.text
    assert check(bytes(verification.LIMIT + 1)).status == 413
    assert "larger than" in refused_in_terminal(bytes(verification.LIMIT + 1), tmp_path)


def test_a_body_that_is_no_form_is_a_bad_request() -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=\xff"):
        assert Client().post(VERIFY, b"nonsense", content_type=kind).status_code in (400, 422)


def test_nothing_of_a_copy_is_kept_or_logged(
    edition: Edition, sealed: bytes, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "temporary"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    before = sorted(settings.VAR_DIR.rglob("*"))
    caplog.set_level("INFO")
    for data in (sealed, saved_anew(sealed), sealed + bytes(3 * 1024 * 1024)):
        copy = SimpleUploadedFile("who-leaked-it.pdf", data)
        assert asked(copy=copy).status == 200
    assert sorted(settings.VAR_DIR.rglob("*")) == before
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
    assert "who-leaked-it" not in caplog.text


def test_names_of_files_do_no_harm(sealed: bytes) -> None:
    for name in ("../../etc/passwd", "<b>.pdf", "x" * 500, "ліст.pdf", "a\nb.pdf"):
        answer = asked(copy=SimpleUploadedFile(name, sealed))
        assert answer.outcome == "genuine"
        assert "<b>.pdf" not in answer.html


def test_the_command_says_what_it_can_not_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pdf", tmp_path):
        with pytest.raises(CommandError, match="can't be read"):
            in_terminal(path)
    assert "is empty" in refused_in_terminal(b"", tmp_path)


# Time stamps -------------------------------------------------------------------------------------


@pytest.fixture
def stamping(settings: Settings) -> Any:
    with authority() as ours:
        settings.TSA_URL = ours.url
        yield ours


def test_the_seal_is_stamped_where_an_authority_is_set(stamping: Authority, tmp_path: Path) -> None:
    edition = make_edition(sealed=True, for_real=True)
    assert edition.status == EditionStatus.SEALED
    data = editions.sealed_bytes(edition.files.get(language="en"))
    (found,) = inspection.read(data).seals
    assert found.stamped_by == NAME
    assert found.time_stamp
    assert abs(found.time_stamp - timezone.now()) < timedelta(minutes=5)
    answer = check(data)
    assert answer.outcome == "genuine"
    assert f"confirmed by a time stamp of {NAME}" in answer.text
    path = tmp_path / "letter.pdf"
    path.write_bytes(data)
    assert "Total document signed" in pdfsig(path)


def _down(ours: Authority) -> None:
    ours.status = 503


def _babbling(ours: Authority) -> None:
    ours.body = b"babble"


def _of_another_type(ours: Authority) -> None:
    ours.type = "text/html"


def _refusing(ours: Authority) -> None:
    ours.body = bytes.fromhex("30053003020102")


def _of_something_else(ours: Authority) -> None:
    ours.stamps_something_else = True


@pytest.mark.parametrize("misbehave", [_down, _babbling, _of_another_type, _refusing, _of_something_else])
def test_without_a_stamp_nothing_is_sealed_until_there_is_one(
    misbehave: Callable[[Authority], None],
    stamping: Authority,
    worker: Callable[[], None],
) -> None:
    misbehave(stamping)
    edition = make_edition()
    began = timezone.now()
    worker()
    edition.refresh_from_db()
    assert edition.status == EditionStatus.RENDERED
    assert not edition.files.exclude(sealed="").exists()
    assert edition.waits_for_stamp_since
    assert edition.waits_for_stamp_since >= began
    assert EditionFile.objects.unfinished(timezone.now()).count() == 0
    assert EditionFile.objects.unfinished(timezone.now() + editions.STAMP_AGAIN).count() == 3

    since = edition.waits_for_stamp_since
    EditionFile.objects.update(not_before=began)
    worker()
    edition = Edition.objects.get()
    assert edition.waits_for_stamp_since == since, "the wait began when it began"

    stamping.behave()
    EditionFile.objects.update(not_before=began)
    worker()
    edition = Edition.objects.get()
    assert edition.status == EditionStatus.SEALED
    assert edition.waits_for_stamp_since is None


def test_nobody_at_the_address_is_the_same(settings: Settings, worker: Callable[[], None]) -> None:
    settings.TSA_URL = "http://127.0.0.1:9/"
    edition = make_edition()
    worker()
    edition.refresh_from_db()
    assert edition.status == EditionStatus.RENDERED
    assert edition.waits_for_stamp_since


def test_the_desk_says_since_when_the_stamp_is_waited_for(settings: Settings, worker: Callable[[], None]) -> None:
    settings.TSA_URL = "http://127.0.0.1:9/"
    edition = make_edition()
    worker()
    EditionFile.objects.update(waits_since=datetime(2020, 8, 5, 12, tzinfo=UTC))
    client = Client()
    client.force_login(make_user())
    page = client.get(reverse("desk:letter", args=[edition.letter.slug])).text
    assert "The seal has been waiting for a time stamp since 5 August 2020" in " ".join(page.split())


def somebodys(path: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(own, own, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, NoEncryption()))
    return path
