"""The daily mail to reviewers: what waits, in their language, once a day whoever asks for it."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import time_machine

from accounts.models import Role, User
from letters.models import Letter
from mailing.models import Mail
from signatories.digest import mail_digests
from signatories.models import Correction
from signatories.states import SignatureStatus
from signatories.tasks import mail_digests as task
from tests.factories import make_letter, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
MORNING = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER, email="rita@example.org")


@pytest.fixture
def letter() -> Letter:
    return make_letter(signing_until=date(2030, 5, 9))


def wait(letter: Letter, **columns: object) -> None:
    make_signature(letter, status=SignatureStatus.PENDING, name="Careful People", **columns)


def test_what_waits_by_letter_and_since_when(letter: Letter, reviewer: User) -> None:
    second = make_letter(slug="second", title_en="The second letter")
    with time_machine.travel(datetime(2030, 5, 4, 9, 30, tzinfo=UTC)):
        wait(letter, assigned_to=reviewer)
    make_signature(letter, status=SignatureStatus.PENDING)
    make_signature(letter, status=SignatureStatus.ASKED)
    Correction.objects.create(signature=make_signature(second), changes={"name_en": ["a", "b"]})
    with time_machine.travel(MORNING):
        task()
    [mail] = mails_to("rita@example.org")
    assert mail.subject == "3 decisions wait at the desk"
    for said in (
        "Signing until 9 May 2030",
        "2 signatures wait for a decision",
        "1 question waits for an answer",
        "The second letter",
        "1 correction was asked for",
        "1 of these signatures is assigned to you.",
        "http://localhost:8000/desk/",
    ):
        assert said in mail.body
    assert "Careful People" not in mail.body


def test_in_the_reviewers_language(letter: Letter, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(language="ru")
    wait(letter)
    mail_digests()
    assert Mail.objects.get().subject == "1 решение ждёт в рабочем кабинете"


def test_once_a_day_whoever_asks(letter: Letter, reviewer: User) -> None:
    wait(letter)
    for day in (6, 6, 7, 7):
        with time_machine.travel(MORNING.replace(day=day)):
            mail_digests()
    assert Mail.objects.count() == 2


@pytest.mark.parametrize("status", set(SignatureStatus) - {SignatureStatus.PENDING})
def test_no_mail_where_nothing_waits_for_staff(letter: Letter, reviewer: User, status: str) -> None:
    make_signature(letter, status=status)
    assert mail_digests() == 0
    assert Mail.objects.count() == 0


def test_only_to_reviewers_who_are_with_us(letter: Letter, worker: Callable[[], None]) -> None:
    for role in (Role.Name.CAMPAIGNER, Role.Name.SENDER, ""):
        make_user(role)
    make_user(Role.Name.REVIEWER, is_active=False)
    wait(letter)
    assert mail_digests() == 0
