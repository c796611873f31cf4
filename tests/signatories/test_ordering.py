"""The order of names on a page and in a PDF."""

from operator import itemgetter

import pytest

from signatories.ordering import Rule, in_order, initial


def ordered(language: str, *names: str, lead: str = "", rule: Rule | None = None) -> list[str]:
    rows = [{"name": name, "is_lead": name == lead} for name in names]
    listed = in_order(rows, language, rule=rule or Rule(), name=itemgetter("name"), lead=itemgetter("is_lead"))
    return [str(row["name"]) for row in listed]


def test_the_lead_organisation_comes_first() -> None:
    assert ordered("en", "Access", "Zebra", "Bee", lead="Zebra") == ["Zebra", "Access", "Bee"]


def test_case_accents_quotes_and_punctuation_do_not_count() -> None:
    assert ordered("en", "Österreich", "“Bravo”", "alpha", "Zulu", "Ångström", "Charlie") == [
        "alpha", "Ångström", "“Bravo”", "Charlie", "Österreich", "Zulu",
    ]  # fmt: skip


def test_belarusian_has_its_own_alphabet() -> None:
    assert ordered("be", "Я", "Ўрад", "Улада", "Ёсць", "Ідэя", "Зара", "Йога", "Еўропа", "Фонд", "Кола") == [
        "Еўропа", "Ёсць", "Зара", "Ідэя", "Йога", "Кола", "Улада", "Ўрад", "Фонд", "Я",
    ]  # fmt: skip


def test_russian_has_its_own_alphabet() -> None:
    assert ordered("ru", "Яблоко", "Ёлка", "Ель", "Итог", "Йод", "Щит", "Шум", "Кино") == [
        "Ёлка", "Ель", "Итог", "Йод", "Кино", "Шум", "Щит", "Яблоко",
    ]  # fmt: skip


def test_a_cyrillic_page_lists_its_own_script_first_and_an_english_one_last() -> None:
    names = ("Access", "Вясна", "Zebra")
    assert ordered("be", *names) == ["Вясна", "Access", "Zebra"]
    assert ordered("en", *names) == ["Access", "Zebra", "Вясна"]


def test_a_shorter_name_stands_before_a_longer_one_that_begins_like_it() -> None:
    assert ordered("en", "Access Now Africa", "Access", "Access Now", "Accessible") == [
        "Access", "Access Now", "Access Now Africa", "Accessible",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "language", "letter"),
    [
        ("«Вясна»", "be", "В"),
        ("Ўрад", "be", "Ў"),
        ("Игра", "be", "І"),
        ("Ёлка", "ru", "Е"),
        ("Ångström", "en", "A"),
        ("7amleh", "en", "#"),
        ("“Quoted”", "be", "Q"),
    ],
)
def test_a_name_stands_under_its_first_letter(name: str, language: str, letter: str) -> None:
    assert initial(name, language) == letter


def test_articles_count_unless_the_rule_leaves_them_out() -> None:
    names = ("The Zebra", "Media Watch", "“Ábaco” Asociación", "Die Brücke", "L’Observatoire", "The")
    assert ordered("en", *names) == [
        "“Ábaco” Asociación",
        "Die Brücke",
        "L’Observatoire",
        "Media Watch",
        "The",
        "The Zebra",
    ]
    rule = Rule(ignores_articles=True)
    assert ordered("en", *names, rule=rule) == [
        "“Ábaco” Asociación", "Die Brücke", "Media Watch", "L’Observatoire", "The", "The Zebra",
    ]  # fmt: skip
    assert [initial(name, "en", True) for name in ("The Zebra", "The")] == ["Z", "T"]


def test_a_given_order_is_kept_behind_the_lead() -> None:
    assert ordered("en", "C", "A", "B", lead="B", rule=Rule(by_name=False)) == ["B", "C", "A"]
