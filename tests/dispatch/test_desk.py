"""The desk's buttons from the edition to the last delivery: what each page shows, who may press, and pressed twice."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role, User
from dispatch.models import Covering, Delivery, Dispatch
from dispatch.services import dispatches, editions
from dispatch.states import DeliveryStatus, DispatchStatus, EditionStatus, Failure
from ledger.models import Event
from ledger.services import move
from letters.models import Letter
from signatories.authority import Grade
from signatories.services import withdraw
from signatories.states import SignatureStatus
from tests.dispatch.sending import authorise, dossier_of, waive_all
from tests.factories import PASSWORD, demo_data, make_edition, make_letter, make_signature, make_user, stand_ins

pytestmark = pytest.mark.django_db
LETTER = "/desk/letters/belarus-2020/"
TO_DISPATCH = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)


@pytest.fixture
def letter(settings: Settings) -> Letter:
    settings.SENDING_ENABLED = True
    letter = make_letter()
    text = demo_data("recipients")["covering"]
    columns = {f"{part}_{language}": text[language][part] for language in text for part in ("subject", "body")}
    Covering.objects.create(letter=letter, **columns)
    return letter


@pytest.fixture
def campaigner() -> User:
    return make_user(Role.Name.CAMPAIGNER, name="Alena Campaigner")


@pytest.fixture
def sender() -> User:
    return make_user(Role.Name.SENDER, name="Siarhei Sender")


def desk_of(user: User) -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return browser


def press(user: User, address: str, **stated: Any) -> str:
    """The text of the page that follows on a button."""
    answer = desk_of(user).post(address, stated, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain
    return answer.content.decode()


def page(user: User, address: str) -> str:
    answer = desk_of(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def prepared(letter: Letter, by: User) -> Dispatch:
    return dispatches.prepare(make_edition(letter, sealed=True), by=by)


def sending(letter: Letter, campaigner: User, sender: User) -> Dispatch:
    dispatch = prepared(letter, campaigner)
    authorise(dispatch, by=sender)
    dispatches.start(dispatch)
    return dispatch


def test_an_edition_is_cut_and_says_who_is_not_in_it(letter: Letter, campaigner: User) -> None:
    make_signature(letter)
    make_signature(letter, name="Still Waiting", status=SignatureStatus.PENDING)
    make_signature(letter, name="Never Confirmed", status=SignatureStatus.UNCONFIRMED)
    said = press(campaigner, f"{LETTER}cut/", last=0)
    assert "Edition 1 is cut and is being typeset." in said
    assert "under review 1, unconfirmed 1." in said
    assert "Not in edition 1" in said
    assert "<dd>Still Waiting</dd>" in said
    assert "<dd>Never Confirmed</dd>" in said
    assert letter.editions.get().cut_by == campaigner


def test_a_double_click_cuts_one_edition(letter: Letter, campaigner: User) -> None:
    make_signature(letter)
    press(campaigner, f"{LETTER}cut/", last=0)
    assert "Nothing was done" in press(campaigner, f"{LETTER}cut/", last=0)
    assert letter.editions.count() == 1
    press(campaigner, f"{LETTER}cut/", last=1)
    assert letter.editions.count() == 2


def test_nothing_is_cut_out_of_nothing(letter: Letter, campaigner: User) -> None:
    assert "nothing to freeze yet" in press(campaigner, f"{LETTER}cut/", last=0)
    assert not letter.editions.exists()


def test_progress_is_told_in_languages(letter: Letter, campaigner: User) -> None:
    edition = make_edition(letter)
    assert "Edition 1 is being typeset: 0 of 3 languages ready." in page(campaigner, LETTER)
    first, *others = edition.files.select_related("edition__letter")
    with stand_ins():
        editions.render_file(first)
        assert "Edition 1 is being typeset: 1 of 3 languages ready." in page(campaigner, LETTER)
        for file in others:
            editions.render_file(file)
    assert "Edition 1 is being sealed: 0 of 3 languages ready." in page(campaigner, LETTER)


def test_a_sealed_edition_shows_its_hashes_and_its_very_bytes(letter: Letter, campaigner: User) -> None:
    edition = make_edition(letter, sealed=True)
    shown = page(campaigner, LETTER)
    assert edition.sha256 in shown
    for file in edition.files.all():
        assert file.sha256 in shown
        address = f"/desk/editions/{edition.pk}/{file.language}.pdf"
        assert f'href="{address}"' in shown
        answer = desk_of(campaigner).get(address)
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content == editions.sealed_bytes(file)
    assert desk_of(campaigner).get(f"/desk/editions/{edition.pk}/fr.pdf").status_code == 404


def test_a_pdf_that_is_not_sealed_is_not_shown(letter: Letter, campaigner: User) -> None:
    edition = make_edition(letter)
    assert desk_of(campaigner).get(f"/desk/editions/{edition.pk}/en.pdf").status_code == 404


def test_a_failed_edition_says_why_and_is_tried_again(letter: Letter, campaigner: User) -> None:
    edition = make_edition(letter)
    move(edition, EditionStatus.FAILED, by=None, failure=Failure.GLYPH, failure_detail="U+045E: “ў”")
    assert "No font of this site has a character that stands in it: U+045E: “ў”" in page(campaigner, LETTER)
    assert "is being typeset again" in press(campaigner, f"/desk/editions/{edition.pk}/try-again/")
    assert "Nothing was done" in press(campaigner, f"/desk/editions/{edition.pk}/try-again/")
    edition.refresh_from_db()
    assert edition.status == EditionStatus.CUT


def test_a_dispatch_shows_what_goes_to_whom(letter: Letter, campaigner: User) -> None:
    edition = make_edition(letter, sealed=True)
    said = press(campaigner, f"/desk/editions/{edition.pk}/prepare/")
    assert "a second person have to authorise it." in said
    files = {file.language: file for file in edition.files.all()}
    deliveries = Delivery.objects.select_related("recipient")
    assert len(deliveries) == letter.recipients.count() > 0
    for delivery in deliveries:
        for shown in (delivery.address, delivery.recipient.title, files[delivery.language].sha256):
            assert shown in said
        assert delivery.message_id.strip("<>") in said
    assert "Паважаны" in said  # the covering mail stands there in the recipient's language
    assert edition.sha256 in said


def test_a_dispatch_shows_what_speaks_for_its_signatories(letter: Letter, campaigner: User) -> None:
    make_signature(letter, name="Mandated Office", grade=Grade.MANDATE)
    make_signature(letter, name="Unproven Office", grade=Grade.NONE)
    make_signature(letter, name="Objecting Office", grade=Grade.PAPER, disputed_at=timezone.now())
    make_signature(letter, name="Hidden Office", grade=Grade.NONE, visibility="withheld")
    dispatch = prepared(letter, campaigner)
    answer = desk_of(campaigner).get(f"/desk/dispatches/{dispatch.pk}/")
    authority = answer.context["authority"]
    assert authority.grades == [(Grade.MANDATE, 1), (Grade.PAPER, 1), (Grade.NONE, 2)]
    assert {name for _, name in authority.doubtful} == {"Unproven Office", "Objecting Office"}
    assert authority.unnamed == 1
    said = " ".join(answer.content.decode().split())
    assert "Signed paper" in said
    assert "Unproven Office" in said
    assert "the organisation objected" in said
    assert "Hidden Office" not in said


def test_an_edition_is_not_prepared_twice(letter: Letter, campaigner: User) -> None:
    dispatch = prepared(letter, campaigner)
    said = press(campaigner, f"/desk/editions/{dispatch.edition_id}/prepare/")
    assert "Nobody gets the same edition twice." in said
    assert Dispatch.objects.count() == 1


def test_an_edition_with_a_name_taken_back_is_not_prepared(letter: Letter, campaigner: User) -> None:
    signature = make_signature(letter)
    make_signature(letter)
    edition = make_edition(letter, sealed=True)
    withdraw(signature)
    assert "stands under the letter no more" in page(campaigner, LETTER)
    assert "Cut a new edition." in press(campaigner, f"/desk/editions/{edition.pk}/prepare/")
    assert not Dispatch.objects.exists()


def test_two_people_authorise(letter: Letter, campaigner: User, sender: User) -> None:
    dispatch = prepared(letter, campaigner)
    waive_all(dispatch, by=sender)
    address, seen = f"/desk/dispatches/{dispatch.pk}/", dossier_of(dispatch).sha256
    assert "Authorise: send 5 mails" in page(sender, address)
    assert "waits for the other one" in press(campaigner, f"{address}authorise/", seen=seen)
    assert "The mails go out now." in press(sender, f"{address}authorise/", seen=seen)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.authorised_by) == (DispatchStatus.AUTHORISED, sender)
    assert Event.objects.about(dispatch).latest("pk").by == sender
    assert "Nothing was done" in press(sender, f"{address}authorise/", seen=seen)


def test_whoever_prepared_it_is_one_of_the_two_only(letter: Letter) -> None:
    both = make_user(Role.Name.ADMINISTRATOR)
    dispatch = prepared(letter, both)
    waive_all(dispatch, by=both)
    address, seen = f"/desk/dispatches/{dispatch.pk}/", dossier_of(dispatch).sha256
    for _ in range(2):
        assert "waits for the other one" in press(both, f"{address}authorise/", seen=seen)
    assert "Authorise: send" not in page(both, address)
    dispatch.refresh_from_db()
    assert dispatch.status == DispatchStatus.PREPARED


def test_where_sending_is_off_nothing_is_authorised(
    letter: Letter, campaigner: User, sender: User, settings: Settings
) -> None:
    dispatch = prepared(letter, campaigner)
    settings.SENDING_ENABLED = False
    address = f"/desk/dispatches/{dispatch.pk}/"
    assert "Sending is off on this site" in page(sender, address)
    assert "has to switch it on first" in press(sender, f"{address}authorise/")
    dispatch.refresh_from_db()
    assert dispatch.status == DispatchStatus.PREPARED


def test_a_mail_that_cant_be_sent_is_seen_before_it_is_authorised(
    letter: Letter, campaigner: User, sender: User
) -> None:
    letter.covering.delete()
    dispatch = prepared(letter, campaigner)
    shown = page(sender, f"/desk/dispatches/{dispatch.pk}/")
    assert "The letter has no covering text." in shown
    assert "Authorise: send" not in shown


def test_halted_resumed_cancelled(letter: Letter, campaigner: User, sender: User) -> None:
    dispatch = sending(letter, campaigner, sender)
    address = f"/desk/dispatches/{dispatch.pk}/"
    for button, status in (("halt", "halted"), ("resume", "sending"), ("halt", "halted"), ("cancel", "cancelled")):
        press(sender, f"{address}{button}/")
        dispatch.refresh_from_db()
        assert dispatch.status == status
    assert set(dispatch.deliveries.values_list("status", flat=True)) == {DeliveryStatus.CANCELLED}
    for button in ("halt", "resume", "cancel", "authorise"):
        assert "Nothing was done" in press(sender, f"{address}{button}/")


def test_who_may_press_what(letter: Letter, campaigner: User, sender: User) -> None:
    edition = make_edition(letter, sealed=True)
    dispatch = dispatches.prepare(edition, by=campaigner)
    delivery = dispatch.deliveries.all()[0]
    campaigners = (f"{LETTER}cut/", f"/desk/editions/{edition.pk}/prepare/", f"/desk/editions/{edition.pk}/try-again/")
    act = f"/desk/dispatches/{dispatch.pk}/"
    senders = (f"{act}authorise/", f"{act}halt/", f"{act}resume/", f"/desk/deliveries/{delivery.pk}/resolve/")
    for address in campaigners:
        assert desk_of(sender).post(address).status_code == 403
    for address in senders:
        assert desk_of(make_user(Role.Name.CAMPAIGNER)).post(address).status_code == 403
    for address in (*campaigners, *senders, f"{act}cancel/"):
        assert desk_of(make_user(Role.Name.REVIEWER)).post(address).status_code == 403
        assert desk_of(make_user(Role.Name.ADMINISTRATOR)).get(address).status_code == 405
    dispatch.refresh_from_db()
    assert dispatch.status == DispatchStatus.PREPARED
    press(campaigner, f"{act}cancel/")  # what one has prepared one may cancel
    dispatch.refresh_from_db()
    assert dispatch.status == DispatchStatus.CANCELLED


def unknown(dispatch: Dispatch) -> Delivery:
    delivery: Delivery = dispatch.deliveries.all()[0]
    for status in TO_DISPATCH:
        move(delivery, status, by=None)
    tried = {"attempts": 1, "first_tried_at": timezone.now(), "stage": "dot", "answer": "timed out"}
    Delivery.objects.filter(pk=delivery.pk).update(**tried)
    return delivery


@pytest.mark.parametrize("to", ["accepted", "failed", "queued"])
def test_people_decide_what_became_of_an_unanswered_mail(
    letter: Letter, campaigner: User, sender: User, to: str
) -> None:
    dispatch = sending(letter, campaigner, sender)
    delivery = unknown(dispatch)
    shown = page(sender, f"/desk/dispatches/{dispatch.pk}/")
    assert "Look in the log of the mail server for the Message-ID above." in shown
    assert "timed out" in shown
    address = f"/desk/deliveries/{delivery.pk}/resolve/"
    assert "Your decision is recorded." in press(sender, address, to=to, attempts=1)
    delivery.refresh_from_db()
    assert delivery.status == to
    assert Event.objects.about(delivery).latest("pk").by == sender
    assert "Nothing was done" in press(sender, address, to=to, attempts=1)


@pytest.mark.parametrize("stated", [{"to": "cancelled", "attempts": 1}, {"to": "", "attempts": 1}, {"to": "queued"}])
def test_what_is_no_answer_decides_nothing(
    letter: Letter, campaigner: User, sender: User, stated: dict[str, Any]
) -> None:
    delivery = unknown(sending(letter, campaigner, sender))
    assert "Nothing was done" in press(sender, f"/desk/deliveries/{delivery.pk}/resolve/", **stated)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.UNKNOWN


def test_the_home_page_says_what_the_next_step_waits_for(letter: Letter, campaigner: User, sender: User) -> None:
    assert "No signature has been approved yet." in page(sender, "/desk/")
    make_signature(letter, status=SignatureStatus.PENDING)
    assert "Decide on 1 signature." in page(sender, "/desk/")
    edition = make_edition(letter, sealed=True)
    assert "Edition 1 is sealed. Prepare a dispatch." in page(sender, "/desk/")
    make_signature(letter)
    assert "Signatures have been approved since edition 1 was cut." in page(sender, "/desk/")
    dispatch = dispatches.prepare(edition, by=campaigner)
    assert "a second person have to authorise it." in page(sender, "/desk/")
    authorise(dispatch, by=sender)
    dispatches.start(dispatch)
    assert "Decide on 1 signature." in page(sender, "/desk/")
    letter.signatures.filter(status=SignatureStatus.PENDING).delete()
    assert "Nothing to do now: 0 of 5 deliveries accepted, 0 refused." in page(sender, "/desk/")
    unknown(dispatch)
    assert "it is not known whether the mail server took it" in page(sender, "/desk/")
    make_edition(letter)  # a newer edition does not hide what is open of an older one
    assert "it is not known whether the mail server took it" in page(sender, "/desk/")


def test_more_recipients_cost_no_more_queries(letter: Letter, campaigner: User) -> None:
    def queries(dispatch: Dispatch) -> int:
        browser = desk_of(campaigner)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/desk/dispatches/{dispatch.pk}/").status_code == 200
        return len(captured)

    few = queries(prepared(letter, campaigner))
    model = letter.recipients.all()[0]
    for number in range(20):
        model.pk, model._state.adding, model.order = None, True, 10 + number
        model.email = f"office{number}@government.example.org"
        model.save()
    assert queries(prepared(letter, campaigner)) == few
