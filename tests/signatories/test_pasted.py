"""A list of organisations is read as people paste it, and names come through byte for byte."""

import pytest

from signatories import pasted

NAMES = [
    "epicenter.works",
    "Citizen D / Državljan D",
    'Masaar "Community for Technology and Law"',
    "S.T.O.P. – The Surveillance Technology Oversight Project",
    "Human Rights Center “Viasna”, Minsk",
    "Праваабарончы цэнтр «Вясна»",
    "مركز Masaar للحقوق",
    "One; two, three",
    "Acme, Inc.",
]
PARTED = [
    "{name}; {email}; en",
    "{name},{email},en",
    "{name}\t{email}\ten",
    "{name} <{email}> en",
    "{name} ; {email} ; EN ",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parted", PARTED)
def test_names_are_never_cut(name: str, parted: str) -> None:
    (line,) = pasted.read(parted.format(name=name, email="info@example.org"), language="be")
    assert (line.name, line.email, line.language, line.problems) == (name, "info@example.org", "en", ())


def test_the_language_may_be_left_out_or_named_in_words() -> None:
    text = "One; a@one.org\nTwo; a@two.org; Belarusian\nThree; a@three.org; русский\nFour; a@four.org; беларуская"
    assert [line.language for line in pasted.read(text, language="en")] == ["en", "be", "ru", "be"]


def test_quotes_of_a_spreadsheet_go_and_others_stay() -> None:
    text = '"Masaar ""Community""";a@one.org\n"One" and "Two";a@two.org\n"Acme, Inc.",a@three.org'
    names = [line.name for line in pasted.read(text, language="en")]
    assert names == ['Masaar "Community"', '"One" and "Two"', "Acme, Inc."]


def test_the_address_may_come_first() -> None:
    text = "a@one.org; One, two\na@two.org\tTwo\tru"
    lines = pasted.read(text, language="en")
    assert [(line.name, line.email, line.language) for line in lines] == [
        ("One, two", "a@one.org", "en"),
        ("Two", "a@two.org", "ru"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Organisation; E-mail; Language", "There is no e-mail address in this line."),
        ("One; a@one.org; b@one.org", "Give one e-mail address a line."),
        ("a@one.org", "There is no name in this line."),
        ("One; a@localhost", "Enter an e-mail address with a full domain, such as name@example.org."),
        (
            "One; a@one.org; Klingon",
            "“Klingon” is not understood: after the address only a language can stand, such as en.",
        ),
        (
            "One\u200b; a@one.org",
            "This holds characters that can’t be seen, or more than one line. Type it again on one line.",
        ),
        ("One\ufffd; a@one.org", "Some letters were damaged on the way. Type this again."),
        ("<b>One</b>; a@one.org", "Write this as plain text, without the signs < and >."),
        ("x" * 2001 + "; a@one.org", "This line is too long to be one organisation’s."),
    ],
)
def test_a_line_that_is_not_understood_says_why(line: str, problem: str) -> None:
    (read,) = pasted.read(line, language="en")
    assert [str(said) for said in read.problems] == [problem]
    assert read.text == line


def test_lines_are_numbered_as_they_stand_and_doubles_are_named() -> None:
    text = "\n One; a@one.org\r\n\r\nTwo; a@two.org\nONE; A+list@one.org\n;;\n"
    lines = pasted.read(text, language="en")
    assert [line.number for line in lines] == [2, 4, 5]
    assert [str(said) for said in lines[2].problems] == ["The same name and address stand in line 2."]


def test_a_thousand_lines_of_signs_are_read_in_a_moment() -> None:
    for sign in ("@", "<", ";", '"', "a@"):
        assert len(pasted.read("\n".join([sign * 1000 + "x"] * 1000), language="en")) == 1000
