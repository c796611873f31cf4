"""The secret of a withheld signature: easy to copy by hand, and impossible to guess."""

import re

import pytest

from signatories.services.secrets import new_secret, secret_index


def test_it_is_in_groups_without_letters_that_are_taken_for_others() -> None:
    for secret in (new_secret() for _ in range(50)):
        assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){5}", secret)


def test_no_two_are_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "written",
    [
        "0123-4567-89ab-cdef-ghjk-mnpq",
        "  0123 4567 89AB CDEF GHJK MNPQ ",
        "0123–4567–89ab–cdef–ghjk–mnpq",
        "0123456789abcdefghjkmnpq",
        "Ol23-4567-89ab-cdef-ghjk-mnpq",
    ],
)
def test_it_is_found_however_it_was_written_down(written: str) -> None:
    assert secret_index(written) == secret_index("0123-4567-89ab-cdef-ghjk-mnpq") != ""


@pytest.mark.parametrize("written", ["", "0123", "ў" * 24, "\0" * 24, "u" * 24, "0123-4567-89ab-cdef-ghjk-mnpq-r"])
def test_what_can_be_none_finds_nothing(written: str) -> None:
    assert secret_index(written) == ""
