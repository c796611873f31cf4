"""Evidence that whoever signs may speak for the organisation. Staff weigh it; nothing here refuses a signature."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from signatories.providers import (
    FREE_MAIL,
    FREE_MAIL_BRANDS,
    PUBLIC_SUFFIXES,
    SECOND_LEVELS,
    SHARED_BRANDS,
    SHARED_SITES,
)


class Grade(models.IntegerChoices):
    """How much is shown, the least first."""

    NONE = 0, _("No evidence")
    STATED_DOMAIN = 1, _("Address at the stated website")
    PAPER = 2, _("Signed paper")
    DOMAIN = 3, _("Address at a known domain")
    ANNOUNCEMENT = 4, _("Public announcement")
    CALL_BACK = 5, _("Call-back")
    MANDATE = 6, _("Mandated signatory")

    @property
    def sentence(self) -> Promise:
        """What the grade means, for a reviewer."""
        return SENTENCES[self]


SENTENCES: dict[Grade, Promise] = {
    Grade.NONE: _("Nothing shows yet that this person may speak for the organisation."),
    Grade.STATED_DOMAIN: _(
        "The address is at the domain of the website that was given with the signature. "
        "Anyone can register a domain, so look at the website."
    ),
    Grade.PAPER: _(
        "A paper signed for the organisation is kept. "
        "Anyone can write one, so look at its letterhead, its stamp and its sender."
    ),
    Grade.DOMAIN: _("The address is at a domain that the registry holds for this organisation."),
    Grade.ANNOUNCEMENT: _("The organisation says in public that it co-signs the letter."),
    Grade.CALL_BACK: _("Staff asked the organisation itself, by a contact found elsewhere, and it confirmed."),
    Grade.MANDATE: _("The registry names this person as one who may sign for the organisation."),
}

DOTS = re.compile("[.。．｡]")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def grade_of_address(address: str, *, website: str = "", domains: Iterable[str] = ()) -> Grade:
    """What the mailbox alone shows, beside the `domains` of the registry and the `website` that the signer stated."""
    if belongs_to(address, domains):
        return Grade.DOMAIN
    return Grade.STATED_DOMAIN if belongs_to(address, [website]) else Grade.NONE


def belongs_to(address: str, domains: Iterable[str]) -> bool:
    """Whether the mailbox is at one of `domains`, or at a subdomain of it. A domain may be given as a website.

    Where anyone gets a mailbox or a page, neither says who somebody is.
    """
    at = own_domain(address)
    return bool(at) and any(_is_within(at, {own_domain(domain)} - {""}) for domain in domains)


def own_domain(text: str) -> str:
    """The domain of an address or website if somebody can have it to themselves, else ""."""
    domain = domain_of(text)
    return "" if is_free_mail(domain) or is_shared(domain) else domain


def domain_of(text: str) -> str:
    """The domain of an e-mail address, a website or a domain: in small ASCII letters, without "www."; "" if none."""
    host = _host(text.strip())
    labels = [_label(label) for label in DOTS.split(unicodedata.normalize("NFKC", host).rstrip(".").lower())]
    if labels[0] == "www" and len(labels) > 2:
        del labels[0]
    domain = ".".join(labels)
    is_name = len(labels) > 1 and all(labels) and not labels[-1].isdigit()  # digits at the end: an IP address
    return domain if is_name and len(domain) <= 253 else ""


def is_free_mail(domain: str) -> bool:
    """Whether anyone gets a mailbox at `domain`, which is as `domain_of` gives it."""
    return _is_within(domain, FREE_MAIL) or _brand(domain) in FREE_MAIL_BRANDS


def is_shared(domain: str) -> bool:
    """Whether `domain` is many people's: a platform for pages, or a suffix under which domains are registered."""
    return _is_within(domain, SHARED_SITES) or _brand(domain) in SHARED_BRANDS or _is_public_suffix(domain)


def _is_within(domain: str, parents: frozenset[str] | set[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in parents for start in range(len(labels)))


def _brand(domain: str) -> str:
    """What stands before the suffix, for those that have a domain in every country."""
    labels = domain.split(".")
    before = 3 if _is_public_suffix(".".join(labels[-2:])) else 2
    return labels[-before] if len(labels) >= before else ""


def _is_public_suffix(domain: str) -> bool:
    first, _dot, last = domain.rpartition(".")
    return domain in PUBLIC_SUFFIXES or (len(last) == 2 and first in SECOND_LEVELS)


def _host(text: str) -> str:
    """The part of an address or URL that names a host. Browsers take a backslash for a slash; we take nothing."""
    bare = text.removeprefix("mailto:").strip()
    if "\\" in bare:
        return ""
    if "@" in bare and "/" not in bare:
        return bare.rpartition("@")[2]
    try:
        return urlsplit(bare if "//" in bare else f"//{bare}").hostname or ""
    except ValueError:  # what stands in brackets is no address
        return ""


def _label(label: str) -> str:
    """A part of a domain as it is looked up, letters beyond ASCII in Punycode; "" if it can't be one."""
    if not label.isascii() and all(character.isalnum() or _joins(character) for character in label):
        label = f"xn--{label.encode('punycode').decode()}"
    return label if LABEL.fullmatch(label) else ""


def _joins(character: str) -> bool:
    return character in "-\u200c\u200d" or unicodedata.category(character).startswith("M")
