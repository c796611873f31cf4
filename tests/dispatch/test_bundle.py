"""The evidence of a delivery: what is in it, and that the script of the docs tells a true one from any other."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from campaign.embedded import BASE_DIR
from dispatch import encoded, seal
from dispatch.models import Channel, Delivery, EditionFile, Evidence
from dispatch.services import evidence
from dispatch.states import DeliveryStatus
from tests.dispatch.authority import Authority, authority
from tests.dispatch.catcher import DROP, Catcher, Say
from tests.dispatch.sending import deliver, let_time_pass, make_delivery
from tests.factories import make_user
from tests.tools import freshly_signed_in

pytestmark = pytest.mark.django_db
Files = dict[str, bytes]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True


@pytest.fixture
def catcher(settings: Settings) -> Iterator[Catcher]:
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT, settings.DELIVERY_PATIENCE = "127.0.0.1", 3, 3
    with Catcher() as catcher:
        settings.EMAIL_PORT = catcher.port
        yield catcher


def download(delivery: Delivery, role: str = Role.Name.SENDER) -> bytes:
    browser = Client()
    browser.force_login(make_user(role))
    answer = browser.get(f"/desk/deliveries/{delivery.pk}/bundle.zip")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"] == f'attachment; filename="delivery-{delivery.pk}.zip"'
    return answer.content


def unpacked(data: bytes) -> Files:
    with ZipFile(BytesIO(data)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def packed(files: Files) -> bytes:
    into = BytesIO()
    with ZipFile(into, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return into.getvalue()


def check(folder: Path, data: bytes, fingerprint: str = "") -> bool:
    """What the ten lines of docs/evidence.md say."""
    [script] = re.findall(r"^```python\n(.*?)^```", (BASE_DIR / "docs/evidence.md").read_text(), re.S | re.M)
    (folder / "check_bundle.py").write_text(script)
    (folder / "delivery.zip").write_bytes(data)
    command = [sys.executable, "check_bundle.py", "delivery.zip", fingerprint or seal.fingerprint()]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ended.stderr
    return ended.returncode == 0


# What is in it ------------------------------------------------------------------------------------


def test_a_mail_with_all_that_is_known_of_it(catcher: Catcher, tmp_path: Path) -> None:
    delivery = deliver(make_delivery())
    assert delivery.status == DeliveryStatus.ACCEPTED
    delivery.notices.create(key="1", kind="taken", attempt=1, status="2.0.0", server="mx.example.org")
    Delivery.objects.filter(pk=delivery.pk).update(
        status="registered", registered_on=timezone.now().date(), registered_as="№ 12/а"
    )
    data = download(delivery)
    files = unpacked(data)
    assert check(tmp_path, data)

    [mail] = [data for name, data in files.items() if name.endswith(".eml")]
    [caught] = catcher.caught
    assert mail == caught.content
    assert message_from_bytes(mail)["Message-ID"] == delivery.message_id

    told = json.loads(files["delivery.json"])
    assert told["status"] == "registered"
    assert told["registered"]["registered_as"] == "№ 12/а"
    assert [event["target"] for event in told["states"]] == ["queued", "claimed", "sending", "accepted"]
    assert told["edition"]["text_sha256"] == delivery.edition.version.sha256, "as the letter prints it"
    pdfs = {file["language"]: file["sha256"] for file in told["edition"]["pdfs"]}
    assert pdfs == dict(delivery.edition.files.values_list("language", "sha256"))

    [attempt] = delivery.conversations.all()
    facts = json.loads(files[f"attempts/1-{attempt.pk}.json"])
    assert facts["message_sha256"] == hashlib.sha256(mail).hexdigest()
    assert (facts["stage"], facts["code"]) == ("dot", 250)
    assert facts["connection"]["peer"] == f"127.0.0.1:{catcher.port}"
    assert files[f"attempts/1-{attempt.pk}.txt"].decode() == attempt.dialogue
    assert json.loads(files["notices.json"])[0]["server"] == "mx.example.org"


def test_the_manifest_lists_every_file(catcher: Catcher) -> None:
    files = unpacked(download(deliver(make_delivery())))
    listed = json.loads(files["manifest.json"])["files"]
    told = {entry["name"]: (entry["size"], entry["sha256"]) for entry in listed}
    there = {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
        if name not in ("manifest.json", "manifest.json.p7s")
    }
    assert told == there
    assert all(name.isascii() for name in files)


def test_the_same_rows_make_the_same_files(catcher: Catcher) -> None:
    delivery = deliver(make_delivery())
    first, second = unpacked(download(delivery)), unpacked(download(delivery))
    assert list(first) == list(second)
    assert {name for name in first if first[name] != second[name]} <= {"manifest.json.p7s"}
    with ZipFile(BytesIO(download(delivery))) as bundle:
        assert {entry.date_time for entry in bundle.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_a_person_carried_has_its_receipts(tmp_path: Path) -> None:
    delivery = make_delivery()
    facts = {"channel": Channel.POST, "status": "posted", "settled_at": timezone.now(), "tracking": "RR 1 BY"}
    Delivery.objects.filter(pk=delivery.pk).update(**facts)
    kept = evidence.keep(delivery, PNG, kind=Evidence.Kind.RECEIPT, content_type="image/png", by=None)
    data = download(delivery)
    files = unpacked(data)
    assert files[f"evidence/receipt-{kept.pk}.png"] == PNG
    assert json.loads(files["delivery.json"])["tracking"] == "RR 1 BY"
    assert not any(name.startswith("attempts/") or name.endswith(".eml") for name in files)
    assert check(tmp_path, data)


def test_the_page_of_the_delivery_leads_to_it_and_strangers_do_not_get_it() -> None:
    delivery = make_delivery()
    address = f"/desk/deliveries/{delivery.pk}/bundle.zip"
    browser = Client()
    assert browser.get(address).status_code == 302
    browser.force_login(make_user(Role.Name.REVIEWER))
    assert browser.get(address).status_code == 403
    browser.force_login(make_user(Role.Name.SENDER))
    assert address in browser.get(f"/desk/deliveries/{delivery.pk}/").content.decode()
    assert browser.get("/desk/deliveries/999999/bundle.zip").status_code == 404


# The mail is kept ---------------------------------------------------------------------------------


def mails(delivery: Delivery) -> list[Evidence]:
    return list(delivery.evidence.filter(kind=Evidence.Kind.MAIL))


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt"])
def test_a_mail_that_was_not_begun_is_not_kept(catcher: Catcher, stage: str) -> None:
    catcher.at(stage, Say("550 5.7.1 no"))
    assert mails(deliver(make_delivery())) == []


@pytest.mark.parametrize("stage", ["data", "body", "dot"])
def test_a_mail_that_was_on_the_line_is_kept_whatever_became_of_it(catcher: Catcher, stage: str) -> None:
    catcher.at(stage, DROP)
    delivery = deliver(make_delivery())
    [kept] = mails(delivery)
    assert kept.sha256 == delivery.conversations.get().message_sha256
    assert b"Message-ID" in evidence.contents(kept)
    with default_storage.open(kept.path) as stored:
        assert b"Message-ID" not in stored.read()


def test_the_same_bytes_are_kept_once(catcher: Catcher) -> None:
    catcher.at("dot", Say("451 4.3.0 later"))
    delivery = deliver(make_delivery())
    let_time_pass(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.QUEUED)
    delivery = deliver(Delivery.objects.get(pk=delivery.pk))
    assert (delivery.status, delivery.attempts, len(catcher.caught)) == (DeliveryStatus.ACCEPTED, 2, 2)
    assert len(mails(delivery)) == 1


def test_what_cant_be_kept_is_not_sent(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evidence, "_store", full)
    delivery = deliver(make_delivery())
    assert (delivery.status, delivery.stage, catcher.caught) == (DeliveryStatus.DEFERRED, "message", [])
    assert "No space left" in delivery.answer


def test_a_mail_is_kept_without_a_copy_of_the_pdfs_and_comes_out_whole(catcher: Catcher, settings: Settings) -> None:
    settings.CONTACT_KEYS = ["old"]
    delivery = deliver(make_delivery(size=200_000))
    settings.CONTACT_KEYS = ["new", "old"]
    evidence.encrypt_anew()
    settings.CONTACT_KEYS = ["new"]
    [kept] = mails(delivery)
    assert default_storage.size(kept.path) < 100_000 < kept.size
    assert evidence.contents(kept) == catcher.caught[0].content
    assert kept.size == len(catcher.caught[0].content)


def _lose(file: EditionFile) -> None:
    default_storage.delete(file.sealed)


def _alter(file: EditionFile) -> None:
    with default_storage.open(file.sealed, "r+b") as stored:
        stored.write(b"altered")


def _replace(file: EditionFile) -> None:
    EditionFile.objects.filter(pk=file.pk).update(sha256="0" * 64)


@pytest.mark.parametrize("spoil", [_lose, _alter, _replace])
def test_what_is_not_as_it_was_kept_is_not_handed_out(catcher: Catcher, spoil: Callable[[EditionFile], None]) -> None:
    delivery = deliver(make_delivery())
    [kept] = mails(delivery)
    spoil(delivery.edition.files.get(language=delivery.language))
    encoded._encoded.cache_clear()  # as in a process that has not sent it
    browser = freshly_signed_in(make_user(Role.Name.SENDER))
    for address in (f"/desk/evidence/{kept.pk}/", f"/desk/deliveries/{delivery.pk}/bundle.zip"):
        answer = browser.get(address, follow=True)
        assert answer.redirect_chain == [(f"/desk/deliveries/{delivery.pk}/", 302)]
        assert "is not as it was kept" in answer.content.decode()


# Telling a true one from any other ----------------------------------------------------------------


def _change(files: Files) -> Files:
    return files | {"delivery.json": files["delivery.json"].replace(b"accepted", b"accepteD")}


def _leave_out(files: Files) -> Files:
    return {name: data for name, data in files.items() if not name.startswith("attempts/")}


def _add(files: Files) -> Files:
    return files | {"evidence/receipt.png": PNG}


def _add_beside_the_manifest(files: Files) -> Files:
    return files | {"manifest.json.txt": b"Read this first."}


def _change_with_the_manifest(files: Files) -> Files:
    changed = _change(files)
    manifest = json.loads(files["manifest.json"])
    for entry in manifest["files"]:
        entry["sha256"] = hashlib.sha256(changed[entry["name"]]).hexdigest()
    return changed | {"manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize("tamper", [_change, _leave_out, _add, _add_beside_the_manifest, _change_with_the_manifest])
def test_a_tampered_one_is_refused(catcher: Catcher, tmp_path: Path, tamper: Callable[[Files], Files]) -> None:
    files = unpacked(download(deliver(make_delivery())))
    assert check(tmp_path, packed(files))
    assert not check(tmp_path, packed(tamper(files)))


def test_the_fingerprint_is_taken_as_it_is_printed_and_as_openssl_writes_it(catcher: Catcher, tmp_path: Path) -> None:
    data, ours = download(deliver(make_delivery())), seal.fingerprint()
    for written in (" ".join(re.findall("." * 8, ours)), ":".join(re.findall("..", ours.upper()))):
        assert check(tmp_path, data, written)


def test_one_that_somebody_else_sealed_is_refused(catcher: Catcher, tmp_path: Path, settings: Settings) -> None:
    delivery = deliver(make_delivery())
    ours = seal.fingerprint()
    settings.SEAL_P12, settings.SEAL_P12_PASSWORD = str(_own_certificate(tmp_path)), "open"
    data = download(delivery)
    assert check(tmp_path, data)
    assert not check(tmp_path, data, ours)


def _own_certificate(folder: Path) -> Path:
    """Of RSA, with a password, as an operator's is."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    name, now = Name([NameAttribute(NameOID.COMMON_NAME, "Coalition")]), timezone.now()
    builder = CertificateBuilder(name, name, key.public_key(), random_serial_number(), now, now)
    path = folder / "own.p12"
    sealed = BestAvailableEncryption(b"open")
    certificate = builder.sign(key, seal.hashes.SHA256())
    path.write_bytes(serialize_key_and_certificates(b"own", key, certificate, None, sealed))
    return path


# Its time stamp -----------------------------------------------------------------------------------


@pytest.fixture
def stamping(settings: Settings) -> Any:
    with authority() as ours:
        settings.TSA_URL = ours.url
        yield ours


def test_where_an_authority_is_set_the_manifest_is_stamped(stamping: Authority, tmp_path: Path) -> None:
    data = download(make_delivery())
    files = unpacked(data)
    answer = tsp.TimeStampResp.load(files["manifest.json.tsr"])
    stamp = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert stamp["message_imprint"]["hashed_message"].native == hashlib.sha256(files["manifest.json"]).digest()
    assert check(tmp_path, data)


def _is_down(ours: Authority) -> None:
    ours.status = 503


def _stamps_something_else(ours: Authority) -> None:
    ours.stamps_something_else = True


def _talks_nonsense(ours: Authority) -> None:
    ours.body = b"<html>"


@pytest.mark.parametrize("misbehave", [_is_down, _stamps_something_else, _talks_nonsense])
def test_without_the_stamp_there_is_none(stamping: Authority, misbehave: Callable[[Authority], None]) -> None:
    delivery = make_delivery()
    misbehave(stamping)
    browser = Client()
    browser.force_login(make_user(Role.Name.SENDER))
    answer = browser.get(f"/desk/deliveries/{delivery.pk}/bundle.zip", follow=True)
    assert answer.redirect_chain == [(f"/desk/deliveries/{delivery.pk}/", 302)]
    assert "the time stamping authority gives no stamp" in answer.content.decode()


def test_without_a_certificate_an_operator_has_to_look(settings: Settings, tmp_path: Path) -> None:
    delivery = make_delivery()
    settings.SEAL_P12 = str(tmp_path / "gone.p12")
    browser = Client()
    browser.force_login(make_user(Role.Name.SENDER))
    answer = browser.get(f"/desk/deliveries/{delivery.pk}/bundle.zip", follow=True)
    assert "An operator has to look" in answer.content.decode()
