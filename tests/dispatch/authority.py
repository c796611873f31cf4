"""A time stamping authority on this machine (RFC 3161), which can be told to misbehave."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign.timestamps import DummyTimeStamper

NAME = "Time of the Tests"


class Authority:
    def __init__(self) -> None:
        self.url = ""
        self._stamper = _stamper()
        self.behave()

    def behave(self) -> None:
        self.status = 200
        self.type = "application/timestamp-reply"
        self.stamps_something_else = False
        self.body: bytes | None = None

    def answer(self, question: bytes) -> bytes:
        if self.body is not None:
            return self.body
        request = tsp.TimeStampReq.load(question)
        if self.stamps_something_else:
            request["message_imprint"]["hashed_message"] = bytes(32)
        answer: bytes = self._stamper.request_tsa_response(request).dump()
        return answer


@contextmanager
def authority() -> Iterator[Authority]:
    ours = Authority()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            body = ours.answer(question)
            self.send_response(ours.status)
            self.send_header("Content-Type", ours.type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        ours.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield ours
        finally:
            server.shutdown()


def _stamper() -> DummyTimeStamper:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)), keys.PrivateKeyInfo.load(private)
    )
