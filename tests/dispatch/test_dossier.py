"""The dossier of a dispatch: what stands in the way is seen, mended, taken out or waived; two people authorise it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import Role, User
from dispatch import emails, smtp, tasks
from dispatch.catcher import catching
from dispatch.dossier import changes
from dispatch.models import Authorisation, Channel, Delivery, Dispatch, DryRun, Edition, Recipient, Waiver, Wording
from dispatch.services import dispatches, dry_runs
from dispatch.states import DeliveryStatus, DispatchStatus, DryRunStatus, EditionStatus
from ledger.models import Event
from ledger.services import Overtaken
from letters.models import Letter
from letters.services import save_version
from signatories.authority import Grade
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.conftest import Rung
from tests.dispatch.sending import authorise, deliver, dossier_of, make_covering, make_dispatch, waive_all
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.tools import freshly_signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True


@pytest.fixture
def dispatch() -> Dispatch:
    return make_dispatch(DispatchStatus.PREPARED, recipients=2)


@pytest.fixture
def campaigner(dispatch: Dispatch) -> User:
    return dispatch.prepared_by


@pytest.fixture
def sender() -> User:
    return make_user(Role.Name.SENDER, name="Siarhei Sender")


def page(user: User, dispatch: Dispatch) -> str:
    answer = freshly_signed_in(user).get(f"/desk/dispatches/{dispatch.pk}/")
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def post(user: User, address: str, status: int = 200, **stated: Any) -> str:
    answer = freshly_signed_in(user).post(address, stated, follow=True)
    assert answer.status_code == status
    return unescape(" ".join(answer.content.decode().split()))


def keys(dispatch: Dispatch) -> set[str]:
    return {finding.key for finding in dossier_of(dispatch).open}


def kinds(dispatch: Dispatch) -> set[str]:
    return {finding.check.key for finding in dossier_of(dispatch).open}


def form_of(user: User, dispatch: Dispatch) -> dict[str, str]:
    """What the button to authorise posts."""
    shown = page(user, dispatch)
    found = re.search(rf'<form[^>]*action="/desk/dispatches/{dispatch.pk}/authorise/".*?</form>', shown)
    assert found, "there is no button to authorise"
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[0]))


def give_word(user: User, dispatch: Dispatch, *, status: int = 200, **seen: str) -> str:
    stated = seen or form_of(user, dispatch)
    return post(user, f"/desk/dispatches/{dispatch.pk}/authorise/", status, **stated)


def put_together(user: User, dispatch: Dispatch, *, seen: str = "") -> str:
    seen = seen or dossier_of(dispatch).sha256
    return post(user, f"/desk/dispatches/{dispatch.pk}/put-together/", seen=seen)


def status_of(dispatch: Dispatch) -> str:
    return Dispatch.objects.get(pk=dispatch.pk).status


# What stands in the way ---------------------------------------------------------------------------


def change_text(dispatch: Dispatch, *, material: bool, **texts: str) -> None:
    """A new version of the letter, from before or after the edition was cut."""
    letter = dispatch.edition.letter
    letter.blocks.filter(order=1).update(**texts)
    reason = dict.fromkeys(("en", "be", "ru"), "…") if material else None
    keep_until = timezone.now().date() + timedelta(days=9) if material else None
    save_version(letter, is_material=material, reason=reason, keep_until=keep_until)


def left(dispatch: Dispatch) -> None:
    dispatch.edition.signatures.update(status=SignatureStatus.WITHDRAWN)


def superseded(dispatch: Dispatch) -> None:
    Edition.objects.update(status=EditionStatus.SUPERSEDED)


def nobody(dispatch: Dispatch) -> None:
    for delivery in dispatch.deliveries.all():
        dispatches.exclude(delivery, by=dispatch.prepared_by)


def text_changed(dispatch: Dispatch) -> None:
    change_text(dispatch, material=True, text_en="Another meaning.")


def behind(dispatch: Dispatch) -> None:
    """The edition is of a version in which English alone was changed."""
    change_text(dispatch, material=False, text_en="Another word.")
    edition = dispatch.edition
    edition.content["version"] = edition.letter.version.number
    edition.save()


def disputed(dispatch: Dispatch) -> None:
    dispatch.edition.signatures.update(disputed_at=timezone.now())


def alike(dispatch: Dispatch) -> None:
    add_signatories(dispatch, "Human Rights House Minsk", "Human Rights House Minsk e.V.")


def twice(dispatch: Dispatch) -> None:
    add_signatories(dispatch, "Alpha", "Omega", website="https://one.example.org/")


def add_signatories(dispatch: Dispatch, *names: str, **columns: Any) -> None:
    made = [make_signature(dispatch.edition.letter, name=name, **columns) for name in names]
    dispatch.edition.signatures.add(*made)


def bounced(dispatch: Dispatch) -> None:
    dispatch.edition.signatures.update(bounced_at=timezone.now())


def unverified(dispatch: Dispatch) -> None:
    Recipient.objects.update(verified_on=None, verified_by=None)


def long_verified(dispatch: Dispatch) -> None:
    Recipient.objects.update(verified_on=timezone.now().date() - timedelta(days=91), verified_by=dispatch.prepared_by)


def moved(dispatch: Dispatch) -> None:
    Recipient.objects.update(address_block_be="вул. Іншая, 1\n220000, г. Мінск")


def added(dispatch: Dispatch) -> None:
    like = Recipient.objects.latest("order")
    like.pk, like.order, like.email, like.title_en = None, 99, "new@government.example.org", "A new office"
    like.save(force_insert=True)


def unfit(dispatch: Dispatch) -> None:
    dispatch.edition.letter.covering.delete()
    dispatches.put_together(dispatch, by=dispatch.prepared_by, seen=dossier_of(dispatch).sha256)


def outdated(dispatch: Dispatch) -> None:
    dispatch.edition.letter.recipients.update(title_be="Іншы офіс", salutation_be="Добры дзень!")


def broken(dispatch: Dispatch) -> None:
    file = dispatch.edition.files.get(language="be")
    with default_storage.open(file.sealed, "wb") as stored:
        stored.write(b"%PDF another")


SEEN: list[tuple[str, Callable[[Dispatch], None] | None, str]] = [
    ("left", left, "names somebody who stands under the letter no more"),
    ("superseded", superseded, "There is a later edition."),
    ("nobody", nobody, "Every recipient is taken out"),
    ("text-changed", text_changed, "The meaning of the text has changed with version 2"),
    ("behind", behind, "Belarusian: 1 part of the text has not been touched since it was changed in English."),
    ("unproven", None, "For 1 signatory, nothing shows that whoever signed may speak for it."),
    ("disputed", disputed, "the organisation has told us that this is not its signature"),
    ("alike", alike, "Human Rights House Minsk, and Human Rights House Minsk e.V."),
    ("twice", twice, "Alpha, and Omega. Both state the same website."),
    ("bounced", bounced, "mails come back from the address of its representative"),
    ("unverified", unverified, "Прэзідэнт Рэспублікі Беларусь: nobody has verified the address"),
    ("unverified", long_verified, "the address was last verified on"),
    ("unprinted", moved, "the PDF does not name it, or not like this"),
    ("added", added, "A new office: added to the letter after this was prepared, and not in it."),
    ("unfit", unfit, "The letter has no covering text."),
    ("outdated", outdated, "would not go out: Office, as it is addressed; Salutation; Covering text."),
    ("broken", broken, "Belarusian: the PDF can’t be read, or is not the one that was sealed."),
    ("no-dry-run", None, "There was no dry run of the mails as they are."),
]


@pytest.mark.parametrize(("check", "happens", "sentence"), SEEN)
def test_what_stands_in_the_way_is_seen_and_nothing_is_authorised(
    dispatch: Dispatch,
    campaigner: User,
    sender: User,
    check: str,
    happens: Callable[[Dispatch], None] | None,
    sentence: str,
) -> None:
    verify(dispatch)
    if happens:
        waive_all(dispatch, by=sender)
        assert check not in kinds(dispatch)
        happens(Dispatch.objects.select_related("edition__letter").get())
    assert check in kinds(dispatch)
    assert sentence.replace("Прэзідэнт Рэспублікі Беларусь", "President of the Republic of Belarus") in page(
        sender, dispatch
    )
    with pytest.raises((dispatches.SomethingStandsInTheWay, dispatches.NotSealed)):
        dispatches.authorise(dispatch, by=campaigner, seen=dossier_of(dispatch).sha256)
    assert not Authorisation.objects.exists()


def verify(dispatch: Dispatch) -> None:
    Recipient.objects.update(verified_on=timezone.now().date(), verified_by=dispatch.prepared_by)


def test_a_dossier_in_order_has_one_button(campaigner: User, dispatch: Dispatch) -> None:
    verify(dispatch)
    Signature.objects.update(grade=3)
    assert kinds(dispatch) == {"no-dry-run"}
    rehearse(dispatch)
    shown = page(campaigner, dispatch)
    assert "Nothing stands in the way." in shown
    assert "Authorise: send 2 mails" in shown
    assert dossier_of(dispatch).sha256 in shown


def test_who_may_not_waive_is_told_who_may(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    said = "can be waived by somebody who may send"
    assert said in page(campaigner, dispatch)
    assert said not in page(sender, dispatch)


def test_mails_of_the_day_before_yesterday_go_and_older_ones_do_not(dispatch: Dispatch, campaigner: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=2, hours=23)):
        assert "grown-old" not in kinds(dispatch)
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        assert "grown-old" in kinds(dispatch)
        assert "more than three days ago" in page(campaigner, dispatch)
        assert "put together anew" in put_together(campaigner, dispatch)
        assert "grown-old" not in kinds(dispatch)
        [first, *_] = dispatch.deliveries.all()
        assert timezone.now() - first.wording.put_together_at < timedelta(minutes=1)
        assert emails.covering(first)


def test_the_demonstration_seal_and_a_seal_without_a_stamp(dispatch: Dispatch, settings: Settings) -> None:
    assert not {"demonstration-seal", "unstamped"} & kinds(dispatch)
    dispatch.edition.letter.is_demonstration = False
    dispatch.edition.letter.save()
    settings.TSA_URL = "http://tsa.example.org/"
    assert {"demonstration-seal", "unstamped"} <= kinds(dispatch)
    dispatch.edition.files.update(stamped_at=timezone.now())
    assert "unstamped" not in kinds(dispatch)


def test_the_senders_records_stand_in_the_way_where_mail_leaves(dispatch: Dispatch, settings: Settings) -> None:
    assert "sender" not in kinds(dispatch)
    settings.MAIL_IS_CAUGHT = False
    assert "sender:not_looked_up" in keys(dispatch)


def test_a_withheld_name_is_not_named(dispatch: Dispatch, sender: User) -> None:
    add_signatories(dispatch, "Hidden House Minsk", visibility="withheld")
    add_signatories(dispatch, "Hidden House Minsk e.V.")
    Signature.objects.filter(visibility="withheld").update(disputed_at=timezone.now())
    shown = page(sender, dispatch)
    assert "a signatory whose name is withheld, and Hidden House Minsk e.V." in shown
    assert "a signatory whose name is withheld: the organisation has told us" in shown
    assert "Hidden House Minsk," not in shown
    waive_all(dispatch, by=sender)
    dispatches.authorise(dispatch, by=dispatch.prepared_by, seen=dossier_of(dispatch).sha256)
    assert "Hidden" not in str(Authorisation.objects.get().dossier)


def test_too_many_that_are_alike_are_one_finding(dispatch: Dispatch) -> None:
    add_signatories(dispatch, *(f"House of Rights in Minsk ({letter * 3})" for letter in "ABCDEFGHI"))
    assert "alike:all" in keys(dispatch)


# Waived, taken out, mended ------------------------------------------------------------------------


def waiver_of(dispatch: Dispatch, kind: str) -> dict[str, str]:
    found = next(finding for finding in dossier_of(dispatch).open if finding.check.key == kind)
    return {"finding": found.key, "facts": found.facts}


def test_a_finding_is_waived_by_name_and_the_waiver_is_void_when_the_facts_change(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    address = f"/desk/dispatches/{dispatch.pk}/waive/"
    stated = waiver_of(dispatch, "unproven")
    assert "your name and reason are kept" in post(sender, address, **stated, reason="Called on Monday.")
    shown = page(campaigner, dispatch)
    assert "Waived by Siarhei Sender on" in shown
    assert "Called on Monday." in shown
    assert "unproven" not in kinds(dispatch)
    assert Event.objects.about(Waiver.objects.get()).filter(target="waived", by=sender).count() == 1
    assert "Siarhei Sender waived it while you wrote" in post(sender, address, 409, **stated, reason="Twice.")
    add_signatories(dispatch, "Nobody Knows Them")
    assert "unproven" in kinds(dispatch)
    assert "For 2 signatories" in page(sender, dispatch)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_waiver_takes_a_reason(dispatch: Dispatch, sender: User, reason: str) -> None:
    address = f"/desk/dispatches/{dispatch.pk}/waive/"
    shown = post(sender, address, 422, **waiver_of(dispatch, "unproven"), reason=reason)
    assert 'class="errorlist"' in shown
    assert not reason.strip() or reason in shown
    assert not Waiver.objects.exists()


@pytest.mark.parametrize("is_under_way", [True, False])
def test_who_waives_without_a_reason_what_is_gone_is_told(dispatch: Dispatch, sender: User, is_under_way: bool) -> None:
    stated = waiver_of(dispatch, "unproven")
    if is_under_way:
        authorise(dispatch, by=sender)
    else:
        waive_all(dispatch, by=sender)
    assert "Nothing was done" in post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", 422, **stated, reason="")


def test_what_is_another_than_was_looked_at_is_not_waived_and_the_reason_stays(
    dispatch: Dispatch, sender: User
) -> None:
    looked_at = waiver_of(dispatch, "unproven")
    add_signatories(dispatch, "Nobody Knows Them")
    shown = post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", 409, **looked_at, reason="Called on Monday.")
    assert "This is not what you looked at any more." in shown
    assert 'value="Called on Monday."' in shown
    assert "For 2 signatories" in shown
    assert not Waiver.objects.exists()
    form = re.search(r'name="finding" value="unproven"> <input type="hidden" name="facts" value="(\w+)"', shown)
    assert form
    again = {"finding": "unproven", "facts": form[1], "reason": "Called on Monday."}
    assert "your name and reason are kept" in post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", **again)


def test_a_waiver_is_taken_back_and_what_was_authorised_with_it_is_void(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    waiver = Waiver.objects.get(finding="unproven")
    address = f"/desk/dispatches/{dispatch.pk}/waive/back/"
    assert freshly_signed_in(campaigner).post(address, {"waiver": waiver.pk}).status_code == 403
    for odd in ("", "x", "9" * 30, "0", "²"):
        assert "Nothing was done" in post(sender, address, waiver=odd)
    assert "The waiver is taken back." in post(sender, address, waiver=waiver.pk)
    assert "unproven" in kinds(dispatch)
    assert "Nothing was done" in post(sender, address, waiver=waiver.pk)
    assert Event.objects.about(waiver).filter(target="taken back", by=sender).count() == 1
    assert not dispatches.holding(dispatch, dossier_of(dispatch).sha256)
    authorise(dispatch, by=sender)
    kept = Waiver.objects.get(finding="unproven", ended_at=None)
    assert "Nothing was done" in post(sender, address, waiver=kept.pk)
    assert Waiver.objects.filter(pk=kept.pk, ended_at=None).exists()
    waiver.refresh_from_db()
    assert (waiver.ended_by, waiver.reason) == (sender, kept.reason), "what was taken back is kept"


def edit_and_edit_back(dispatch: Dispatch, campaigner: User) -> None:
    """At the desk, as a person does it."""
    recipient = dispatch.edition.letter.recipients.first()
    assert recipient
    address = f"/desk/recipients/{recipient.pk}/"
    desk = freshly_signed_in(campaigner)
    form = desk.get(address).context["form"]
    stated = {form.add_prefix(name): form[name].value() or "" for name in form.fields}
    way = form.add_prefix("requirements")
    for requirements in ("Send two copies.", stated[way]):
        assert desk.post(address, {**stated, way: requirements}).status_code == 302


def test_a_word_that_became_void_stays_so_when_the_facts_return(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    before = dossier_of(dispatch).sha256
    edit_and_edit_back(dispatch, campaigner)
    assert dossier_of(dispatch).sha256 == before
    assert not dispatches.holding(dispatch, before)
    assert "something was changed after that and changed back, so this no longer counts" in page(sender, dispatch)
    assert "It goes out once the other person has authorised it" not in page(campaigner, dispatch)
    give_word(sender, dispatch)
    assert status_of(dispatch) == DispatchStatus.PREPARED
    give_word(campaigner, dispatch)
    assert status_of(dispatch) == DispatchStatus.AUTHORISED
    assert campaigner.authorisations.filter(void_since=None).count() == 1
    void = campaigner.authorisations.exclude(void_since=None).get()
    assert Event.objects.about(void).filter(target="void", by=None).count() == 1


@pytest.mark.parametrize("act", ["authorise", "waive", "take back", "put together"])
def test_who_is_told_that_a_word_counts_no_more_is_told_so_for_good(
    dispatch: Dispatch, campaigner: User, sender: User, act: str
) -> None:
    """Also where that is all that became of what they did, and the facts return before the next sweep."""
    verify(dispatch)
    stated = waiver_of(dispatch, "unproven")
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    before = dossier_of(dispatch).sha256
    seen = form_of(sender, dispatch)
    dispatch.edition.signatures.update(bounced_at=timezone.now())
    address = f"/desk/dispatches/{dispatch.pk}"
    if act == "authorise":
        assert "Nothing was authorised" in give_word(sender, dispatch, status=409, **seen)
    elif act == "waive":
        assert "Nothing was done" in post(sender, f"{address}/waive/", 409, **stated, reason="Called.")
    elif act == "take back":
        assert "Nothing was done" in post(sender, f"{address}/waive/back/", waiver=0)
    else:
        assert "Nothing was done" in put_together(sender, dispatch, seen=before)
    dispatch.edition.signatures.update(bounced_at=None)
    assert dossier_of(dispatch).sha256 == before
    assert "waits for the other one" in give_word(sender, dispatch)
    assert status_of(dispatch) == DispatchStatus.PREPARED


def test_what_is_changed_elsewhere_is_noticed_by_the_sweep(
    dispatch: Dispatch, campaigner: User, sender: User, settings: Settings
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    before = dossier_of(dispatch).sha256
    for at in (timezone.now(), None):
        dispatch.edition.signatures.update(bounced_at=at)
        tasks.sweep_dispatches()
    assert dossier_of(dispatch).sha256 == before
    assert not dispatches.holding(dispatch, before)
    kept = Waiver.objects.filter(ended_at=None).values_list("finding", flat=True)
    assert "unproven" in kept, "its facts did not change"


def test_a_waiver_that_became_void_stays_so_when_the_facts_return(dispatch: Dispatch, sender: User) -> None:
    post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", **waiver_of(dispatch, "unproven"), reason="Called.")
    for grade in (Grade.CALL_BACK, Grade.NONE):
        Signature.objects.update(grade=grade)
        tasks.sweep_dispatches()
    assert "unproven" in kinds(dispatch)
    shown = page(sender, dispatch)
    assert "What counts no more" in shown
    assert re.search(r"Called\. </span> <span class=\"line quiet\"> Void since", shown)
    again = post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", **waiver_of(dispatch, "unproven"), reason="Still.")
    assert "your name and reason are kept" in again
    assert "unproven" not in kinds(dispatch)


def test_a_waiver_for_an_address_that_nobody_verified_is_for_that_address(dispatch: Dispatch, sender: User) -> None:
    unverified(dispatch)
    waive_all(dispatch, by=sender)
    delivery = dispatch.deliveries.get(recipient__order=1)
    Recipient.objects.filter(order=1).update(email="somebody.else@government.example.org")
    put_together(sender, dispatch)
    assert f"unverified:{delivery.pk}" in keys(dispatch)


def test_that_an_address_is_verified_says_nothing_of_the_one_before(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    """A delivery to that one is not shown as verified by whoever looked at this one."""
    Recipient.objects.update(verified_on=timezone.now().date(), verified_by=make_user(name="Who Verified"))
    Recipient.objects.filter(order=1).update(email="somebody.else@government.example.org")
    told = "it would go to an address that is not the one entered now"
    shown = page(sender, dispatch)
    assert shown.count(told) == 1
    assert shown.count("Who Verified") == 1, "of the second office"
    put_together(campaigner, dispatch)
    shown = page(sender, dispatch)
    assert told not in shown
    assert shown.count("Who Verified") == 2


def edit_in_admin(person: User, address: str, **texts: str) -> None:
    admin = freshly_signed_in(person)
    form = admin.get(address).context["adminform"].form
    stated = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
    assert admin.post(address, {**stated, **texts}).status_code == 302


def test_an_address_that_is_changed_in_the_admin_is_verified_by_nobody(dispatch: Dispatch, campaigner: User) -> None:
    verify(dispatch)
    operator = make_user(is_staff=True, is_superuser=True)
    recipient = Recipient.objects.get(order=1)
    address = f"/admin/dispatch/recipient/{recipient.pk}/change/"
    edit_in_admin(operator, address, requirements="Two copies.")
    recipient.refresh_from_db()
    assert (recipient.requirements, recipient.verified_by) == ("Two copies.", campaigner)
    edit_in_admin(operator, address, email="somebody.else@government.example.org")
    recipient.refresh_from_db()
    assert recipient.verified_by is None
    assert Event.objects.about(recipient).filter(target="changed", by=operator).count() == 2


def test_what_is_edited_in_the_admin_and_edited_back_voids_a_word(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    covering = dispatch.edition.letter.covering
    operator = make_user(is_staff=True, is_superuser=True)
    for body in (f"{covering.body_be} І яшчэ.", covering.body_be):
        edit_in_admin(operator, f"/admin/dispatch/covering/{covering.pk}/change/", body_be=body)
    assert not dispatches.holding(dispatch, dossier_of(dispatch).sha256)


def test_a_waiver_for_an_office_that_was_added_is_for_that_office(dispatch: Dispatch, sender: User) -> None:
    added(dispatch)
    waive_all(dispatch, by=sender)
    assert "added" not in kinds(dispatch)
    Recipient.objects.filter(order=99).update(title_en="Another office")
    assert "added" in kinds(dispatch)


def test_whether_it_goes_to_an_office_or_in_copy_is_authorised_too(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    dispatch.edition.letter.recipients.filter(order=1).update(kind=Recipient.Kind.CC)
    assert not dispatches.holding(dispatch, dossier_of(dispatch).sha256)
    assert "the PDF does not name it, or not like this" in page(campaigner, dispatch)
    assert re.search(r"Kind</span> </th> <td[^>]*>Addressee</td> <td[^>]*>Copy</td>", page(campaigner, dispatch))


@pytest.mark.parametrize("what", ["gone", "waived", "under way"])
def test_a_reason_for_what_stands_there_no_more_stays_and_says_why(
    dispatch: Dispatch, campaigner: User, sender: User, what: str
) -> None:
    stated = waiver_of(dispatch, "unproven")
    if what == "gone":
        Signature.objects.update(grade=Grade.CALL_BACK)
    elif what == "waived":
        waive_all(dispatch, by=make_user(Role.Name.SENDER, name="Quick Colleague"))
    else:
        authorise(dispatch, by=sender)
    shown = post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", 409, **stated, reason="Called “them” on Monday.")
    assert "What you wrote: <q>Called “them” on Monday.</q>" in shown
    why = "Quick Colleague waived it while you wrote" if what == "waived" else "does not stand in the way any more"
    assert why in shown


def test_the_record_of_what_went_names_only_what_held(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    """What was void, or taken back, is told apart from what two people let go."""
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    waiver = Waiver.objects.get(finding="unproven")
    post(sender, f"/desk/dispatches/{dispatch.pk}/waive/back/", waiver=waiver.pk)
    edit_and_edit_back(dispatch, campaigner)
    authorise(dispatch, by=sender)
    shown = page(sender, dispatch)
    record, no_longer = shown.split("What counts no more")
    record = record[record.index("Who authorised it") :]
    assert record.count("Dossier (SHA-256)") == 2
    assert record.count("Signatories without evidence") == 1
    no_longer = no_longer[: no_longer.index("</details>")]
    assert "Taken back by Siarhei Sender on" in no_longer
    assert f"{campaigner} authorised it on" in no_longer
    assert "when the dossier was another" in no_longer


def test_what_was_waived_is_named_with_whom_it_is_about(dispatch: Dispatch, sender: User) -> None:
    waive_all(dispatch, by=sender)
    verify(dispatch)
    shown = page(sender, dispatch)
    [first, *_] = dispatch.deliveries.select_related("recipient")
    assert f"An address that is not verified: {first.recipient.title}" in shown


def test_two_mailboxes_of_one_office_are_told_apart(dispatch: Dispatch, sender: User) -> None:
    dispatch.edition.letter.recipients.update(title_en="One office", title_be="One office", title_ru="One office")
    shown = page(sender, dispatch)
    for delivery in dispatch.deliveries.all():
        assert f"One office ({delivery.address}): nobody has verified the address." in shown


@pytest.mark.parametrize("stated", [{"finding": "unproven", "facts": "x"}, {"finding": "\x00", "facts": "\x00"}, {}])
def test_a_finding_that_is_not_there_is_not_waived(dispatch: Dispatch, sender: User, stated: dict[str, str]) -> None:
    said = post(sender, f"/desk/dispatches/{dispatch.pk}/waive/", 409, **stated, reason="Fine.")
    if stated.get("finding") == "unproven":
        assert "This is not what you looked at any more." in said
        return
    assert "Nothing was done" in said
    assert not Waiver.objects.exists()


def test_what_can_only_be_mended_is_not_waived(dispatch: Dispatch, sender: User) -> None:
    unfit(dispatch)
    with pytest.raises(Exception, match="no such finding"):
        dispatches.waive(dispatch, **waiver_of(dispatch, "unfit"), reason="Fine.", by=sender)


def test_who_may_do_what(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    act, reviewer = f"/desk/dispatches/{dispatch.pk}/", make_user(Role.Name.REVIEWER)
    [first, *_] = dispatch.deliveries.all()
    exclude = f"/desk/deliveries/{first.pk}/exclude/"
    for address in (f"{act}authorise/", f"{act}waive/", f"{act}put-together/", f"{act}dry-run/", exclude):
        assert freshly_signed_in(reviewer).post(address).status_code == 403
        assert freshly_signed_in(sender).get(address).status_code == 405
        assert Client().post(address).status_code == 302
    assert freshly_signed_in(campaigner).post(f"{act}waive/").status_code == 403
    assert freshly_signed_in(make_user(Role.Name.CAMPAIGNER)).post(f"{act}authorise/").status_code == 403
    assert Delivery.objects.filter(status=DeliveryStatus.QUEUED).count() == 2
    assert not DryRun.objects.exists()


def test_a_recipient_is_taken_out_and_gets_it_another_time(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    first, second = dispatch.deliveries.all()
    said = post(campaigner, f"/desk/deliveries/{first.pk}/exclude/")
    assert "The recipient is taken out of this dispatch." in said
    assert f"unverified:{first.pk}" not in keys(dispatch)
    assert "Nothing was done" in post(campaigner, f"/desk/deliveries/{first.pk}/exclude/")
    first.refresh_from_db()
    assert first.status == DeliveryStatus.CANCELLED
    assert Event.objects.about(first).latest("pk").by == campaigner
    authorise(dispatch, by=sender)
    assert "Nothing was done" in post(campaigner, f"/desk/deliveries/{second.pk}/exclude/")
    assert "Prepare a dispatch for those left out" in page(campaigner, dispatch)
    assert "Prepare a dispatch for those left out" not in page(sender, dispatch)
    post(campaigner, f"/desk/editions/{dispatch.edition_id}/prepare/")
    again = Dispatch.objects.latest("pk")
    assert [delivery.recipient for delivery in again.deliveries.all()] == [first.recipient]
    assert "Prepare a dispatch for those left out" not in page(campaigner, dispatch)


def test_who_was_taken_out_is_not_on_the_record(dispatch: Dispatch, sender: User) -> None:
    first, second = dispatch.deliveries.all()
    dispatches.exclude(first, by=sender)
    authorise(dispatch, by=sender)
    dispatches.start(Dispatch.objects.get())
    Letter.objects.update(published_at=timezone.now())
    told = Client().get(f"/en/letters/{dispatch.edition.letter.slug}/delivery/").content.decode()
    assert second.recipient.title in told
    assert first.recipient.title not in told
    assert first.recipient.title not in freshly_signed_in(sender).get("/desk/offices/").content.decode()


def test_put_together_anew_it_says_what_is_written_now_and_goes_where_it_should(
    dispatch: Dispatch, campaigner: User
) -> None:
    recipient = dispatch.edition.letter.recipients.get(order=1)
    recipient.email, recipient.salutation_be = "Office@Government.example.org", "Добры дзень!"  # type: ignore[attr-defined]
    recipient.save()
    dispatch.edition.letter.recipients.filter(order=2).update(channel=Channel.POST, email="")
    assert {finding.check.key for finding in dossier_of(dispatch).open} >= {"outdated"}
    put_together(campaigner, dispatch)
    assert "outdated" not in kinds(dispatch)
    first, second = dispatch.deliveries.all()
    assert first.address == "office@government.example.org"
    assert "Добры дзень!" in first.wording.covering
    assert (second.channel, second.wording.sha256) == (Channel.POST, "")
    assert "Міністру сувязі" in second.wording.address_block


def test_from_a_page_that_is_old_nothing_is_put_together_anew(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    """Somebody else has mended it meanwhile, and given their word."""
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        seen = dossier_of(dispatch).sha256
        assert f'name="seen" value="{seen}"> <button type="submit">Put everything together anew' in page(
            campaigner, dispatch
        )
        put_together(sender, dispatch)
        for old in (seen, "x"):
            assert "Nothing was done" in put_together(campaigner, dispatch, seen=old)
    assert Event.objects.about(dispatch).filter(target="put together").count() == 1


@pytest.mark.parametrize("left_to", ["first", "new"])
def test_put_together_anew_an_office_may_take_the_address_that_another_leaves(
    dispatch: Dispatch, campaigner: User, left_to: str
) -> None:
    first, second = dispatch.deliveries.all()
    new = first.address if left_to == "first" else "new@government.example.org"
    for delivery, email in ((first, ""), (second, new), (first, second.address)):
        Recipient.objects.filter(pk=delivery.recipient_id).update(email=email)
    assert "put together anew" in put_together(campaigner, dispatch)
    assert [delivery.address for delivery in dispatch.deliveries.all()] == [second.address, new]


# Two people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_preparer_first", [True, False])
def test_it_goes_with_the_word_of_two_in_either_order(
    dispatch: Dispatch, campaigner: User, sender: User, is_preparer_first: bool
) -> None:
    waive_all(dispatch, by=sender)
    one, other = (campaigner, sender) if is_preparer_first else (sender, campaigner)
    assert "waits for the other one" in give_word(one, dispatch)
    assert status_of(dispatch) == DispatchStatus.PREPARED
    assert "You have authorised it as it stands." in page(one, dispatch)
    assert "The mails go out now." in give_word(other, dispatch)
    gone = Dispatch.objects.get()
    assert (gone.status, gone.prepared_by, gone.authorised_by) == (DispatchStatus.AUTHORISED, campaigner, sender)
    assert [given.sha256 for given in gone.authorisations.all()] == [dossier_of(dispatch).sha256] * 2
    assert "Who authorised it" in page(one, dispatch)


def test_two_who_may_send_are_not_enough_without_the_preparer(dispatch: Dispatch, sender: User) -> None:
    waive_all(dispatch, by=sender)
    for person in (sender, make_user(Role.Name.SENDER), make_user(Role.Name.ADMINISTRATOR)):
        assert "waits for the other one" in give_word(person, dispatch)
    assert status_of(dispatch) == DispatchStatus.PREPARED
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispatch.objects.update(status="sending")


def test_another_dossier_than_the_one_that_was_looked_at_is_not_authorised(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    waive_all(dispatch, by=sender)
    seen = form_of(sender, dispatch)
    Recipient.objects.filter(order=1).update(requirements="Two copies on paper.")
    said = give_word(sender, dispatch, status=409, **seen)
    assert "Nothing was authorised: the dossier is not the one that you looked at." in said
    assert "What has changed since you looked" in said
    assert "Two copies on paper." in said
    assert not Authorisation.objects.exists()
    assert "waits for the other one" in give_word(sender, dispatch)


@pytest.mark.parametrize("stated", [{"seen": ""}, {"seen": "0" * 64, "shown": "forged"}, {"seen": "\x00"}])
def test_a_form_that_is_none_authorises_nothing(dispatch: Dispatch, sender: User, stated: dict[str, str]) -> None:
    waive_all(dispatch, by=sender)
    assert "Look through it as it is now." in give_word(sender, dispatch, status=409, **stated)
    assert not Authorisation.objects.exists()


def changed_covering(dispatch: Dispatch) -> None:
    covering = dispatch.edition.letter.covering
    covering.body_be = covering.body_be.replace("Просім пацвердзіць", "Патрабуем пацвердзіць")
    covering.save()


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (changed_covering, "edited since this was put together, so that the change would not go out: Covering text."),
        (outdated, "edited since this was put together"),
        (long_verified, "the address was last verified on"),
        (disputed, "the organisation has told us that this is not its signature"),
        (text_changed, "The meaning of the text has changed"),
    ],
)
def test_whatever_changes_after_the_first_word_makes_it_void(
    dispatch: Dispatch, campaigner: User, sender: User, happens: Callable[[Dispatch], None], told: str
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    seen = form_of(sender, dispatch)
    happens(Dispatch.objects.select_related("edition__letter").get())
    assert told in give_word(sender, dispatch, status=409, **seen)
    with pytest.raises(dispatches.SomethingStandsInTheWay):
        dispatches.authorise(dispatch, by=sender, seen=dossier_of(dispatch).sha256)
    assert "so this no longer counts" in page(campaigner, dispatch)
    waive_all(dispatch, by=sender)
    assert "waits for the other one" in give_word(sender, dispatch), "the preparer's word was for another dossier"
    assert "The mails go out now." in give_word(campaigner, dispatch)


def test_who_authorises_again_is_shown_only_what_changed(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    changed_covering(Dispatch.objects.select_related("edition__letter").get())
    dispatches.exclude(dispatch.deliveries.get(recipient__order=2), by=sender)
    dispatches.put_together(dispatch, by=sender, seen=dossier_of(dispatch).sha256)
    waive_all(dispatch, by=sender)
    answer = freshly_signed_in(campaigner).get(f"/desk/dispatches/{dispatch.pk}/")
    told = {change.part: change for change in answer.context["changes"] if change.part}
    assert set(told) - {"All mails", "Put together (UTC)"} == {"Covering text"}
    assert "Паважаны" not in "".join(words.text for words in told["Covering text"].new_words), (
        "no line that is as it was"
    )
    shown = unescape(" ".join(answer.content.decode().split()))
    assert "<del>Просім </del>" in shown
    assert "<ins>Патрабуем </ins>" in shown
    assert "taken out of the dispatch" in shown
    assert "<summary>The whole dossier</summary>" in shown
    assert "<summary>The whole dossier</summary>" not in page(sender, dispatch)


def test_a_role_that_was_taken_away_takes_the_word_with_it(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    waive_all(dispatch, by=sender)
    give_word(sender, dispatch)
    sender.roles.all().delete()
    assert "waits for the other one" in give_word(campaigner, dispatch)
    campaigner.roles.all().delete()
    another = make_user(Role.Name.SENDER)
    assert "may no longer prepare dispatches" in page(another, dispatch)
    assert "waits for the other one" in give_word(another, dispatch)
    assert "It goes out once the other person has authorised it" not in page(another, dispatch), "it never does"
    assert status_of(dispatch) == DispatchStatus.PREPARED
    campaigner.roles.create(role=Role.Name.CAMPAIGNER)
    User.objects.filter(pk=campaigner.pk).update(is_active=False)
    assert "waits for the other one" in give_word(make_user(Role.Name.SENDER), dispatch)
    assert status_of(dispatch) == DispatchStatus.PREPARED


def test_a_word_that_went_with_the_role_is_not_put_down_to_a_change(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    verify(dispatch)
    waive_all(dispatch, by=sender)
    give_word(sender, dispatch)
    sender.roles.all().delete()
    for _ in range(2):
        shown = page(campaigner, dispatch)
        assert "and may not authorise any more, so this no longer counts" in shown
        assert "changed back" not in shown
        tasks.sweep_dispatches()
    authorise(dispatch, by=make_user(Role.Name.SENDER))
    assert "when the dossier was another or the right to authorise was gone" in page(campaigner, dispatch)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_authorise_at_once_each_counts_once(sender: User) -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED)
    waive_all(dispatch, by=sender)
    seen, together = dossier_of(dispatch).sha256, Barrier(4)
    gone: list[bool] = []

    def word(person: User) -> None:
        try:
            together.wait()
            gone.append(dispatches.authorise(Dispatch.objects.get(), by=person, seen=seen))
        except dispatches.Overtaken:
            pass
        finally:
            connections.close_all()

    people = [dispatch.prepared_by, sender, dispatch.prepared_by, sender]
    threads = [Thread(target=word, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gone.count(True) == 1
    assert status_of(dispatch) == DispatchStatus.AUTHORISED
    assert Authorisation.objects.count() == 2
    assert Event.objects.about(dispatch).filter(target="authorised").count() == 1


def test_the_next_rung_has_a_dossier_of_its_own(campaigner: User, sender: User, dispatch: Dispatch) -> None:
    authorise(dispatch, by=sender)
    [refused, *_] = dispatch.deliveries.all()
    Delivery.objects.filter(pk=refused.pk).update(status=DeliveryStatus.FAILED)
    refused.refresh_from_db()
    way = refused.recipient.further_addresses.create(channel=Channel.POST, address="Minsk, vul. Karla Marksa 38")
    following = dispatches.prepare_next(refused, way, by=campaigner)
    superseded(following)
    expected = {"unproven", "unverified"}
    assert kinds(following) == expected, "it has no mail to rehearse, and is of the edition that was refused"
    assert following.deliveries.get().wording.address_block == way.address
    authorise(following, by=sender)
    assert status_of(following) == DispatchStatus.AUTHORISED


def test_what_cant_be_printed_is_seen_before_it_is_authorised(
    campaigner: User, sender: User, dispatch: Dispatch
) -> None:
    authorise(dispatch, by=sender)
    [refused, *_] = dispatch.deliveries.all()
    Delivery.objects.filter(pk=refused.pk).update(status=DeliveryStatus.FAILED)
    refused.refresh_from_db()
    way = refused.recipient.further_addresses.create(channel=Channel.POST, address="🏛 Мінск")
    following = dispatches.prepare_next(refused, way, by=campaigner)
    said = [finding.sentence for finding in dossier_of(following).open if not finding.check.is_waivable]
    assert any("U+1F3DB CLASSICAL BUILDING" in sentence for sentence in said)


def test_the_next_address_is_verified_by_itself(campaigner: User, sender: User, dispatch: Dispatch) -> None:
    """That somebody verified where the office was written to first says nothing of its web form."""
    authorise(dispatch, by=sender)
    [refused, *_] = dispatch.deliveries.all()
    Delivery.objects.filter(pk=refused.pk).update(status=DeliveryStatus.FAILED)
    refused.refresh_from_db()
    verifier = make_user(Role.Name.CAMPAIGNER, name="Who Verified")
    refused.recipient.verified_by = verifier
    refused.recipient.save()
    form = "https://government.example.org/petitions"
    way = refused.recipient.further_addresses.create(channel=Channel.WEB, address=form)
    following = dispatches.prepare_next(refused, way, by=campaigner)
    assert "unverified" in kinds(following)
    shown = freshly_signed_in(campaigner).get(f"/desk/dispatches/{following.pk}/").content.decode()
    assert "nobody has verified the address." in shown
    assert "Who Verified" not in shown
    freshly_signed_in(campaigner).post(f"/desk/addresses/{way.pk}/verify/")
    assert "unverified" not in kinds(following)
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        assert "unverified" in kinds(following)


# The dry run --------------------------------------------------------------------------------------


def rehearse(dispatch: Dispatch) -> DryRun:
    asked = dry_runs.ask(dispatch, by=dispatch.prepared_by)
    tasks.dry_run(asked.pk)
    asked.refresh_from_db()
    return asked


@pytest.fixture
def nothing_leaves(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[int]:
    """The ports that mails were handed to; the configured mail server is one where nobody listens."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.org", 9
    ports: list[int] = []
    hand_over = smtp.hand_over

    def noted(message: bytes, **given: Any) -> smtp.Answer:
        assert given["relay"].host == "127.0.0.1"
        ports.append(given["relay"].port)
        return hand_over(message, **given)

    monkeypatch.setattr(smtp, "hand_over", noted)
    return ports


def test_a_dry_run_hands_over_the_very_bytes_and_changes_nothing(
    dispatch: Dispatch, campaigner: User, nothing_leaves: list[int], rung: Rung
) -> None:
    before = list(Delivery.objects.values())
    said = post(campaigner, f"/desk/dispatches/{dispatch.pk}/dry-run/")
    assert "The dry run has begun. Nothing is sent." in said
    assert "A dry run is under way." in post(campaigner, f"/desk/dispatches/{dispatch.pk}/dry-run/")
    asked = DryRun.objects.get()
    tasks.dry_run(asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.count, asked.differences) == (DryRunStatus.SAME, 2, [])
    assert len(nothing_leaves) == 2
    assert list(Delivery.objects.values()) == before
    shown = page(campaigner, dispatch)
    assert "Every mail arrived as it is frozen" in shown
    assert f"asked for by {campaigner}" in shown
    assert "no-dry-run" not in kinds(dispatch)


def test_what_is_authorised_gets_no_other_dry_run(dispatch: Dispatch, campaigner: User, sender: User) -> None:
    authorise(dispatch, by=sender)
    assert "Nothing was done" in post(campaigner, f"/desk/dispatches/{dispatch.pk}/dry-run/")
    with pytest.raises(CommandError, match="is not waiting to be authorised"):
        call_command("dry_run", str(dispatch.pk))
    assert not DryRun.objects.exists()


def test_another_dry_run_changes_nothing_unless_it_finds_something(
    dispatch: Dispatch, campaigner: User, sender: User
) -> None:
    """It is waited for, but what was authorised holds while it runs, and after it was the same again."""
    verify(dispatch)
    rehearse(dispatch)
    waive_all(dispatch, by=sender)
    give_word(campaigner, dispatch)
    asked = dry_runs.ask(dispatch, by=sender)
    tasks.sweep_dispatches()
    assert "so this no longer counts" not in page(sender, dispatch)
    assert "A dry run is under way. Wait until it has ended." in give_word(sender, dispatch)
    tasks.dry_run(asked.pk)
    tasks.sweep_dispatches()
    assert "The mails go out now." in give_word(sender, dispatch)


def test_what_is_put_together_anew_wants_a_dry_run_of_its_own(dispatch: Dispatch, campaigner: User) -> None:
    rehearse(dispatch)
    changed_covering(Dispatch.objects.select_related("edition__letter").get())
    dispatches.put_together(dispatch, by=campaigner, seen=dossier_of(dispatch).sha256)
    assert "no-dry-run" in kinds(dispatch)


def test_who_is_taken_out_takes_their_part_of_the_dry_run_with_them(dispatch: Dispatch, campaigner: User) -> None:
    first, _second = dispatch.deliveries.all()
    subject = first.wording.subject
    Wording.objects.filter(delivery=first).update(subject="Tampered with")
    rehearse(dispatch)
    assert "dry-run-differs" in kinds(dispatch)
    Wording.objects.filter(delivery=first).update(subject=subject)
    assert "dry-run-differs" in kinds(dispatch), "only another run clears it"
    dispatches.exclude(first, by=campaigner)
    assert not {"dry-run-differs", "no-dry-run"} & kinds(dispatch)


@pytest.mark.parametrize("how", ["on the line", "in the database", "refused", "another address"])
def test_a_dry_run_notices_a_byte(dispatch: Dispatch, sender: User, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    [first, *_] = dispatch.deliveries.all()
    if how == "on the line":
        wire = smtp._on_the_wire
        monkeypatch.setattr(smtp, "_on_the_wire", lambda message: wire(message).replace(b"Date: ", b"Date:  ", 1))
    elif how == "in the database":
        Wording.objects.filter(delivery=first).update(subject="Tampered with")
    elif how == "refused":

        def refuse(*_args: object, **_given: object) -> None:
            raise smtp.NotTaken(smtp.Stage.CONNECT, "nobody there")

        monkeypatch.setattr(smtp, "hand_over", refuse)
    else:
        hand_over = smtp.hand_over
        monkeypatch.setattr(smtp, "hand_over", lambda m, **given: hand_over(m, **{**given, "recipient": "a@b.example"}))
    found = rehearse(dispatch)
    assert found.status == DryRunStatus.DIFFERENT
    expected = {
        "on the line": ("bytes", 2),
        "in the database": ("unfit", 1),
        "refused": ("refused", 2),
        "another address": ("envelope", 2),
    }
    trouble, count = expected[how]
    assert [one["trouble"] for one in found.differences] == [trouble] * count
    assert "In the dry run, not every mail arrived as it is frozen." in page(sender, dispatch)
    assert "dry-run-differs" in kinds(dispatch)
    waive_all(dispatch, by=sender)
    with pytest.raises(dispatches.SomethingStandsInTheWay):
        dispatches.authorise(dispatch, by=dispatch.prepared_by, seen=dossier_of(dispatch).sha256)


def test_a_dry_run_whose_worker_died_is_done_by_another(dispatch: Dispatch, rung: Rung) -> None:
    asked = dry_runs.ask(dispatch, by=None)
    past = timezone.now() - timedelta(seconds=1)
    DryRun.objects.update(status=DryRunStatus.RUNNING, lease_until=past)
    rung.clear()
    dry_runs.sweep()
    asked.refresh_from_db()
    assert asked.status == DryRunStatus.ASKED
    tasks.dry_run(asked.pk)
    tasks.dry_run(asked.pk)
    asked.refresh_from_db()
    assert asked.status == DryRunStatus.SAME


def test_a_dry_run_is_renewed_with_each_mail_and_stops_where_another_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = make_dispatch(DispatchStatus.PREPARED, recipients=3)
    asked = dry_runs.ask(dispatch, by=None)
    leases: list[datetime | None] = []

    def none(*_: object) -> None:
        leases.append(DryRun.objects.get().lease_until)
        if len(leases) == 2:
            DryRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            dry_runs.sweep()

    monkeypatch.setattr(dry_runs, "_trouble", none)
    with pytest.raises(Overtaken):
        tasks.dry_run(asked.pk)
    assert len(leases) == 2
    assert leases[0]
    assert leases[1]
    assert leases[0] < leases[1]
    assert DryRun.objects.get().status == DryRunStatus.ASKED


def test_a_dry_run_in_the_terminal(dispatch: Dispatch, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dry_run", str(dispatch.pk))
    assert "2 mails arrived as they are frozen, byte for byte." in capsys.readouterr().out
    Wording.objects.update(subject="Tampered with")
    with pytest.raises(CommandError, match="Of 2 mails, 2 did not arrive as they are frozen"):
        call_command("dry_run", str(dispatch.pk))
    with pytest.raises(CommandError, match="There is no dispatch 999"):
        call_command("dry_run", "999")


def test_the_catcher_ends_and_takes_its_port_with_it() -> None:
    with catching() as catcher:
        port = catcher.port
    relay = smtp.Relay("127.0.0.1", port, "localhost", timeout=2)
    with pytest.raises(smtp.NotTaken):
        smtp.hand_over(b"", sender="a@b.example", recipient="a@b.example", relay=relay, before_dot=lambda: None)


# What goes out ------------------------------------------------------------------------------------


def test_what_is_edited_after_both_words_does_not_go_out(dispatch: Dispatch, sender: User) -> None:
    [first, *_] = dispatch.deliveries.all()
    frozen = emails.covering(first)
    authorise(dispatch, by=sender)
    changed_covering(Dispatch.objects.select_related("edition__letter").get())
    assert emails.covering(Delivery.objects.get(pk=first.pk)) == frozen


def test_halted_because_somebody_left_it_says_so_and_offers_no_resuming(dispatch: Dispatch, sender: User) -> None:
    authorise(dispatch, by=sender)
    dispatches.start(Dispatch.objects.get())
    dispatches.halt(Dispatch.objects.get(), by=sender)
    assert "Resume" in page(sender, dispatch)
    left(dispatch)
    shown = page(sender, dispatch)
    assert "The edition names somebody who stands under the letter no more. Cut a new one." in shown
    assert "Resume" not in shown
    assert "Cancel the dispatch" in shown


def test_a_mail_that_was_tampered_with_after_both_words_is_refused(dispatch: Dispatch, sender: User) -> None:
    authorise(dispatch, by=sender)
    dispatches.start(Dispatch.objects.get())
    Wording.objects.update(covering="Something else")
    [first, *_] = dispatch.deliveries.all()
    assert deliver(first).status == DeliveryStatus.DEFERRED
    assert "not the one that was frozen" in first.answer
    assert not Delivery.objects.filter(status=DeliveryStatus.ACCEPTED).exists()


# The page -----------------------------------------------------------------------------------------


def test_more_signatories_cost_no_more_queries(settings: Settings) -> None:
    def queries(signatories: int) -> int:
        letter = make_letter(slug=f"letter-{signatories}")
        make_covering(letter)
        reviewer = make_user(Role.Name.REVIEWER)
        for _ in range(signatories):
            make_signature(letter, decided_by=reviewer)
        made = dispatches.prepare(make_edition(letter, sealed=True), by=make_user())
        browser = freshly_signed_in(made.prepared_by)
        browser.get(f"/desk/dispatches/{made.pk}/")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/desk/dispatches/{made.pk}/").status_code == 200
        return len(captured)

    assert queries(40) == queries(400)


def test_what_fifty_recipients_look_at_fits_into_the_form(campaigner: User, sender: User) -> None:
    letter = make_letter(slug="many")
    make_covering(letter)
    model = letter.recipients.all()[0]
    for number in range(45):
        model.pk, model._state.adding, model.order = None, True, 10 + number
        model.email, model.requirements = f"office{number}@government.example.org", f"Copy {number}, signed by hand"
        model.save()
    made = dispatches.prepare(make_edition(letter, sealed=True), by=campaigner)
    verify(made)
    waive_all(made, by=sender)
    seen = form_of(sender, made)
    assert len(seen["shown"]) < 100_000
    letter.recipients.filter(order=10).update(requirements="Other")
    assert "Copy 0, signed by hand" in give_word(sender, made, status=409, **seen)
    assert rehearse(made).count == 50


def test_the_dossier_is_all_there(dispatch: Dispatch, sender: User) -> None:
    Recipient.objects.filter(order=1).update(requirements="A signature by hand.")
    shown = page(sender, dispatch)
    version, file = dispatch.edition.version, dispatch.edition.files.get(language="be")
    [first, *_] = dispatch.deliveries.all()
    for told in (
        version.sha256, "level with the English text", "No evidence", file.sha256, "no time stamp",
        "A signature by hand.", first.wording.sha256, first.wording.subject, first.wording.reply_to,
        "What mail servers find out about our sender", dispatch.edition.sha256,
    ):  # fmt: skip
        assert told in shown


@pytest.mark.parametrize("language", ["en", "be", "ru"])
def test_facts_are_the_same_each_time_and_for_whoever_reads_them(dispatch: Dispatch, language: str) -> None:
    """Else a worker, or a colleague who reads another language, would void what was authorised."""
    disputed(dispatch)
    dispatch.edition.letter.recipients.update(salutation_be="", salutation_ru="")
    Wording.objects.first().delete()  # type: ignore[union-attr]
    first = dossier_of(dispatch)
    with translation.override(language):
        assert dossier_of(dispatch).sha256 == first.sha256
        assert dossier_of(dispatch).changes_since(first.facts) == []


def test_a_change_is_told_in_words(dispatch: Dispatch, settings: Settings) -> None:
    first = dossier_of(dispatch)
    settings.MAIL_IS_CAUGHT = False
    dispatch.deliveries.update(language="ru")
    told = {change.part: change for change in dossier_of(dispatch).changes_since(first.facts)}
    assert told["DNS"].new == "The records of the sender have not been looked up yet."
    assert told["Language"].new == "Russian"
    later = dossier_of(dispatch)
    settings.MAIL_IS_CAUGHT = True
    assert "DNS" not in {change.part for change in dossier_of(dispatch).changes_since(later.facts)}


@pytest.mark.parametrize(
    ("language", "moment", "files"),
    [
        ("en", "5 August 2020, 12:00:09", "Belarusian: 0ab1, English: 0cd2"),
        ("be", "5 жніўня 2020 г., 12:00:09", "Беларуская: 0ab1, Англійская: 0cd2"),
        ("ru", "5 августа 2020 г., 12:00:09", "Белорусский: 0ab1, Английский: 0cd2"),
    ],
)
def test_what_changed_is_told_to_the_second_and_without_codes(language: str, moment: str, files: str) -> None:
    with translation.override(language):
        assert changes.shown("put_together_at", ["2020-08-05T12:00:09+00:00"]) == moment
        assert changes.shown("files", "be 0ab1, en 0cd2") == files
        assert changes.shown("files", "") == ""
