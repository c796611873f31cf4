"""The stop switch, pressed while mails are on the line; sending off on a new site, after a restore, on a new host."""

import errno
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from dispatch import desk_sending, smtp, tasks
from dispatch.line import WatchedSMTP
from dispatch.models import Delivery, Host, Switch
from dispatch.services import deliveries, dispatches, hosts, switch
from ledger.models import Event
from ledger.services import Overtaken
from tests.conftest import Rung
from tests.dispatch.catcher import HANG, Catcher
from tests.dispatch.sending import authorise, deliver, make_delivery, make_sealed_edition, send_all
from tests.factories import make_user
from tests.tools import freshly_signed_in

pytestmark = pytest.mark.django_db
PAGE, STOP, ON, ADMIT = "/desk/sending/", "/desk/sending/stop/", "/desk/sending/on/", "/desk/sending/hosts/"


@pytest.fixture
def catcher(settings: Settings) -> Iterator[Catcher]:
    with Catcher() as catcher:
        settings.EMAIL_PORT = catcher.port
        yield catcher


@pytest.fixture(autouse=True)
def lock_is_open(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    settings.EMAIL_HOST = "127.0.0.1"


@pytest.fixture
def sender() -> Client:
    return freshly_signed_in(make_user(Role.Name.SENDER, name="Siarhei Sender"))


def stop() -> None:
    switch.stop(by=make_user())


def page(browser: Client, address: str = PAGE) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def turn_on(browser: Client, **stated: str) -> str:
    """Press the button of the page as it is shown now; the page that follows."""
    shown = page(browser)
    hidden = {"as_of": shown.partition('name="as_of" value="')[2].partition('"')[0]}
    waiting = [part.partition('"')[0] for part in shown.split('name="host" value="')[1:]]
    answer = browser.post(ON, {**hidden, "host": waiting, **stated}, follow=True)
    return answer.content.decode()


# Pressed in the middle ----------------------------------------------------------------------------


@contextmanager
def at_work(delivery: Delivery) -> Iterator[Callable[[float], bool]]:
    """A worker on `delivery` elsewhere; whether it is through within so many seconds."""

    def work() -> None:
        try:
            tasks.deliver(delivery.pk)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()

    def ends_within(seconds: float) -> bool:
        worker.join(seconds)
        return not worker.is_alive()

    yield ends_within
    worker.join(60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "body"])
def test_a_server_that_hangs_anywhere_is_left_within_five_seconds(catcher: Catcher, stage: str) -> None:
    delivery = make_delivery(size=2_000_000 if stage == "body" else 3000)
    catcher.at(stage, HANG)
    with at_work(delivery) as ends_within:
        assert catcher.hanging.acquire(timeout=20)
        stop()
        assert ends_within(5)
    delivery.refresh_from_db()
    assert delivery.status == "queued"
    catcher.go_on()
    assert not catcher.caught
    send_all(delivery.dispatch)
    assert not catcher.caught
    switch.turn_on(by=make_user(), reason="again")
    send_all(delivery.dispatch)
    delivery.refresh_from_db()
    assert (delivery.status, len(catcher.caught)) == ("accepted", 1)


@pytest.mark.django_db(transaction=True)
def test_what_is_handed_over_already_is_waited_for_and_never_unknown(catcher: Catcher) -> None:
    delivery = make_delivery()
    catcher.at("dot", HANG)
    with at_work(delivery) as ends_within:
        assert catcher.hanging.acquire(timeout=20)
        stop()
        assert not ends_within(3)
        catcher.go_on()
    delivery.refresh_from_db()
    assert delivery.status == "accepted"
    assert Switch.objects.get().in_flight == [delivery.pk]


def test_no_connection_is_begun_once_it_is_off(catcher: Catcher, rung: Rung) -> None:
    delivery = make_delivery()
    stop()
    deliver(delivery)
    deliveries.sweep()
    assert (delivery.status, delivery.attempts) == ("queued", 0)
    assert not catcher._lines
    assert rung == []


@pytest.mark.parametrize("last", ["ehlo", "rcpt"])
def test_it_is_read_right_before_mail_and_data(catcher: Catcher, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    """Where nothing is waited for, so that nobody looks up in between."""
    delivery = make_delivery()
    original = getattr(WatchedSMTP, last)

    def then_off(client: WatchedSMTP, *given: Any) -> Any:
        answer = original(client, *given)
        Switch.objects.update(status="off")
        return answer

    monkeypatch.setattr(WatchedSMTP, last, then_off)
    assert deliver(delivery).status == "queued"
    catcher.go_on()
    assert catcher.heard[-1] == last


def test_it_is_read_with_the_commit_before_the_dot(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    move = deliveries.move

    def off_before(row: Any, to: str, /, **given: Any) -> None:
        if to == "sending":
            Switch.objects.update(status="off")
        move(row, to, **given)

    monkeypatch.setattr(deliveries, "move", off_before)
    assert deliver(delivery).status == "queued"
    catcher.go_on()
    assert "body" in catcher.heard
    assert not catcher.caught


def test_it_is_read_with_the_claim(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    monkeypatch.setattr(hosts, "may_send", lambda: bool(Switch.objects.update(status="off")))
    assert deliver(delivery).status == "queued"
    assert not catcher.heard


# Who may turn it ----------------------------------------------------------------------------------


@pytest.mark.untouched_switch
def test_a_new_site_sends_nothing_until_somebody_says_so(catcher: Catcher, sender: Client) -> None:
    dispatch = dispatches.prepare(make_sealed_edition(), by=make_user())
    with pytest.raises(dispatches.SendingIsOff):
        authorise(dispatch, by=make_user(Role.Name.SENDER))
    deliveries.sweep()  # by which the worker's host is known
    shown = page(sender)
    assert "Nobody has switched it on yet." in shown
    assert "Waits to be let in" in shown
    said = turn_on(sender, reason="The letter of August goes out")
    assert "Sending is on." in said
    assert "The letter of August goes out" in said
    assert "Siarhei Sender" in said
    assert "May send" in said
    authorise(dispatch, by=make_user(Role.Name.SENDER))
    dispatches.start(dispatch)
    send_all(dispatch)
    assert len(catcher.caught) == 1
    assert [event.target for event in Event.objects.about(Switch.objects.get())] == ["off", "on"]
    assert [event.target for event in Event.objects.about(Host.objects.get())] == ["waiting", "admitted"]


@pytest.mark.untouched_switch
def test_the_operators_lock_stands_above_it(settings: Settings, sender: Client, catcher: Catcher) -> None:
    hosts.look()
    turn_on(sender, reason="now")
    delivery = make_delivery()
    settings.SENDING_ENABLED = False
    assert deliver(delivery).status == "queued"
    shown = page(sender)
    assert "SENDING_ENABLED" in shown
    assert not switch.is_on()
    settings.SENDING_ENABLED = True
    assert deliver(delivery).status == "accepted"


def test_who_may_send_stops_it_with_one_button_and_no_fresh_login(client: Client) -> None:
    user = make_user(Role.Name.SENDER, name="Siarhei Sender")
    client.force_login(user)
    delivery = make_delivery()
    Delivery.objects.update(status="claimed")
    assert "Stop all sending" in page(client, "/desk/")
    said = client.post(STOP, {"reason": "a wrong address"}, follow=True).content.decode()
    assert "Sending is stopped." in said
    assert "a wrong address" in said
    assert Switch.objects.get().turned_by == user
    assert Switch.objects.get().in_flight == [delivery.pk]
    assert "Being handed over now" in said
    Delivery.objects.update(status="queued")
    said = page(client)
    assert "What was being handed over when sending was switched off" in said
    assert f"/desk/deliveries/{delivery.pk}/" in said
    assert "What goes out once it is on" in said
    assert "1 mail" in said


def test_pressed_twice_it_says_who_was_first(sender: Client) -> None:
    switch.stop(by=make_user(name="The First"), reason="the first")
    said = sender.post(STOP, {"reason": "the second"}, follow=True).content.decode()
    assert "The First" in said
    assert "the second" not in said


@pytest.mark.parametrize("reason", ["x" * 5000, "a\x00b", "\x07\n"])
def test_whatever_is_written_it_stops(sender: Client, reason: str) -> None:
    assert sender.post(STOP, {"reason": reason}).status_code == 302
    assert not switch.is_on()


def test_others_neither_stop_it_nor_turn_it_on(client: Client) -> None:
    client.force_login(make_user(Role.Name.CAMPAIGNER))
    assert "Stop all sending" not in page(client)
    for address in (STOP, ON, ADMIT):
        assert client.post(address, {"reason": "mine"}).status_code == 403
        assert client.get(address).status_code == 405
    assert switch.is_on()
    client.logout()
    assert client.get(PAGE).status_code == client.post(STOP).status_code == 302
    assert switch.is_on()


def test_to_turn_it_on_one_has_just_signed_in_and_what_was_typed_stays(client: Client) -> None:
    stop()
    client.force_login(make_user(Role.Name.SENDER))
    answer = client.post(ON, {"reason": "all is well again"})
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not switch.is_on()
    assert 'value="all is well again"' in page(client)


def test_a_reason_is_wanted_and_asked_for_beside_the_field(sender: Client) -> None:
    stop()
    answer = sender.post(ON, {"reason": " "})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    for reason in ("x" * 301, "a\x00b"):
        assert sender.post(ON, {"reason": reason}).status_code == 422
    assert not switch.is_on()


def test_a_page_shown_before_the_last_turn_turns_nothing(sender: Client) -> None:
    stop()
    old = desk_sending.as_of(Switch.objects.get())
    switch.turn_on(by=make_user(), reason="by another")
    stop()
    said = sender.post(ON, {"reason": "now", "as_of": old}, follow=True).content.decode()
    assert "things have changed" in said
    assert not switch.is_on()


def test_of_two_who_turn_it_on_one_is_told(sender: Client) -> None:
    stop()
    switch.turn_on(by=make_user(), reason="the first")
    with pytest.raises(Overtaken):
        switch.turn_on(by=make_user(), reason="the second")
    assert Switch.objects.get().reason == "the first"


@pytest.mark.django_db(transaction=True)
def test_who_stops_it_while_another_turns_it_on_has_stopped_it() -> None:
    stop()
    by = make_user()
    is_pressed = threading.Event()

    def press() -> None:
        is_pressed.set()
        switch.stop(by=by)
        connection.close()

    presses = threading.Thread(target=press)
    with transaction.atomic():
        switch.turn_on(by=by, reason="all is well")
        presses.start()
        is_pressed.wait(10)
        time.sleep(0.5)
    presses.join(60)
    assert not switch.is_on()


def test_there_is_one_switch() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Switch.objects.create(pk=2)


def test_to_look_at_it_changes_nothing(sender: Client) -> None:
    before = (Event.objects.count(), Host.objects.count(), Switch.objects.get().status)
    page(sender)
    page(sender, "/desk/")
    assert (Event.objects.count(), Host.objects.count(), Switch.objects.get().status) == before


# Restored, moved, away ----------------------------------------------------------------------------


def mark(settings: Settings, **changed: Any) -> dict[str, Any]:
    """What the file says, after some of it was changed."""
    path = Path(settings.VAR_DIR) / "sending" / "mark"
    said: dict[str, Any] = json.loads(path.read_text()) | changed
    path.write_text(json.dumps(said))
    return said


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_database_that_went_back_in_time_stops_everything(
    catcher: Catcher, settings: Settings, sender: Client, is_reused: bool
) -> None:
    """Whether or not other events have taken the numbers of those that are lost."""
    delivery = make_delivery()
    hosts.look()
    then = timezone.now() + timedelta(minutes=1)
    said = mark(settings)
    mark(settings, event=said["event"] + (0 if is_reused else 1000), at=then.isoformat())

    assert deliver(delivery).status == "queued"
    assert not catcher.heard
    found = Switch.objects.get()
    assert (found.status, found.turned_by, found.knew_until) == ("off", None, then)
    last = Event.objects.about(found).last()
    assert last
    assert (last.target, last.by) == ("off", None)

    shown = page(sender)
    assert "it was restored" in shown
    assert "the site itself" in shown
    assert "I have looked in the log" in turn_on(sender, reason="restored")
    assert not switch.is_on()
    assert "Sending is on." in turn_on(sender, reason="restored", looked="on")
    assert deliver(delivery).status == "accepted"
    assert "it was restored" not in page(sender)


def test_who_stopped_it_before_the_restore_does_not_hide_it(settings: Settings, sender: Client) -> None:
    hosts.look()
    stop()
    mark(settings, event=10**6)
    deliveries.sweep()
    assert "it was restored" in page(sender)


def test_the_mark_knows_of_each_letter_before_its_dot(
    catcher: Catcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = make_delivery()
    known: list[int] = []
    finish = smtp._finish
    monkeypatch.setattr(smtp, "_finish", lambda *given: known.append(mark(settings)["event"]) or finish(*given))
    assert deliver(delivery).status == "accepted"
    assert known == [Event.objects.about(delivery).get(target="sending").pk]


def test_what_can_t_be_marked_is_not_sent(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    hosts.look()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        patch.setattr("os.fdatasync", full)
        deliver(delivery)
    assert (delivery.status, delivery.stage) == ("deferred", "message")
    assert "No space left" in delivery.answer
    catcher.go_on()
    assert not catcher.caught
    send_all(delivery.dispatch)
    assert len(catcher.caught) == 1


def test_what_the_sweeper_noted_a_moment_ago_is_on_the_disk_as_well(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.look()
    make_delivery()
    synced: set[int] = set()

    def on_the_disk(number: int) -> None:
        synced.add(os.fstat(number).st_ino)

    monkeypatch.setattr("os.fsync", on_the_disk)
    monkeypatch.setattr("os.fdatasync", on_the_disk)
    hosts.look()  # nothing is news to who sends now
    hosts.note()
    directory = Path(settings.VAR_DIR) / "sending"
    assert {(directory / "mark").stat().st_ino, directory.stat().st_ino} <= synced


def test_a_mark_from_a_time_that_was_none_is_put_right(settings: Settings) -> None:
    """The clock was ahead for a while: who is away from now on is found out in hours, and not in weeks."""
    hosts.look()
    mark(settings, looked_at=(timezone.now() + timedelta(days=10)).isoformat())
    assert hosts.look()
    assert mark(settings)["looked_at"] <= timezone.now().isoformat()


def test_another_host_waits_to_be_let_in_and_the_first_goes_on(
    catcher: Catcher, settings: Settings, sender: Client, tmp_path: Path
) -> None:
    first, second = make_delivery(), make_delivery()
    ours, settings.VAR_DIR = settings.VAR_DIR, tmp_path / "second"
    settings.VAR_DIR.mkdir()
    assert deliver(first).status == "queued"
    assert switch.is_on()
    assert "1 host waits to be let in" in page(sender, "/desk/")
    settings.VAR_DIR = ours
    assert deliver(first).status == "accepted"
    shown = page(sender)
    waiting = shown.split('name="host" value="')[1].partition('"')[0]
    assert "They may send now." in sender.post(ADMIT, {"host": [waiting, "x", "9" * 30]}, follow=True).content.decode()
    settings.VAR_DIR = tmp_path / "second"
    assert deliver(second).status == "accepted"


def test_a_copy_of_a_hosts_files_is_another_host(catcher: Catcher, settings: Settings, tmp_path: Path) -> None:
    """As when database and VAR_DIR come back together on a fresh machine."""
    delivery = make_delivery()
    shutil.copytree(settings.VAR_DIR, tmp_path / "restored", copy_function=shutil.copy2)
    settings.VAR_DIR = tmp_path / "restored"
    assert deliver(delivery).status == "queued"
    assert not catcher.heard
    assert sorted(Host.objects.values_list("status", flat=True)) == ["admitted", "waiting"]


def test_who_was_away_for_hours_is_let_in_anew(catcher: Catcher, settings: Settings) -> None:
    delivery = make_delivery()
    hosts.look()
    mark(settings, looked_at=(timezone.now() - timedelta(hours=5)).isoformat())
    assert deliver(delivery).status == "accepted"
    mark(settings, looked_at=(timezone.now() - timedelta(hours=7)).isoformat())
    assert not hosts.look()
    assert switch.is_on()
    assert not hosts.look()


@pytest.mark.parametrize("said", [None, "", "{", "[]", '{"event": 1}', "null"])
def test_a_lost_or_spoiled_mark_is_no_mark(settings: Settings, said: str | None) -> None:
    assert hosts.look()
    path = Path(settings.VAR_DIR) / "sending" / "mark"
    path.unlink() if said is None else path.write_text(said)
    assert not hosts.look()


def test_no_mark_is_put_back_by_who_has_seen_less(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    make_delivery()
    hosts.look()
    latest = mark(settings)["event"]
    earlier = Event.objects.order_by("pk").first()
    monkeypatch.setattr("django.db.models.query.QuerySet.last", lambda _: earlier)
    hosts.look()
    hosts.note()
    assert mark(settings)["event"] == latest


def test_hosts_that_are_no_more_are_forgotten() -> None:
    Host.objects.create(key="old", name="old", seen_at=timezone.now() - timedelta(days=31))
    deliveries.sweep()
    assert [host.name for host in Host.objects.all()] == ["localhost"]
