"""Questions to DNS, few and short: for workers alone, never for a page that somebody waits for.

The library that asks is large, and in memory only where somebody asks.
"""

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import dns.resolver

PATIENCE = 4  # seconds for each question, all servers of the resolver together
ALTOGETHER = 40  # seconds
QUESTIONS = 60
RECORDS = 20
LONGEST = 4000  # characters of a text


class Unanswered(Exception):
    """Whether there is such a record is not known: nobody answered in time, or what came was an error."""


class Questions:
    """One round of questions to the resolver of the system, or to `DNS_SERVER`; it ends, whoever is asked."""

    def __init__(self) -> None:
        self._resolver: dns.resolver.Resolver | None = None
        self._left = QUESTIONS
        self._until = time.monotonic() + ALTOGETHER

    def texts(self, name: str) -> list[str]:
        """The TXT records of `name`, each as one printable line, in an order that is not the server's of the moment."""
        return sorted(_one_line(b"".join(record.strings)) for record in self._ask(name, "TXT"))

    def mail_servers(self, name: str) -> list[str]:
        """The hosts that its MX records name, the preferred first; `.` is one that takes nothing (RFC 7505)."""
        found = sorted(self._ask(name, "MX"), key=lambda record: (record.preference, record.exchange))
        return [record.exchange.to_text(omit_final_dot=True) for record in found]

    def has_address(self, name: str) -> bool:
        return bool(self._ask(name, "A") or self._ask(name, "AAAA"))

    def _ask(self, name: str, kind: str) -> list[Any]:
        import dns.exception
        import dns.name
        import dns.resolver

        absent = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)
        no_name = (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.IDNAException)
        self._left -= 1
        if self._left < 0 or time.monotonic() > self._until:
            raise Unanswered("too many questions")
        try:
            self._resolver = self._resolver or _resolver()
            return list(self._resolver.resolve(dns.name.from_text(name), kind, search=False))[:RECORDS]
        except (*absent, *no_name, UnicodeError):
            return []
        except (dns.exception.DNSException, OSError) as trouble:
            raise Unanswered(type(trouble).__name__) from trouble


def _resolver() -> "dns.resolver.Resolver":
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVER)
    if settings.DNS_SERVER:
        address, resolver.port = settings.DNS_SERVER
        resolver.nameservers = [address]
    resolver.timeout, resolver.lifetime = PATIENCE / 2, PATIENCE
    return resolver


def _one_line(data: bytes) -> str:
    text = data.decode("ascii", errors="replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()[:LONGEST]
