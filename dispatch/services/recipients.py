"""The recipients of a letter: entered, changed, verified; and what is wrong with each before anything goes out."""

from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from dispatch.models import Channel, Dispatch, FurtherAddress, Recipient
from dispatch.services import dispatches
from ledger.services import witness
from letters.services import touch

TEXTS = ("title", "name", "address_block", "salutation")


class InUse(Exception):
    """Something was, or is to be, sent to this recipient."""


def save(recipient: Recipient, *, address_changed: bool, verified: bool, by: User) -> None:
    """Keep what was entered. An address that changed counts as verified by nobody until somebody says so."""
    if verified:
        recipient.verified_on, recipient.verified_by = timezone.now().date(), by
    elif address_changed:
        recipient.verified_on = recipient.verified_by = None
    with transaction.atomic():
        is_new = recipient.pk is None
        recipient.save()
        witness(recipient, "entered" if is_new else "changed", by=by)
        touch(recipient.letter, "letter", "delivery")
        _void_what_changed(recipient)


def remove(recipient: Recipient, *, by: User) -> None:
    """Raises `InUse`."""
    with transaction.atomic():
        if recipient.deliveries.exists():
            raise InUse
        witness(recipient.letter, "recipient removed", by=by)  # whose history goes on
        touch(recipient.letter, "letter", "delivery")
        recipient.delete()
        _void_what_changed(recipient)


def add_address(recipient: Recipient, *, channel: str, address: str, verified: bool, by: User) -> FurtherAddress:
    with transaction.atomic():
        further, created = FurtherAddress.objects.get_or_create(recipient=recipient, channel=channel, address=address)
        if created:
            witness(recipient, "address added", by=by)
        if verified:
            verify_address(further, by=by)
    return further


def verify_address(further: FurtherAddress, *, by: User) -> None:
    """Somebody has made sure today that the office is reached there."""
    with transaction.atomic():
        FurtherAddress.objects.filter(pk=further.pk).update(verified_on=timezone.now().date(), verified_by=by)
        witness(further.recipient, "address verified", by=by)
        _void_what_changed(further.recipient)


def remove_address(further: FurtherAddress, *, by: User) -> None:
    with transaction.atomic():
        deleted, _by_model = further.delete()
        if deleted:
            witness(further.recipient, "address removed", by=by)
        _void_what_changed(further.recipient)


def _void_what_changed(recipient: Recipient) -> None:
    dispatches.void_what_changed(Dispatch.objects.spoken_for().filter(edition__letter=recipient.letter_id))


def doubts(recipients: list[Recipient]) -> list[list[str]]:
    """Of each recipient, what somebody should look at before a dispatch."""
    used = Counter(recipient.address.casefold() for recipient in recipients if recipient.channel == Channel.EMAIL)
    return [list(_doubts(recipient, used)) for recipient in recipients]


def _doubts(recipient: Recipient, used: Counter[str]) -> Iterator[str]:
    for language, name in settings.LANGUAGES:
        missing = [_label(field) for field in TEXTS if not getattr(recipient, f"{field}_{language}")]
        if missing:
            said = {"language": name, "fields": ", ".join(missing)}
            yield _("Missing in %(language)s: %(fields)s.") % said
    yield from _doubts_of_address(recipient, used)
    if recipient.answer_days is None:
        yield _("The legal term for an answer is not known.")
    elif not recipient.term_source:
        yield _("The legal term has no source.")


def _doubts_of_address(recipient: Recipient, used: Counter[str]) -> Iterator[str]:
    if not recipient.address:
        yield _("There is no address for the way it goes.")
    elif recipient.channel == Channel.EMAIL and used[recipient.address.casefold()] > 1:
        yield _("Another recipient of this letter has the same e-mail address.")
    if recipient.verified_on is None:
        yield _("Nobody has verified the address.")
    elif recipient.was_verified_long_ago(timezone.now().date()):
        said = {"date": date_format(recipient.verified_on)}
        yield _("The address was last verified on %(date)s: verify it again.") % said


def _label(field: str) -> str:
    return str(Recipient._meta.get_field(field).verbose_name).lower()  # type: ignore[union-attr]
