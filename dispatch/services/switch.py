"""The stop switch: one row for the whole site, asked of the database each time, and never remembered.

Off until somebody turns it on, and off again when a host sees that the database went back in time. Above it stands the
operator's own lock, `SENDING_ENABLED`: both must be on.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from dispatch.models import Delivery, Host, Switch
from dispatch.states import DeliveryStatus, HostStatus, SwitchStatus
from ledger.bell import ring
from ledger.prepared import Prepared
from ledger.services import IllegalMove, Overtaken, move, record, witness

IS_ON = Prepared(lambda: Switch.objects.filter(status=SwitchStatus.ON).values_list("pk")[:1])
IN_HAND = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
log = logging.getLogger(__name__)


class Stopped(Exception):
    """Sending is off: nothing more is handed over."""


def is_on() -> bool:
    return settings.SENDING_ENABLED and IS_ON.exists()


def check() -> None:
    """Raise `Stopped` unless letters may leave now."""
    if not is_on():
        raise Stopped


def current() -> Switch:
    """The row, or one that stands for it where nobody has used the switch yet."""
    return Switch.objects.select_related("turned_by").filter(pk=1).first() or Switch(pk=1)


def stop(*, by: User, reason: str = "") -> None:
    """Hand over nothing more, anywhere. Pressed again, or by several at once, it stays off: nobody is refused."""
    with suppress(IllegalMove):
        _turn_off(by=by, reason=reason)


def stop_after_restore(*, knew_until: datetime, knows_until: datetime | None) -> None:
    """The machine's own: what was sent between the two moments, the database does not know."""
    log.error("The database went back in time: sending is off until somebody turns it on at the desk.")
    with transaction.atomic():
        switch = _row()
        if switch.status == SwitchStatus.ON:
            _turn_off(by=None, knew_until=knew_until, knows_until=knows_until)
        elif switch.knew_until is None or switch.knew_until < knew_until:  # who turned it off did not know
            witness(switch, "restored", by=None)
            Switch.objects.filter(pk=switch.pk).update(knew_until=knew_until, knows_until=knows_until)


def turn_on(*, by: User, reason: str, hosts: Iterable[int] = ()) -> None:
    """Let letters leave, from the hosts that have been let in and from `hosts`. Raises `Overtaken` if it is on."""
    from dispatch import tasks

    with transaction.atomic():
        switch = _row()
        if switch.status == SwitchStatus.ON:
            raise Overtaken("It is on already")
        move(
            switch, SwitchStatus.ON, by=by,
            turned_at=timezone.now(), turned_by=by, reason=reason, in_flight=[], knew_until=None, knows_until=None,
        )  # fmt: skip
        admit(hosts, by=by)
        ring(tasks.sweep_deliveries)


def admit(hosts: Iterable[int], *, by: User) -> None:
    """Let `hosts` send: those of them that still wait."""
    with transaction.atomic():
        for host in Host.objects.filter(pk__in=list(hosts), status=HostStatus.WAITING):
            with suppress(Overtaken):
                move(host, HostStatus.ADMITTED, by=by)


def _turn_off(*, by: User | None, reason: str = "", **restored: datetime | None) -> None:
    """Raises `IllegalMove` where it is off."""
    with transaction.atomic():
        switch = _row()
        told: dict[str, Any] = {"turned_at": timezone.now(), "turned_by": by, "reason": reason, **restored}
        move(switch, SwitchStatus.OFF, by=by, **told)
        in_hand = Delivery.objects.filter(status__in=IN_HAND)  # after the move, so that who claims now is among them
        Switch.objects.filter(pk=switch.pk).update(in_flight=list(in_hand.values_list("pk", flat=True)))


def _row() -> Switch:
    """Locked, so that who stops it and who turns it on do so one after the other."""
    switch, is_new = Switch.objects.select_for_update().get_or_create(pk=1)
    if is_new:
        record(switch, by=None)
    return switch
