"""The seal: what a reader's software says of it, and where its certificate comes from."""

import asyncio
import multiprocessing
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from django.core.files.storage import default_storage
from pytest_django import Settings

from dispatch import pdf, seal
from dispatch.services import dispatches, editions
from dispatch.states import EditionStatus
from ledger.models import Event
from tests.factories import make_edition, make_letter, make_user, stand_ins
from tests.tools import pdfsig

VALID = "Signature is Valid"
WHOLE = "Total document signed"


@pytest.fixture
def document(tmp_path: Path) -> bytes:
    """A tagged PDF of one page."""
    return pdf.press().print('<html lang="en"><title>A letter</title><h1>A letter</h1><p>Its text.</p>', {}).data


@pytest.fixture
def look(tmp_path: Path) -> Callable[[bytes], str]:
    """What `pdfsig` says of a PDF."""

    def said(data: bytes) -> str:
        path = tmp_path / "looked-at.pdf"
        path.write_bytes(data)
        return pdfsig(path)

    return said


@pytest.mark.django_db
def test_an_edition_is_sealed_as_a_whole_in_every_language(look: Callable[[bytes], str]) -> None:
    edition = make_edition(sealed=True, for_real=True)
    assert edition.status == EditionStatus.SEALED
    for file in edition.files.all():
        data = editions.sealed_bytes(file)
        said = look(data)
        assert VALID in said
        assert WHOLE in said
        assert seal.DEMONSTRATION in said
        with pikepdf.open(BytesIO(data)) as opened:
            assert opened.Root.StructTreeRoot.K
            assert str(opened.Root.Lang) == file.language
            assert opened.Root.AcroForm.Fields[0].V.SubFilter == "/ETSI.CAdES.detached"
            assert str(opened.Root.AcroForm.Fields[0].V.Reason) == f"Seal of {edition.reference}"


@pytest.mark.django_db
def test_one_that_is_sealed_after_the_next_one_is_superseded_at_once() -> None:
    """As when it waited for a time stamp, or could not be typeset at first."""
    letter = make_letter()
    waiting, latest = make_edition(letter), make_edition(letter, sealed=True)
    with stand_ins():
        for step in (editions.render_file, editions.seal_file):
            for file in waiting.files.select_related("edition__letter"):
                step(file)
    steps = [event.target for event in Event.objects.about(waiting)]
    assert steps == ["cut", "rendered", "sealed", "superseded"]
    latest.refresh_from_db()
    assert latest.status == EditionStatus.SEALED
    waiting.refresh_from_db()
    with pytest.raises(dispatches.NotSealed):
        dispatches.prepare(waiting, by=make_user())


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["rendered", "sealed"])
def test_of_two_workers_with_one_file_the_first_ones_is_kept_alone(step: str) -> None:
    """As when the sweep rings for what is in hand: two seals of the same bytes differ."""
    edition = make_edition()
    verb, module, name = {
        "rendered": (editions.render_file, pdf, "render"),
        "sealed": (editions.seal_file, seal, "seal"),
    }[step]
    with stand_ins(), pytest.MonkeyPatch.context() as patched:
        if step == "sealed":
            for file in edition.files.select_related("edition__letter"):
                editions.render_file(file)
        work, is_first = getattr(module, name), True

        def and_again(*given: object, **named: object) -> object:
            nonlocal is_first
            done = work(*given, **named)
            if is_first:
                is_first = False
                verb(edition.files.select_related("edition__letter").get(language="ru"))
            return done

        patched.setattr(module, name, and_again)
        verb(edition.files.select_related("edition__letter").get(language="ru"))
    kept = getattr(edition.files.get(language="ru"), step)
    folder = kept.rpartition("/")[0]
    assert default_storage.listdir(folder)[1].count(kept.rpartition("/")[2]) == 1
    assert [name for name in default_storage.listdir(folder)[1] if name.startswith("letter-ru")] == ["letter-ru.pdf"]


@pytest.mark.django_db
def test_a_stored_file_that_is_not_what_was_sealed_is_not_handed_out() -> None:
    file = make_edition(sealed=True, for_real=True).files.get(language="en")
    with default_storage.open(file.sealed, "ab") as stored:
        stored.write(b"%")
    with pytest.raises(seal.Broken):
        editions.sealed_bytes(file)


def test_a_changed_byte_is_noticed(document: bytes, look: Callable[[bytes], str]) -> None:
    sealed = seal.seal(document, reference="TEST/1").pdf
    assert VALID in look(sealed)
    for place in (sealed.index(b"stream") + 20, len(sealed) - 40):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert VALID not in look(bytes(changed))


def test_what_is_added_later_is_not_covered(document: bytes, look: Callable[[bytes], str]) -> None:
    sealed = seal.seal(document, reference="TEST/1").pdf
    assert WHOLE not in look(sealed + b"\n% more\n")


def test_the_field_shows_nothing(document: bytes) -> None:
    with pikepdf.open(BytesIO(seal.seal(document, reference="TEST/1").pdf)) as opened:
        field = opened.Root.AcroForm.Fields[0]
        assert [int(side) for side in field.Rect] == [0, 0, 0, 0]
        assert int(field.F) & 2, "only a hidden field may go untagged"


def test_it_can_be_put_on_where_an_event_loop_runs(document: bytes, look: Callable[[bytes], str]) -> None:
    async def called() -> bytes:
        return seal.seal(document, reference="TEST/1").pdf

    assert VALID in look(asyncio.run(called()))


# The certificate ---------------------------------------------------------------------------------


def test_the_demonstration_certificate_is_made_once_and_is_its_owners_alone(settings: Settings) -> None:
    first = seal.fingerprint()
    assert first == seal.fingerprint()
    assert len(first) == 64
    directory = settings.VAR_DIR / "seal"
    (path,) = directory.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_processes_that_start_together_agree_on_one(settings: Settings) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        seen = pool.map(_fingerprint, range(12), chunksize=1)
    assert len(set(seen)) == 1
    assert [path.name for path in (settings.VAR_DIR / "seal").iterdir()] == ["demonstration.p12"]


def test_the_operators_own_certificate_is_used(
    document: bytes, look: Callable[[bytes], str], settings: Settings, tmp_path: Path
) -> None:
    certificate = _own(tmp_path / "own.p12", b"secret")
    settings.SEAL_P12, settings.SEAL_P12_PASSWORD = str(tmp_path / "own.p12"), "secret"
    said = look(seal.seal(document, reference="TEST/1").pdf)
    assert "Seal of the Coalition" in said
    assert VALID in said
    assert seal.fingerprint() == certificate.fingerprint(hashes.SHA256()).hex()
    assert not (settings.VAR_DIR / "seal").exists()


def test_a_certificate_that_cannot_be_used_is_refused(document: bytes, settings: Settings, tmp_path: Path) -> None:
    _own(tmp_path / "own.p12", b"secret")
    (tmp_path / "torn.p12").write_bytes(b"no certificate")
    for name, password in (("own.p12", "wrong"), ("own.p12", ""), ("torn.p12", ""), ("none.p12", "")):
        settings.SEAL_P12, settings.SEAL_P12_PASSWORD = str(tmp_path / name), password
        with pytest.raises(seal.NoCertificate, match="SEAL_P12"):
            seal.seal(document, reference="TEST/1")
        with pytest.raises(seal.NoCertificate, match="SEAL_P12"):
            seal.fingerprint()


def _fingerprint(_: int) -> str:
    return seal.fingerprint()


def _own(path: Path, password: bytes) -> x509.Certificate:
    """An operator's certificate of the usual kind, RSA, in a file with a password."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Seal of the Coalition")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encryption = BestAvailableEncryption(password)
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, encryption))
    return certificate
