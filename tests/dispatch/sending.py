"""A dispatch on its way, with its sealed edition and covering text: rows for tests of deliveries."""

import hashlib
import random
from datetime import timedelta
from itertools import count

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Role, User
from dispatch import dossier, tasks
from dispatch.dossier import Dossier
from dispatch.models import Covering, Delivery, Dispatch, Edition, EditionFile
from dispatch.services import dispatches
from dispatch.states import DeliveryStatus, DispatchStatus, EditionStatus
from letters.models import Letter
from tests.factories import demo_data, make_edition, make_letter, make_user

_numbers = count(1)


def make_covering(letter: Letter) -> Covering:
    texts = demo_data("recipients")["covering"]
    columns = {f"{field}_{language}": texts[language][field] for field in ("subject", "body") for language in texts}
    return Covering.objects.create(letter=letter, **columns)


def make_sealed_edition(*, recipients: int = 1, size: int = 3000, is_demonstration: bool = True) -> Edition:
    """An edition of a letter of its own, as `seal_noise` leaves it."""
    letter = make_letter(slug=f"letter-{next(_numbers)}", is_demonstration=is_demonstration, published=False)
    letter.recipients.filter(order__gt=recipients).delete()
    _add_recipients(letter, recipients)
    make_covering(letter)
    return seal_noise(make_edition(letter), size=size)


def seal_noise(edition: Edition, *, size: int) -> Edition:
    """Sealed files of `size` bytes: what is in them is nothing to a delivery."""
    for file in edition.files.all():
        data = random.Random(file.language).randbytes(size)
        path = default_storage.save(f"sealed/{edition.pk}-{file.language}.pdf", ContentFile(data))
        EditionFile.objects.filter(pk=file.pk).update(sealed=path, sha256=hashlib.sha256(data).hexdigest(), size=size)
    Edition.objects.filter(pk=edition.pk).update(status=EditionStatus.SEALED)
    edition.refresh_from_db()
    return edition


def _add_recipients(letter: Letter, total: int) -> None:
    """Until there are `total`: offices like the first."""
    like = letter.recipients.first()
    if letter.recipients.count() < total:  # verified, or the dossier would have a finding for each
        like.verified_on, like.verified_by = timezone.now().date(), make_user()
    for number in range(letter.recipients.count() + 1, total + 1):
        like.pk, like.order, like.email = None, number, f"office{number}@government.example.org"
        like.save(force_insert=True)


def make_dispatch(status: str = DispatchStatus.SENDING, *, recipients: int = 1, **edition: int) -> Dispatch:
    """A dispatch `prepared`, `authorised` or `sending`."""
    return set_going(make_sealed_edition(recipients=recipients, **edition), status)


def set_going(edition: Edition, status: str = DispatchStatus.SENDING) -> Dispatch:
    dispatch = dispatches.prepare(edition, by=make_user())
    if status != DispatchStatus.PREPARED:
        authorise(dispatch, by=make_user(Role.Name.SENDER))
    if status == DispatchStatus.SENDING:
        dispatches.start(dispatch)
    return dispatch


def waive_all(dispatch: Dispatch, *, by: User) -> None:
    """Whatever stands in the way and may be waived."""
    for finding in dossier_of(dispatch).open:
        if finding.check.is_waivable:
            dispatches.waive(dispatch, finding=finding.key, facts=finding.facts, reason="It is a test.", by=by)


def dossier_of(dispatch: Dispatch) -> Dossier:
    return dossier.of(Dispatch.objects.select_related("edition__letter").get(pk=dispatch.pk))


def authorise(dispatch: Dispatch, *, by: User) -> None:
    """Both look at the dossier, addresses verified and all else waived, and authorise it: the preparer, and `by`."""
    today = timezone.now().date()  # of all at once, for each finding that is waived takes its time
    dispatch.edition.letter.recipients.update(verified_on=today, verified_by=by)
    waive_all(dispatch, by=by)
    seen = dossier_of(dispatch).sha256
    dispatches.authorise(dispatch, by=dispatch.prepared_by, seen=seen)
    dispatches.authorise(dispatch, by=by, seen=seen)


def make_delivery(**dispatch: int) -> Delivery:
    return make_dispatch(**dispatch).deliveries.get()


def deliver(delivery: Delivery) -> Delivery:
    """What a worker does when the bell rings; the row as it is afterwards."""
    tasks.deliver(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def let_time_pass(delivery: Delivery) -> None:
    """Until every lease has run out and every wait is over."""
    let_time_pass_for(Delivery.objects.filter(pk=delivery.pk))


def let_time_pass_for(deliveries: QuerySet[Delivery]) -> None:
    past = timezone.now() - timedelta(seconds=1)
    deliveries.update(not_before=past)
    deliveries.filter(lease_until__isnull=False).update(lease_until=past)


def send_all(dispatch: Dispatch) -> None:
    """Sweep and deliver as long as there is something to do, the clock running ahead."""
    for _ in range(5):
        for delivery in dispatch.deliveries.all():
            let_time_pass(delivery)
        tasks.sweep_deliveries()
        for delivery in dispatch.deliveries.filter(status=DeliveryStatus.QUEUED):
            tasks.deliver(delivery.pk)
