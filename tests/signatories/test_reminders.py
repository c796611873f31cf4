"""What signers are told without asking: one reminder, that the letter is public, that it was sent. Each once."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatch import tasks as dispatch_tasks
from dispatch.models import Delivery, Dispatch
from dispatch.services import dispatches, telling
from dispatch.states import DeliveryStatus, DispatchStatus
from letters.models import Letter
from letters.services import publish
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import emails, links, services, tasks
from signatories.models import Signature
from signatories.services import telling as signatories_telling
from signatories.states import SignatureStatus
from tests.campaign.test_pages import seal_without_typesetting
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.signatories.reaching import leads_to
from tests.tools import mails_to

pytestmark = pytest.mark.django_db


def ago(**past: float) -> datetime:
    return timezone.now() - timedelta(**past)


def reminders() -> list[Mail]:
    return [mail for mail in Mail.objects.order_by("pk") if mail.subject.startswith("Not confirmed yet")]


def unconfirmed(letter: Letter, *, days: float = 3.1, **columns: Any) -> Signature:
    return make_signature(letter, status=SignatureStatus.UNCONFIRMED, signed_at=ago(days=days), **columns)


@pytest.fixture
def letter() -> Letter:
    return make_letter(with_recipients=False)


class TestReminder:
    def test_whoever_has_not_confirmed_is_reminded_once_after_three_days(self, letter: Letter) -> None:
        signature = unconfirmed(letter)
        unconfirmed(letter, days=2.9)
        for _ in range(3):
            tasks.sweep_reminders()
        [mail] = reminders()
        assert mail.to == signature.email
        assert leads_to(mail.body, "no_reminders", signature)
        [token] = re.findall(r"/signatures/confirm/([^/\s]+)/", mail.body)
        assert links.read("confirm", token) == signature

    def test_whoever_signs_again_is_not_reminded_again(self, letter: Letter) -> None:
        signature = unconfirmed(letter)
        tasks.sweep_reminders()
        Signature.objects.filter(pk=signature.pk).update(signed_at=ago(days=3.5))
        tasks.sweep_reminders()
        assert len(reminders()) == 1

    @pytest.mark.parametrize("status", [status for status in SignatureStatus.values if status != "unconfirmed"])
    def test_others_are_not_reminded(self, letter: Letter, status: str) -> None:
        signature = make_signature(letter, status=status)
        Signature.objects.filter(pk=signature.pk).update(signed_at=ago(days=4))
        tasks.sweep_reminders()
        assert reminders() == []

    def test_nobody_is_reminded_of_a_letter_that_takes_no_signatures(self, letter: Letter) -> None:
        unconfirmed(letter)
        Letter.objects.update(signing_until=timezone.now().date() - timedelta(days=1))
        tasks.sweep_reminders()
        Letter.objects.update(status=LetterStatus.CLOSED, signing_until=None)
        tasks.sweep_reminders()
        assert reminders() == []

    def test_it_counts_among_the_mails_that_strangers_may_cause(self, letter: Letter) -> None:
        signature = unconfirmed(letter)
        for _ in range(emails.MAILS_A_DAY):
            emails.confirm(signature)
        tasks.sweep_reminders()
        assert reminders() == []
        assert Signature.objects.get(pk=signature.pk).reminded_at is None, "tomorrow is another day"

    def test_the_button_ends_reminders_for_the_mailbox(self, letter: Letter) -> None:
        signature = unconfirmed(letter)
        other = unconfirmed(make_letter(slug="another", with_recipients=False), email=signature.email)
        path = links.path(signature, "no_reminders")
        assert Client().get(path).status_code == 200
        assert not Signature.objects.filter(no_reminders=True).exists(), "looking is not pressing"
        assert Client().post(path).headers["Location"] == path
        assert "We do not remind you" in Client().get(path).text
        assert Signature.objects.filter(no_reminders=True).count() == 2
        tasks.sweep_reminders()
        assert reminders() == []
        services.confirm(other, shown=services.fingerprint(other))
        assert Client().get(links.path(other, "no_reminders")).status_code == 200

    def test_its_link_comes_with_the_first_mail(self, letter: Letter) -> None:
        signature = unconfirmed(letter, days=0)
        emails.confirm(signature)
        assert leads_to(mails_to(signature.email)[0].body, "no_reminders", signature)

    def test_a_made_up_link_says_nothing(self) -> None:
        assert Client().get("/en/signatures/no-reminders/nonsense/").status_code == 404

    def test_a_withheld_ones_says_nothing_of_a_letter(self, letter: Letter) -> None:
        signature = unconfirmed(letter, visibility=Signature.Visibility.WITHHELD)
        tasks.sweep_reminders()
        [mail] = reminders()
        assert letter.title not in mail.subject + mail.body
        assert letter.title not in Client().get(links.path(signature, "no_reminders")).text
        assert leads_to(mail.body, "no_reminders", signature)


class TestPublished:
    def published(self) -> list[str]:
        return sorted(mail.to for mail in Mail.objects.filter(key__startswith="published:"))

    def test_those_who_were_approved_before_are_told_once(self) -> None:
        letter = make_letter(published=False, with_recipients=False)
        approved = [make_signature(letter) for _ in range(2)]
        make_signature(letter, status=SignatureStatus.PENDING)
        tasks.sweep_published()
        assert self.published() == []
        publish(letter)
        late = make_signature(letter)
        for _ in range(3):
            tasks.sweep_published()
        assert self.published() == sorted(signature.email for signature in approved)
        assert late.email not in self.published()

    def test_an_embargo_is_kept(self) -> None:
        letter = make_letter(published=False, with_recipients=False)
        make_signature(letter)
        publish(letter, at=timezone.now() + timedelta(hours=1))
        tasks.sweep_published()
        assert self.published() == []
        Letter.objects.update(published_at=timezone.now())
        tasks.sweep_published()
        assert len(self.published()) == 1

    def test_many_are_told_in_batches_and_none_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        letter = make_letter(published=False, with_recipients=False)
        for _ in range(5):
            make_signature(letter)
        publish(letter)
        monkeypatch.setattr(signatories_telling, "BATCH", 2)
        counts = []
        for _ in range(4):
            tasks.sweep_published()
            counts.append(len(self.published()))
        assert counts == [2, 4, 5, 5]

    def test_a_withheld_ones_mail_names_no_letter(self) -> None:
        letter = make_letter(published=False, with_recipients=False)
        make_signature(letter, visibility=Signature.Visibility.WITHHELD)
        publish(letter)
        tasks.sweep_published()
        [mail] = Mail.objects.filter(key__startswith="published:")
        assert letter.title not in mail.subject + mail.body


class TestDelivered:
    @pytest.fixture
    def dispatch(self) -> Dispatch:
        letter = make_letter()
        make_signature(letter, language="be")
        make_signature(letter, visibility=Signature.Visibility.WITHHELD)
        edition = make_edition(letter)
        seal_without_typesetting(edition)
        edition.refresh_from_db()
        return dispatches.prepare(edition, by=make_user())

    def done(self, dispatch: Dispatch, end: str = DeliveryStatus.ACCEPTED) -> None:
        Delivery.objects.update(status=end, settled_at=timezone.now())
        Dispatch.objects.filter(pk=dispatch.pk).update(status=DispatchStatus.DONE, authorised_by=make_user())

    def told(self) -> list[Mail]:
        return list(Mail.objects.filter(key__startswith="delivered:").order_by("pk"))

    def test_the_signatories_of_the_edition_are_told_once_with_record_and_pdf(self, dispatch: Dispatch) -> None:
        letter = dispatch.edition.letter
        late = make_signature(letter)
        dispatch_tasks.sweep_delivered()
        assert self.told() == []
        self.done(dispatch)
        for _ in range(3):
            dispatch_tasks.sweep_delivered()
        named, withheld = self.told()
        assert late.email not in (named.to, withheld.to)
        assert "/be/letters/belarus-2020/delivery/\n" in named.body
        assert "/be/letters/belarus-2020/editions/1/letter.pdf\n" in named.body
        assert letter.title not in withheld.subject + withheld.body
        assert "belarus" not in withheld.body

    def test_a_second_dispatch_of_the_same_edition_tells_nobody_again(self, dispatch: Dispatch) -> None:
        self.done(dispatch)
        dispatch_tasks.sweep_delivered()
        again = Dispatch.objects.create(
            edition=dispatch.edition, prepared_by=make_user(), authorised_by=make_user(), status=DispatchStatus.DONE
        )
        Delivery.objects.update(dispatch=again)
        dispatch_tasks.sweep_delivered()
        assert len(self.told()) == 2

    def test_whoever_left_meanwhile_is_not_told_and_no_pdf_is_linked(self, dispatch: Dispatch) -> None:
        public = dispatch.edition.signatures.get(visibility=Signature.Visibility.PUBLIC)
        stays = make_signature(dispatch.edition.letter)
        dispatch.edition.signatures.add(stays)
        Signature.objects.filter(pk=public.pk).update(status=SignatureStatus.WITHDRAWN)
        self.done(dispatch)
        dispatch_tasks.sweep_delivered()
        [mail] = mails_to(stays.email)
        assert "/letters/belarus-2020/delivery/\n" in mail.body
        assert "letter.pdf" not in mail.body
        assert mails_to(public.email) == []

    def test_nothing_is_told_where_nothing_was_accepted(self, dispatch: Dispatch) -> None:
        self.done(dispatch, DeliveryStatus.FAILED)
        dispatch_tasks.sweep_delivered()
        assert self.told() == []

    def test_a_letter_that_is_not_public_is_told_of_when_it_is(self, dispatch: Dispatch) -> None:
        Letter.objects.update(published_at=None)
        self.done(dispatch)
        dispatch_tasks.sweep_delivered()
        assert self.told() == []
        Letter.objects.update(published_at=timezone.now())
        dispatch_tasks.sweep_delivered()
        assert len(self.told()) == 2

    def test_many_are_told_in_batches(self, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(telling, "BATCH", 1)
        self.done(dispatch)
        counts = []
        for _ in range(3):
            dispatch_tasks.sweep_delivered()
            counts.append(len(self.told()))
        assert counts == [1, 2, 2]


def test_every_sweep_is_on_the_schedule(settings: Any, worker: Callable[[], None]) -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {
        "signatories.tasks.sweep_consent",
        "signatories.tasks.sweep_reminders",
        "signatories.tasks.sweep_published",
        "dispatch.tasks.sweep_delivered",
        "campaign.tasks.purge",
    } <= scheduled
    worker()
