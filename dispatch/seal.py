"""The seal on a PDF: a PAdES signature over all of its bytes, by which a changed copy is told from a true one.

The certificate is the operator's (`SEAL_P12`). Without one, a demonstration certificate is made on first use, which
says of itself that nobody is to trust it. With `TSA_URL`, the seal holds a time stamp (B-T, else B-B).
"""

import asyncio
import hashlib
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12KeyAndCertificates,
    load_pkcs12,
    serialize_key_and_certificates,
)
from cryptography.x509.oid import NameOID
from django.conf import settings

from dispatch import inspection

DEMONSTRATION = "Undersigned demonstration seal - not trusted"
FIELD = "Seal"
LIFETIME = timedelta(days=3650)
TSA_TIMEOUT = 10  # seconds for each of the two requests that a seal takes


class Broken(Exception):
    """What is stored is not what was sealed."""


class NoCertificate(Exception):
    """`SEAL_P12` names no certificate with its key that `SEAL_P12_PASSWORD` opens."""


class NoTimeStamp(Exception):
    """The authority at `TSA_URL` gave no time stamp for this seal."""


class Sealed(NamedTuple):
    """A PDF with its seal, the certificate of the seal (SHA-256 in hexadecimal), and what its time stamp says."""

    pdf: bytes
    certificate: str
    stamped_at: datetime | None = None


def seal(pdf: bytes, *, reference: str) -> Sealed:
    """`pdf` with our seal on it. Two seals of the same bytes differ: seal once and keep the file.

    Raises `NoCertificate` and, where a time stamp is due, `NoTimeStamp`; never seals without one then.
    """
    store, password = _store()
    _opened(store, password)
    with ThreadPoolExecutor(1) as own_thread:  # pyHanko starts an event loop, which fails where one runs already
        return own_thread.submit(_checked, pdf, reference, store, password).result()


def sign(data: bytes) -> bytes:
    """A detached CMS signature of `data` by the certificate that seals, in DER. Raises `NoCertificate`."""
    opened = _opened(*_store())
    assert opened.cert is not None
    assert isinstance(opened.key, RSAPrivateKey | EllipticCurvePrivateKey)
    builder = PKCS7SignatureBuilder().set_data(data)
    builder = builder.add_signer(opened.cert.certificate, opened.key, hashes.SHA256())
    for above in opened.additional_certs:
        builder = builder.add_certificate(above.certificate)
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])


def stamp(data: bytes) -> bytes:
    """What the authority answers when asked for the time (RFC 3161), for its SHA-256. Raises `NoTimeStamp`."""
    digest = hashlib.sha256(data).digest()
    with ThreadPoolExecutor(1) as own_thread:
        return own_thread.submit(_stamped, digest).result()


def certificate() -> bytes:
    """The one that seals, as PEM. Raises `NoCertificate`."""
    opened = _opened(*_store()).cert
    assert opened is not None
    return opened.certificate.public_bytes(Encoding.PEM)


def fingerprint() -> str:
    """SHA-256 of the certificate that seals, in hexadecimal. Raises `NoCertificate`."""
    certificate = _opened(*_store()).cert
    assert certificate is not None
    return certificate.certificate.fingerprint(hashes.SHA256()).hex()


def _checked(pdf: bytes, reference: str, store: bytes, password: bytes | None) -> Sealed:
    """Sealed, and looked at as a reader will: what we would refuse ourselves is not handed on."""
    sealed = _sealed(pdf, reference, store, password)
    (found,) = inspection.read(sealed).seals
    if not (found.is_intact and found.is_total):
        raise Broken(f"The seal of {reference} does not hold.")
    if settings.TSA_URL and not found.stamped_at:
        raise NoTimeStamp("What the time stamping authority answered is no stamp of this seal.")
    return Sealed(sealed, found.certificate, found.time_stamp)


def _sealed(pdf: bytes, reference: str, store: bytes, password: bytes | None) -> bytes:
    # Loaded here, because it takes its time and only the workers seal.
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    signer = signers.SimpleSigner.load_pkcs12_data(store, other_certs=[], passphrase=password)
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=f"Seal of {reference}",
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    # PDF/UA takes a field that is not tagged only where it is hidden.
    hidden = fields.InvisSigSettings(set_print_flag=False, set_hidden_flag=True)
    field = fields.SigFieldSpec(FIELD, invis_sig_settings=hidden, readable_field_name=FIELD)
    sealed: Any = signers.sign_pdf(
        IncrementalPdfFileWriter(BytesIO(pdf)), metadata, signer=signer, new_field_spec=field, timestamper=_stamper()
    )
    data: bytes = sealed.getvalue()
    return data


def _stamper() -> Any:
    """Who stamps the time, or None where nobody is set."""
    if not settings.TSA_URL:
        return None
    from pyhanko.sign.timestamps import HTTPTimeStamper

    class Stamper(HTTPTimeStamper):
        """pyHanko's, but whatever goes wrong at the other end is one exception: it reads answers without looking."""

        async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
            try:
                return await super().async_timestamp(message_digest, md_algorithm)
            except (OSError, ValueError, TypeError, LookupError, AttributeError) as failure:
                raise NoTimeStamp(f"{failure}") from failure

    return Stamper(settings.TSA_URL, timeout=TSA_TIMEOUT)


def _stamped(digest: bytes) -> bytes:
    """The stamp, looked at before it is handed on: whole, and of this digest."""
    from asn1crypto import tsp
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko_certvalidator import ValidationContext

    token: Any = asyncio.run(_stamper().async_timestamp(digest, "sha256"))
    nobody = ValidationContext(trust_roots=[])
    try:
        found = asyncio.run(validate_tst_signed_data(token["content"], nobody, {"sha256": digest}.__getitem__))
    except (SignatureValidationError, ValueError, LookupError) as failure:
        raise NoTimeStamp(f"{failure}") from failure
    if not (found["intact"] and found["valid"]):
        raise NoTimeStamp("What the time stamping authority answered is no stamp of this.")
    answer: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
    return answer


def _store() -> tuple[bytes, bytes | None]:
    """The PKCS #12 file with certificate and key, and its password."""
    if not settings.SEAL_P12:
        return _demonstration().read_bytes(), None
    try:
        return Path(settings.SEAL_P12).read_bytes(), settings.SEAL_P12_PASSWORD.encode() or None
    except OSError as failure:
        raise NoCertificate(f"SEAL_P12 can't be read: {failure}") from failure


def _opened(store: bytes, password: bytes | None) -> PKCS12KeyAndCertificates:
    try:
        opened = load_pkcs12(store, password)
    except ValueError as failure:
        raise NoCertificate(f"SEAL_P12 can't be opened with SEAL_P12_PASSWORD: {failure}") from failure
    if opened.key is None or opened.cert is None:
        raise NoCertificate("SEAL_P12 lacks the certificate or its key.")
    return opened


def _demonstration() -> Path:
    """The demonstration certificate, made on first use. Of several processes that make one, the first keeps its own."""
    path: Path = settings.VAR_DIR / "seal/demonstration.p12"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{secrets.token_hex(8)}.draft")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_self_signed())
            os.link(draft, path)  # whole or not at all, and never over another's
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    return path


def _self_signed() -> bytes:
    key = generate_private_key(SECP256R1())
    return serialize_key_and_certificates(DEMONSTRATION.encode(), key, _certificate(key), None, NoEncryption())


def _certificate(key: EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEMONSTRATION)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # for the clocks of readers
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
