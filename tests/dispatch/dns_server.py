"""A name server on this machine, for tests: it says what it is told to, and nothing else is asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Zone:
    """`records` by name and kind; about a name in `silent` it says nothing at all. `asked` is what it was asked."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    def texts(self, name: str, *texts: str) -> None:
        """Long ones in pieces, as TXT has them."""
        pieces = [" ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200)) for text in texts]
        self.records[name, "TXT"] = pieces

    def answer(self, data: bytes) -> bytes | None:
        query = dns.message.from_wire(data)
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextmanager
def serving(zone: Zone) -> Iterator[tuple[str, int]]:
    """Its address and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(server, zone), daemon=True)
        thread.start()
        address: tuple[str, int] = server.getsockname()
        yield address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", address)
        thread.join(5)


def _serve(server: socket.socket, zone: Zone) -> None:
    while True:
        data, client = server.recvfrom(4096)
        if not data:
            return
        if answer := zone.answer(data):
            server.sendto(answer, client)
