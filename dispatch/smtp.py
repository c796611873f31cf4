"""One mail handed to a mail server, step by step, so that it is known how far it went when something breaks.

Without the final dot a server must not deliver (RFC 5321, 3.8 and 4.1.1.4): whatever breaks before it may be tried
again. After it only the server's answer tells, and where that is missing nobody can say whether the mail was taken.
`smtplib.sendmail` raises the same for both, so the conversation is led here.
"""

import contextlib
import select
import smtplib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dispatch.line import WatchedSMTP, nothing
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
    moment: float = 1  # seconds from one look at whether to go on to the next


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
    before_mail: Callable[[], None] = nothing,
    before_data: Callable[[], None] = nothing,
    on_the_way: Callable[[], None] = nothing,
    envelope_id: str = "",
    transcript: Transcript | None = None,
) -> Answer:
    """Hand `message` to `relay` for one recipient. Raises `NotTaken` or `Unanswered`.

    It comes in pieces of whole lines, so that megabytes which many mails share are neither copied nor read again.
    `before_mail` is called when nothing has been said of the mail yet, `before_data` when both addresses are taken and
    nothing of the mail is on the line, `before_dot` when nothing but the final dot is left to be written, `on_the_way`
    every moment until then, whatever is waited for. If any raises, the dot is not written and the mail not delivered.
    Where the relay offers notices of what becomes of the mail further on (RFC 3461), they are asked for, under
    `envelope_id`. `transcript` is filled in, however it ends.
    """
    if not (sender.isascii() and recipient.isascii()):
        raise ValueError("The addresses are not ASCII.")
    transcript = transcript or Transcript()
    with _connected(relay, transcript, on_the_way) as client:
        _greet(client, relay)
        with _at(Stage.EHLO):  # it may be gone again
            transcript.note_line(client.sock)
        transcript.connection["notices"] = client.has_extn("dsn")
        mail_options, rcpt_options = _options(client, recipient, envelope_id, size=sum(map(len, message)))
        before_mail()
        with _at(Stage.MAIL):
            _expect(Stage.MAIL, client.mail(sender, mail_options))
        with _at(Stage.RCPT):
            _expect(Stage.RCPT, client.rcpt(recipient, rcpt_options))
        before_data()
        _pour(client, message)
        early = _out_of_turn(client)
        before_dot()
        return _finish(client, relay.patience, early or _out_of_turn(client))


@contextlib.contextmanager
def _connected(
    relay: Relay, transcript: Transcript, on_the_way: Callable[[], None]
) -> Iterator[NotedSMTP | NotedSMTPOverTLS]:
    transcript.connection |= {"relay": f"{relay.host}:{relay.port}"}
    client = _client(relay, transcript)
    client.moment, client.on_the_way = relay.moment, on_the_way
    try:
        with _at(Stage.CONNECT):
            _expect(Stage.CONNECT, client.reach(relay.host, relay.port))
        yield client
    except NotTaken as refusal:
        if refusal.stage != Stage.BODY:  # within the body it would be a line of the mail
            _take_leave(client)
        raise
    else:
        _take_leave(client)
    finally:
        client.close()


def _client(relay: Relay, transcript: Transcript) -> NotedSMTP | NotedSMTPOverTLS:
    kind = NotedSMTPOverTLS if relay.tls else NotedSMTP
    return kind(transcript, local_hostname=relay.our_name, timeout=relay.timeout)


def _greet(client: NotedSMTP | NotedSMTPOverTLS, relay: Relay) -> None:
    """Up to here it is between the relay and us: whatever it refuses says nothing of the mail, and can be mended."""
    with _at(Stage.EHLO):
        _expect(Stage.EHLO, client.ehlo())
    if relay.starttls:
        with _at(Stage.STARTTLS):
            client.secure()
            _expect(Stage.STARTTLS, client.ehlo())
    if relay.user:
        with _at(Stage.AUTH), client.transcript.secretly():
            client.login(relay.user, relay.password)


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


def _pour(client: WatchedSMTP, message: Sequence[bytes]) -> None:
    with _at(Stage.DATA):
        _expect(Stage.DATA, client.docmd("DATA"), wanted=3)
    for piece in message:
        body = memoryview(_on_the_wire(piece))
        for start in range(0, len(body), CHUNK):
            with _at(Stage.BODY):
                client.send(body[start : start + CHUNK])


def _out_of_turn(client: WatchedSMTP) -> str:
    """What the server says of a mail that has not ended: nothing, or that it has taken it.

    Raises `NotTaken` where it refuses the mail half-way, or has hung up.
    """
    with _at(Stage.BODY):
        if not _has_spoken(client):
            return ""
        code, text = client.getreply()
        _expect(Stage.BODY, (code, text))
    return f"{code} {printable(text)}"


def _finish(client: WatchedSMTP, patience: float, early: str) -> Answer:
    """From here on nothing ends the conversation but its own end."""
    if early:  # whatever it says to the dot is no answer to it
        raise Unanswered(f"It answered before the end of the mail: {early}")
    client.timeout, client.on_the_way = patience, nothing
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
    except ValueError as trouble:  # a challenge in no base64; what it says may be about the password
        raise NotTaken(stage, type(trouble).__name__) from trouble


def _expect(stage: Stage, reply: tuple[int, bytes], wanted: int = 2) -> None:
    code, text = reply
    if code // 100 != wanted:
        raise NotTaken(stage, printable(text), code, is_permanent=refuses(stage, code))


def refuses(stage: str, code: int | None) -> bool:
    """Whether that answer is a refusal of the mail; what breaks off before it is named says nothing of it."""
    about_the_mail = stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)
    return about_the_mail and code is not None and code // 100 == 5 and code != AUTHENTICATION_REQUIRED


def _has_spoken(client: smtplib.SMTP) -> bool:
    assert client.sock
    poll = select.poll()
    poll.register(client.sock, select.POLLIN)
    return bool(poll.poll(0))


def _take_leave(client: smtplib.SMTP) -> None:
    """Say so, and don't wait for the answer: what counts has been said, and is to be written down at once."""
    if client.sock:
        with contextlib.suppress(OSError):
            client.putcmd("QUIT")


def _on_the_wire(piece: bytes) -> bytes:
    """Lines that end with CRLF, none of them a lone dot (RFC 5321, 4.5.2)."""
    if isinstance(piece, Encoded):
        return piece
    lines = b"\r\n".join([*piece.splitlines(), b""]).replace(b"\r\n.", b"\r\n..")
    return b"." + lines if lines.startswith(b".") else lines
