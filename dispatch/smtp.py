"""One mail handed to a mail server, step by step, so that it is known how far it went when something breaks.

Without the final dot a server must not deliver (RFC 5321, 3.8 and 4.1.1.4): whatever breaks before it may be tried
again. After it only the server's answer tells, and where that is missing nobody can say whether the mail was taken.
`smtplib.sendmail` raises the same for both, so the conversation is led here.
"""

import contextlib
import select
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dispatch.transcript import NotedSMTP, NotedSMTPOverTLS, Transcript, printable

CHUNK = 64 * 1024  # the timeout is for this much, so that a large mail may take its time
AUTHENTICATION_REQUIRED = 530


class Stage(StrEnum):
    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


@dataclass(frozen=True)
class Relay:
    """The mail server that takes our mails, and how to speak to it."""

    host: str
    port: int
    our_name: str
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    tls: bool = False
    timeout: float = 20  # seconds for each step
    patience: float = 150  # seconds for the last answer, which a server may give only after scanning the mail


@dataclass(frozen=True)
class Answer:
    """What the server said to the whole mail: it has taken it, and sees to the rest."""

    code: int
    text: str


class NotTaken(Exception):
    """Certain: the server has not taken the mail. `code` is None where it said nothing that makes sense."""

    def __init__(self, stage: Stage, text: str, code: int | None = None, *, is_permanent: bool = False) -> None:
        super().__init__(f"{stage}: {code or ''} {text}")
        self.stage = stage
        self.text = text
        self.code = code if code in range(200, 600) else None
        self.is_permanent = is_permanent


class Unanswered(Exception):
    """The final dot was, or may have been, written, and no answer came."""


class Encoded(bytes):
    """Base64 in lines that end with CRLF: it goes over the line as it is, for no dot is in it."""


def hand_over(
    message: Sequence[bytes],
    *,
    sender: str,
    recipient: str,
    relay: Relay,
    before_dot: Callable[[], None],
    before_data: Callable[[], None] = lambda: None,
    on_the_way: Callable[[], None] = lambda: None,
    envelope_id: str = "",
    transcript: Transcript | None = None,
) -> Answer:
    """Hand `message` to `relay` for one recipient. Raises `NotTaken` or `Unanswered`.

    It comes in pieces of whole lines, so that megabytes which many mails share are neither copied nor read again.
    `on_the_way` is called between the steps, `before_data` when both addresses are taken and nothing of the mail is on
    the line, `before_dot` when nothing but the final dot is left to be written. If any raises, the dot is not written
    and the mail not delivered. Where the relay offers notices of what becomes of the mail further on (RFC 3461), they
    are asked for, under `envelope_id`. `transcript` is filled in, however it ends.
    """
    if not (sender.isascii() and recipient.isascii()):
        raise ValueError("The addresses are not ASCII.")
    transcript = transcript or Transcript()
    with _connected(relay, transcript) as client:
        _greet(client, relay, on_the_way)
        transcript.note_line(client.sock)
        transcript.connection["notices"] = client.has_extn("dsn")
        mail_options, rcpt_options = _options(client, recipient, envelope_id, size=sum(map(len, message)))
        with _at(Stage.MAIL):
            _expect(Stage.MAIL, client.mail(sender, mail_options))
        with _at(Stage.RCPT):
            _expect(Stage.RCPT, client.rcpt(recipient, rcpt_options))
        before_data()
        on_the_way()
        _pour(client, message, on_the_way)
        before_dot()
        return _finish(client, relay.patience)


@contextlib.contextmanager
def _connected(relay: Relay, transcript: Transcript) -> Iterator[NotedSMTP | NotedSMTPOverTLS]:
    transcript.connection |= {"relay": f"{relay.host}:{relay.port}"}
    with _at(Stage.CONNECT):
        client = _connect(relay, transcript)
        # The final dot, a write of its own, does not wait until the other side has acknowledged the one before.
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield client
    except NotTaken as refusal:
        if refusal.stage != Stage.BODY:  # within the body it would be a line of the mail
            _take_leave(client)
        raise
    else:
        _take_leave(client)
    finally:
        client.close()


def _connect(relay: Relay, transcript: Transcript) -> NotedSMTP | NotedSMTPOverTLS:
    where, name, timeout = (relay.host, relay.port), relay.our_name, relay.timeout
    if relay.tls:
        return NotedSMTPOverTLS(transcript, *where, name, timeout=timeout, context=ssl.create_default_context())
    return NotedSMTP(transcript, *where, name, timeout=timeout)


def _greet(client: NotedSMTP | NotedSMTPOverTLS, relay: Relay, on_the_way: Callable[[], None]) -> None:
    """Up to here it is between the relay and us: whatever it refuses says nothing of the mail, and can be mended."""
    on_the_way()
    with _at(Stage.EHLO):
        _expect(Stage.EHLO, client.ehlo())
    on_the_way()
    if relay.starttls:
        with _at(Stage.STARTTLS):
            client.starttls(context=ssl.create_default_context())
            _expect(Stage.STARTTLS, client.ehlo())
        on_the_way()
    if relay.user:
        with _at(Stage.AUTH), client.transcript.secretly():
            client.login(relay.user, relay.password)
        on_the_way()


def _options(client: smtplib.SMTP, recipient: str, envelope_id: str, size: int) -> tuple[list[str], list[str]]:
    """What is said beside the two addresses, as far as the relay understands it."""
    of_mail = [f"SIZE={size}"] if client.has_extn("size") else []
    if not (envelope_id and client.has_extn("dsn")):
        return of_mail, []
    of_mail += ["RET=HDRS", f"ENVID={_xtext(envelope_id)}"]
    return of_mail, ["NOTIFY=SUCCESS,FAILURE,DELAY", f"ORCPT=rfc822;{_xtext(recipient)}"]


def _xtext(text: str) -> str:
    """RFC 3461, 4."""
    return "".join(sign if "!" <= sign <= "~" and sign not in "+=" else f"+{ord(sign):02X}" for sign in text)


def _pour(client: smtplib.SMTP, message: Sequence[bytes], on_the_way: Callable[[], None]) -> None:
    with _at(Stage.DATA):
        _expect(Stage.DATA, client.docmd("DATA"), wanted=3)
    for piece in message:
        body = memoryview(_on_the_wire(piece))
        for start in range(0, len(body), CHUNK):
            on_the_way()
            with _at(Stage.BODY):
                client.send(body[start : start + CHUNK])
    with _at(Stage.BODY):
        if _has_spoken(client):  # out of turn: it refuses the mail half-way, or has hung up
            _expect(Stage.BODY, client.getreply())


def _finish(client: smtplib.SMTP, patience: float) -> Answer:
    assert client.sock
    client.sock.settimeout(patience)
    try:
        client.send(b".\r\n")
        code, text = client.getreply()
    except OSError as trouble:  # every SMTPException is one
        raise Unanswered(printable(str(trouble))) from trouble
    if code // 100 not in (2, 4, 5):
        raise Unanswered(f"The answer makes no sense: {code} {printable(text)}")
    _expect(Stage.DOT, (code, text))
    return Answer(code, printable(text))


@contextlib.contextmanager
def _at(stage: Stage) -> Iterator[None]:
    """Say at which stage something broke. A refusal that smtplib raises by itself is never about the mail."""
    try:
        yield
    except NotTaken:
        raise
    except smtplib.SMTPResponseException as refusal:
        raise NotTaken(stage, printable(refusal.smtp_error), refusal.smtp_code) from refusal
    except OSError as trouble:
        raise NotTaken(stage, printable(str(trouble) or type(trouble).__name__)) from trouble


def _expect(stage: Stage, reply: tuple[int, bytes], wanted: int = 2) -> None:
    code, text = reply
    if code // 100 != wanted:
        about_the_mail = stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)
        is_permanent = about_the_mail and code // 100 == 5 and code != AUTHENTICATION_REQUIRED
        raise NotTaken(stage, printable(text), code, is_permanent=is_permanent)


def _has_spoken(client: smtplib.SMTP) -> bool:
    assert client.sock
    poll = select.poll()
    poll.register(client.sock, select.POLLIN)
    return bool(poll.poll(0))


def _take_leave(client: smtplib.SMTP) -> None:
    """Say so, and don't wait for the answer: what counts has been said, and is to be written down at once."""
    with contextlib.suppress(OSError):
        client.putcmd("QUIT")


def _on_the_wire(piece: bytes) -> bytes:
    """Lines that end with CRLF, none of them a lone dot (RFC 5321, 4.5.2)."""
    if isinstance(piece, Encoded):
        return piece
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in piece.splitlines())
