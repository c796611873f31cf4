"""What an address shows of whoever writes from it."""

import pytest
from django.utils.translation import override

from signatories.authority import Grade, belongs_to, domain_of, grade_of_address, is_free_mail, is_shared, own_domain


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("info@accessnow.org", "accessnow.org"),
        (" Info@AccessNow.ORG. ", "accessnow.org"),
        ("mailto:info@accessnow.org", "accessnow.org"),
        ('"a@b"@accessnow.org', "accessnow.org"),
        ("https://www.accessnow.org/keepiton/?a=b@c.example#d", "accessnow.org"),
        ("https://user:secret@www.accessnow.org:8443/", "accessnow.org"),
        ("https://accessnow.org@evil.example/", "evil.example"),
        ("//www.accessnow.org", "accessnow.org"),
        ("www.accessnow.org/@us", "accessnow.org"),
        ("epicenter.works", "epicenter.works"),
        ("www.org", "www.org"),
        ("spring96.org", "spring96.org"),
        ("https://правозащита.бел/", "xn--80aaagzh3bfj0a9e.xn--90ais"),
        ("https://ПРАВОЗАЩИТА。бел", "xn--80aaagzh3bfj0a9e.xn--90ais"),
        ("info@xn--80aaagzh3bfj0a9e.xn--90ais", "xn--80aaagzh3bfj0a9e.xn--90ais"),
        ("https://مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
        ("https://ａccessnow.org", "accessnow.org"),
        ("", ""),
        ("nobody", ""),
        ("nobody@", ""),
        ("nobody@localhost", ""),
        ("a@[127.0.0.1]", ""),
        ("http://127.0.0.1/", ""),
        ("http://[::1]/", ""),
        ("http://[::1", ""),
        ("https://evil.example\\@accessnow.org", ""),
        ("a@-x-.org", ""),
        ("a@x..org", ""),
        ("a@two words.org", ""),
        ("a@" + "x" * 64 + ".org", ""),
        ("a@" + "x." * 130 + "org", ""),
        ("a@x\x00y.org", ""),
        ("a@☃.org", ""),
    ],
)
def test_the_domain_of_an_address_or_a_website(text: str, domain: str) -> None:
    assert domain_of(text) == domain


def test_a_look_alike_domain_is_another_one() -> None:
    assert domain_of("info@аccessnow.org") != "accessnow.org"
    assert not belongs_to("info@аccessnow.org", ["accessnow.org"])


@pytest.mark.parametrize(
    "domain",
    """
    gmail.com googlemail.com outlook.com hotmail.co.uk live.com yahoo.com yahoo.co.uk yahoo.com.br icloud.com me.com
    proton.me protonmail.com pm.me tutanota.com tuta.io gmx.de gmx.net web.de mail.com zoho.com fastmail.com
    user.fastmail.com riseup.net yandex.ru yandex.by yandex.com.tr ya.ru mail.ru bk.ru list.ru inbox.ru rambler.ru
    tut.by mail.by ukr.net
    i.ua wp.pl o2.pl onet.pl poczta.onet.pl interia.pl posteo.de posteo.net mailbox.org disroot.org qq.com 163.com
    126.com naver.com aol.com seznam.cz libero.it laposte.net orange.fr inbox.lt
    """.split(),  # noqa: SIM905
)
def test_free_mail_is_no_evidence(domain: str) -> None:
    assert is_free_mail(domain)
    assert not belongs_to(f"somebody@{domain}", [domain, f"https://{domain}/"])
    assert grade_of_address(f"somebody@{domain}", website=f"https://{domain}", domains=[domain]) == Grade.NONE


@pytest.mark.parametrize(
    "website",
    [
        "https://viasna.blogspot.com",
        "https://viasna.blogspot.co.uk",
        "https://viasna.wordpress.com",
        "https://viasna.github.io",
        "https://www.facebook.com/viasna",
        "https://m.facebook.com/viasna",
        "https://t.me/viasna",
        "https://www.instagram.com/viasna",
        "https://linktr.ee/viasna",
        "https://sites.google.com/view/viasna",
        "https://viasna.ucoz.ru",
        "https://org.uk",
        "https://www.com.by",
        "com.br",
        "minsk.by",
    ],
)
def test_a_page_among_other_peoples_is_no_domain_of_ones_own(website: str) -> None:
    domain = domain_of(website)
    assert is_shared(domain)
    assert own_domain(website) == ""
    assert not belongs_to(f"info@{domain}", [website])
    assert not belongs_to("info@accessnow.org.uk", [website])


@pytest.mark.parametrize(
    ("address", "domains", "belongs"),
    [
        ("info@accessnow.org", ["accessnow.org"], True),
        ("Info@AccessNow.org", ["https://www.accessnow.org/"], True),
        ("info@mail.accessnow.org", ["accessnow.org"], True),
        ("info@accessnow.org", ["example.org", "", "accessnow.org"], True),
        ("info@foundation.org.by", ["https://foundation.org.by"], True),
        ("інфо@правозащита.бел", ["https://xn--80aaagzh3bfj0a9e.xn--90ais/"], True),
        ("info@accessnow.org", ["belarus.accessnow.org"], False),  # whoever has a part has not the whole
        ("info@notaccessnow.org", ["accessnow.org"], False),
        ("info@accessnow.org.evil.example", ["accessnow.org"], False),
        ("info@accessnow.org", ["https://accessnow.org@evil.example"], False),
        ("info@one.org.by", ["org.by", "two.org.by"], False),
        ("info@accessnow.org", [], False),
        ("", [""], False),
        ("nobody", ["nobody"], False),
    ],
)
def test_whose_mailbox_it_is(address: str, domains: list[str], belongs: bool) -> None:
    assert belongs_to(address, domains) == belongs


@pytest.mark.parametrize(
    "domain", ["accessnow.org", "spring96.org", "outlook.org", "me.org", "epicenter.works", "hrw.org"]
)
def test_domains_of_organisations_are_their_own(domain: str) -> None:
    assert own_domain(domain) == domain


def test_the_registrys_domain_shows_more_than_the_stated_one() -> None:
    stated = "https://accessnow.org"
    assert grade_of_address("info@accessnow.org", website=stated, domains=["accessnow.org"]) == Grade.DOMAIN
    assert grade_of_address("info@accessnow.org", website=stated, domains=["example.org"]) == Grade.STATED_DOMAIN
    assert grade_of_address("info@example.org", website=stated) == Grade.NONE
    assert grade_of_address("info@example.org") == Grade.NONE


def test_grades_are_in_order_and_each_says_what_it_means() -> None:
    found_by_the_machine = [Grade.NONE, Grade.STATED_DOMAIN, Grade.DOMAIN, Grade.MANDATE]
    added_by_staff = [Grade.PAPER, Grade.ANNOUNCEMENT, Grade.CALL_BACK]
    assert sorted(added_by_staff) == added_by_staff
    assert sorted(found_by_the_machine) == found_by_the_machine
    assert Grade.STATED_DOMAIN < Grade.PAPER < Grade.DOMAIN  # so that a paper alone is not proposed for a batch
    for grade in Grade:
        said, named = set(), set()
        for language in ("en", "be", "ru"):
            with override(language):
                said.add(str(grade.sentence))
                named.add(str(grade.label))
        assert (len(said), len(named)) == (3, 3)
        assert all(sentence.endswith(".") for sentence in said)
