"""A dispatch takes two people and the latest sealed edition; it can be halted, resumed and given up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import Role
from dispatch import tasks
from dispatch.models import Channel, Delivery, Dispatch, Edition
from dispatch.services import deliveries, dispatches
from dispatch.states import DeliveryStatus, DispatchStatus, EditionStatus
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.conftest import Rung
from tests.dispatch.sending import (
    authorise,
    dossier_of,
    make_covering,
    make_dispatch,
    make_sealed_edition,
    seal_noise,
    set_going,
    waive_all,
)
from tests.factories import make_edition, make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True


def status_of(row: Dispatch | Delivery) -> str:
    return type(row).objects.get(pk=row.pk).status


def test_preparing_freezes_whom_it_goes_to() -> None:
    edition = make_sealed_edition(recipients=5)
    edition.letter.recipients.filter(order=1).update(email="President@Government.example.org")
    dispatch = dispatches.prepare(edition, by=make_user())
    frozen = list(dispatch.deliveries.all())
    assert [delivery.language for delivery in frozen] == ["be", "be", "ru", "be", "ru"]
    assert frozen[0].address == "president@government.example.org"
    edition.letter.recipients.update(language="en")
    assert [delivery.language for delivery in dispatch.deliveries.all()] == ["be", "be", "ru", "be", "ru"]
    assert len({delivery.message_id for delivery in frozen}) == 5
    assert Event.objects.about(dispatch).get().target == "prepared"
    assert all(Event.objects.about(delivery).get().target == "queued" for delivery in frozen)


def test_an_edition_goes_to_an_address_once() -> None:
    edition = make_sealed_edition(recipients=2)
    dispatches.prepare(edition, by=make_user())
    with pytest.raises(dispatches.AlreadySent):
        dispatches.prepare(edition, by=make_user())
    assert Dispatch.objects.count() == 1
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("status", [status for status in EditionStatus if status != EditionStatus.SEALED])
def test_only_what_is_sealed_is_sent(status: str) -> None:
    edition = make_sealed_edition()
    Edition.objects.update(status=status)
    edition.refresh_from_db()
    with pytest.raises(dispatches.NotSealed):
        dispatches.prepare(edition, by=make_user())


def test_an_edition_that_names_somebody_who_left_is_not_sent() -> None:
    edition = make_sealed_edition()
    dispatch = dispatches.prepare(edition, by=make_user())
    Signature.objects.update(status=SignatureStatus.WITHDRAWN)
    with pytest.raises(dispatches.NotSealed):
        dispatches.prepare(edition, by=make_user())
    with pytest.raises(dispatches.NotSealed):
        authorise(dispatch, by=make_user(Role.Name.SENDER))


def test_a_second_person_authorises(rung: Rung, django_capture_on_commit_callbacks: Any) -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    second = make_user(Role.Name.SENDER)
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        authorise(dispatch, by=second)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.authorised_by) == ("authorised", second)
    assert dispatch.authorised_at
    assert rung == [(tasks.start, (dispatch.pk,))]


def test_the_one_who_prepared_it_is_not_two_people() -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    waive_all(dispatch, by=make_user(Role.Name.SENDER))
    for _ in range(2):
        assert not dispatches.authorise(dispatch, by=dispatch.prepared_by, seen=dossier_of(dispatch).sha256)
    assert status_of(dispatch) == DispatchStatus.PREPARED
    assert dispatch.authorisations.count() == 1


def test_the_database_too_insists_on_two_people() -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    for bad in ({"authorised_by": dispatch.prepared_by}, {"status": "sending"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Dispatch.objects.update(**bad)


def test_where_sending_is_off_nothing_is_authorised_or_started(settings: Settings) -> None:
    prepared, authorised = make_dispatch(DispatchStatus.PREPARED), make_dispatch(DispatchStatus.AUTHORISED)
    settings.SENDING_ENABLED = False
    with pytest.raises(dispatches.SendingIsOff):
        authorise(prepared, by=make_user(Role.Name.SENDER))
    dispatches.start(authorised)
    assert status_of(authorised) == DispatchStatus.AUTHORISED


def test_of_two_who_authorise_one_is_told() -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    stale, seen = Dispatch.objects.get(), dossier_of(dispatch).sha256
    authorise(dispatch, by=make_user(Role.Name.SENDER))
    with pytest.raises(Overtaken):
        dispatches.authorise(stale, by=make_user(Role.Name.SENDER), seen=seen)


def test_starting_rings_for_each_delivery(rung: Rung, django_capture_on_commit_callbacks: Any) -> None:
    dispatch = make_dispatch(DispatchStatus.AUTHORISED, recipients=3)
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.start(dispatch.pk)
    delivered = [pk for task, pks in rung if task == tasks.deliver for pk in pks]
    assert delivered == list(dispatch.deliveries.values_list("pk", flat=True))
    assert status_of(dispatch) == DispatchStatus.SENDING


@pytest.mark.parametrize("status", ["sending", "halted", "done", "cancelled"])
def test_a_bell_that_rings_late_starts_nothing_again(status: str) -> None:
    dispatch = make_dispatch()
    Dispatch.objects.update(status=status)
    tasks.start(dispatch.pk)
    assert status_of(dispatch) == status


def test_halted_and_resumed(rung: Rung, django_capture_on_commit_callbacks: Any) -> None:
    dispatch = make_dispatch(recipients=2)
    dispatches.halt(dispatch, by=make_user())
    assert status_of(dispatch) == DispatchStatus.HALTED
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        dispatches.resume(dispatch, by=make_user())
    assert status_of(dispatch) == DispatchStatus.SENDING
    assert [task for task, _keys in rung].count(tasks.deliver) == 2


@pytest.mark.parametrize("status", ["authorised", "sending", "done"])
def test_only_what_is_halted_is_resumed(status: str) -> None:
    dispatch = make_dispatch()
    Dispatch.objects.update(status=status)
    dispatch.refresh_from_db()
    with pytest.raises(Overtaken):
        dispatches.resume(dispatch, by=make_user())
    assert status_of(dispatch) == status


def test_what_is_being_sent_is_halted_before_it_is_given_up() -> None:
    dispatch = make_dispatch()
    with pytest.raises(IllegalMove):
        dispatches.cancel(dispatch, by=make_user())


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("queued", "cancelled"),
        ("deferred", "cancelled"),
        ("claimed", "claimed"),
        ("sending", "sending"),
        ("unknown", "unknown"),
        ("accepted", "accepted"),
        ("failed", "failed"),
    ],
)
def test_giving_up_takes_back_what_was_not_handed_over(was: str, becomes: str) -> None:
    dispatch = make_dispatch()
    Delivery.objects.update(status=was)
    dispatches.halt(dispatch, by=make_user())
    dispatches.cancel(dispatch, by=make_user())
    assert status_of(dispatch) == DispatchStatus.CANCELLED
    assert status_of(dispatch.deliveries.get()) == becomes


def test_the_addresses_of_a_cancelled_dispatch_are_free_again() -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED, recipients=2)
    dispatches.cancel(dispatch, by=make_user())
    again = dispatches.prepare(dispatch.edition, by=make_user())
    assert [delivery.status for delivery in again.deliveries.all()] == [DeliveryStatus.QUEUED] * 2


@pytest.mark.parametrize("status", ["queued", "claimed", "sending", "deferred", "unknown"])
def test_it_is_not_done_while_one_delivery_is_open(status: str) -> None:
    dispatch = make_dispatch(recipients=2)
    first, second = dispatch.deliveries.all()
    Delivery.objects.filter(pk=first.pk).update(status="accepted")
    Delivery.objects.filter(pk=second.pk).update(status=status)
    dispatches.finish_if_done(dispatch)
    assert status_of(dispatch) == DispatchStatus.SENDING
    Delivery.objects.filter(pk=second.pk).update(status="failed")
    dispatches.finish_if_done(dispatch)
    assert status_of(dispatch) == DispatchStatus.DONE


@pytest.mark.parametrize("act", [dispatches.finish_if_done, dispatches.start])
def test_who_comes_second_with_a_stale_row_changes_nothing(act: Callable[[Dispatch], None]) -> None:
    dispatch = make_dispatch(DispatchStatus.AUTHORISED)
    stale = Dispatch.objects.get()
    dispatches.start(dispatch)
    Delivery.objects.update(status="accepted")
    stale.status = "sending" if act is dispatches.finish_if_done else "authorised"
    dispatches.halt(dispatch, by=make_user())
    act(stale)
    assert status_of(dispatch) == DispatchStatus.HALTED


def test_what_people_carry_is_halted_too_when_somebody_leaves() -> None:
    letter = make_letter(slug="carried", published=False)
    make_signature(letter)
    letter.recipients.filter(order__gt=1).delete()
    letter.recipients.update(channel=Channel.POST)
    make_covering(letter)
    dispatch = set_going(seal_noise(make_edition(letter), size=3000))
    deliveries.sweep()
    assert status_of(dispatch) == DispatchStatus.SENDING
    Signature.objects.update(status=SignatureStatus.WITHDRAWN)
    deliveries.sweep()
    assert status_of(dispatch) == DispatchStatus.HALTED
    assert dispatch.deliveries.get().status == DeliveryStatus.TO_PRINT
    deliveries.sweep()
    assert Event.objects.about(dispatch).filter(target=DispatchStatus.HALTED).count() == 1
