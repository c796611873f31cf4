"""Withdrawn for safety: by one link, at any time, and told what can't be called back."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from dispatch.models import Delivery, Dispatch, Edition
from dispatch.services import dispatches
from dispatch.states import DeliveryStatus, DispatchStatus
from letters.models import Letter
from letters.states import LetterStatus
from mailing.models import Mail
from publishing import services as publishing
from publishing.mirrors import mirror
from signatories import emails, links, services
from signatories.models import Correction, Signature
from signatories.states import CorrectionStatus, HandoverStatus, SignatureStatus
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.signatories.reaching import SECRET, leads_to, path, secret_of
from tests.tools import mails_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def signature(letter: Letter) -> Signature:
    found = make_signature(letter, name="Leaving Watch", status="pending")
    services.approve(found, by=make_user(Role.Name.REVIEWER))
    return found


def withdraw_page(signature: Signature) -> str:
    return path(links.withdraw_url(signature))


def sent_edition(letter: Letter, *states: str) -> Edition:
    """An edition on its way, its deliveries in `states`."""
    edition = make_edition(letter, sealed=True)
    dispatch = dispatches.prepare(edition, by=make_user())
    authorised = {"authorised_by": make_user(Role.Name.SENDER), "authorised_at": timezone.now()}
    Dispatch.objects.filter(pk=dispatch.pk).update(status=DispatchStatus.SENDING, **authorised)
    for delivery, state in zip(dispatch.deliveries.all(), states, strict=True):
        settled = datetime(2020, 8, 5, tzinfo=UTC) if state in ("accepted", "failed") else None
        said = {"stage": "rcpt", "code": 550} if state == "failed" else {}
        Delivery.objects.filter(pk=delivery.pk).update(status=state, settled_at=settled, **said)
    return edition


class TestTheLink:
    def test_one_button_and_it_holds(self, client: Client, signature: Signature) -> None:
        page = withdraw_page(signature)
        assert client.get(page).status_code == 200
        assert "Leaving Watch" in client.get("/en/letters/belarus-2020/").text
        for _ in range(2):
            assert client.post(page).headers["Location"] == page
        assert "is withdrawn" in client.get(page).text
        assert "Leaving Watch" not in client.get("/en/letters/belarus-2020/").text
        assert [mail.subject[:27] for mail in mails_to(signature.email)][1:] == ["Your signature is withdrawn"]

    def test_it_is_in_the_mail_to_be_kept(self, signature: Signature) -> None:
        emails.received(signature)
        assert leads_to(Mail.objects.latest("pk").body, "withdraw", signature)

    @pytest.mark.parametrize("status", sorted(set(SignatureStatus) - {SignatureStatus.WITHDRAWN}))
    def test_from_every_state(self, client: Client, letter: Letter, status: str) -> None:
        signature = make_signature(letter, status=status)
        client.post(withdraw_page(signature))
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN

    def test_after_ten_years_in_an_archived_letter_whose_contacts_are_deleted(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        page = withdraw_page(signature)
        Letter.objects.update(archived_at=timezone.now(), status=LetterStatus.CLOSED)
        gone = {"email": "", "mailbox": "", "representative": "", "role": "", "forgotten_at": timezone.now()}
        Signature.objects.filter(pk=signature.pk).update(**gone)
        with time_machine.travel(timezone.now() + timedelta(days=3653)):
            assert client.post(page).status_code == 302
        assert "Leaving Watch" not in client.get("/en/letters/belarus-2020/").text

    def test_a_decision_of_staff_at_the_same_moment_does_not_keep_it(
        self, client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        signature = make_signature(letter, status="pending")
        page = withdraw_page(signature)
        withdraw, raced = services.withdraw, []

        def after_a_decision(found: Signature, **keywords: object) -> None:
            if not raced:
                raced.append(True)
                services.approve(Signature.objects.get(pk=found.pk), by=make_user(Role.Name.REVIEWER))
            withdraw(found, **keywords)  # type: ignore[arg-type]

        monkeypatch.setattr(services, "withdraw", after_a_decision)
        client.post(page)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN

    def test_what_was_open_about_it_is_over(self, client: Client, signature: Signature) -> None:
        services.correct(signature, changes={"role": "Other"})
        handover = services.hand_over(signature, representative="A", role="B", email="a@example.org", language="en")
        client.post(withdraw_page(signature))
        handover.refresh_from_db()
        assert (Correction.objects.get().status, handover.status) == (CorrectionStatus.DECLINED, HandoverStatus.ENDED)


class TestWhatCanNotBeCalledBack:
    def test_the_page_and_the_mail_name_the_copies_that_went_out(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        edition = sent_edition(letter, "accepted", "failed", "unknown", "deferred", "queued")
        offices = [delivery.recipient.title for delivery in edition.deliveries.order_by("recipient__order")]
        client.post(withdraw_page(signature))
        page, mail = client.get(withdraw_page(signature)).text, mails_to(signature.email)[-1].body
        said = [
            "passed on by our mail server",
            "refused, or sent back",
            "it is not known whether it arrived",
            "put off by the mail server, and not sent again",
        ]
        for office, state in zip(offices, said, strict=False):
            line = f"Edition 1, to {office}: {state}"
            assert line in mail
            assert line in " ".join(page.split())
        assert "5 August 2020" in mail
        assert offices[4] not in mail
        assert offices[4] not in page

    @pytest.mark.parametrize("language", ["be", "ru"])
    def test_in_the_signers_language(self, client: Client, letter: Letter, language: str) -> None:
        signature = make_signature(letter, language=language)
        edition = sent_edition(letter, *["accepted"] * 5)
        client.post(withdraw_page(signature).replace(f"/{language}/", "/en/"))
        delivery = edition.deliveries.first()
        assert delivery
        assert getattr(delivery.recipient, f"title_{language}") in Mail.objects.latest("pk").body

    def test_not_those_that_did_not_name_it(self, client: Client, letter: Letter, signature: Signature) -> None:
        sent_edition(letter, *["accepted"] * 5)
        later = make_signature(letter, name="Later Watch")
        client.post(withdraw_page(later))
        assert "No copy that names your organisation" in client.get(withdraw_page(later)).text
        assert "No copy that names your organisation" in mails_to(later.email)[-1].body

    def test_nor_those_that_only_counted_it(self, client: Client, letter: Letter) -> None:
        hidden = make_signature(letter, name="Hidden Watch", visibility="withheld")
        sent_edition(letter, *["accepted"] * 5)
        client.post(SECRET, {"secret": secret_of(hidden)})
        client.post(withdraw_page(hidden))
        assert "No copy that names your organisation" in client.get(withdraw_page(hidden)).text

    def test_a_prepared_dispatch_has_sent_nothing(self, client: Client, letter: Letter, signature: Signature) -> None:
        dispatches.prepare(make_edition(letter, sealed=True), by=make_user())
        Delivery.objects.update(status=DeliveryStatus.QUEUED)
        client.post(withdraw_page(signature))
        assert "No copy" in client.get(withdraw_page(signature)).text

    def test_which_mirrors_follow_is_on_the_page_until_they_have(
        self, client: Client, letter: Letter, signature: Signature, tmp_path: Path
    ) -> None:
        publishing.publish()
        folder = tmp_path / "mirror"
        mirror(folder, address="https://mirror.example.org")
        client.post(withdraw_page(signature))
        assert "https://mirror.example.org" in mails_to(signature.email)[-1].body
        behind = "<li>https://mirror.example.org</li>"
        assert behind in client.get(withdraw_page(signature)).text
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            mirror(folder)
            assert behind not in client.get(withdraw_page(signature)).text
        assert not any(b"Leaving Watch" in file.read_bytes() for file in folder.rglob("*.html"))

    def test_a_mirror_is_no_concern_of_what_never_was_public(
        self, client: Client, letter: Letter, tmp_path: Path
    ) -> None:
        pending = make_signature(letter, status="pending")
        publishing.publish()
        mirror(tmp_path / "mirror", address="https://mirror.example.org")
        client.post(withdraw_page(pending))
        assert "<li>https://mirror" not in client.get(withdraw_page(pending)).text


class TestNobodyIsTold:
    def test_no_feed_and_no_page_of_changes_says_that_somebody_left(
        self, client: Client, letter: Letter, signature: Signature, settings: Settings
    ) -> None:
        make_signature(letter, name="Staying Watch")
        make_edition(letter, sealed=True)
        publishing.publish()
        root = settings.VAR_DIR / "public" / "current"
        feeds = {file: file.read_bytes() for file in root.rglob("*.atom")}
        assert feeds
        client.post(withdraw_page(signature))
        assert {file: file.read_bytes() for file in root.rglob("*.atom")} == feeds
        make_edition(letter, sealed=True)
        publishing.publish()
        after = {file: file.read_bytes() for file in root.rglob("*") if file.is_file() and file.suffix != ".pdf"}
        assert not [file for file, data in after.items() if b"Leaving" in data]
        for file in (*root.rglob("editions/2/index.html"), *root.rglob("*.atom"), *root.rglob("*.json")):
            assert not re.search(rb"withdr|has left|no longer|removed", file.read_bytes()), file
        assert not Mail.objects.exclude(key__contains=f":{signature.pk}:").exists()


class TestWithholding:
    """A name that becomes dangerous after it was published."""

    def withhold(self, client: Client, signature: Signature) -> str:
        answer = client.post(f"{path(links.own_url(signature))}withhold/")
        assert answer.status_code == 200
        found = re.search(r'<p class="secret">([^<]+)</p>', answer.content.decode())
        assert found
        return found[1]

    def test_it_leaves_the_pages_and_stays_counted(self, client: Client, letter: Letter, signature: Signature) -> None:
        public = "/en/letters/belarus-2020/"
        assert "Leaving Watch" in client.get(public).content.decode()
        edition = make_edition(letter, sealed=True)
        self.withhold(client, signature)
        page = client.get(public).content.decode()
        assert "Leaving Watch" not in page
        assert "1 organisation has signed this letter." in page
        assert edition.names_someone_who_left
        assert client.get(f"{public}letter.pdf").status_code == 410

    def test_a_look_changes_nothing(self, client: Client, signature: Signature) -> None:
        assert client.get(f"{path(links.own_url(signature))}withhold/").status_code == 200
        signature.refresh_from_db()
        assert not signature.is_withheld

    def test_nobody_is_waited_for_whose_link_is_dead(self, client: Client, signature: Signature) -> None:
        handover = services.hand_over(signature, representative="A", role="B", email="a@example.org", language="en")
        asked = path(links.take_over_url(handover))
        assert client.get(asked).status_code == 200
        self.withhold(client, signature)
        handover.refresh_from_db()
        assert handover.status == HandoverStatus.ENDED
        assert client.get(asked).status_code == 404

    def test_the_earlier_link_still_withdraws_and_says_nothing(self, client: Client, signature: Signature) -> None:
        button = withdraw_page(signature)
        self.withhold(client, signature)
        page = client.get(button)
        assert "Leaving Watch" not in page.text
        assert signature.letter.title not in page.text
        client.post(button)
        signature.refresh_from_db()
        assert signature.status == SignatureStatus.WITHDRAWN

    def test_its_page_takes_the_secret_from_now_on(self, client: Client, signature: Signature) -> None:
        earlier = path(links.own_url(signature))
        secret = self.withhold(client, signature)
        signature.refresh_from_db()
        assert client.get(earlier).status_code == 404
        shut = client.get(path(links.own_url(signature)))
        assert "Leaving Watch" not in shut.content.decode()
        opened = client.post(SECRET, {"secret": secret}, follow=True)
        assert "Leaving Watch" in opened.content.decode()

    def test_its_mails_say_nothing_any_more(self, client: Client, signature: Signature) -> None:
        self.withhold(client, signature)
        mail = mails_to(signature.email)[-1]
        assert "belarus" not in (mail.subject + mail.body).lower()
        assert "Undersigned" not in mail.subject + mail.body

    def test_the_copies_that_went_out_are_named(self, client: Client, letter: Letter, signature: Signature) -> None:
        sent_edition(letter, *["accepted"] * 5)
        page = client.post(f"{path(links.own_url(signature))}withhold/").content.decode()
        assert page.count("Edition 1, to ") == 5


class TestIndividuals:
    """Whoever signs for nobody else is not spoken to as an organisation."""

    @pytest.fixture
    def person(self) -> Signature:
        letter = make_letter(is_demonstration=False)  # whose notice speaks of an organisation
        own = {"kind": Signature.Kind.INDIVIDUAL, "website": "", "email": "ann@example.net"}
        return make_signature(letter, name="Ann Example", **own)

    @pytest.fixture(params=["", "TakenDown", "StillPublic"])
    def writer(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that writes the pages, or can't."""

        def broken(*_subjects: str) -> None:
            raise getattr(publishing, request.param)

        if request.param:
            monkeypatch.setattr(publishing, "write_at_once", broken)

    def said(self, html: str) -> str:
        return html[html.index("<main") : html.index("</main>")].lower()

    def test_when_they_withdraw(self, client: Client, person: Signature, writer: None) -> None:
        page = withdraw_page(person)
        answers = [client.get(page), client.post(page, follow=True)]
        assert [answer.status_code for answer in answers] in ([200, 200], [200, 503])
        for answer in answers:
            assert "your organisation" not in self.said(answer.text)
        (mail,) = mails_to(person.email)
        assert "organisation" not in (mail.subject + mail.body.partition("\n-- \n")[0]).lower()

    def test_when_they_withhold_their_name(self, client: Client, person: Signature, writer: None) -> None:
        page = f"{path(links.own_url(person))}withhold/"
        answers = [client.get(path(links.own_url(person))), client.get(page), client.post(page)]
        assert answers[-1].context["secret"]
        for answer in answers:
            assert "your organisation" not in self.said(answer.text)

    def test_when_they_sign_again(self, person: Signature) -> None:
        emails.already(person)
        emails.new_link(person)
        emails.received(person)
        for mail in mails_to(person.email):
            assert "organisation" not in (mail.subject + mail.body.partition("\n-- \n")[0]).lower()
