"""A mail server that keeps what it is given, and misbehaves where it is told to."""

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Self

STAGES = ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot")
PATIENCE = 30


@dataclass(frozen=True)
class Caught:
    """A complete mail: its final dot has arrived, whatever was answered."""

    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True)
class Say:
    """This line in place of the usual answer."""

    line: str


HANG = "hang"
DROP = "drop"
DELAY = "delay"
SHORT = 0.1  # seconds of a delay


class Dropped(Exception):
    """The catcher hangs up."""


class Catcher:
    """Listens on 127.0.0.1. `at(stage, do)` tells what to do there, once or `times` times."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.is_tls_from_the_start = False
        self.sign_in = "PLAIN"  # the ways it offers
        self.caught: list[Caught] = []
        self.refused: list[str] = []  # of the mails caught, to whom those were that it said it had not taken
        self.greeted: list[str] = []  # who said EHLO
        self.heard: list[str] = []  # the stages that were reached, by whichever line
        self.hanging = threading.Semaphore(0)  # released by each line that hangs
        self._go_on = threading.Event()
        self._script: dict[str, list[str | Say]] = defaultdict(list)
        self._lines: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)  # so that who sends notices a halt
        self.port: int = self._server.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def at(self, stage: str, do: str | Say, times: int = 1) -> None:
        assert stage in STAGES
        self._go_on.clear()
        self._script[stage] += [do] * times

    def go_on(self) -> None:
        """End every hanging: each line reads to its end what had been sent to it. No line is open afterwards."""
        self._go_on.set()
        for line in self._lines:
            line.join(PATIENCE)
            assert not line.is_alive()
        self._lines.clear()
        self._go_on.clear()

    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.caught]

    def kept(self) -> Counter[str]:
        """How many mails each recipient may have got: all but those of which it said that it had not taken them."""
        return Counter(self.recipients()) - Counter(self.refused)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                line = threading.Thread(target=self._converse, args=(connection,), daemon=True)
                self._lines.append(line)
                line.start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, Dropped):
            connection.settimeout(PATIENCE)
            if self.tls and self.is_tls_from_the_start:
                connection = self.tls.wrap_socket(connection, server_side=True)
            _Line(self, connection).converse()
        connection.close()

    def _do(self, stage: str) -> Say | None:
        """What the script has for this stage; whoever is told to hang goes on as usual afterwards."""
        self.heard.append(stage)
        script = self._script[stage]
        do = script.pop(0) if script else None
        if do == DROP:
            raise Dropped
        if do == DELAY:
            time.sleep(SHORT)
        if do == HANG:
            self.hanging.release()
            self._go_on.wait(PATIENCE)
        return do if isinstance(do, Say) else None


class _Line:
    """One connection."""

    def __init__(self, catcher: Catcher, connection: socket.socket) -> None:
        self.catcher = catcher
        self.connection = connection
        self.file: Any = connection.makefile("rb")
        self.sender = self.recipient = ""

    def converse(self) -> None:
        try:
            self._answer("connect", "220 catcher")
            while line := self.file.readline():
                self._command(line.decode().strip())
        finally:
            self.file.close()
            self.connection.close()

    def _command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        {
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "QUIT": lambda _: self._say("221 bye"),
        }[verb.upper()](rest)

    def _ehlo(self, name: str) -> None:
        self.catcher.greeted.append(name)
        offers_tls = self.catcher.tls and not isinstance(self.connection, ssl.SSLSocket)
        features = "250-STARTTLS\r\n" if offers_tls else f"250-AUTH {self.catcher.sign_in}\r\n"
        self._answer("ehlo", f"250-catcher\r\n{features}250-DSN\r\n250 SIZE 50000000")

    def _starttls(self, _: str) -> None:
        assert self.catcher.tls
        self._say("220 2.0.0 ready")
        self.connection = self.catcher.tls.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rb")

    def _auth(self, credentials: str) -> None:
        if self.catcher.sign_in == "LOGIN":
            self._say("334 UGFzc3dvcmQ6")
            credentials = f"{credentials} {self.file.readline().decode().strip()}"
            self._say("235 2.7.0 welcome" if credentials == "LOGIN dXNlcg== cGFzcw==" else "535 5.7.8 who are you?")
        elif self.catcher.sign_in == "CRAM-MD5":
            self._say("334 A")  # no base64
        else:
            self._say("235 2.7.0 welcome" if credentials == "PLAIN AHVzZXIAcGFzcw==" else "535 5.7.8 who are you?")

    def _mail(self, argument: str) -> None:
        self.sender = _address(argument)
        self._answer("mail", "250 2.1.0 sender ok")

    def _rcpt(self, argument: str) -> None:
        self.recipient = _address(argument)
        self._answer("rcpt", "250 2.1.5 recipient ok")

    def _data(self, _: str) -> None:
        if self._answer("data", "354 go on"):
            self._body()

    def _body(self) -> None:
        lines = [self.file.readline()]
        if do := self.catcher._do("body"):
            self._say(do.line)
            while self.file.readline() not in (b"", b".\r\n"):
                pass
            raise Dropped
        while lines[-1] != b".\r\n":
            lines.append(self.file.readline())
            if not lines[-1]:
                return  # the line ended in the middle of the mail: there is no mail
        content = b"".join(line[1:] if line.startswith(b".") else line for line in lines[:-1])
        self.catcher.caught.append(Caught(self.sender, self.recipient, content))
        do = self.catcher._do("dot")
        line = do.line if do else "250 2.0.0 taken as 42"
        if line[0] in "45":
            self.catcher.refused.append(self.recipient)
        self._say(line)

    def _answer(self, stage: str, usual: str) -> bool:
        """Answer as usual, unless the script has something else; whether it was as usual."""
        do = self.catcher._do(stage)
        self._say(do.line if do else usual)
        return do is None

    def _say(self, line: str) -> None:
        self.connection.sendall(f"{line}\r\n".encode())


def _address(argument: str) -> str:
    return argument.partition("<")[2].partition(">")[0]
