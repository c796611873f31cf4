"""The records of the sender in DNS: asked for by people, looked up by a worker, kept with the time."""

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.utils import timezone

from dispatch.models import SenderCheck
from dispatch.sender_lookup import look_up as facts_of
from ledger.bell import ring


def current() -> SenderCheck | None:
    """What was looked up for the settings as they are now."""
    return SenderCheck.objects.filter(**_sender()).first()


def ask() -> None:
    """Have it looked up, unless that is about to happen. Nothing is, where no mail leaves this machine."""
    from dispatch import tasks

    if settings.MAIL_IS_CAUGHT:
        return
    check, _is_new = SenderCheck.objects.get_or_create(**_sender())
    if SenderCheck.objects.filter(pk=check.pk, asked_at=None).update(asked_at=timezone.now()):
        ring(tasks.look_up_sender, check.pk)


def look_up(check: SenderCheck) -> None:
    """Ask DNS, unless somebody has meanwhile."""
    if check.asked_at is None:
        return
    found = facts_of(check.domain, check.return_domain, check.selectors.split())
    same = SenderCheck.objects.filter(pk=check.pk, asked_at=check.asked_at)
    same.update(facts=found, checked_at=timezone.now(), asked_at=None)


def sweep() -> None:
    """Ring for what the bell missed."""
    from dispatch import tasks

    for pk in SenderCheck.objects.filter(asked_at__isnull=False).values_list("pk", flat=True):
        ring(tasks.look_up_sender, pk)


def _sender() -> dict[str, Any]:
    return {
        "domain": _domain(parseaddr(settings.DISPATCH_FROM)[1]),
        "return_domain": _domain(settings.RETURN_ADDRESS),
        "selectors": " ".join(dict.fromkeys(settings.DKIM_SELECTORS)),
    }


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip().rstrip(".").lower()
