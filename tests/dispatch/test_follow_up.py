"""After a letter went out: what staff write down, the ways that are left, replies, terms, and what the public reads."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format
from pytest_django import Settings

from accounts.models import Role, User
from campaign.pages.editions import DeliveryRecord
from dispatch import bundle, record, tasks
from dispatch.models import Channel, Delivery, Dispatch, Evidence, FurtherAddress, Recipient, Reply
from dispatch.queries import copies_naming
from dispatch.services import deliveries, dispatches, evidence, outcomes
from dispatch.states import DeliveryStatus, DispatchStatus
from ledger.models import Event
from ledger.services import move
from letters.models import Letter
from mailing.models import Mail
from publishing.pages import address_in
from tests.dispatch.sending import authorise, dossier_of, make_delivery, make_dispatch, make_sealed_edition, waive_all
from tests.factories import make_user
from tests.tools import freshly_signed_in, pdftotext, text_of

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
YESTERDAY = timezone.now().date() - timedelta(days=1)


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True


@pytest.fixture
def sender() -> User:
    return make_user(Role.Name.SENDER)


@pytest.fixture
def campaigner() -> User:
    return make_user(Role.Name.CAMPAIGNER)


def desk_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def press(user: User, address: str, status: int = 200, **stated: Any) -> str:
    answer = desk_of(user).post(address, stated, follow=True)
    assert answer.status_code == status
    return answer.content.decode()


def page(user: User, delivery: Delivery) -> str:
    answer = desk_of(user).get(f"/desk/deliveries/{delivery.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def now_at(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related("edition__letter", "recipient", "dispatch").get(pk=delivery.pk)


def failed() -> Delivery:
    delivery = make_delivery()
    for status in (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING):
        move(delivery, status, by=None)
    facts = {"settled_at": timezone.now(), "refusal": "policy", "stage": "rcpt", "code": 550}
    move(delivery, DeliveryStatus.FAILED, by=None, **facts)
    dispatches.finish_if_done(Dispatch.objects.get(pk=delivery.dispatch_id))
    return now_at(delivery)


def accepted() -> Delivery:
    delivery = make_delivery()
    for status in (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING):
        move(delivery, status, by=None)
    move(delivery, DeliveryStatus.ACCEPTED, by=None, settled_at=datetime(2020, 8, 5, 9, 0, tzinfo=UTC))
    Letter.objects.update(is_demonstration=False)
    return now_at(delivery)


def public(delivery: Delivery, language: str = "en") -> str:
    """What the record says of it."""
    with translation.override(language):
        [entry] = record.entries([now_at(delivery)])
        said = [sentence for _, sentences in entry.tried for sentence in sentences]
        return " ".join([*said, *entry.silence, *(sentence for _, sentence in entry.said_back)])


def go_on(user: User, delivery: Delivery, way: FurtherAddress, status: int = 200) -> str:
    """The button beside one of the further addresses."""
    address = f"/desk/deliveries/{delivery.pk}/next/"
    answer = freshly_signed_in(user).post(address, {"to": way.pk}, follow=True)
    assert answer.status_code == status
    return answer.content.decode()


# The ladder ---------------------------------------------------------------------------------------


def test_the_next_address_is_a_dispatch_of_its_own_that_two_people_take(campaigner: User, sender: User) -> None:
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.EMAIL, address="registry@government.example.org")
    shown = page(campaigner, delivery)
    assert "registry@government.example.org" in shown
    assert "Prepare a dispatch there" in shown
    assert "Nothing is done yet" in press(campaigner, f"/desk/deliveries/{delivery.pk}/next/", to=way.pk)
    assert "a second person have to authorise it." in go_on(campaigner, delivery, way)
    following = Delivery.objects.get(after=delivery)
    assert (following.address, following.edition, following.status) == (way.address, delivery.edition, "queued")
    authorise(following.dispatch, by=sender)
    assert "has this edition already" in go_on(campaigner, delivery, way)


def test_nothing_goes_to_another_address_by_itself() -> None:
    delivery = failed()
    delivery.recipient.further_addresses.create(channel=Channel.EMAIL, address="registry@government.example.org")
    deliveries.sweep()
    assert Delivery.objects.count() == 1
    assert Dispatch.objects.get().status == DispatchStatus.DONE


def test_an_earlier_edition_still_goes_to_the_next_address(campaigner: User, sender: User) -> None:
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.EMAIL, address="registry@government.example.org")
    move(delivery.edition, "superseded", by=None)
    made = dispatches.prepare_next(now_at(delivery), way, by=campaigner)
    authorise(made, by=sender)
    assert made.status == DispatchStatus.AUTHORISED


def test_only_what_was_turned_away_goes_on_and_only_to_that_office(campaigner: User) -> None:
    delivery, other = failed(), failed()
    way = other.recipient.further_addresses.create(channel=Channel.EMAIL, address="registry@government.example.org")
    go_on(campaigner, delivery, way, status=404)
    sent = accepted()
    own = sent.recipient.further_addresses.create(channel=Channel.FAX, address="+375 17 000")
    assert "Nothing was done" in go_on(campaigner, sent, own)
    assert "Prepare a dispatch there" not in page(campaigner, sent)


def by(channel: str, address: str, sender: User, campaigner: User) -> Delivery:
    """A delivery that a person is to carry, its dispatch on its way."""
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=channel, address=address)
    made = dispatches.prepare_next(delivery, way, by=campaigner)
    authorise(made, by=sender)
    dispatches.start(made)
    return now_at(made.deliveries.get())


def test_registered_post_from_print_pack_to_receipt(campaigner: User, sender: User) -> None:
    delivery = by(Channel.POST, "Канцылярыя\nвул. Савецкая, 1, Мінск", sender, campaigner)
    assert delivery.status == DeliveryStatus.TO_PRINT
    tasks.deliver(delivery.pk)  # no machine touches it
    assert now_at(delivery).status == DeliveryStatus.TO_PRINT
    assert "Is being prepared for registered post" in page(sender, delivery)
    for part, words in (("covering", "Паважаны спадар Прэзідэнт!"), ("label", "вул. Савецкая, 1, Мінск")):
        answer = desk_of(sender).get(f"/desk/deliveries/{delivery.pk}/{part}.pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert words in text_of(answer.content)
    address = f"/desk/deliveries/{delivery.pk}/carried/"
    receipt = SimpleUploadedFile("our-names.png", PNG)
    stated = {"carried-to": "posted", "carried-on": YESTERDAY, "carried-tracking": "RR123", "carried-file": receipt}
    assert "It is on record." in press(sender, address, **stated)
    found = now_at(delivery)
    assert (found.status, found.tracking, found.dispatch.status) == ("posted", "RR123", "done")
    kept = Evidence.objects.get()
    assert (kept.kind, evidence.contents(kept)) == ("receipt", PNG)
    press(sender, address, **{"carried-to": "returned", "carried-on": timezone.now().date()})
    assert now_at(delivery).status == DeliveryStatus.RETURNED
    assert "Returned by the post" in public(delivery)


def test_the_covering_letter_prints_the_address_of_the_edition_in_one_piece(
    campaigner: User, sender: User, settings: Settings
) -> None:
    delivery = by(Channel.POST, "Канцылярыя\nвул. Савецкая, 1, Мінск", sender, campaigner)
    settings.PUBLIC_URL = "https://letters.open-internet.example.org"
    answer = desk_of(sender).get(f"/desk/deliveries/{delivery.pk}/covering.pdf")
    lines = pdftotext(answer.content).splitlines()
    assert f"{settings.PUBLIC_URL}{address_in('be', 'edition', slug=delivery.edition.letter.slug, number=1)}" in lines
    assert not any(line.split()[-1:] == ["у"] for line in lines)


def test_a_web_form_has_the_text_ready_to_paste(campaigner: User, sender: User) -> None:
    delivery = by(Channel.WEB, "https://government.example.org/petitions", sender, campaigner)
    shown = page(sender, delivery)
    assert 'href="https://government.example.org/petitions"' in shown
    assert "Прэзідэнту Рэспублікі Беларусь" in shown
    assert delivery.edition.reference in shown
    answer = press(
        sender,
        f"/desk/deliveries/{delivery.pk}/carried/",
        **{"carried-to": "posted", "carried-on": YESTERDAY, "carried-file": SimpleUploadedFile("a.png", PNG)},
    )
    assert "Entered in the web form of the office" in answer
    assert Evidence.objects.get().kind == "screenshot"


def test_what_happened_is_chosen_in_the_words_of_the_public_record(campaigner: User, sender: User) -> None:
    """Nobody hands anything over in a web form."""
    delivery = by(Channel.WEB, "https://government.example.org/petitions", sender, campaigner)
    shown = page(sender, delivery)
    assert "The web form of the office confirmed that it came in: …" in shown
    assert "Handed" not in shown


def test_of_what_a_person_carries_no_time_of_day_is_made_up(campaigner: User, sender: User) -> None:
    delivery = by(Channel.POST, "Мінск", sender, campaigner)
    today = timezone.now().date()
    press(sender, f"/desk/deliveries/{delivery.pk}/carried/", **{"carried-to": "posted", "carried-on": today})
    assert (now_at(delivery).settled_at or timezone.now()) <= timezone.now()
    shown = desk_of(sender).get(f"/desk/dispatches/{delivery.dispatch_id}/").content.decode()
    [ended] = re.findall(r"<dt>Ended \(UTC\)</dt>\s*<dd>(.*?)</dd>", shown)
    assert ended == date_format(today)
    with ZipFile(BytesIO(bundle.of(now_at(delivery)))) as made:
        times = json.loads(made.read("delivery.json"))["times"]
    assert times["settled_on"] == today.isoformat()
    assert "settled_at" not in times


def test_who_authorises_is_told_what_goes_and_what_waits(campaigner: User, sender: User) -> None:
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.POST, address="Мінск")
    made = dispatches.prepare_next(delivery, way, by=campaigner)
    waive_all(made, by=sender)
    for person in (campaigner, sender):
        seen = dossier_of(made).sha256
        browser = freshly_signed_in(person)
        answer = browser.post(f"/desk/dispatches/{made.pk}/authorise/", {"seen": seen}, follow=True).content.decode()
    assert "It now waits for a person" in answer
    assert "The mails go out now" not in answer


def test_while_it_is_halted_nobody_is_told_to_print(campaigner: User, sender: User) -> None:
    delivery = by(Channel.HAND, "Мінск", sender, campaigner)
    dispatches.halt(delivery.dispatch, by=sender)
    assert "Do nothing now" in page(sender, delivery)
    assert desk_of(sender).get(f"/desk/deliveries/{delivery.pk}/covering.pdf").status_code == 302
    dispatches.cancel(Dispatch.objects.get(pk=delivery.dispatch_id), by=sender)
    assert now_at(delivery).status == DeliveryStatus.CANCELLED


def test_finally_the_record_says_refused_to_receive(sender: User) -> None:
    delivery = failed()
    press(sender, f"/desk/deliveries/{delivery.pk}/refused/", **{"refused-on": YESTERDAY})
    assert now_at(delivery).status == DeliveryStatus.REFUSED
    assert "for its policy" in public(delivery)
    assert "Refused to receive" in public(delivery)
    assert Event.objects.about(delivery).latest("pk").by == sender


def test_a_recipient_by_post_is_no_mail_from_the_start(sender: User) -> None:
    edition = make_sealed_edition()
    edition.letter.recipients.update(channel=Channel.POST, email="")
    dispatch = dispatches.prepare(edition, by=make_user())
    waive_all(dispatch, by=sender)
    shown = desk_of(sender).get(f"/desk/dispatches/{dispatch.pk}/").content.decode()
    assert "Authorise: mails go out, the rest waits for a person" in shown
    authorise(dispatch, by=sender)
    dispatches.start(dispatch)
    assert dispatch.deliveries.get().status == DeliveryStatus.TO_PRINT


@pytest.mark.parametrize(
    ("stage", "code", "said"),
    [
        ("rcpt", 550, "Refused by the mail server: "),
        ("dot", None, "Given up, for no mail server took it: "),  # so somebody found in the log
        ("connect", None, "Given up, for no mail server took it: "),
        ("auth", 535, "Given up, for no mail server took it: "),  # which was about us
        ("rcpt", 451, "Given up, for no mail server took it: "),
    ],
)
def test_only_what_was_refused_is_called_refused(stage: str, code: int | None, said: str) -> None:
    delivery = failed()
    Delivery.objects.update(stage=stage, code=code, refusal="other")
    assert public(delivery).startswith(said)
    [copy] = copies_naming(delivery.edition.signatures.all()[0])  # what a signatory reads of it
    assert copy.state == ("refused, or sent back" if said.startswith("Refused") else "taken by no mail server")


def test_while_nobody_hands_it_over_it_is_not_on_its_way(campaigner: User, sender: User) -> None:
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.EMAIL, address="registry@government.example.org")
    made = dispatches.prepare_next(delivery, way, by=campaigner)
    following = made.deliveries.get()
    assert public(following) == "Prepared; nothing is sent before two people have authorised it"
    authorise(made, by=sender)
    dispatches.start(made)
    assert public(following) == "On its way"
    dispatches.halt(made, by=sender)
    assert public(following) == "Held back for now"


def test_a_dispatch_that_is_given_up_half_way_does_not_hide_what_went_out(client: Client, sender: User) -> None:
    """Neither from the public, nor from the office's record, nor from who asks which office has which edition."""
    dispatch = make_dispatch(recipients=2)
    gone, waits = dispatch.deliveries.select_related("recipient")
    for status in (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING):
        move(gone, status, by=None)
    move(gone, DeliveryStatus.ACCEPTED, by=None, settled_at=datetime(2020, 8, 5, 9, 0, tzinfo=UTC))
    Letter.objects.update(published_at=timezone.now())
    dispatches.halt(dispatch, by=sender)
    dispatches.cancel(dispatch, by=sender)
    assert now_at(waits).status == DeliveryStatus.CANCELLED
    slug = gone.edition.letter.slug
    for shown in (
        DeliveryRecord().context("en", slug=slug)["entries"],
        desk_of(sender).get("/desk/offices/").context["offices"],
    ):
        assert len(shown) == 1
    assert "5 August 2020" in desk_of(sender).get("/desk/offices/").content.decode()
    recipients = desk_of(sender).get(f"/desk/letters/{slug}/recipients/").content.decode()
    assert f"/desk/deliveries/{gone.pk}/" in recipients
    assert f"/desk/deliveries/{waits.pk}/" not in recipients


def test_the_next_step_looks_at_every_dispatch_and_at_what_came_back(campaigner: User, sender: User) -> None:
    """A later dispatch hides nothing of an earlier one, and who was written to again is not to be chosen for again."""
    dispatch = make_dispatch(recipients=2)
    first, second = dispatch.deliveries.order_by("pk")
    Delivery.objects.update(status="failed", stage="rcpt", code=550, refusal="policy", settled_at=timezone.now())
    dispatches.finish_if_done(dispatch)
    turned_away = "Choose the next way to reach that office."
    for delivery in (first, second):
        assert turned_away in next_step(sender)
        way = delivery.recipient.further_addresses.create(channel=Channel.FAX, address="+375 17 000")
        made = dispatches.prepare_next(now_at(delivery), way, by=campaigner)
        authorise(made, by=sender)
        dispatches.start(made)
        assert "Some delivery waits for a person" in next_step(sender)
        outcomes.carry(made.deliveries.get(), "delivered", on=timezone.now().date(), tracking="", by=sender)
    assert "Nothing to do now" in next_step(sender)
    Delivery.objects.filter(pk=first.pk).update(status="unknown")
    assert "it is not known whether the mail server took it" in next_step(sender)
    Delivery.objects.filter(pk=first.pk).update(status="accepted")
    first.replies.create(channel=Channel.EMAIL, received_on=YESTERDAY)
    assert "An office has replied, and nobody has looked at it." in next_step(sender)
    Reply.objects.update(kind=Reply.Kind.RECEIPT)
    assert "Nothing to do now" in next_step(sender)


def next_step(user: User) -> str:
    return desk_of(user).get("/desk/").content.decode()


# What staff find out ------------------------------------------------------------------------------


def test_the_log_tells_that_the_recipients_server_took_it(sender: User) -> None:
    delivery = accepted()
    assert public(delivery).startswith("Accepted by our mail server, to be passed on")
    stated = {"taken-at": "2020-08-05T09:01", "taken-relay_id": "4F2B21", "taken-server": "mx.government.example.org"}
    press(sender, f"/desk/deliveries/{delivery.pk}/taken/", **stated)
    found = now_at(delivery)
    assert (found.relay_id, found.taken_by, found.taken_how) == ("4F2B21", "mx.government.example.org", "log")
    assert "Accepted by the recipient’s mail server, by the log of ours" in public(delivery)
    assert "Nothing was done" in press(sender, f"/desk/deliveries/{delivery.pk}/taken/", **stated)


def test_the_legal_term_counts_from_registration(sender: User) -> None:
    delivery = accepted()
    Recipient.objects.update(answer_days=15, term_source_en="Law on Appeals, article 17")
    assert "No answer since 5 August 2020." in public(delivery)
    assert "legal term" not in public(delivery)
    stated = {"registered-on": "2020-08-07", "registered-number": "12/345"}
    press(sender, f"/desk/deliveries/{delivery.pk}/registered/", **stated)
    assert "Registered by the office: 7 August 2020, No. 12/345" in public(delivery)
    assert "ends on 22 August 2020 (Law on Appeals, article 17)" in public(delivery)


def test_a_registration_that_was_written_down_wrongly_is_corrected(campaigner: User, sender: User) -> None:
    """The term counts from the right day, and whoever was reminded too early is reminded in time."""
    delivery = accepted()
    Recipient.objects.update(answer_days=15)
    address = f"/desk/deliveries/{delivery.pk}/registered/"
    press(sender, address, **{"registered-on": "2020-08-07", "registered-number": "12/345"})
    tasks.remind()
    assert "Correct what is written down of the registration" in page(sender, delivery)
    stated = {"registered-on": "2020-08-17", "registered-number": "12/346", "registered-was": "2020-08-07 12/345"}
    assert "It is on record." in press(sender, address, **stated)
    assert "Registered by the office: 17 August 2020, No. 12/346" in public(delivery)
    assert now_at(delivery).answer_due_on == date(2020, 9, 1)
    assert Event.objects.about(delivery).latest("pk").by == sender
    tasks.remind()
    assert Mail.objects.filter(key__endswith=f":{campaigner.pk}", key__startswith="term:").count() == 2
    stale = press(sender, address, **{**stated, "registered-on": "2020-08-27"})
    assert "Nothing was done" in stale
    assert "17 August 2020" in public(delivery)


def test_of_two_who_register_at_once_one_is_told(sender: User) -> None:
    delivery = accepted()
    address = f"/desk/deliveries/{delivery.pk}/registered/"
    press(sender, address, **{"registered-on": "2020-08-07", "registered-number": "1"})
    assert "Nothing was done" in press(sender, address, **{"registered-on": "2020-08-08", "registered-number": "2"})
    assert now_at(delivery).registered_as == "1"


@pytest.mark.parametrize(
    ("address", "stated"),
    [
        ("registered", {"registered-on": "2020-08-03"}),
        ("taken", {"taken-at": "2020-08-03T09:00", "taken-relay_id": "4F2B21", "taken-server": "mx.example.org"}),
        ("replies", {"reply-kind": "answer", "reply-channel": "post", "reply-received_on": "2020-08-03"}),
    ],
)
def test_nothing_became_of_it_before_it_left(sender: User, address: str, stated: dict[str, Any]) -> None:
    delivery = accepted()
    answer = press(sender, f"/desk/deliveries/{delivery.pk}/{address}/", status=422, **stated)
    assert "The letter left on 5 August 2020. Enter a day that is not before that." in answer
    earlier_elsewhere = {name: value.replace("2020-08-03", "2020-08-04") for name, value in stated.items()}
    assert "It is on record." in press(sender, f"/desk/deliveries/{delivery.pk}/{address}/", **earlier_elsewhere)


def test_what_was_posted_does_not_arrive_before(campaigner: User, sender: User) -> None:
    delivery = by(Channel.POST, "Мінск", sender, campaigner)
    address = f"/desk/deliveries/{delivery.pk}/carried/"
    day = timezone.now().date()
    stated = {"carried-to": "posted", "carried-on": day - timedelta(days=5)}
    assert "Enter a day that is not before that." in press(sender, address, status=422, **stated)
    press(sender, address, **{"carried-to": "posted", "carried-on": day})
    assert "Nothing was done" in press(sender, address, **{"carried-to": "posted", "carried-on": day})  # pressed twice


def test_no_reply_came_to_what_nobody_sent(campaigner: User, sender: User) -> None:
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.FAX, address="+375 17 000")
    prepared = dispatches.prepare_next(delivery, way, by=campaigner).deliveries.get()
    assert "File a reply that came otherwise" not in page(sender, prepared)
    stated = {"reply-kind": "answer", "reply-channel": "fax", "reply-received_on": YESTERDAY}
    assert "Nothing was done" in press(sender, f"/desk/deliveries/{prepared.pk}/replies/", **stated)
    assert not Reply.objects.exists()


@pytest.mark.parametrize("language", ["en", "be", "ru"])
def test_delivered_is_never_said_of_smtp(language: str) -> None:
    delivery = accepted()
    Delivery.objects.update(taken_at=timezone.now(), taken_how="notice")
    said = public(delivery, language).lower()
    for word in ("delivered", "handed", "доставлен", "вручен", "дастаўлен", "уручан"):
        assert word not in said


@pytest.mark.parametrize(
    ("address", "stated"),
    [
        ("registered", {"registered-on": "2999-01-01"}),
        ("registered", {"registered-on": "yesterday"}),
        ("registered", {"registered-on": "2020-08-07", "registered-number": "a\0b"}),
        ("taken", {"taken-at": "2020-08-05T09:01", "taken-relay_id": "", "taken-server": "x"}),
        ("evidence", {"evidence-kind": "receipt"}),
        ("evidence", {"evidence-kind": "receipt", "evidence-file": SimpleUploadedFile("a.pdf", b"<html>")}),
        ("replies", {"reply-kind": "unread", "reply-channel": "post", "reply-received_on": "2020-08-07"}),
        ("replies", {"reply-kind": "answer", "reply-channel": "pigeon", "reply-received_on": "2020-08-07"}),
    ],
)
def test_what_cant_be_is_said_next_to_the_field(sender: User, address: str, stated: dict[str, Any]) -> None:
    delivery = accepted()
    shown = press(sender, f"/desk/deliveries/{delivery.pk}/{address}/", status=422, **stated)
    assert "errorlist" in shown
    assert now_at(delivery).status == DeliveryStatus.ACCEPTED
    assert not Evidence.objects.exists()
    assert not Reply.objects.exists()


def test_an_unknown_one_says_what_to_look_for(sender: User) -> None:
    delivery = make_delivery()
    for status in (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN):
        move(delivery, status, by=None)
    for shown in (
        page(sender, delivery),
        desk_of(sender).get(f"/desk/dispatches/{delivery.dispatch_id}/").content.decode(),
    ):
        assert delivery.message_id.strip("<>") in shown
        assert f"+d{delivery.pk}.0." in shown
        assert "Time (UTC)" in shown
    press(sender, f"/desk/deliveries/{delivery.pk}/resolve/", to="accepted", attempts=0, relay_id="4F2B21")
    assert now_at(delivery).relay_id == "4F2B21"


# Replies ------------------------------------------------------------------------------------------


def test_a_reply_is_published_when_staff_say_so_in_every_language(sender: User) -> None:
    delivery = accepted()
    stated = {
        "reply-kind": "answer",
        "reply-channel": "post",
        "reply-received_on": "2020-08-20",
        "reply-text": "> quoted\nWe <b>know</b>.",
        "reply-file": SimpleUploadedFile("scan.pdf", b"%PDF-1.7"),
    }
    press(sender, f"/desk/deliveries/{delivery.pk}/replies/", **stated)
    reply = Reply.objects.get()
    assert reply.files.get().kind == "reply"
    assert "No answer" not in public(delivery)
    assert "Answered" not in public(delivery)
    address = f"/desk/replies/{reply.pk}/"
    assert "&lt;b&gt;know&lt;/b&gt;" in desk_of(sender).get(address).content.decode()
    assert "write the summary in every language" in press(sender, f"{address}publish/", seen=seen(reply))
    describe(sender, reply)
    press(sender, f"{address}publish/", seen=seen(reply))
    assert "Answered: 20 August 2020" in public(delivery)
    assert "Nothing was done" in press(sender, f"{address}publish/", seen=seen(reply))
    press(sender, f"{address}unpublish/", seen=seen(reply))
    assert "Answered" not in public(delivery)


def test_a_button_that_is_pressed_twice_files_once(sender: User) -> None:
    delivery = accepted()
    for day, total in (("2020-08-20", 1), ("2020-08-20", 1), ("2020-08-21", 2)):
        stated = {"kind": "answer", "channel": "post", "received_on": day, "file": SimpleUploadedFile("a.png", PNG)}
        said = press(
            sender,
            f"/desk/deliveries/{delivery.pk}/replies/",
            **{f"reply-{name}": value for name, value in stated.items()},
        )
        assert "It is on record." in said
        assert (Reply.objects.count(), Evidence.objects.count()) == (total, total)
    for _ in range(2):
        stated = {"evidence-kind": "receipt", "evidence-file": SimpleUploadedFile("a.png", PNG)}
        press(sender, f"/desk/deliveries/{delivery.pk}/evidence/", **stated)
    assert Evidence.objects.filter(kind="receipt").count() == 1


def test_the_history_tells_who_wrote_down_what(campaigner: User) -> None:
    sender = make_user(Role.Name.SENDER, name="Siarhei Sender")
    delivery = accepted()
    Event.objects.create(table=Delivery._meta.label_lower, row=delivery.pk, target="taken", by=campaigner)
    press(sender, f"/desk/deliveries/{delivery.pk}/registered/", **{"registered-on": "2020-08-07"})
    stated = {"registered-on": "2020-08-08", "registered-was": "2020-08-07"}
    press(sender, f"/desk/deliveries/{delivery.pk}/registered/", **stated)
    stated = {"kind": "other", "channel": "post", "received_on": date(2020, 8, 20), "text": "No."}
    reply = outcomes.file_reply(now_at(delivery), by=sender, **stated)
    describe(sender, reply)
    history = desk_of(sender).get(f"/desk/deliveries/{delivery.pk}/").context["history"]
    assert [(what, str(by)) for _at, what, by in history][-5:] == [
        ("Line of the log written down", str(campaigner)),
        ("Registered by the office", "Siarhei Sender"),
        ("Registration corrected", "Siarhei Sender"),
        ("Reply filed", "Siarhei Sender"),
        ("Reply described", "Siarhei Sender"),
    ]
    assert "The site itself" in page(sender, delivery)


def seen(reply: Reply) -> str:
    """What a page of `reply` says that it shows."""
    return outcomes.seen_of(Reply.objects.get(pk=reply.pk))


def describe(by: User, reply: Reply, status: int = 200, **stated: Any) -> str:
    whole = {"kind": "answer", "received_on": "2020-08-20", "summary_en": "It knows.", "summary_be": "Ведае."}
    told = {**whole, "summary_ru": "Знает.", "seen": seen(reply), **stated}
    return press(by, f"/desk/replies/{reply.pk}/", status=status, **told)


def a_reply() -> Reply:
    stated = {"kind": "other", "channel": "post", "received_on": date(2020, 8, 20), "text": "No."}
    return outcomes.file_reply(accepted(), by=make_user(), **stated)


def test_what_two_people_write_of_a_reply_is_not_lost(sender: User, campaigner: User) -> None:
    """One translates into Belarusian, the other into Russian, on pages that were opened at the same time."""
    reply = a_reply()
    at_first = seen(reply)
    describe(sender, reply, summary_be="Ведае.", summary_ru="", seen=at_first)
    late = describe(campaigner, reply, status=409, summary_be="", summary_ru="Знает.", seen=at_first)
    assert "somebody else has saved this meanwhile" in late
    assert "Знает." in late
    assert "Ведае." in late
    reply.refresh_from_db()
    assert (reply.summary_be, reply.summary_ru) == ("Ведае.", "")  # type: ignore[attr-defined]
    describe(campaigner, reply)
    assert seen(reply) != at_first


def test_nobody_publishes_what_they_have_not_seen(sender: User, campaigner: User) -> None:
    reply = a_reply()
    describe(sender, reply)
    looked = seen(reply)
    describe(campaigner, reply, summary_en="It knows nothing.")
    assert "Nothing was done" in press(sender, f"/desk/replies/{reply.pk}/publish/", seen=looked)
    assert not Reply.objects.public().exists()


def test_what_is_public_is_so_in_every_language(sender: User) -> None:
    reply = a_reply()
    describe(sender, reply)
    press(sender, f"/desk/replies/{reply.pk}/publish/", seen=seen(reply))
    assert "This field is required." in describe(sender, reply, status=422, summary_be="")
    describe(sender, reply, summary_be="Усё ведае.")
    reply.refresh_from_db()
    assert reply.summary_be == "Усё ведае."  # type: ignore[attr-defined]


def test_the_day_of_a_reply_is_corrected_unless_a_mail_says_it(sender: User) -> None:
    reply = a_reply()
    describe(sender, reply, received_on="2020-08-10", number="7/7")
    reply.refresh_from_db()
    assert (reply.received_on, reply.number) == (date(2020, 8, 10), "7/7")
    assert "not before that" in describe(sender, reply, status=422, received_on="2020-07-10")
    Reply.objects.update(filed_by=None)
    describe(sender, reply, received_on="2020-08-11")
    assert Reply.objects.get().received_on == date(2020, 8, 10)


def test_nothing_is_published_of_which_the_ledger_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    by = make_user()
    reply = outcomes.file_reply(make_delivery(), by=by, received_on=timezone.now().date(), channel="post", text="No.")
    summaries = {f"summary_{language}": "No." for language in ("en", "be", "ru")}
    outcomes.describe(reply, kind=Reply.Kind.ANSWER, by=by, **summaries)
    reply.refresh_from_db()

    def broken(*_: object, **__: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "witness", broken)
        with pytest.raises(OSError):
            outcomes.publish(reply, by=by)
    reply.refresh_from_db()
    assert reply.published_at is None
    outcomes.publish(reply, by=by)
    reply.refresh_from_db()
    assert reply.published_at


def test_a_receipt_does_not_end_the_silence(sender: User) -> None:
    delivery = accepted()
    outcomes.file_reply(
        delivery, by=sender, kind=Reply.Kind.RECEIPT, channel=Channel.EMAIL, received_on=date(2020, 8, 6)
    )
    assert "No answer since 5 August 2020." in public(delivery)


def test_what_strangers_sent_is_saved_and_never_shown(sender: User) -> None:
    delivery = accepted()
    kept = evidence.keep(delivery, b"<script>", kind="reply", content_type="message/rfc822", by=None)
    answer = desk_of(sender).get(f"/desk/evidence/{kept.pk}/")
    assert answer.content == b"<script>"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("role", [Role.Name.REVIEWER, Role.Name.TRANSLATOR])
def test_replies_and_evidence_are_not_for_everybody_at_the_desk(role: str) -> None:
    delivery = accepted()
    kept = evidence.keep(delivery, PNG, kind="receipt", content_type="image/png", by=None)
    user = make_user(role, language="be" if role == Role.Name.TRANSLATOR else "")
    for address in (f"/desk/deliveries/{delivery.pk}/", f"/desk/evidence/{kept.pk}/", "/desk/offices/"):
        assert desk_of(user).get(address).status_code == 403


# Terms and offices --------------------------------------------------------------------------------


def registered(days: int) -> Delivery:
    delivery = accepted()
    Recipient.objects.update(answer_days=days, term_source_en="Law on Appeals")
    outcomes.register(delivery, on=timezone.now().date() - timedelta(days=15), number="", by=make_user())
    return delivery


def test_campaigners_are_reminded_once_when_the_term_is_over(campaigner: User) -> None:
    Mail.objects.all().delete()
    registered(days=14)
    tasks.remind()
    tasks.remind()
    mails = Mail.objects.filter(key__endswith=f":{campaigner.pk}", key__startswith="term:")
    assert len(mails) == 1
    assert "No answer within the legal term" in mails[0].subject
    assert "Law on Appeals" in mails[0].body


@pytest.mark.parametrize("case", ["the last day", "answered"])
def test_nobody_is_reminded_too_early_or_of_what_is_answered(case: str) -> None:
    delivery = registered(days=14 if case == "answered" else 15)
    if case == "answered":
        outcomes.file_reply(
            delivery, by=make_user(), kind=Reply.Kind.ANSWER, channel=Channel.POST, received_on=YESTERDAY
        )
    tasks.remind()
    assert not Mail.objects.filter(key__startswith="term:").exists()


@pytest.mark.parametrize("language", ["en", "be", "ru"])
def test_a_follow_up_letter_is_prepared_when_the_term_is_over(sender: User, language: str) -> None:
    delivery = registered(days=14)
    Delivery.objects.update(language=language, registered_as="17/2020-к")
    Recipient.objects.update(term_source_be="Закон аб зваротах", term_source_ru="Закон об обращениях")
    page = f"/desk/deliveries/{delivery.pk}/"
    with translation.override(language):
        due = date_format(timezone.now().date() - timedelta(days=1))
        source = Recipient.objects.get(pk=delivery.recipient_id).term_source
    shown = unescape(desk_of(sender).get(page).text)
    printed = text_of(desk_of(sender).get(f"{page}follow-up.pdf").content)
    for part in (delivery.edition.reference, due, "17/2020-к", source):
        assert part in shown
        assert part in printed
    assert delivery.wording.salutation in shown
    assert desk_of(sender).get(f"{page}label.pdf").status_code == 200
    assert desk_of(sender).get(f"{page}covering.pdf").status_code == 200


def test_an_answer_that_came_by_another_way_is_one(campaigner: User, sender: User) -> None:
    """No follow-up letter says that there is none, and nobody is reminded: as the public record says no silence."""
    delivery = failed()
    way = delivery.recipient.further_addresses.create(channel=Channel.POST, address="Мінск")
    made = dispatches.prepare_next(delivery, way, by=campaigner)
    authorise(made, by=sender)
    dispatches.start(made)
    posted = made.deliveries.get()
    long_ago = timezone.now() - timedelta(days=60)
    Recipient.objects.update(answer_days=15)
    Delivery.objects.filter(pk=posted.pk).update(
        status="registered", settled_at=long_ago, registered_on=long_ago.date()
    )
    assert now_at(posted).is_overdue
    delivery.replies.create(kind=Reply.Kind.ANSWER, channel=Channel.EMAIL, received_on=YESTERDAY)
    assert not now_at(posted).is_overdue
    tasks.remind()
    assert not Mail.objects.filter(key__startswith="term:").exists()


@pytest.mark.parametrize("case", ["the last day", "answered", "not registered", "no term"])
def test_no_follow_up_letter_before_its_time(sender: User, case: str) -> None:
    delivery = accepted() if case == "not registered" else registered(days=15 if case == "the last day" else 14)
    if case == "answered":
        outcomes.file_reply(
            delivery, by=make_user(), kind=Reply.Kind.UNREAD, channel=Channel.POST, received_on=YESTERDAY
        )
    if case == "no term":
        Recipient.objects.update(answer_days=None)
    page = f"/desk/deliveries/{delivery.pk}/"
    assert "follow-up" not in desk_of(sender).get(page).text
    answer = desk_of(sender).get(f"{page}follow-up.pdf", follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "Nothing was done" in answer.text


def test_an_office_is_looked_up_across_letters(sender: User) -> None:
    for delivery in (accepted(), failed()):
        assert delivery.recipient.title_en == "President of the Republic of Belarus"
    shown = desk_of(sender).get("/desk/offices/").content.decode()
    assert shown.count("<h2>President of the Republic of Belarus</h2>") == 1
    for delivery in Delivery.objects.all():
        assert f'href="/desk/deliveries/{delivery.pk}/"' in shown


def test_the_public_record_tells_who_took_what(client: Client) -> None:
    dispatch = make_dispatch(recipients=2)
    first, second = dispatch.deliveries.order_by("pk")
    facts = {"settled_at": datetime(2020, 8, 5, 9, 0, tzinfo=UTC)}
    Delivery.objects.filter(pk=first.pk).update(status="accepted", **facts)
    Delivery.objects.filter(pk=second.pk).update(status="failed", refusal="mailbox", stage="rcpt", code=550, **facts)
    Letter.objects.update(is_demonstration=False, published_at=timezone.now())
    shown = client.get(f"/en/letters/{dispatch.edition.letter.slug}/delivery/").content.decode()
    assert "Accepted by our mail server, to be passed on: 5 August 2020" in shown
    assert "Refused by the mail server, for there is no such mailbox: 5 August 2020" in shown
    assert "No answer since 5 August 2020." in shown
