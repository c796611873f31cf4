"""The sender's records: looked up by a worker from a name server of this machine, kept, and told in words."""

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import Role
from dispatch import dns, tasks
from dispatch.models import SenderCheck
from dispatch.sender_records import Severity, findings, problems
from dispatch.services import senders
from dispatch.states import DispatchStatus
from tests.dispatch.dns_server import Zone, serving
from tests.dispatch.sending import dossier_of, make_dispatch
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
# A key of 512 bits: nobody makes these any more, cryptography refuses to.
TOO_SHORT = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMCnJamBumUt74InQ7xTj1L9dWIwcFuciih7cPJ5wZzONmUXrnd5W889bFR5b+EiBqNDZDwrNyXL4H6Jqf3"
    "usVECAwEAAQ=="
)


@pytest.fixture
def zone(settings: Settings) -> Iterator[Zone]:
    """All is well at example.org, and mail leaves this machine."""
    zone = Zone()
    zone.texts("example.org", "v=spf1 include:relay.example.net -all", "some-site-verification=1")
    zone.texts("relay.example.net", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all")
    zone.texts("_dmarc.example.org", "v=DMARC1; p=reject; rua=mailto:reports@example.org")
    zone.texts("s1._domainkey.example.org", f"v=DKIM1; k=rsa; p={rsa_key(2048)}")
    zone.records["example.org", "MX"] = ["20 second.example.net.", "10 first.example.net."]
    settings.MAIL_IS_CAUGHT = False
    settings.DISPATCH_FROM = "A Coalition <letters@example.org>"
    settings.RETURN_ADDRESS = "letters@example.org"
    settings.DKIM_SELECTORS = ["s1"]
    with serving(zone) as settings.DNS_SERVER:
        yield zone


@cache
def rsa_key(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def look_up() -> SenderCheck:
    senders.ask()
    check = senders.current()
    assert check
    tasks.look_up_sender(check.pk)
    check.refresh_from_db()
    return check


def troubles() -> dict[str, str]:
    return {problem.key: problem.severity for problem in problems(look_up())}


def desk_of(*roles: Role.Name) -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": make_user(*roles).email, "password": PASSWORD})
    return browser


def text_of(browser: Client, address: str) -> str:
    return " ".join(browser.get(address).content.decode().split())


# What is found -------------------------------------------------------------------------------------


def test_where_all_is_well_there_is_no_problem_and_each_record_is_told(zone: Zone) -> None:
    check = look_up()
    assert problems(check) == []
    found = {finding.key: finding for finding in findings(check)}
    assert set(found) == {"spf", "dkim:s1", "dmarc", "alignment", "mx"}
    assert "forbids all servers that it does not name (-all)" in found["spf"].said
    assert "can’t be known from here" in found["spf"].meaning
    assert found["spf"].records == ("v=spf1 include:relay.example.net -all",)
    assert "2048 bits" in found["dkim:s1"].said
    assert "p=reject" in found["dmarc"].said
    assert "first.example.net, second.example.net" in found["mx"].said


@pytest.mark.parametrize(
    ("records", "trouble"),
    [
        ([], {"spf_none": Severity.FAILS}),
        (["v=spf10 -all"], {"spf_none": Severity.FAILS}),
        (["v=spf1 -all", "V=SPF1 ~all"], {"spf_several": Severity.FAILS}),
        (["v=spf1 mx +all"], {"spf_allows_all": Severity.FAILS}),
        (["v=spf1 mx all"], {"spf_allows_all": Severity.FAILS}),
        (["v=spf1 mx ?all"], {"spf_neutral": Severity.TO_KNOW}),
        (["v=spf1 mx"], {"spf_neutral": Severity.TO_KNOW}),
        (["v=spf1"], {"spf_neutral": Severity.TO_KNOW}),
        (["v=spf1 mx ~all"], {}),
        (["v=spf1 MX -ALL"], {}),
        (["v=spf1 redirect=relay.example.net"], {}),
        (["v=spf1 -all redirect=nowhere.example.net"], {}),
        (["v=spf1 include:%{i}.spf.example.net -all"], {}),
        (["v=spf1 a/24 a:host.example.net/24 mx//64 exists:%{i}.example.net exp=x.example.net -all"], {}),
        (["v=spf1 include:nowhere.example.net -all"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 redirect=nowhere.example.net"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 ip4:192.0.2.300 -all"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 ip6:192.0.2.1 -all"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 include -all"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 ip4 192.0.2.1 -all"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 -all:example.net"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 -all: mx"], {"spf_broken": Severity.FAILS}),
        (["v=spf1 " + "mx:a.example.net " * 10 + "-all"], {}),
        (["v=spf1 " + "mx:a.example.net " * 11 + "-all"], {"spf_too_many": Severity.FAILS}),
        (["v=spf1 include:example.org -all"], {"spf_too_many": Severity.FAILS}),  # a loop
    ],
)
def test_spf(zone: Zone, records: list[str], trouble: dict[str, str]) -> None:
    zone.texts("example.org", *records)
    assert troubles() == trouble


def test_look_ups_of_what_is_included_count_too(zone: Zone) -> None:
    zone.texts("example.org", "v=spf1 include:a.example.net include:b.example.net -all")
    zone.texts("a.example.net", "v=spf1 mx a ptr exists:x.example.net ?all")
    zone.texts("b.example.net", "v=spf1 mx a ptr include:relay.example.net ?all")
    assert troubles() == {}
    zone.texts("b.example.net", "v=spf1 mx a ptr include:relay.example.net mx:more.example.net ?all")
    assert troubles() == {"spf_too_many": Severity.FAILS}


@pytest.mark.parametrize(
    ("records", "trouble"),
    [
        ([], {"dmarc_none": Severity.TO_KNOW}),
        (["v=DMARC1; p=none"], {"dmarc_asks_nothing": Severity.TO_KNOW}),
        (["v=DMARC1;p=QUARANTINE;"], {}),
        (["v=DMARC1"], {"dmarc_broken": Severity.FAILS}),
        (["v=DMARC1; p=maybe"], {"dmarc_broken": Severity.FAILS}),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], {"dmarc_several": Severity.FAILS}),
        (["v=DMARC2; p=reject"], {"dmarc_none": Severity.TO_KNOW}),
    ],
)
def test_dmarc(zone: Zone, records: list[str], trouble: dict[str, str]) -> None:
    zone.texts("_dmarc.example.org", *records)
    assert troubles() == trouble


def test_the_record_of_a_domain_above_holds_too(zone: Zone, settings: Settings) -> None:
    settings.DISPATCH_FROM = settings.RETURN_ADDRESS = "letters@mail.letters.example.org"
    zone.records["mail.letters.example.org", "MX"] = ["10 first.example.net."]
    zone.texts("mail.letters.example.org", "v=spf1 mx -all")
    zone.texts("s1._domainkey.mail.letters.example.org", f"p={rsa_key(2048)}")
    assert troubles() == {}
    zone.texts("_dmarc.example.org", "v=DMARC1; p=reject; sp=none")
    assert troubles() == {"dmarc_asks_nothing": Severity.TO_KNOW}
    assert ("_dmarc.org", "TXT") not in zone.asked


def test_dkim_is_not_known_without_a_selector(zone: Zone, settings: Settings) -> None:
    settings.DKIM_SELECTORS = []
    assert troubles() == {"dkim_unknown": Severity.TO_KNOW}


@pytest.mark.parametrize(
    ("record", "trouble"),
    [
        ("", {"dkim_none:s1": Severity.FAILS}),
        ("hello", {"dkim_none:s1": Severity.FAILS}),
        ("v=DKIM1; p=", {"dkim_revoked:s1": Severity.FAILS}),
        ("v=DKIM1; p=AAAA", {"dkim_broken:s1": Severity.FAILS}),
        ("v=DKIM1; p=не ключ", {"dkim_broken:s1": Severity.FAILS}),
        ("v=DKIM1; k=dsa; p=AAAA", {"dkim_broken:s1": Severity.FAILS}),
        (f"v=DKIM1; p={TOO_SHORT}", {"dkim_too_short:s1": Severity.FAILS}),
        (f"v=DKIM1; k=rsa; p={rsa_key(1024)}", {"dkim_short:s1": Severity.TO_KNOW}),
        (f"v=DKIM1; t=s:y; p={rsa_key(2048)}", {"dkim_on_trial:s1": Severity.TO_KNOW}),
        (f"p={rsa_key(4096)}", {}),
    ],
)
def test_dkim(zone: Zone, record: str, trouble: dict[str, str]) -> None:
    zone.texts("s1._domainkey.example.org", *filter(None, [record]))
    assert troubles() == trouble


def test_a_key_of_another_kind(zone: Zone, settings: Settings) -> None:
    settings.DKIM_SELECTORS = ["s1", "ed", "s1"]
    key = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    zone.texts("ed._domainkey.example.org", f"v=DKIM1; k=ed25519; p={base64.b64encode(key).decode()}")
    assert troubles() == {}
    zone.texts("ed._domainkey.example.org", "v=DKIM1; k=ed25519; p=AAAA")
    assert troubles() == {"dkim_broken:ed": Severity.FAILS}


@pytest.mark.parametrize(
    ("records", "trouble"),
    [
        ({}, {"mx_none": Severity.FAILS}),
        ({"MX": ["0 ."]}, {"mx_none": Severity.FAILS}),
        ({"A": ["192.0.2.1"]}, {"mx_implied": Severity.TO_KNOW}),
        ({"AAAA": ["2001:db8::1"]}, {"mx_implied": Severity.TO_KNOW}),
    ],
)
def test_whether_what_is_refused_can_come_back(
    zone: Zone, records: dict[str, list[str]], trouble: dict[str, str]
) -> None:
    del zone.records["example.org", "MX"]
    for kind, found in records.items():
        zone.records["example.org", kind] = found
    assert troubles() == trouble


def test_what_is_authorised_of_the_records_is_what_they_say_and_not_their_order(zone: Zone) -> None:
    """A name server gives them in another order each time."""
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    spf = ["v=spf1 a -all", "v=spf1 mx -all"]
    zone.texts("example.org", *spf)
    look_up()
    before = dossier_of(dispatch).sha256
    zone.texts("example.org", *reversed(spf))
    look_up()
    assert dossier_of(dispatch).sha256 == before
    zone.records["example.org", "MX"] = ["10 another.example.net."]
    look_up()
    assert dossier_of(dispatch).sha256 != before


@pytest.mark.parametrize(
    ("at", "dmarc", "selectors", "trouble"),
    [
        ("bounces.example.org", "v=DMARC1; p=reject", [], {"dkim_unknown": Severity.TO_KNOW}),
        ("bounces.example.org", "v=DMARC1; p=reject; aspf=s", ["s1"], {"unaligned": Severity.TO_KNOW}),
        ("example.net", "v=DMARC1; p=reject", ["s1"], {"unaligned": Severity.TO_KNOW}),
        ("badexample.org", "v=DMARC1; p=reject", ["s1"], {"unaligned": Severity.TO_KNOW}),
        (
            "example.net",
            "v=DMARC1; p=quarantine",
            ["none"],
            {"unaligned": Severity.FAILS, "dkim_none:none": Severity.FAILS},
        ),
        (
            "example.net",
            "v=DMARC1; p=none",
            [],
            {
                "unaligned": Severity.TO_KNOW,
                "dkim_unknown": Severity.TO_KNOW,
                "dmarc_asks_nothing": Severity.TO_KNOW,
            },
        ),
    ],
)
def test_whether_the_return_address_speaks_for_the_sender(
    zone: Zone, settings: Settings, at: str, dmarc: str, selectors: list[str], trouble: dict[str, str]
) -> None:
    settings.RETURN_ADDRESS, settings.DKIM_SELECTORS = f"letters@{at}", selectors
    zone.texts(at, "v=spf1 mx -all")
    zone.records[at, "MX"] = ["10 first.example.net."]
    zone.texts("_dmarc.example.org", dmarc)
    assert troubles() == trouble


def test_a_server_that_says_nothing_leaves_it_open(
    zone: Zone, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns, "PATIENCE", 0.4)
    zone.silent |= {"_dmarc.example.org", "s1._domainkey.example.org"}
    zone.broken |= {"relay.example.net"}
    assert troubles() == {
        "unanswered:spf": Severity.TO_KNOW,
        "unanswered:dkim:s1": Severity.TO_KNOW,
        "unanswered:dmarc": Severity.TO_KNOW,
    }


def test_nobody_at_all_answers(zone: Zone, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "ALTOGETHER", -1)
    found = troubles()
    assert set(found) == {"unanswered:spf", "unanswered:dkim:s1", "unanswered:dmarc", "unanswered:mx"}
    assert not zone.asked


@pytest.mark.parametrize("domain", ["", "a" * 70 + ".org", "a..org", "пошта.example", "a b.org"])
def test_a_domain_that_is_none_breaks_nothing(zone: Zone, settings: Settings, domain: str) -> None:
    settings.DISPATCH_FROM = settings.RETURN_ADDRESS = f"letters@{domain}"
    assert {"spf_none", "mx_none"} <= set(troubles())


def test_a_record_that_is_made_to_hurt(zone: Zone) -> None:
    zone.texts("example.org", "v=spf1 " + "include:relay.example.net " * 100 + "-all")
    zone.texts("_dmarc.example.org", "v=DMARC1" + ";" * 1500 + "p=\x00none<script>")
    assert troubles() == {"spf_too_many": Severity.FAILS, "dmarc_broken": Severity.FAILS}
    assert zone.asked.count(("relay.example.net", "TXT")) <= 10


# When it is looked up ------------------------------------------------------------------------------


def test_preparing_a_dispatch_has_it_looked_up_by_a_worker(
    zone: Zone, settings: Settings, worker: Callable[[], None]
) -> None:
    settings.SENDING_ENABLED = True
    dispatch = make_dispatch("prepared")
    assert not zone.asked
    browser = desk_of(Role.Name.CAMPAIGNER)
    address = f"/desk/dispatches/{dispatch.pk}/"
    assert "It is being looked up now" in text_of(browser, address)
    assert not zone.asked, "a page asks nobody"
    worker()
    said = text_of(browser, address)
    assert "It is being looked up now" not in said
    assert "forbids all servers that it does not name" in said
    assert "v=spf1 include:relay.example.net -all" in said
    asked = len(zone.asked)
    worker()
    text_of(browser, address)
    assert len(zone.asked) == asked, "once"


def test_the_button_looks_up_again(zone: Zone, settings: Settings, worker: Callable[[], None]) -> None:
    settings.SENDING_ENABLED = True
    dispatch = make_dispatch("prepared")
    worker()
    zone.texts("example.org", "v=spf1 +all")
    browser, address = desk_of(Role.Name.CAMPAIGNER), f"/desk/dispatches/{dispatch.pk}/"
    before = senders.current()
    assert "Look up again" in text_of(browser, address)
    answer = browser.post("/desk/sender/look-up/", {"next": address}, follow=True)
    assert answer.redirect_chain == [(address, 302)]
    assert "are being looked up" in answer.content.decode()
    browser.post("/desk/sender/look-up/", {"next": address})
    worker()
    assert "allows every server in the world" in text_of(browser, address)
    after = senders.current()
    assert before
    assert after
    assert after.pk == before.pk
    assert after.checked_at > before.checked_at
    assert SenderCheck.objects.count() == 1


def test_who_may_press_it(zone: Zone) -> None:
    assert desk_of(Role.Name.REVIEWER).post("/desk/sender/look-up/").status_code == 403
    assert Client().post("/desk/sender/look-up/").status_code == 302
    assert desk_of(Role.Name.SENDER).get("/desk/sender/look-up/").status_code == 405
    assert not SenderCheck.objects.exists()
    assert desk_of(Role.Name.SENDER).post("/desk/sender/look-up/", {"next": "https://evil.example/"}).url == "/desk/"
    assert SenderCheck.objects.exists()


def test_what_was_looked_up_for_other_settings_is_not_shown(zone: Zone, settings: Settings) -> None:
    look_up()
    settings.DKIM_SELECTORS = ["s2"]
    assert senders.current() is None
    assert [problem.key for problem in problems(senders.current())] == ["not_looked_up"]


def test_two_workers_write_one_answer_and_an_old_one_does_not_replace_a_new(zone: Zone) -> None:
    senders.ask()
    check = senders.current()
    assert check
    late = SenderCheck.objects.get(pk=check.pk)
    senders.look_up(check)
    zone.texts("example.org")
    SenderCheck.objects.filter(pk=check.pk).update(asked_at=timezone.now() + timedelta(seconds=1))
    senders.look_up(late)
    check.refresh_from_db()
    assert check.facts["spf"]["records"]
    assert check.asked_at, "somebody asked anew, and waits"


def test_with_the_catcher_nothing_is_looked_up_and_nothing_is_missing(
    zone: Zone, settings: Settings, worker: Callable[[], None]
) -> None:
    settings.MAIL_IS_CAUGHT = settings.SENDING_ENABLED = True
    dispatch = make_dispatch("prepared")
    browser = desk_of(Role.Name.CAMPAIGNER)
    browser.post("/desk/sender/look-up/")
    worker()
    said = text_of(browser, f"/desk/dispatches/{dispatch.pk}/")
    assert "does not leave it. So there is nothing to look up, and nothing is missing." in said
    assert "Look up" not in said
    assert not zone.asked
    assert not SenderCheck.objects.exists()
    assert problems(None) == []


@pytest.mark.parametrize("language", ["be", "ru"])
def test_every_sentence_is_there_in_every_language(zone: Zone, settings: Settings, language: str) -> None:
    settings.DKIM_SELECTORS = ["s1", "s2"]
    settings.RETURN_ADDRESS = "letters@example.net"
    check = look_up()
    in_english = findings(check)
    with translation.override(language):
        for english, translated in zip(in_english, findings(check), strict=True):
            assert translated.key == english.key
            for part in ("said", "meaning", "to_do"):
                assert getattr(translated, part) != getattr(english, part) or not getattr(english, part)
                assert "%(" not in getattr(translated, part)
