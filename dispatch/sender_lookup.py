"""What DNS says of a sender: facts as plain data, to be kept and judged later (`dispatch.sender_records`).

Nothing here knows a database. A question that nobody answers leaves `unanswered` with the fact it was for.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from dispatch.dns import Questions, Unanswered

Facts = dict[str, Any]
SPF = re.compile(r"v=spf1( |$)", re.IGNORECASE)
DMARC = re.compile(r"v\s*=\s*DMARC1\s*(;|$)", re.IGNORECASE)
MECHANISM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:([:/])(.*))?", re.IGNORECASE)
MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
ASKS_DNS = ("include", "a", "mx", "ptr", "exists")
MOST_LOOK_UPS = 10  # RFC 7208, 4.6.4
LEVELS = 8
ED25519 = 32  # bytes


def look_up(domain: str, return_domain: str, selectors: Sequence[str]) -> Facts:
    """All facts at once: of SPF and MX for the domain of the envelope, of DMARC and DKIM for that of the sender."""
    questions = Questions()
    return {
        "spf": _answered(partial(spf, questions, return_domain)),
        "dmarc": _answered(partial(dmarc, questions, domain)),
        "dkim": {selector: _answered(partial(dkim, questions, domain, selector)) for selector in selectors},
        "mx": _answered(partial(mx, questions, return_domain)),
    }


def _answered(ask: Callable[[], Facts]) -> Facts:
    try:
        return ask()
    except Unanswered as trouble:
        return {"unanswered": str(trouble)}


# Who may send (RFC 7208) --------------------------------------------------------------------------


@dataclass
class _Spf:
    """One record and all that it leads to. `wrong` is the term that makes a server give up."""

    questions: Questions
    look_ups: int = 0
    wrong: str = ""

    def read(self, record: str) -> str:
        """What holds for whom no term names: the sign before its `all`, or nothing."""
        rest, redirect = "", ""
        for term in record.split()[1:]:
            if self.wrong or self.look_ups > MOST_LOOK_UPS:
                return rest
            mechanism = MECHANISM.fullmatch(term)
            if mechanism and mechanism[2].lower() == "all" and not mechanism[3]:
                return mechanism[1] or "+"  # what stands behind it is not read
            modifier = MODIFIER.fullmatch(term)
            if mechanism:
                self._mechanism(term, mechanism[2].lower(), mechanism[3] or "", mechanism[4] or "")
            elif modifier:
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
            else:
                self.wrong = term
        if redirect:
            self.look_ups += 1
            rest = self._follow(f"redirect={redirect}", redirect)
        return rest

    def _mechanism(self, term: str, name: str, sign: str, value: str) -> None:
        self.look_ups += name in ASKS_DNS
        if not _is_well_formed(name, sign, value):
            self.wrong = term
        elif name == "include":
            self._follow(term, value)

    def _follow(self, term: str, name: str) -> str:
        if "%" in name or self.look_ups > MOST_LOOK_UPS:  # a macro: which record it is depends on each mail
            return ""
        records = spf_records(self.questions, name)
        if len(records) != 1:
            self.wrong = term
            return ""
        return self.read(records[0])


def spf(questions: Questions, domain: str) -> Facts:
    records = spf_records(questions, domain)
    facts: Facts = {"records": records}
    if len(records) == 1:
        reading = _Spf(questions)
        try:
            facts["rest"] = reading.read(records[0])
        except Unanswered as trouble:
            facts["unanswered"] = str(trouble)
        facts |= {"look_ups": reading.look_ups, "wrong": reading.wrong}
    return facts


def spf_records(questions: Questions, domain: str) -> list[str]:
    return [text for text in questions.texts(domain) if SPF.match(text)]


def _is_well_formed(name: str, sign: str, value: str) -> bool:
    if name in ("include", "exists"):
        return sign == ":" and bool(value)
    if name in ("ip4", "ip6"):
        try:
            return sign == ":" and ip_network(value, strict=False).version == int(name[2])
        except ValueError:
            return False
    return name != "all" and (not sign or bool(value))


# What servers do with what fails (RFC 7489) -------------------------------------------------------


def dmarc(questions: Questions, domain: str) -> Facts:
    """The record that holds for `domain`: its own, or that of the highest domain above it that has one."""
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]
    found = {name: records for name in [names[0], *names[1:][-LEVELS:]] if (records := _dmarc_records(questions, name))}
    at = domain if domain in found else next(reversed(found), "")
    return {"at": at, "records": found.get(at, []), "organisation": next(reversed(found), "")}


def _dmarc_records(questions: Questions, name: str) -> list[str]:
    return [text for text in questions.texts(f"_dmarc.{name}") if DMARC.match(text)]


def tags(record: str) -> dict[str, str]:
    """The tags of a record of DMARC or DKIM; the first of a name counts."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip())
    return found


# The keys of the relay (RFC 6376) -----------------------------------------------------------------


def dkim(questions: Questions, domain: str, selector: str) -> Facts:
    records = [text for text in questions.texts(f"{selector}._domainkey.{domain}") if "p" in tags(text)]
    facts: Facts = {"records": records}
    if records:
        stated = tags(records[0])
        key = "".join(stated["p"].split())
        facts |= {"is_revoked": not key, "is_test": "y" in stated.get("t", "").lower().split(":")}
        facts |= _key(stated.get("k", "rsa").lower(), key) if key else {}
    return facts


def _key(kind: str, text: str) -> Facts:
    """Its kind, and for RSA its length; `bits` is 0 for what is no key."""
    try:
        data = base64.b64decode(text, validate=True)
        if kind == "ed25519":
            return {"kind": kind, "bits": 256 if len(data) == ED25519 else 0}
        key = load_der_public_key(data)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return {"kind": kind, "bits": 0}
    return {"kind": kind, "bits": key.key_size if kind == "rsa" and isinstance(key, RSAPublicKey) else 0}


# Where mail to us goes ----------------------------------------------------------------------------


def mx(questions: Questions, domain: str) -> Facts:
    hosts = questions.mail_servers(domain)
    return {"hosts": hosts, "is_host": not hosts and questions.has_address(domain)}
