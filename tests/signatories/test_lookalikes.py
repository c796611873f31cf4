"""What is shown beside a signature as perhaps the same organisation, and what is not."""

import random
import re
import unicodedata
from itertools import combinations

import pytest
from django.utils.translation import override

from signatories.folding import fold_name
from signatories.lookalikes import KEY_LENGTH, Kind, foreign_letters, likeness, name_keys, reason, strongest

REAL_NAMES = """
Access Now|epicenter.works|Citizen D / Državljan D|Masaar "Community for Technology and Law"|ARTICLE 19
PEN America|S.T.O.P. – The Surveillance Technology Oversight Project|Права человека|Amnesty International
Amnesty UK|PEN Belarus|Human Rights Watch|Human Rights First|Human Rights House|Human Constanta
Праваабарончы цэнтр «Вясна»|Free Press Unlimited|Digital Rights Foundation (DRF)|Digital Rights Ireland
Digital Rights Watch|Digital Defenders Partnership|Open Net
Open Observatory of Network Interference (OONI)|Open Rights Group|Open Society Foundations
Internet Society|Internet Sans Frontières|Internet Freedom Foundation|Freedom House
Freedom of the Press Foundation|Free Software Foundation|Reporters Without Borders (RSF)
Committee to Protect Journalists (CPJ)|Belarusian Association of Journalists (BAJ)
Belarusian Helsinki Committee|Norwegian Helsinki Committee|Helsinki Foundation for Human Rights
Media Foundation for West Africa (MFWA)|Media Rights Agenda|Media Matters for Democracy
Paradigm Initiative|Pollicy|Panoptykon Foundation|Privacy International
Transparency International – Kenya|Transparency International – Latvia|Transparency International|7amleh
حملة – المركز العربي لتطوير الإعلام الاجتماعي|مركز الخليج لحقوق الإنسان (GCHR)
האגודה לזכויות האזרח בישראל|人权观察|人民权利|საქართველოს ახალგაზრდა იურისტთა ასოციაცია|Legal Initiative
Правовая инициатива|Lawtrend|Экодом|Мова Нанова|Нерушь|Фонд «Живая Беларусь»|Фонд «Солидарность»
Центр «Эколаб»|Беларускі дом правоў чалавека|Будзьма беларусамі!|Годна
""".strip().replace("\n", "|")  # fmt: skip


def names() -> list[str]:
    return [name.strip() for name in REAL_NAMES.split("|")]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("Access Now", "ACCESS  now!", Kind.SAME),
        ("epicenter.works", "Epicenter Works", Kind.SAME),
        ("Аб'яднанне Шлях", "Аб’яднанне «Шлях»", Kind.SAME),
        ("Ўзлёт", unicodedata.normalize("NFD", "ўзлёт"), Kind.SAME),
        ("PACE", "РАСЕ", Kind.LETTERS),
        ("ВЕСНА", "BECHA", Kind.LETTERS),
        ("Аccess Now", "Access Now", Kind.LETTERS),
        ("Αccess Νοw", "Access Now", Kind.LETTERS),
        ("lnternet Society", "Internet Society", Kind.LETTERS),
        ("Modem Law Centre", "Modern Law Centre", Kind.LETTERS),
        ("Digital Rights Foundation (DRF)", "Digital Rights Foundation", Kind.PART),
        ("Digital Rights Foundation (DRF)", "D.R.F.", Kind.PART),
        ("DRF – Digital Rights Foundation", "Digital Rights Foundation (DRF)", Kind.PART),
        ("Беларуская асацыяцыя журналістаў (БАЖ)", "БАЖ", Kind.PART),
        ("Derechos Digitales", "Derechos Digitales · América Latina", Kind.PART),
        ("Derechos Digitales", "Derechos Digitales | América Latina", Kind.PART),
        ("Masaar", 'Masaar "Community for Technology and Law"', Kind.PART),
        ("Masaar: Community for Technology and Law", "Masaar", Kind.PART),
        ("Citizen D / Državljan D", "Državljan D", Kind.PART),
        ("Citizen D / Državljan D", "Citizen D", Kind.PART),
        ("Press Club Minsk (Прэс-клуб Мінск)", "Прэс-клуб Мінск", Kind.PART),
        ("S.T.O.P. – The Surveillance Technology Oversight Project", "S.T.O.P.", Kind.PART),
        ("STOP", "S.T.O.P. – The Surveillance Technology Oversight Project", Kind.PART),
        (
            "S.T.O.P. – The Surveillance Technology Oversight Project",
            "Surveillance Technology Oversight Project, Inc.",
            Kind.PART,
        ),
        ("Праваабарончы цэнтр «Вясна»", "Вясна", Kind.PART),
        ("ГА «Прававая ініцыятыва Х»", "Прававая ініцыятыва Х", Kind.PART),
        ("Digitalcourage e. V.", "Digitalcourage", Kind.PART),
        ("Вясна", "Viasna", Kind.SOUND),
        ("Вясна", "Vyasna", Kind.SOUND),
        ("Вясна", "Vjasna", Kind.SOUND),
        ("Вясна", "Wiasna", Kind.SOUND),
        ("Вясна", "Vesna", Kind.SOUND),
        ("Вясна", "Весна", Kind.SOUND),
        ('Human Rights Center "Viasna"', "Праваабарончы цэнтр «Вясна»", Kind.SOUND),
        ("Human Constanta", "Хьюман Константа", Kind.SOUND),
        ("Memorial", "Мемориал", Kind.SOUND),
        ("Беларуская асацыяцыя журналістаў", "Belaruskaya Asatsyyatsyya Zhurnalistau", Kind.SOUND),
        ("Беларуская асацыяцыя журналістаў", "Bielaruskaja asacyjacyja žurnalistaŭ", Kind.SOUND),
        ("Беларуская асацыяцыя журналістаў", "Bielaruskaja asacyjacyja zurnalistau", Kind.SOUND),
        ("Праваабаронцы", "Pravaabarontsy", Kind.SOUND),
        ("Гродзенская вясна", "Hrodzienskaja viasna", Kind.SOUND),
        ("Fundación Karisma", "Fundacion Karisma", Kind.SOUND),
        ("Amnesty International", "Amnesty Internatoinal", Kind.SOUND),
        ("Viasna", "Vesna", Kind.SOUND),
        ("HumanConstanta", "Human Constanta", Kind.SOUND),
        ("Human Rights Watch", "Human Rigths Watch", Kind.SPELLING),
        ("Viasna Human Rights Centre", "Human Rights Center Viasna", Kind.SPELLING),
        ("Centre for Law and Democracy", "Center of Law & Democracy", Kind.SPELLING),
        ("Association of Journalists of Georgia", "Journalists’ Association of Georgia", Kind.SPELLING),
        ("Дом правоў чалавека", "Дом чалавека і правоў", Kind.SPELLING),
    ],
)
def test_spellings_of_one_organisation_meet(one: str, other: str, kind: Kind) -> None:
    assert (likeness([one], [other]), likeness([other], [one])) == (kind, kind)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Amnesty International", "Amnesty UK"),
        ("Human Rights Watch", "Human Rights First"),
        ("Transparency International – Kenya", "Transparency International – Chile"),
        ("Transparency International", "Transparency International – Кенія"),
        ("Internet Society – Ghana Chapter", "Internet Society – Togo Chapter"),
        ("Delhi Rights Forum (DRF)", "Digital Rights Foundation (DRF)"),  # many share three letters
        ("Human Rights: Now", "Human Rights · Later"),
        ("Центр «Свобода»", "Фонд «Свобода»"),
        ("Open Net", "Open Note"),
        ("Rosa", "Раса"),
        ("PEN", "Pan"),
        ("Article 19", "Article 20"),
        ("Article 1", "Article 11"),
        ("Giving", "Having"),  # the same consonants and few other letters
        ("Open Network Mark", "Open Network Chrome"),
        ("人权观察", "人民权利"),
        ("किताब", "कताब"),
        ("+++", "---"),
        ("Праваабарончы цэнтр", "Правозащитный центр"),  # a translation is another name, kept beside the first
        ("Human Rights Centre (Minsk)", "Press Club (Minsk)"),
    ],
)
def test_two_organisations_stay_two(one: str, other: str) -> None:
    assert likeness([one], [other]) is None


def test_real_names_are_not_taken_for_one_another() -> None:
    alike = {(one, other) for one, other in combinations(names(), 2) if likeness([one], [other])}
    assert alike == set()


@pytest.mark.parametrize("name", names())
def test_a_real_name_meets_its_own_spellings(name: str) -> None:
    for spelt in (name.upper(), name.lower(), f"  {name} ", unicodedata.normalize("NFD", name), f"{name}."):
        assert likeness([name], [spelt]) == Kind.SAME, spelt


@pytest.mark.parametrize("name", names())
def test_a_letter_of_another_script_hides_no_name(name: str) -> None:
    latin, cyrillic = "aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ"
    for there, instead in ((latin, cyrillic), (cyrillic, latin)):
        table = str.maketrans(there, instead)
        if (forged := name.translate(table)) != name:
            assert likeness([name], [forged]) == Kind.LETTERS, forged


@pytest.mark.parametrize("name", [name for name in names() if len(fold_name(name)) > 20 and name.isascii()])
def test_vowels_and_doubled_letters_are_misspelt_in_vain(name: str) -> None:
    for vowel in re.finditer(r"(?<=[b-df-hj-np-tv-z])[aou](?=[a-z]{2})", name):
        for misspelt in ("", "e", vowel[0] * 2):
            spelt = f"{name[: vowel.start()]}{misspelt}{name[vowel.end() :]}"
            assert likeness([name], [spelt]) is not None, spelt


def test_any_of_several_names_is_enough() -> None:
    assert likeness(["Legal Initiative", "Прававая ініцыятыва"], ["", "Pravavaja Inicyjatyva"]) == Kind.SOUND
    assert name_keys("Viasna", "Вясна") == name_keys("Viasna") | name_keys("Вясна")
    assert name_keys("") == name_keys() == frozenset()


def test_keys_fit_their_column_whatever_the_name() -> None:
    chance = random.Random(4)
    letters = "".join(names()) + "()[]«»\"'’|/:·–-. \u200d\u0301\u0000\n😀\ue000İß"
    for length in (*range(1, 30), 250):
        for name in ("".join(chance.choices(letters, k=length)) for _ in range(20)):
            keys = name_keys(name)
            assert (Kind.SAME in {kind for kind, _key in keys}) == bool(fold_name(name))
            assert all(0 < len(key) <= KEY_LENGTH for _kind, key in keys)
            assert len(keys) <= 40
            foreign_letters(name)


def test_long_names_meet_and_differ_to_the_last_letter() -> None:
    name = "Coalition of independent observers of elections and referendums in the towns and villages of Grodno"
    assert likeness([name], [name.upper()]) == Kind.SAME
    assert likeness([name], [f"{name} 2"]) is None


def test_the_strongest_reason_is_given_in_the_readers_language() -> None:
    assert strongest(["sound", "same", "part"]) == Kind.SAME
    assert strongest([]) is None
    assert reason([]) == ""
    assert str(reason(["spelling", "letters"])) == str(Kind.LETTERS.label)
    for kind in Kind:
        said = set()
        for language in ("en", "be", "ru"):
            with override(language):
                said.add(str(reason([kind])))
        assert len(said) == 3
        assert {sentence[-1] for sentence in said} == {"."}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Аccess Now", [("А", "Cyrillic")]),  # the first letter is not the Latin one
        ("Праваaбаронцы", [("a", "Latin")]),
        ("Οpen Net", [("Ο", "Greek")]),
        ("А\u0332ccess", [("А", "Cyrillic")]),
        ("Access Now Беларусь", []),
        ("IT-Праца", []),
        ("Ａccess", []),
        ("Ассоциация Öffentlichkeit 7th", []),
        ("РАСЕ Now", [("Р", "Cyrillic"), ("А", "Cyrillic"), ("С", "Cyrillic"), ("Е", "Cyrillic")]),
        ("Цэнтр BECHA", [(letter, "Latin") for letter in "BECHA"]),
        ("ТОР Project", [("Т", "Cyrillic"), ("О", "Cyrillic"), ("Р", "Cyrillic")]),
        ("Οχι Now", []),
        ("НКО Access Now", []),
        ("Access Беларусь", []),
        ("РАСЕ", []),  # nothing to tell by, until there is the other name
    ],
)
def test_letters_of_another_script_are_noticed(name: str, found: list[tuple[str, str]]) -> None:
    assert [(letter, str(script)) for letter, script in foreign_letters(name)] == found


def test_each_name_has_a_script_of_its_own() -> None:
    assert foreign_letters("Rosa Association", "", "Роса") == []
    assert [letter for letter, _script in foreign_letters("Viasna", "Вяcна")] == ["c"]
