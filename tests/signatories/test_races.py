"""What comes at the same moment, through HTTP as it would: of two who meet, one wins, and nobody sees a 500."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from ledger.models import Event
from letters.models import Letter
from mailing.models import Mail
from signatories import links
from signatories.desk.rows import shown
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db(transaction=True)

SIGN = "/be/letters/belarus-2020/sign/"


def at_once(calls: list[Callable[[], HttpResponse]], together: int) -> list[HttpResponse]:
    """Each call in a thread with a connection of its own, `together` of them let go at the same moment."""
    gate = Barrier(together)

    def one(call: Callable[[], HttpResponse]) -> HttpResponse:
        gate.wait(timeout=60)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(together) as pool:
        return list(pool.map(one, calls))


def post(path: str, form: dict[str, Any], browser: Client | None = None) -> HttpResponse:
    return (browser or Client()).post(path, form, follow=browser is not None)


def desk() -> Client:
    """A browser in which a reviewer has signed in."""
    browser = Client()
    browser.force_login(make_user(Role.Name.REVIEWER))
    return browser


def decide(browser: Client, decision: str, signature: Signature) -> Callable[[], HttpResponse]:
    form = {"shown": shown(signature), "reason": "authority", "next": reverse("desk:batch")}  # a small page
    return partial(post, reverse(f"desk:{decision}", args=[signature.pk]), form, browser)


def told(answers: list[HttpResponse]) -> Counter[str]:
    """Which kinds of message the pages show that follow on the decisions."""
    assert {answer.status_code for answer in answers} == {200}
    kinds = ("success", "warning", "error")
    return Counter(kind for answer in answers for kind in kinds if f'<li class="{kind}">' in answer.content.decode())


def stated(letter: Letter, **changes: Any) -> dict[str, Any]:
    return {
        "visibility": "public",
        "name": "Праваабарончы цэнтр «Прыклад»",
        "country": "BY",
        "representative": "Прыклад Прыкладны",
        "role": "Старшыня",
        "email": "signer@pryklad.example.org",
        "consent": "on",
        "authority": "on",
        "version": letter.version.pk,
        **changes,
    }


def test_a_hundred_posts_of_one_form_are_one_signature_and_one_mail() -> None:
    letter = make_letter()
    form = stated(letter)
    answers = at_once([partial(post, SIGN, form)] * 100, together=20)
    assert {answer.status_code for answer in answers} == {302}
    assert Signature.objects.get().name_en == form["name"]
    assert Mail.objects.count() == 1
    assert Event.objects.filter(table="signatories.signature").count() == 1


def test_spellings_of_one_name_and_mailbox_are_one_signature() -> None:
    letter = make_letter()
    spelt = [
        stated(letter, name=name, email=address)
        for name in ("Праваабарончы цэнтр Прыклад", "ПРАВААБАРОНЧЫ ЦЭНТР «ПРЫКЛАД»")
        for address in ("signer@pryklad.example.org", "Sig.ner+letter@Pryklad.example.org")
    ]
    answers = at_once([partial(post, SIGN, form) for form in spelt * 5], together=20)
    assert {answer.status_code for answer in answers} == {302}
    assert Signature.objects.count() == 1
    assert Mail.objects.count() == 1


def test_a_button_to_confirm_pressed_thrice_at_once_confirms_once_and_says_so_each_time() -> None:
    signature = make_signature(make_letter(), status="unconfirmed")
    link = urlsplit(links.confirm_url(signature)).path

    form = {"shown": Client().get(link).context["shown"]}
    answers = at_once([partial(post, link, form)] * 3, together=3)
    assert [answer.status_code for answer in answers] == [302] * 3
    assert Event.objects.about(signature).filter(target="pending").count() == 1
    assert Mail.objects.count() == 1


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told() -> None:
    letter, one, other = make_letter(), desk(), desk()
    for _ in range(100):
        signature = make_signature(letter, status=SignatureStatus.PENDING)
        answers = at_once([decide(one, "approve", signature), decide(other, "reject", signature)], together=2)
        assert told(answers) == {"success": 1, "warning": 1}
        [decision] = Event.objects.about(signature)
        signature.refresh_from_db()
        assert (decision.target, decision.by) == (signature.status, signature.decided_by)
        assert Mail.objects.filter(key__startswith=f"{signature.status}:{signature.pk}:").count() == 1
    assert Mail.objects.count() == 100


def test_two_signatures_of_one_organisation_approved_at_once_are_one() -> None:
    letter, one, other = make_letter(), desk(), desk()
    for turn in range(10):
        twins = [make_signature(letter, name=f"Twice {turn}", status=SignatureStatus.PENDING) for _ in range(2)]
        answers = at_once([decide(one, "approve", twins[0]), decide(other, "approve", twins[1])], together=2)
        assert told(answers) == {"success": 1, "error": 1}
        states = letter.signatures.filter(pk__in=[twin.pk for twin in twins]).values_list("status", flat=True)
        assert sorted(states) == ["approved", "pending"]
