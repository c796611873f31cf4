"""Under attack, a form takes a proof of work: one for each signature, made by the browser."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import altcha
import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from letters.models import Letter
from signatories import services
from signatories.models import Signature, SpentProof
from signatories.services import guard
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature
from tests.signatories.test_signing import SIGN, stated

pytestmark = pytest.mark.django_db

CHALLENGE = f"{SIGN}challenge/"


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.GUARD_COST = 1


@pytest.fixture
def letter() -> Letter:
    return make_letter(is_guarded=True)


def solved(puzzle: dict[str, Any]) -> str:
    """What the script hands in."""
    challenge = altcha.Challenge.from_dict(puzzle)
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def proof(client: Client) -> str:
    return solved(client.get(CHALLENGE).json())


class TestWhen:
    def test_not_while_the_form_is_at_peace(self, client: Client) -> None:
        letter = make_letter()
        assert 'id="proof"' not in client.get(SIGN).text
        assert client.post(SIGN, stated(letter)).status_code == 302

    def test_while_many_signatures_are_not_confirmed(self, client: Client, settings: Settings) -> None:
        settings.GUARD_AFTER = 3
        letter = make_letter()
        for _ in range(2):
            make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        make_signature(letter, status=SignatureStatus.PENDING)
        assert client.post(SIGN, stated(letter)).status_code == 302
        assert 'id="proof"' in client.get(SIGN).text
        assert client.post(SIGN, stated(letter, name="Another")).status_code == 422
        with time_machine.travel(timezone.now() + timedelta(seconds=settings.GUARD_WITHIN + 1)):
            assert client.post(SIGN, stated(letter, name="Another")).status_code == 302

    def test_another_letter_is_at_peace(self, client: Client, settings: Settings) -> None:
        settings.GUARD_AFTER = 1
        make_signature(make_letter(slug="flooded"), status=SignatureStatus.UNCONFIRMED)
        assert client.post(SIGN, stated(make_letter())).status_code == 302

    def test_always_where_the_letter_says_so(self, client: Client, letter: Letter) -> None:
        assert client.post(SIGN, stated(letter)).status_code == 422


class TestProof:
    def test_a_solution_lets_one_signature_pass(self, client: Client, letter: Letter) -> None:
        solution = proof(client)
        assert client.post(SIGN, stated(letter, proof=solution)).status_code == 302
        answer = client.post(SIGN, stated(letter, proof=solution, name="Another"))
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["proof"]
        assert 'value="Another"' in answer.text
        assert letter.signatures.count() == SpentProof.objects.count() == 1

    def test_a_form_that_was_not_taken_spends_none(self, client: Client, letter: Letter) -> None:
        solution = proof(client)
        assert client.post(SIGN, stated(letter, proof=solution, email="jane")).status_code == 422
        assert client.post(SIGN, stated(letter, proof=solution)).status_code == 302

    def test_it_expires(self, client: Client, letter: Letter) -> None:
        solution = proof(client)
        with time_machine.travel(timezone.now() + guard.LASTS * 1.01):
            assert client.post(SIGN, stated(letter, proof=solution)).status_code == 422

    def test_one_for_another_letter_is_none(self, client: Client, letter: Letter) -> None:
        other = make_letter(slug="another", is_guarded=True)
        assert client.post(SIGN, stated(letter, proof=solved(guard.challenge(other)))).status_code == 422

    @pytest.mark.parametrize(
        "forged",
        [
            lambda good: "",
            lambda good: "x",
            lambda good: "\0",
            lambda good: "ў" * 10,
            lambda good: "A" * 100_000,
            lambda good: base64.b64encode(b"[]").decode(),
            lambda good: base64.b64encode(b'{"challenge": {}, "solution": {}}').decode(),
            lambda good: base64.b64encode(b'{"challenge": {"parameters": [1]}, "solution": 1}').decode(),
            lambda good: changed(good, lambda payload: payload["challenge"].update(signature="0" * 64)),
            lambda good: changed(good, lambda payload: payload["challenge"]["parameters"].update(keyPrefix="")),
            lambda good: changed(good, lambda payload: payload["challenge"]["parameters"].update(expiresAt=2**40)),
            lambda good: changed(good, lambda payload: payload["challenge"]["parameters"].update(data=None)),
            lambda good: changed(good, lambda payload: payload["solution"].update(counter=-1)),
            lambda good: changed(good, lambda payload: payload["solution"].update(counter="7")),
        ],
    )
    def test_a_forged_one_is_none(self, client: Client, letter: Letter, forged: Callable[[str], str]) -> None:
        answer = client.post(SIGN, stated(letter, proof=forged(proof(client))))
        assert answer.status_code == 422
        assert not Signature.objects.exists()

    def test_what_is_spent_is_forgotten_once_it_would_have_expired(self, client: Client, letter: Letter) -> None:
        client.post(SIGN, stated(letter, proof=proof(client)))
        services.forget_unconfirmed()
        assert SpentProof.objects.count() == 1
        with time_machine.travel(timezone.now() + guard.LASTS + timedelta(minutes=1)):
            services.forget_unconfirmed()
        assert not SpentProof.objects.exists()


class TestTheChallenge:
    def test_it_is_made_anew_and_stays_nowhere(self, client: Client, letter: Letter) -> None:
        one, other = client.get(CHALLENGE), client.get(CHALLENGE)
        assert one.json() != other.json()
        assert one.headers["Cache-Control"] == "no-store"
        assert not one.cookies

    def test_it_knows_nothing_of_who_asks(self, client: Client, letter: Letter) -> None:
        parameters = client.get(CHALLENGE).json()["parameters"]
        assert parameters["data"] == {"letter": letter.slug}

    def test_there_is_none_for_a_letter_that_is_not_public(self, client: Client) -> None:
        make_letter(slug="hidden", published=False)
        assert client.get("/en/letters/hidden/sign/challenge/").status_code == 404

    @pytest.mark.parametrize("language", ["en", "be", "ru"])
    def test_without_script_the_form_says_what_to_do_instead(
        self, client: Client, letter: Letter, language: str
    ) -> None:
        text = client.get(f"/{language}/letters/belarus-2020/sign/").text
        told = text[text.index("<noscript>") : text.index("</noscript>")]
        assert letter.contact_email in told

    def test_only_the_form_may_ask_for_it(self, client: Client, letter: Letter) -> None:
        assert "connect-src 'self'" in client.get(SIGN).headers["Content-Security-Policy"]
        assert "connect-src" not in client.get(f"{SIGN}sent/").headers["Content-Security-Policy"]


def changed(good: str, change: Callable[[dict[str, Any]], None]) -> str:
    payload = json.loads(base64.b64decode(good))
    change(payload)
    return base64.b64encode(json.dumps(payload).encode()).decode()
