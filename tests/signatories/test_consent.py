"""Consent is for a text: when its meaning changes, each signer is asked once, and whoever is silent lapses."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter, Version
from letters.services import save_version
from mailing.models import Mail
from publishing.models import Touch
from signatories import links, services, tasks
from signatories.desk.rows import rows
from signatories.models import Organisation, Signature
from signatories.services import consent
from signatories.services.secrets import new_secret, secret_index
from signatories.states import OrganisationStatus, SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.signatories.reaching import leads_to
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
REASON = {"en": "A demand was added.", "be": "Дададзена патрабаванне.", "ru": "Добавлено требование."}
_numbers = iter(range(1, 1000))


@pytest.fixture
def letter() -> Letter:
    return make_letter(with_recipients=False)


def change(letter: Letter, *, is_material: bool = True, ahead: int = 7, text: str = "") -> Version:
    """Another text of the first demand, saved."""
    block = letter.blocks.get(key="keep-open")
    columns = {f"text_{code}": text or f"{code}: text {next(_numbers)}" for code in REASON}
    letter.blocks.filter(pk=block.pk).update(**columns)
    stated: dict[str, Any] = {"reason": REASON, "keep_until": day(ahead)} if is_material else {}
    return save_version(letter, by=make_user(), is_material=is_material, **stated)


def day(ahead: int) -> date:
    return timezone.now().date() + timedelta(days=ahead)


def status_of(signature: Signature) -> str:
    return Signature.objects.values_list("status", flat=True).get(pk=signature.pk)


def number_of(signature: Signature) -> int:
    return Signature.objects.values_list("version__number", flat=True).get(pk=signature.pk)


def asked(signature: Signature) -> list[Mail]:
    return list(Mail.objects.filter(key__startswith=f"text-changed:{signature.pk}:").order_by("pk"))


def keep_path(signature: Signature) -> str:
    return links.path(Signature.objects.get(pk=signature.pk), "own") + "keep/"


def shown(response: Any) -> str:
    """The version that the button on the page is for."""
    [number] = re.findall(r'name="version" value="(\d+)"', response.text)
    return str(number)


def press_keep(signature: Signature, client: Client | None = None) -> Any:
    client = client or Client()
    page = client.get(keep_path(signature))
    return client.post(keep_path(signature), {"version": shown(page)})


@pytest.fixture
def later() -> Iterator[Callable[[int], None]]:
    """Let days pass."""
    travels = []

    def travel(days: int) -> None:
        traveller = time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True)
        traveller.start()
        travels.append(traveller)

    yield travel
    for traveller in reversed(travels):
        traveller.stop()


class TestAsking:
    def test_whoever_stands_or_waits_is_asked_once(self, letter: Letter) -> None:
        signatures = {status: make_signature(letter, status=status) for status in SignatureStatus.values}
        change(letter)
        for _ in range(3):
            tasks.sweep_consent()
        counted = {status: len(asked(signature)) for status, signature in signatures.items()}
        assert counted == {
            **dict.fromkeys(SignatureStatus.values, 0),
            SignatureStatus.APPROVED: 1,
            SignatureStatus.PENDING: 1,
            SignatureStatus.ASKED: 1,
        }

    def test_the_mail_says_why_what_and_until_when_in_the_signers_language(self, letter: Letter) -> None:
        signature = make_signature(letter, language="be")
        saved = change(letter, text="Не адключайце інтэрнэт.")
        tasks.sweep_consent()
        [mail] = asked(signature)
        assert mail.to == signature.email
        assert REASON["be"] in mail.body
        assert "Не адключайце інтэрнэт." in mail.body
        assert "/be/signatures/own/" in mail.body
        with translation.override("be"):
            assert date_format(saved.keep_until) in mail.body
        assert letter.versions.get(number=1).text("be")["blocks"][8]["text"].split()[0] in mail.body

    def test_a_text_of_the_same_meaning_asks_nobody(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter, is_material=False)
        tasks.sweep_consent()
        assert asked(signature) == []

    def test_whoever_signed_the_new_text_is_not_asked(self, letter: Letter) -> None:
        change(letter)
        signature = make_signature(letter)
        tasks.sweep_consent()
        assert asked(signature) == []

    def test_of_two_changes_only_the_latest_is_asked(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        latest = change(letter)
        tasks.sweep_consent()
        [mail] = asked(signature)
        assert mail.key == f"text-changed:{signature.pk}:{latest.number}"
        assert mail.body.count(REASON["en"]) == 2

    def test_a_second_change_before_the_answer_asks_anew(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        tasks.sweep_consent()
        change(letter)
        tasks.sweep_consent()
        assert len(asked(signature)) == 2
        press_keep(signature)
        assert number_of(signature) == 3

    def test_many_are_asked_in_batches_and_none_twice(self, letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(7):
            make_signature(letter)
        change(letter)
        monkeypatch.setattr(consent, "BATCH", 3)
        counts = []
        for _ in range(4):
            tasks.sweep_consent()
            counts.append(Mail.objects.filter(key__startswith="text-changed:").count())
        assert counts == [3, 6, 7, 7]

    def test_a_run_that_fails_half_way_loses_nobody(self, letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
        signatures = [make_signature(letter) for _ in range(3)]
        change(letter)
        text_changed = consent.emails.text_changed
        with monkeypatch.context() as broken:
            broken.setattr(
                consent.emails, "text_changed", lambda *it: 1 / 0 if it[0].pk == signatures[1].pk else text_changed(*it)
            )
            with pytest.raises(ZeroDivisionError):
                tasks.sweep_consent()
        assert [len(asked(signature)) for signature in signatures] == [1, 0, 0]
        tasks.sweep_consent()
        assert [len(asked(signature)) for signature in signatures] == [1, 1, 1]

    def test_a_withheld_ones_mail_names_neither_letter_nor_change(self, letter: Letter) -> None:
        secret = new_secret()
        signature = make_signature(
            letter, name="Canary Society", visibility=Signature.Visibility.WITHHELD, secret_index=secret_index(secret)
        )
        change(letter, text="Secret words.")
        tasks.sweep_consent()
        [mail] = asked(signature)
        for telling in (letter.title, "Secret words.", REASON["en"], "Canary", "letter", "sign our"):
            assert telling not in mail.subject + mail.body
        assert keep_path(signature) in mail.body

    def test_no_mail_goes_where_it_may_hurt_or_arrives_nowhere(self, letter: Letter) -> None:
        locked = make_signature(letter, visibility=Signature.Visibility.WITHHELD)
        assert locked.organisation
        services.lock(locked.organisation, by=make_user())
        assert locked.organisation.status == OrganisationStatus.LOCKED
        forgotten = make_signature(letter)
        Signature.objects.filter(pk=forgotten.pk).update(forgotten_at=timezone.now(), email="", mailbox="")
        change(letter)
        tasks.sweep_consent()
        assert not Mail.objects.filter(key__startswith="text-changed:").exists()


class TestKeeping:
    def test_looking_changes_nothing_and_shows_old_and_new(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter, text="Keep the internet <on>.")
        page = Client().get(keep_path(signature))
        assert page.status_code == 200
        assert REASON["en"] in page.text
        assert "<ins>" in page.text
        assert "<del>" in page.text
        assert "<on>" not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert number_of(signature) == 1

    @pytest.mark.parametrize("status", ["approved", "pending", "asked"])
    def test_the_button_moves_the_signature_to_the_new_text(self, letter: Letter, status: str) -> None:
        signature = make_signature(letter, status=status)
        change(letter)
        Touch.objects.all().delete()
        answer = press_keep(signature)
        assert answer.headers["Location"] == keep_path(signature).removesuffix("keep/")
        assert (status_of(signature), number_of(signature)) == (status, 2)
        assert "kept" in Event.objects.about(signature).values_list("target", flat=True)
        assert Touch.objects.filter(subject="signatories:belarus-2020").exists()

    def test_only_kept_ones_are_binding(self, letter: Letter) -> None:
        kept, silent = make_signature(letter), make_signature(letter)
        change(letter)
        press_keep(kept)
        assert list(letter.signatures.binding(letter)) == [kept]
        assert status_of(silent) == SignatureStatus.APPROVED

    def test_pressed_twice_it_is_kept_once(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        stale = {"version": shown(Client().get(keep_path(signature)))}
        for _ in range(2):
            assert Client().post(keep_path(signature), stale).status_code == 302
        assert list(Event.objects.about(signature).values_list("target", flat=True)).count("kept") == 1

    def test_a_page_opened_before_the_next_change_keeps_nothing(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        stale = {"version": shown(Client().get(keep_path(signature)))}
        change(letter)
        answer = Client().post(keep_path(signature), stale)
        assert answer.status_code == 409
        assert "changed once more" in answer.text
        assert number_of(signature) == 1
        assert shown(answer) == "3"

    def test_a_spelling_mended_meanwhile_is_no_obstacle(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        stale = {"version": shown(Client().get(keep_path(signature)))}
        change(letter, is_material=False)
        assert Client().post(keep_path(signature), stale).status_code == 302
        assert number_of(signature) == 2

    @pytest.mark.parametrize("version", ["", "0", "1", "99", "x", "\0", "٣", "9" * 30])
    def test_what_no_button_sends_keeps_nothing(self, letter: Letter, version: str) -> None:
        signature = make_signature(letter)
        change(letter)
        assert Client().post(keep_path(signature), {"version": version}).status_code == 409
        assert number_of(signature) == 1

    def test_with_nothing_to_keep_the_page_leads_to_the_own_one(self, letter: Letter) -> None:
        signature = make_signature(letter)
        assert leads_to(Client().get(keep_path(signature)).headers["Location"], "own", signature)
        withdrawn = make_signature(letter, status=SignatureStatus.WITHDRAWN)
        change(letter)
        assert Client().get(keep_path(withdrawn)).status_code == 302
        assert Client().post(keep_path(withdrawn), {"version": "2"}).status_code == 302
        assert number_of(withdrawn) == 1

    def test_the_other_button_withdraws(self, letter: Letter) -> None:
        signature = make_signature(letter)
        change(letter)
        page = Client().get(keep_path(signature))
        [path] = re.findall(r'action="([^"]*/withdraw/[^"]*)"', page.text)
        Client().post(path)
        assert status_of(signature) == SignatureStatus.WITHDRAWN

    def test_a_withheld_ones_page_takes_its_secret(self, letter: Letter) -> None:
        secret = new_secret()
        withheld = Signature.Visibility.WITHHELD
        signature = make_signature(letter, visibility=withheld, secret_index=secret_index(secret))
        change(letter)
        client = Client()
        shut = client.get(keep_path(signature))
        assert letter.title not in shut.text
        assert client.post(keep_path(signature), {"version": "2"}).status_code == 403
        assert number_of(signature) == 1
        client.post("/en/signatures/secret/", {"secret": secret})
        press_keep(signature, client)
        assert number_of(signature) == 2

    def test_the_own_page_leads_there_until_it_is_kept(self, letter: Letter) -> None:
        signature = make_signature(letter)
        own = links.path(signature, "own")
        assert "keep/" not in Client().get(own).text
        change(letter)
        assert f"{own}keep/" in Client().get(own).text
        press_keep(signature)
        assert "keep/" not in Client().get(own).text


class TestSilence:
    def test_it_lapses_at_the_end_of_the_named_day_and_says_so(
        self, letter: Letter, later: Callable[[int], None]
    ) -> None:
        signature = make_signature(letter)
        change(letter, ahead=7)
        tasks.sweep_consent()
        later(7)
        tasks.sweep_consent()
        assert status_of(signature) == SignatureStatus.APPROVED
        Touch.objects.all().delete()
        later(1)
        tasks.sweep_consent()
        tasks.sweep_consent()
        assert status_of(signature) == SignatureStatus.LAPSED
        assert Touch.objects.filter(subject="signatories:belarus-2020").exists()
        [mail] = [mail for mail in mails_to(signature.email) if mail.key.startswith("lapsed:")]
        assert keep_path(signature) in mail.body

    def test_kept_ones_pending_ones_and_those_never_asked_do_not(
        self, letter: Letter, later: Callable[[int], None]
    ) -> None:
        kept, pending = make_signature(letter), make_signature(letter, status=SignatureStatus.PENDING)
        change(letter, ahead=3)
        tasks.sweep_consent()
        press_keep(kept)
        never_asked = make_signature(letter)
        Signature.objects.filter(pk=never_asked.pk).update(version=letter.versions.get(number=1))
        later(4)
        tasks.sweep_consent()
        assert [status_of(signature) for signature in (kept, pending, never_asked)] == [
            "approved",
            "pending",
            "approved",
        ]

    def test_a_later_change_gives_a_new_day(self, letter: Letter, later: Callable[[int], None]) -> None:
        signature = make_signature(letter)
        change(letter, ahead=3)
        tasks.sweep_consent()
        change(letter, ahead=9)
        tasks.sweep_consent()
        later(5)
        tasks.sweep_consent()
        assert status_of(signature) == SignatureStatus.APPROVED
        later(5)
        tasks.sweep_consent()
        assert status_of(signature) == SignatureStatus.LAPSED

    def test_it_is_not_too_late_to_keep_it_afterwards(self, letter: Letter, later: Callable[[int], None]) -> None:
        signature = self._lapsed(letter, later)
        page = Client().get(keep_path(signature))
        assert "Your signature has lapsed" in page.text
        press_keep(signature)
        assert (status_of(signature), number_of(signature)) == (SignatureStatus.APPROVED, 2)

    def test_unless_the_organisation_stands_there_by_another(
        self, letter: Letter, later: Callable[[int], None]
    ) -> None:
        signature = self._lapsed(letter, later)
        make_signature(letter, name=signature.name, email="other@example.org")
        answer = press_keep(signature)
        assert answer.status_code == 409
        assert "by another signature" in answer.text
        assert status_of(signature) == SignatureStatus.LAPSED

    def test_a_lapsed_one_can_be_withdrawn(self, letter: Letter, later: Callable[[int], None]) -> None:
        signature = self._lapsed(letter, later)
        Client().post(links.path(signature, "withdraw"))
        assert status_of(signature) == SignatureStatus.WITHDRAWN

    def _lapsed(self, letter: Letter, later: Callable[[int], None]) -> Signature:
        signature = make_signature(letter)
        change(letter, ahead=3)
        tasks.sweep_consent()
        later(4)
        tasks.sweep_consent()
        assert status_of(signature) == SignatureStatus.LAPSED
        signature.refresh_from_db()
        return signature


class TestToldToStaff:
    """Whoever left no address says it in another way, and staff write it down."""

    @pytest.fixture
    def reviewer(self) -> User:
        return make_user(Role.Name.REVIEWER)

    @pytest.fixture
    def desk(self, reviewer: User) -> Client:
        browser = Client()
        browser.force_login(reviewer)
        return browser

    def test_they_are_listed_with_the_day_on_which_they_lapse(self, letter: Letter, desk: Client) -> None:
        told = make_signature(letter, name="By Telephone", email="", via="telephone")
        make_signature(letter, name="By the Form")
        hidden = make_signature(letter, name="In Danger", visibility="withheld")
        Organisation.objects.filter(pk=hidden.organisation_id).update(status=OrganisationStatus.LOCKED)
        version = change(letter)
        page = desk.get(reverse("desk:version", args=[letter.slug, version.number]))
        assert [name for _signature, name in page.context["unreached_named"]] == ["By Telephone", "In Danger"]
        assert f"lapse at the end of {date_format(day(7))} (UTC)" in page.text
        translator = Client()
        translator.force_login(make_user(Role.Name.TRANSLATOR, language="be"))
        assert "By Telephone" not in translator.get(page.request["PATH_INFO"]).text
        consent.keep(told, version=version)
        assert len(desk.get(page.request["PATH_INFO"]).context["unreached_named"]) == 1

    def test_how_they_said_so_is_required_and_kept(self, letter: Letter, desk: Client, reviewer: User) -> None:
        told = make_signature(letter, email="", via="telephone")
        page = reverse("desk:signature", args=[told.pk])
        assert "It holds for the new text" not in desk.get(page).text
        version = change(letter)
        assert "No mail reaches the signatory" in desk.get(page).text
        button = reverse("desk:kept", args=[told.pk])
        refused = desk.post(button, {"version": version.number, "text": " "})
        assert refused.status_code == 422
        assert "Write who said so, how and when." in refused.text
        assert number_of(told) == 1
        desk.post(button, {"version": version.number, "text": "Their chair, by telephone, today."})
        assert number_of(told) == version.number
        assert told.notes.get().text == "Their chair, by telephone, today."
        assert Event.objects.about(told).get(target="kept").by == reviewer
        assert "It holds for the new text" not in desk.get(page).text

    def test_a_lapsed_one_comes_back(self, letter: Letter, desk: Client, later: Callable[[int], None]) -> None:
        told = make_signature(letter, email="", via="telephone")
        version = change(letter)
        tasks.sweep_consent()
        later(8)
        tasks.sweep_consent()
        assert status_of(told) == SignatureStatus.LAPSED
        desk.post(reverse("desk:kept", args=[told.pk]), {"version": version.number, "text": "By telephone."})
        assert status_of(told) == SignatureStatus.APPROVED

    @pytest.mark.parametrize("shown", ["1", "", "x", "99"])
    def test_not_under_a_text_that_was_not_asked_about(self, letter: Letter, desk: Client, shown: str) -> None:
        told = make_signature(letter, email="", via="telephone")
        change(letter)
        answer = desk.post(reverse("desk:kept", args=[told.pk]), {"version": shown, "text": "By telephone."})
        assert answer.status_code == 422
        assert "The text has changed again meanwhile." in answer.text
        assert "By telephone." in answer.text
        assert (number_of(told), told.notes.count()) == (1, 0)

    def test_not_where_it_stands_there_by_another(
        self, letter: Letter, desk: Client, later: Callable[[int], None]
    ) -> None:
        told = make_signature(letter, name="One", email="", via="telephone")
        version = change(letter)
        tasks.sweep_consent()
        later(8)
        tasks.sweep_consent()
        make_signature(letter, name="One")
        answer = desk.post(reverse("desk:kept", args=[told.pk]), {"version": version.number, "text": "By telephone."})
        assert "stands under the letter by another signature already" in answer.text
        assert (status_of(told), told.notes.count()) == (SignatureStatus.LAPSED, 0)

    def test_only_by_those_who_decide_on_signatures(self, letter: Letter) -> None:
        told = make_signature(letter, email="", via="telephone")
        version = change(letter)
        translator = Client()
        translator.force_login(make_user(Role.Name.TRANSLATOR, language="be"))
        answer = translator.post(reverse("desk:kept", args=[told.pk]), {"version": version.number, "text": "Yes."})
        assert (answer.status_code, number_of(told)) == (403, 1)


class TestDeciding:
    def test_what_was_not_kept_cannot_be_approved(self, letter: Letter) -> None:
        signature = make_signature(letter, status=SignatureStatus.PENDING)
        change(letter)
        with pytest.raises(services.EarlierText):
            services.approve(signature, by=make_user())
        press_keep(signature)
        services.approve(Signature.objects.get(pk=signature.pk), by=make_user())
        assert status_of(signature) == SignatureStatus.APPROVED

    def test_the_desk_says_why(self, letter: Letter) -> None:
        signature = make_signature(letter, status=SignatureStatus.PENDING)
        change(letter)
        client = Client()
        client.force_login(make_user())
        (row,) = rows([signature])
        answer = client.post(f"/desk/signatures/{signature.pk}/approve/", {"shown": row.shown}, follow=True)
        assert "signed an earlier text" in answer.text
        assert status_of(signature) == SignatureStatus.PENDING


class TestConfirming:
    def test_a_form_of_an_earlier_text_is_confirmed_for_the_new_one_with_the_change_in_view(
        self, letter: Letter
    ) -> None:
        signature = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        change(letter, text="Keep it on.")
        path = links.path(signature, "confirm")
        page = Client().get(path)
        assert REASON["en"] in page.text
        assert "Confirm our signature under the new text" in page.text
        stated = {"shown": services.fingerprint(signature), "version": shown(page)}
        Client().post(path, stated)
        assert (status_of(signature), number_of(signature)) == (SignatureStatus.PENDING, 2)

    def test_a_page_opened_before_the_change_confirms_nothing(self, letter: Letter) -> None:
        signature = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        path, stale = links.path(signature, "confirm"), {"shown": services.fingerprint(signature)}
        change(letter)
        answer = Client().post(path, stale)
        assert answer.status_code == 409
        assert REASON["en"] in answer.text
        assert status_of(signature) == SignatureStatus.UNCONFIRMED

    def test_a_withheld_one_has_to_see_the_change_first(self, letter: Letter) -> None:
        withheld, status = Signature.Visibility.WITHHELD, SignatureStatus.UNCONFIRMED
        signature = make_signature(letter, status=status, visibility=withheld, secret_index=secret_index(new_secret()))
        change(letter)
        page = Client().get(links.path(signature, "confirm"))
        assert letter.title not in page.text
        assert 'name="shown"' not in page.text
        stated = {"shown": services.fingerprint(signature), "version": "2"}
        Client().post(links.path(signature, "confirm"), stated)
        assert status_of(signature) == SignatureStatus.UNCONFIRMED
