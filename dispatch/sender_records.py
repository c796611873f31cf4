"""What the sender's records mean for a letter, in words: what is set, what servers make of it, what to do.

Out of what was looked up and stored (`dispatch.services.senders`); nothing here asks DNS.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dispatch.models import SenderCheck
from dispatch.sender_lookup import MOST_LOOK_UPS, Facts, tags
from dispatch.services import senders

SHORTEST, SHORT = 1024, 2048  # bits: below the first no server believes a key (RFC 8301), from the second all is well
POLICIES = ("none", "quarantine", "reject")


class Severity(TextChoices):
    FAILS = "fails", gettext_lazy("Fails")
    TO_KNOW = "to_know", gettext_lazy("Worth knowing")
    FINE = "fine", gettext_lazy("In order")


@dataclass(frozen=True)
class Finding:
    """`key` stays the same for the same trouble, whatever language it is told in."""

    key: str
    severity: Severity
    topic: str
    said: str
    meaning: str = ""
    to_do: str = ""
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """For `desk/_sender_records.html`."""

    check: SenderCheck | None
    findings: list[Finding]
    is_caught: bool


def report() -> Report:
    """How the sender of letters stands now, as far as it was looked up."""
    check = senders.current()
    return Report(check, findings(check), settings.MAIL_IS_CAUGHT)


def problems(check: SenderCheck | None) -> list[Finding]:
    """What fails and what is to be known, the former first. Nothing where no mail leaves this machine."""
    found = [finding for finding in findings(check) if finding.severity != Severity.FINE]
    return sorted(found, key=lambda finding: finding.severity != Severity.FAILS)


def findings(check: SenderCheck | None) -> list[Finding]:
    """All that there is to say, by topic."""
    if settings.MAIL_IS_CAUGHT:
        return []
    if check is None or check.checked_at is None:
        return [_not_looked_up()]
    return [finding for topic in (_spf, _dkim, _dmarc, _alignment, _mx) for finding in topic(check)]


def _not_looked_up() -> Finding:
    return Finding(
        "not_looked_up",
        Severity.TO_KNOW,
        "DNS",
        _("The records of the sender have not been looked up yet."),
        to_do=_("Look them up with the button, and read this again in a minute."),
    )


def topic_of(key: str) -> str:
    """What a finding with this key is about, also where the finding itself is gone."""
    kind = key.removeprefix("unanswered:").partition(":")[0].partition("_")[0]
    topics = {"not": "DNS", "spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}
    return topics.get(kind) or _("Return address")


def _unanswered(topic: str, key: str, name: str) -> Finding:
    return Finding(
        f"unanswered:{key}",
        Severity.TO_KNOW,
        topic,
        _("DNS gave no answer about %(name)s.") % {"name": name},
        _("It is not known what servers will find there."),
        _("Look it up again. If it stays so, an operator has to look at the name server."),
    )


# SPF ----------------------------------------------------------------------------------------------


def _spf(check: SenderCheck) -> Iterator[Finding]:
    facts, named = check.facts["spf"], {"domain": check.return_domain}
    records = tuple(facts.get("records", ()))

    def finding(key: str, severity: Severity, said: str, meaning: str, to_do: str = "") -> Finding:
        return Finding(key, severity, "SPF", said % named, meaning, to_do, records)

    if "unanswered" in facts:
        yield _unanswered("SPF", "spf", check.return_domain)
    elif not records:
        yield finding(
            "spf_none",
            Severity.FAILS,
            _("%(domain)s has no SPF record."),
            _(
                "Servers can’t tell that our mail server may send for this domain."
                " Many take such mail for spam or refuse it."
            ),
            _("Have a TXT record made that names the mail server. Whoever runs it knows what has to stand there."),
        )
    elif len(records) > 1:
        yield finding(
            "spf_several",
            Severity.FAILS,
            _("%(domain)s has several SPF records, and only one is allowed."),
            _("Servers take this for an error and heed none of them. Some refuse the mail."),
            _("Have them put together in one record."),
        )
    elif facts["look_ups"] > MOST_LOOK_UPS:
        yield finding(
            "spf_too_many",
            Severity.FAILS,
            _("The SPF record of %(domain)s takes more than 10 look-ups."),
            _("Servers stop at the tenth and take the record for an error. Some refuse the mail."),
            _("Have parts removed that are not needed (“include”, “a”, “mx”)."),
        )
    elif facts["wrong"]:
        named["term"] = facts["wrong"]
        yield finding(
            "spf_broken",
            Severity.FAILS,
            _("The SPF record of %(domain)s is faulty at “%(term)s”."),
            _("Servers take the record for an error and heed none of it. Some refuse the mail."),
            _("Have this part mended or removed."),
        )
    else:
        yield finding(*_rest_of_spf(facts["rest"]))


def _rest_of_spf(rest: str) -> tuple[str, Severity, str, str, str]:
    """By what the record says of all servers that it does not name."""
    if rest == "+":
        return (
            "spf_allows_all",
            Severity.FAILS,
            _("The SPF record of %(domain)s allows every server in the world (+all)."),
            _("Anybody may write in our name. Servers hold that against the domain, and against our letters."),
            _("Have the record end in -all or ~all."),
        )
    unknown = _("Whether our mail server is among those that it names can’t be known from here.")
    ask = _(
        "Ask whoever runs the mail server, or send a mail to a mailbox of your own"
        " and look for “spf=pass” in its headers."
    )
    if rest == "-":
        return (
            "spf",
            Severity.FINE,
            _("The SPF record of %(domain)s forbids all servers that it does not name (-all)."),
            unknown,
            ask,
        )
    if rest == "~":
        return (
            "spf",
            Severity.FINE,
            _("The SPF record of %(domain)s asks to distrust all servers that it does not name (~all)."),
            unknown,
            ask,
        )
    return (
        "spf_neutral",
        Severity.TO_KNOW,
        _("The SPF record of %(domain)s leaves open what holds for servers that it does not name (?all)."),
        _("Servers trust mail of this domain no more than if there were no record."),
        _("Have the record end in -all or ~all."),
    )


# DKIM ---------------------------------------------------------------------------------------------


def _dkim(check: SenderCheck) -> Iterator[Finding]:
    keys: dict[str, Facts] = check.facts["dkim"]
    if not keys:
        yield Finding(
            "dkim_unknown",
            Severity.TO_KNOW,
            "DKIM",
            _("It is not known by which selector our mail server signs."),
            _("So its key can’t be looked up. Large mail services mistrust mail without a valid DKIM signature."),
            _("Ask whoever runs the mail server for its selectors; an operator enters them (DKIM_SELECTORS)."),
        )
    for selector, facts in keys.items():
        name = f"{selector}._domainkey.{check.domain}"
        if "unanswered" in facts:
            yield _unanswered("DKIM", f"dkim:{selector}", name)
        else:
            kind, severity, said, meaning, to_do = _key(facts)
            named = {"name": name, "bits": facts.get("bits", 0)}
            yield Finding(f"{kind}:{selector}", severity, "DKIM", said % named, meaning, to_do, tuple(facts["records"]))


def _key(facts: Facts) -> tuple[str, Severity, str, str, str]:
    invalid = _("Servers take what is signed with it for unsigned, or for forged.")
    if not facts["records"]:
        to_do = _(
            "Have the key published that the mail server signs with, or have the selector corrected (DKIM_SELECTORS)."
        )
        return "dkim_none", Severity.FAILS, _("There is no key at %(name)s."), invalid, to_do
    if facts["is_revoked"]:
        to_do = _("Have the mail server sign with another key, and its selector entered (DKIM_SELECTORS).")
        return "dkim_revoked", Severity.FAILS, _("The key at %(name)s is revoked."), invalid, to_do
    renew = _("Have a new key of 2048 bits made.")
    if not facts["bits"]:
        return "dkim_broken", Severity.FAILS, _("What stands at %(name)s is not a key."), invalid, renew
    if facts["bits"] < SHORTEST and facts["kind"] == "rsa":
        said = _("The key at %(name)s has only %(bits)s bits.")
        return "dkim_too_short", Severity.FAILS, said, _("Servers do not believe keys of less than 1024 bits."), renew
    if facts["is_test"]:
        said = _("The key at %(name)s is marked as being on trial (t=y).")
        meaning = _("Servers may treat the mail as if it were not signed.")
        return "dkim_on_trial", Severity.TO_KNOW, said, meaning, _("Have the mark removed from the record.")
    if facts["bits"] < SHORT and facts["kind"] == "rsa":
        said = _("The key at %(name)s has %(bits)s bits.")
        meaning = _("Servers still believe it, though it is no longer held to be strong.")
        return "dkim_short", Severity.TO_KNOW, said, meaning, renew
    said = _("There is a valid key at %(name)s, of %(bits)s bits.")
    meaning = _(
        "Servers can check what is signed with it. Whether the mail server signs our mails can’t be known from here."
    )
    to_do = _("Send a mail to a mailbox of your own and look for “dkim=pass” in its headers.")
    return "dkim", Severity.FINE, said, meaning, to_do


# DMARC --------------------------------------------------------------------------------------------


def _dmarc(check: SenderCheck) -> Iterator[Finding]:
    facts = check.facts["dmarc"]
    records, named = tuple(facts.get("records", ())), {"domain": check.domain, "at": facts.get("at", "")}

    def finding(key: str, severity: Severity, said: str, meaning: str, to_do: str = "") -> Finding:
        return Finding(key, severity, "DMARC", said % named, meaning % named, to_do % named, records)

    unheeded = _("Servers heed no record then, as if there were none.")
    if "unanswered" in facts:
        yield _unanswered("DMARC", "dmarc", f"_dmarc.{check.domain}")
    elif not records:
        yield finding(
            "dmarc_none",
            Severity.TO_KNOW,
            _("Neither %(domain)s nor a domain above it has a DMARC record."),
            _(
                "Each server decides by itself about mail that anybody forges in our name."
                " Some large mail services trust such domains less."
            ),
            _("Have a TXT record made at _dmarc.%(domain)s, at first with “v=DMARC1; p=none”."),
        )
    elif len(records) > 1:
        yield finding(
            "dmarc_several",
            Severity.FAILS,
            _("There are several DMARC records at _dmarc.%(at)s, and only one is allowed."),
            unheeded,
            _("Have all but one removed."),
        )
    elif not _policy(check):
        yield finding(
            "dmarc_broken",
            Severity.FAILS,
            _("The DMARC record at _dmarc.%(at)s does not say what to do (p=none, p=quarantine or p=reject)."),
            unheeded,
            _("Have the record mended."),
        )
    else:
        yield finding(*_policy_in_words(_policy(check)))


def _policy_in_words(policy: str) -> tuple[str, Severity, str, str, str]:
    if policy == "none":
        return (
            "dmarc_asks_nothing",
            Severity.TO_KNOW,
            _("The DMARC record at _dmarc.%(at)s asks servers to do nothing about forged mail (p=none)."),
            _("Our letters are not held up by it, and neither is what others write in our name."),
            _("Once our own mails pass, have it say p=quarantine or p=reject."),
        )
    said = (
        _("The DMARC record at _dmarc.%(at)s asks servers to treat as spam what fails SPF and DKIM (p=quarantine).")
        if policy == "quarantine"
        else _("The DMARC record at _dmarc.%(at)s asks servers to refuse what fails SPF and DKIM (p=reject).")
    )
    meaning = _("A letter passes if SPF or DKIM holds for %(domain)s or for a domain related to it.")
    return "dmarc", Severity.FINE, said, meaning, ""


def _policy(check: SenderCheck) -> str:
    """What the one record asks for mail of this very domain; empty where it says nothing valid."""
    facts = check.facts["dmarc"]
    if len(facts.get("records", ())) != 1:
        return ""
    stated = tags(facts["records"][0])
    policy = stated.get("p", "").lower()
    if facts["at"] != check.domain and stated.get("sp", "").lower() in POLICIES:
        policy = stated["sp"].lower()
    return policy if policy in POLICIES else ""


# Whether the envelope speaks for the sender ----------------------------------------------------------


def _alignment(check: SenderCheck) -> Iterator[Finding]:
    topic, named = _("Return address"), {"domain": check.domain, "return_domain": check.return_domain}
    belongs = _belongs_together(check)
    if belongs:
        if check.return_domain == check.domain:
            said = _("Letters come from %(domain)s, and so does the return address.")
        else:
            said = _("The domains of sender (%(domain)s) and return address (%(return_domain)s) are related.")
        yield Finding("alignment", Severity.FINE, topic, said % named, _("So SPF counts for DMARC, too."))
        return
    said = _(
        "The return address is at %(return_domain)s, which is not related to the domain of the sender, %(domain)s."
    )
    meaning = _("SPF does not count for DMARC then: only DKIM can make a letter pass.")
    to_do = _(
        "Have RETURN_ADDRESS set to a mailbox at %(domain)s, or make sure that the mail server signs for %(domain)s."
    )
    is_lost = _policy(check) in ("quarantine", "reject") and not _has_a_good_key(check)
    severity = Severity.FAILS if is_lost else Severity.TO_KNOW
    yield Finding("unaligned", severity, topic, said % named, meaning, to_do % named)


def _belongs_together(check: SenderCheck) -> bool:
    """By RFC 7489, 3.1.2; the domain of the organisation is the highest that has a DMARC record."""
    if check.return_domain == check.domain:
        return True
    facts = check.facts["dmarc"]
    [record] = facts["records"] if len(facts.get("records", ())) == 1 else [""]
    if tags(record).get("aspf", "r").lower() == "s":
        return False
    organisation = facts.get("organisation") or check.domain
    return _is_within(check.return_domain, organisation) or _is_within(organisation, check.return_domain)


def _is_within(domain: str, other: str) -> bool:
    return domain == other or domain.endswith(f".{other}")


def _has_a_good_key(check: SenderCheck) -> bool:
    return any(finding.key.startswith(("dkim:", "dkim_short:")) for finding in _dkim(check))


def _mx(check: SenderCheck) -> Iterator[Finding]:
    topic, facts, named = _("Return address"), check.facts["mx"], {"domain": check.return_domain}
    if "unanswered" in facts:
        yield _unanswered(topic, "mx", check.return_domain)
    elif facts["hosts"] in ([], ["."]) and not facts["is_host"]:
        yield Finding(
            "mx_none",
            Severity.FAILS,
            topic,
            _("%(domain)s takes no mail: it has no MX record.") % named,
            _("Refused letters can’t come back to us, and some servers take no mail from a domain that takes none."),
            _("Have an MX record made, or RETURN_ADDRESS set to a mailbox that exists."),
        )
    elif not facts["hosts"]:
        yield Finding(
            "mx_implied",
            Severity.TO_KNOW,
            topic,
            _("%(domain)s has no MX record, only an address.") % named,
            _("Servers bring mail to that address, but some trust such a domain less."),
            _("Have an MX record made."),
        )
    else:
        said = ngettext(
            "Mail to %(domain)s goes to this server: %(hosts)s.",
            "Mail to %(domain)s goes to these servers: %(hosts)s.",
            len(facts["hosts"]),
        )
        hosts = ", ".join(facts["hosts"][:5])
        meaning = _("Refused letters can come back to us.")
        records = tuple(facts["hosts"])
        yield Finding("mx", Severity.FINE, topic, said % {**named, "hosts": hosts}, meaning, records=records)
