"""Signatories by the thousand are told that their edition has gone out: each once, whatever is killed when."""

import threading
import tracemalloc
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.models import Delivery, Dispatch, Edition
from dispatch.services import telling
from dispatch.states import DeliveryStatus, DispatchStatus
from mailing.models import Mail
from signatories import emails
from signatories.folding import mailbox
from signatories.models import Organisation, Signature
from tests.dispatch.sending import make_sealed_edition
from tests.factories import make_signature, make_user

MANY = 3000


def sent_edition(signatories: int, *, without_address: int = 0) -> Edition:
    """Public, with as many signatories, the first of whom can't be written to; its dispatch is done."""
    edition = make_sealed_edition()
    letter = edition.letter
    type(letter).objects.filter(pk=letter.pk).update(published_at=timezone.now())
    first = edition.signatures.get()
    columns = {field.attname: getattr(first, field.attname) for field in Signature._meta.concrete_fields}
    for of_another in ("id", "name", "organisation_id", "secret_index"):
        columns.pop(of_another)
    stated = [{"name_en": f"Org {number}", "folded_name": f"org {number}"} for number in range(signatories - 1)]
    entered = Organisation.objects.bulk_create([Organisation(country="BY", **own) for own in stated], batch_size=500)
    rows = []
    for number, own in enumerate(stated):
        address = "" if number < without_address else f"signer@org{number}.example.org"
        reached = {"email": address, "mailbox": mailbox(address) if address else ""}
        rows.append(Signature(**{**columns, **own, **reached, "organisation_id": entered[number].pk}))
    Signature.objects.bulk_create(rows, batch_size=500)
    edition.signatures.set(letter.signatures.all())
    dispatch = Dispatch.objects.create(
        edition=edition, prepared_by=make_user(), authorised_by=make_user(), status=DispatchStatus.DONE
    )
    Delivery.objects.create(
        dispatch=dispatch,
        edition=edition,
        recipient=letter.recipients.get(),
        address="office@example.org",
        language="be",
        message_id="<1@example.org>",
        status=DeliveryStatus.ACCEPTED,
    )
    return edition


def told() -> list[str]:
    return [mail.to for mail in Mail.objects.filter(key__startswith="delivered:")]


def sweep_until_quiet() -> int:
    """How many sweeps it took."""
    for sweeps in range(1, 20):
        before = Mail.objects.count()
        telling.tell_delivered()
        if Mail.objects.count() == before:
            return sweeps
    raise AssertionError("It does not come to an end.")


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the sweep die at that many mails, once."""

    def arm(number: int) -> None:
        queue, left = emails.delivered, [number]

        def dying(signature: Signature, **given: str) -> bool:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return queue(signature, **given)  # type: ignore[arg-type]

        monkeypatch.setattr(emails, "delivered", dying)

    return arm


@pytest.mark.django_db
def test_three_thousand_are_told_once_though_the_sweep_dies_in_the_middle(killed_at: Callable[[int], None]) -> None:
    edition = sent_edition(MANY)
    telling.tell_delivered()
    assert len(told()) == telling.BATCH
    killed_at(200)
    with pytest.raises(KeyboardInterrupt):
        telling.tell_delivered()
    assert len(told()) == telling.BATCH + 199
    sweep_until_quiet()
    assert sorted(told()) == sorted(signature.email for signature in edition.signatures.all())


@pytest.mark.django_db
def test_the_mail_leads_to_what_became_of_the_letter(client: Client) -> None:
    """And so does the page of the edition."""
    edition = sent_edition(1)
    sweep_until_quiet()
    record = f"/en/letters/{edition.letter.slug}/delivery/"
    assert (
        f"what became of it:\n\n{settings.PUBLIC_URL}{record}\n" in Mail.objects.get(key__startswith="delivered:").body
    )
    assert edition.letter.recipients.all()[0].title in client.get(record).content.decode()
    assert f'href="{record}"' in client.get(f"/en/letters/{edition.letter.slug}/editions/1/").content.decode()


@pytest.mark.django_db
def test_those_without_an_address_do_not_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BATCH", 10)
    sent_edition(60, without_address=40)
    sweep_until_quiet()
    assert len(told()) == 20


@pytest.mark.django_db
def test_a_sweep_costs_no_more_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    sent_edition(MANY)
    monkeypatch.setattr(telling, "BATCH", 20)
    tracemalloc.start()
    with CaptureQueriesContext(connection) as queries:
        telling.tell_delivered()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(told()) == 20
    assert len(queries) < 20 * 3 + MANY / 500 + 10
    assert peak < 20e6


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_tell_each_once() -> None:
    edition = sent_edition(300)
    ready = threading.Barrier(2)

    def sweep() -> None:
        ready.wait()
        try:
            telling.tell_delivered()
        finally:
            connections.close_all()

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join()
    assert sorted(told()) == sorted(make.email for make in edition.signatures.all())
    telling.tell_delivered()
    assert len(told()) == 300


@pytest.mark.django_db
def test_whoever_signed_too_late_for_the_edition_is_told_nothing() -> None:
    edition = sent_edition(2)
    late = make_signature(edition.letter)
    sweep_until_quiet()
    assert len(told()) == 2
    assert late.email not in told()
