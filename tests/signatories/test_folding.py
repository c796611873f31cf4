import unicodedata

import pytest

from signatories.folding import fold_email, fold_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Access Now", "ACCESS  now"),
        ("Access Now", "Access Now."),
        ("Вясна", "ВЯСНА"),
        ("Праваабарончы цэнтр «Вясна»", 'Праваабарончы цэнтр "Вясна"'),
        ("Straße", "STRASSE"),
        ("Ассоциация «Щит»", "ассоциация щит"),
        ("Ўзлёт", unicodedata.normalize("NFD", "ўзлёт")),
        ("ﬁrst", "First"),
        ("Human-Rights Watch", "Human Rights Watch"),
    ],
)
def test_spellings_of_one_name_fold_to_the_same(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Вясна", "Весна"),
        ("Access Now", "Access Not"),
        ("Article 19", "Article 20"),
        ("人权", "人民"),
        ("किताब", "कताब"),
        ("+++", "---"),
        ("Асацыяцыя Й", "Асацыяцыя И"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@pytest.mark.parametrize("name", ["Access Now", "Вясна «96»", "+++", "ﬁ", "İstanbul", "किताब"])
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)
    assert fold_name(name)


@pytest.mark.parametrize("address", ["Jane.Doe@Example.org", "janedoe+letters@example.org", " JANEDOE@EXAMPLE.ORG "])
def test_variants_of_one_mailbox_fold_to_the_same(address: str) -> None:
    assert fold_email(address) == "janedoe@example.org"


def test_an_address_that_begins_with_its_tag_keeps_a_mailbox() -> None:
    assert fold_email("+tag@example.org") == "+tag@example.org"
    assert fold_email("one@example.org") != fold_email("one@example.net")
