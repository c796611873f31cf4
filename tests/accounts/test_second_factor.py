"""The second step of signing in, the fresh sign-in before what matters most, and what is kept of either."""

import hashlib
import hmac
import json
import re
import struct
from base64 import b32decode
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Role, User
from accounts.services import NoSecondFactor, remove_second_factor
from dispatch.models import Dispatch
from dispatch.services import dispatches
from dispatch.states import DispatchStatus
from ledger.models import Event
from mailing.models import Mail
from tests.accounts.test_access import desk_addresses, sign_in
from tests.dispatch.sending import authorise, dossier_of, make_covering, waive_all
from tests.factories import PASSWORD, make_edition, make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db
OURS = "/accounts/second-factor/"
SECOND_STEP = f"{OURS}sign-in/"
APP = f"{OURS}app/"
CODES = f"{OURS}codes/"


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or some steps later (RFC 6238)."""
    counter = int(datetime.now(UTC).timestamp()) // 30 + steps
    digest = hmac.new(b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def add_app(browser: Client) -> str:
    """Set an authenticator app up as a person does; the key that it got."""
    page = browser.get(APP).content.decode()
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found
    answer = browser.post(APP, {"code": code_of(found[1])})
    assert answer.headers["Location"] == CODES
    return found[1]


def recovery_codes(browser: Client) -> list[str]:
    return re.findall(r"<code>([\d-]+)</code>", browser.get(CODES).content.decode())


@pytest.fixture
def user() -> User:
    return make_user(Role.Name.SENDER)


@pytest.fixture
def secret(user: User) -> str:
    """The key in the app of `user`. A while has passed since the app was added."""
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        browser, _ = sign_in(user)
        return add_app(browser)


class TestSigningIn:
    def test_without_a_second_factor_the_password_is_enough(self, user: User) -> None:
        assert sign_in(user)[1].headers["Location"] == "/desk/"

    def test_with_one_the_password_opens_nothing(self, user: User, secret: str) -> None:
        browser, answer = sign_in(user, next="/desk/?page=2")
        assert answer.headers["Location"] == SECOND_STEP
        assert browser.get("/desk/").headers["Location"].startswith("/accounts/login/")
        assert browser.get(OURS).headers["Location"].startswith("/accounts/login/")
        answer = browser.post(SECOND_STEP, {"code": code_of(secret)})
        assert answer.headers["Location"] == "/desk/?page=2"
        assert browser.get("/desk/").status_code == 200

    @pytest.mark.parametrize("code", ["", "000000", "١٢٣٤٥٦", "1" * 5000, "\0", "<b>", "-1"])
    def test_a_wrong_code_does_not(self, user: User, secret: str, code: str) -> None:
        browser, _ = sign_in(user)
        answer = browser.post(SECOND_STEP, {"code": code})
        assert answer.status_code == 200
        assert 'aria-invalid="true"' in answer.content.decode()
        assert browser.get("/desk/").status_code == 302

    def test_a_code_is_good_once_for_as_long_as_it_is_good(self, user: User, secret: str) -> None:
        now = datetime.now(UTC).replace(second=5)
        with time_machine.travel(now):
            code = code_of(secret)
            assert sign_in(user)[0].post(SECOND_STEP, {"code": code}).status_code == 302
        for later in (1, 28, 34, 54):
            with time_machine.travel(now + timedelta(seconds=later)):
                assert sign_in(user)[0].post(SECOND_STEP, {"code": code}).status_code == 200

    @pytest.mark.parametrize(("steps", "status"), [(-2, 200), (-1, 302), (1, 302), (2, 200)])
    def test_a_phone_may_be_half_a_minute_off(self, user: User, secret: str, steps: int, status: int) -> None:
        with time_machine.travel(datetime.now(UTC), tick=False):
            assert sign_in(user)[0].post(SECOND_STEP, {"code": code_of(secret, steps=steps)}).status_code == status

    def test_nobody_goes_on_guessing_codes(self, user: User, secret: str) -> None:
        browser, _ = sign_in(user)
        for _ in range(5):
            browser.post(SECOND_STEP, {"code": "000000"})
        answer = browser.post(SECOND_STEP, {"code": code_of(secret)})
        assert "Too many attempts failed." in answer.content.decode()

    def test_a_recovery_code_is_good_once(self, user: User, secret: str) -> None:
        browser, _ = sign_in(user)
        browser.post(SECOND_STEP, {"code": code_of(secret)})
        codes = recovery_codes(browser)
        assert len(set(codes)) == 10
        assert sign_in(user)[0].post(SECOND_STEP, {"code": codes[0]}).headers["Location"] == "/desk/"
        assert sign_in(user)[0].post(SECOND_STEP, {"code": codes[0]}).status_code == 200
        assert recovery_codes(browser) == codes[1:]

    def test_a_new_password_does_not_walk_around_it(self, user: User, secret: str) -> None:
        User.objects.get(pk=user.pk).set_password("another pass phrase here")
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": user.email})
        found = re.search(r"(/accounts/password/reset/key/\S+)", Mail.objects.latest("pk").body)
        assert found
        form = browser.get(found[1], follow=True).redirect_chain[-1][0]
        chosen = "another pass phrase here"
        browser.post(form, {"password1": chosen, "password2": chosen})
        assert sign_in(user, chosen)[1].headers["Location"] == SECOND_STEP

    def test_a_key_that_is_none_of_theirs_is_refused(self, user: User, secret: str) -> None:
        browser, _ = sign_in(user)
        for credential in ("", "{}", "[]", "null", "x", '{"id": 1}', '{"id": "a", "rawId": "a", "response": {}}'):
            answer = browser.post(SECOND_STEP, {"credential": credential})
            assert (answer.status_code, browser.get("/desk/").status_code) == (200, 302), credential


class TestSettingUp:
    def test_an_app_is_added_with_the_code_that_it_shows(self, user: User) -> None:
        browser, _ = sign_in(user)
        secret = add_app(browser)
        assert len(recovery_codes(browser)) == 10
        page = browser.get(OURS).content.decode()
        assert "Your app shows a code for this account" in page
        assert secret not in page
        assert browser.get(APP).headers["Location"] == f"{APP}remove/"

    def test_not_with_another(self, user: User) -> None:
        browser, _ = sign_in(user)
        browser.get(APP)
        assert browser.post(APP, {"code": "000000"}).status_code == 200
        assert not Authenticator.objects.exists()

    def test_the_square_and_the_link_are_on_the_page_itself(self, user: User) -> None:
        page = sign_in(user)[0].get(APP).content.decode()
        assert "<svg" in page
        assert "data:" not in page
        assert 'href="otpauth://totp/' in page
        assert "style=" not in page

    def test_an_app_is_removed_and_its_codes_with_it(self, user: User, secret: str) -> None:
        browser, _ = sign_in(user)
        browser.post(SECOND_STEP, {"code": code_of(secret)})
        assert browser.get(f"{APP}remove/").status_code == 200
        assert Authenticator.objects.count() == 2
        browser.post(f"{APP}remove/")
        assert not Authenticator.objects.exists()
        assert sign_in(user)[1].headers["Location"] == "/desk/"

    def test_new_codes_end_the_old_ones(self, user: User, secret: str) -> None:
        browser, _ = sign_in(user)
        browser.post(SECOND_STEP, {"code": code_of(secret)})
        old = recovery_codes(browser)
        browser.get(f"{CODES}new/")
        assert recovery_codes(browser) == old
        browser.post(f"{CODES}new/")
        assert not set(recovery_codes(browser)) & set(old)

    @pytest.mark.parametrize("page", [APP, f"{APP}remove/", CODES, f"{CODES}new/", f"{OURS}keys/add/"])
    def test_it_takes_a_fresh_sign_in(self, user: User, secret: str, page: str) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=6)):
            browser, _ = sign_in(user)
            browser.post(SECOND_STEP, {"code": code_of(secret)})
        if page == APP:
            Authenticator.objects.filter(type="totp").delete()
        answer = browser.get(page)
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")

    def test_of_a_key_one_can_add_only_what_a_key_has_answered(self, user: User) -> None:
        browser, _ = sign_in(user)
        add = f"{OURS}keys/add/"
        assert '"challenge"' in browser.get(add).content.decode()
        for credential in ("", "{}", "null", "x", '{"id": "a", "rawId": "a", "type": "public-key", "response": {}}'):
            assert browser.post(add, {"name": "Mine", "credential": credential}).status_code == 200
        assert not Authenticator.objects.exists()

    def test_nobody_removes_another_ones_key(self, user: User) -> None:
        other = Authenticator.objects.create(user=make_user(), type="webauthn", data={"name": "x", "credential": {}})
        browser, _ = sign_in(user)
        assert browser.post(f"{OURS}keys/{other.pk}/remove/").status_code == 404


class TestWhatIsKept:
    def test_secrets_are_encrypted(self, user: User, secret: str) -> None:
        rows = {factor.type: factor.data for factor in Authenticator.objects.all()}
        assert secret not in json.dumps(rows)
        assert rows["totp"]["secret"].startswith("gAAAA")
        assert rows["recovery_codes"]["seed"].startswith("gAAAA")

    def test_a_new_key_of_the_site_takes_them_over(self, user: User, secret: str, settings: Settings) -> None:
        settings.CONTACT_KEYS = ["a new key of the site", *settings.CONTACT_KEYS]
        call_command("encrypt_contacts", stdout=StringIO())
        settings.CONTACT_KEYS = settings.CONTACT_KEYS[:1]
        assert sign_in(user)[0].post(SECOND_STEP, {"code": code_of(secret)}).status_code == 302

    def test_no_address_is_kept_or_mailed(self, user: User, secret: str) -> None:
        forged = {"REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "Peculiar/1.0"}
        browser = Client(**forged)  # type: ignore[arg-type]
        browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        browser.post(SECOND_STEP, {"code": "000000"})
        browser.post(SECOND_STEP, {"code": code_of(secret)})
        browser.post(f"{CODES}new/")
        browser.post(f"{APP}remove/")
        kept = [str(session.get_decoded()) for session in Session.objects.all()]
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM django_cache")
            kept += [str(row) for row in cursor.fetchall()]
        kept += [f"{mail.subject} {mail.body}" for mail in Mail.objects.all()]
        assert [text for text in kept if "203.0.113.9" in text or "Peculiar" in text] == []

    def test_each_change_is_told_by_mail_in_the_language_of_the_account(
        self, user: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        User.objects.filter(pk=user.pk).update(language="be")
        with django_capture_on_commit_callbacks(execute=True):
            browser, _ = sign_in(user)
            add_app(browser)
            browser.post(f"{CODES}new/")
            browser.post(f"{APP}remove/")
        mails = list(Mail.objects.order_by("pk"))
        assert {(mail.to, mail.language) for mail in mails} == {(user.email, "be")}
        assert len({mail.subject for mail in mails}) == 3
        assert "http://localhost:8000/accounts/password/reset/" in mails[0].body


class TestRequired:
    @pytest.fixture(autouse=True)
    def required(self, settings: Settings) -> None:
        settings.REQUIRE_SECOND_FACTOR = True

    def test_the_desk_opens_once_there_is_one(self, user: User) -> None:
        browser, answer = sign_in(user)
        led = browser.get(answer.headers["Location"])
        assert led.headers["Location"] == OURS
        assert "The desk opens once you sign in with a second factor." in browser.get(OURS).content.decode()
        add_app(browser)
        assert browser.get("/desk/").status_code == 200

    def test_no_page_of_the_desk_opens_before_and_no_button_works(self) -> None:
        letter = make_letter()
        make_signature(letter)
        make_edition(letter)
        browser, _ = sign_in(make_user(Role.Name.ADMINISTRATOR))
        for address in desk_addresses():
            for answer in (browser.get(address), browser.post(address)):
                assert answer.status_code == 405 or answer.headers["Location"] == OURS, address

    def test_recovery_codes_alone_are_none(self, user: User) -> None:
        browser, _ = sign_in(user)
        add_app(browser)
        Authenticator.objects.filter(type="totp").delete()
        assert browser.get("/desk/").headers["Location"] == OURS

    def test_the_admin_is_behind_the_same_door(self) -> None:
        browser, _ = sign_in(make_user("", is_staff=True, is_superuser=True))
        for address in ("/admin/", "/admin/accounts/user/"):
            assert browser.get(address, follow=True).redirect_chain[-1][0] == OURS
        add_app(browser)
        assert browser.get("/admin/").status_code == 200

    def test_the_language_can_be_chosen_before(self, user: User) -> None:
        browser, _ = sign_in(user)
        assert browser.post("/accounts/language/", {"language": "be", "next": OURS}).headers["Location"] == OURS
        assert '<html lang="be">' in browser.get(OURS).content.decode()


class TestFreshSignIn:
    @pytest.fixture
    def dispatch(self, settings: Settings) -> Dispatch:
        """It waits for the second person's word alone."""
        settings.SENDING_ENABLED = True
        letter = make_letter()
        make_covering(letter)
        made = dispatches.prepare(make_edition(letter, sealed=True), by=make_user())
        waive_all(made, by=make_user(Role.Name.SENDER))
        dispatches.authorise(made, by=made.prepared_by, seen=dossier_of(made).sha256)
        return made

    def signed_in_a_while_ago(self, user: User) -> Client:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=6)):
            return sign_in(user)[0]

    def test_a_dispatch_is_authorised_after_the_password_once_more(self, user: User, dispatch: Dispatch) -> None:
        browser, page = self.signed_in_a_while_ago(user), f"/desk/dispatches/{dispatch.pk}/"
        assert f'name="next" value="{page}"' in browser.get(page).content.decode()
        asked = browser.post(f"{page}authorise/", {"next": page})
        again = asked.headers["Location"]
        assert again == f"/accounts/reauthenticate/?next={page.replace('/', '%2F')}"
        shown = browser.get(again).content.decode()
        assert "press the button there again" in shown
        wrong = browser.post(again, {"password": "wrong", "next": page})
        assert "The password is not right." in wrong.content.decode()
        dispatch.refresh_from_db()
        assert dispatch.status == DispatchStatus.PREPARED
        back = browser.post(again, {"password": PASSWORD, "next": page})
        assert back.headers["Location"] == page
        dispatch.refresh_from_db()
        assert dispatch.status == DispatchStatus.PREPARED, "the button is pressed by people alone"
        browser.post(f"{page}authorise/", {"next": page, "seen": dossier_of(dispatch).sha256})
        dispatch.refresh_from_db()
        assert (dispatch.status, dispatch.authorised_by) == (DispatchStatus.AUTHORISED, user)

    def test_a_code_will_do_in_place_of_the_password(self, user: User, secret: str, dispatch: Dispatch) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=6)):
            browser, _ = sign_in(user)
            browser.post(SECOND_STEP, {"code": code_of(secret)})
        page = f"/desk/dispatches/{dispatch.pk}/"
        again = browser.post(f"{page}authorise/", {"next": page}).headers["Location"]
        other = re.search(rf'href="({OURS}again/[^"]+)"', browser.get(again).content.decode())
        assert other
        assert browser.post(other[1], {"code": "000000", "next": page}).status_code == 200
        assert browser.post(other[1], {"code": code_of(secret), "next": page}).headers["Location"] == page
        browser.post(f"{page}authorise/", {"next": page, "seen": dossier_of(dispatch).sha256})
        dispatch.refresh_from_db()
        assert dispatch.status == DispatchStatus.AUTHORISED

    def test_to_prepare_one_takes_it_too(self) -> None:
        edition = make_edition(make_letter(), sealed=True)
        browser, letter = self.signed_in_a_while_ago(make_user()), "/desk/letters/belarus-2020/"
        prepare = f"/desk/editions/{edition.pk}/prepare/"
        assert f'<input type="hidden" name="next" value="{letter}">' in browser.get(letter).content.decode()
        again = browser.post(prepare, {"next": letter}).headers["Location"]
        assert again.startswith("/accounts/reauthenticate/")
        assert not Dispatch.objects.exists()
        assert browser.post(again, {"password": PASSWORD, "next": letter}).headers["Location"] == letter
        browser.post(prepare, {"next": letter})
        assert Dispatch.objects.get().edition == edition

    def test_whoever_may_not_is_not_asked_who_they_are(self, dispatch: Dispatch) -> None:
        browser = self.signed_in_a_while_ago(make_user(Role.Name.REVIEWER))
        assert browser.post(f"/desk/dispatches/{dispatch.pk}/authorise/").status_code == 403

    def test_it_leads_nowhere_else(self, user: User, dispatch: Dispatch) -> None:
        browser = self.signed_in_a_while_ago(user)
        asked = browser.post(f"/desk/dispatches/{dispatch.pk}/authorise/", {"next": "https://evil.example.org/"})
        assert asked.headers["Location"] == "/accounts/reauthenticate/?next=%2Fdesk%2F"
        back = browser.post(asked.headers["Location"], {"password": PASSWORD, "next": "https://evil.example.org/"})
        assert "evil" not in back.headers["Location"]

    def test_to_halt_needs_none(self, user: User, dispatch: Dispatch) -> None:
        authorise(dispatch, by=user)
        dispatches.start(dispatch)
        self.signed_in_a_while_ago(user).post(f"/desk/dispatches/{dispatch.pk}/halt/")
        dispatch.refresh_from_db()
        assert dispatch.status == DispatchStatus.HALTED


class TestLost:
    def test_an_administrator_removes_it_and_it_is_recorded_and_told(self, user: User, secret: str) -> None:
        admin = make_user("", is_staff=True, is_superuser=True)
        browser, _ = sign_in(admin)
        chosen = {"action": "remove_second_factor", "_selected_action": [user.pk, admin.pk]}
        said = browser.post("/admin/accounts/user/", chosen, follow=True).content.decode()
        assert "Removed from 1 account." in said
        assert f"No second factor: {admin}." in said
        [event] = Event.objects.about(user)
        assert (event.target, event.by) == ("factor removed", admin)
        assert Mail.objects.latest("pk").subject == "An administrator removed the second factor from your account"
        assert sign_in(user)[1].headers["Location"] == "/desk/"

    def test_it_takes_a_fresh_sign_in(self, user: User, secret: str) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=6)):
            browser, _ = sign_in(make_user("", is_staff=True, is_superuser=True))
        chosen = {"action": "remove_second_factor", "_selected_action": [user.pk]}
        answer = browser.post("/admin/accounts/user/", chosen)
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
        assert Authenticator.objects.filter(user=user).exists()

    def test_the_admin_shows_nothing_of_what_is_kept(self) -> None:
        browser, _ = sign_in(make_user("", is_staff=True, is_superuser=True))
        assert browser.get("/admin/mfa/authenticator/").status_code == 404

    def test_an_operator_removes_it_at_the_command_line(self, user: User, secret: str) -> None:
        call_command("remove_second_factor", user.email.upper(), stdout=StringIO())
        assert not Authenticator.objects.exists()
        [event] = Event.objects.about(user)
        assert event.by is None
        for email in (user.email, "nobody@example.org"):
            with pytest.raises(CommandError, match=email):
                call_command("remove_second_factor", email)

    def test_where_there_is_none_nothing_is_recorded(self, user: User) -> None:
        with pytest.raises(NoSecondFactor):
            remove_second_factor(user, by=None)
        assert not Event.objects.about(user).exists()


def test_pages_of_the_second_factor_are_for_those_who_signed_in() -> None:
    for page in ("", "app/", "app/remove/", "codes/", "codes/new/", "keys/add/", "keys/1/remove/", "again/"):
        answer: Any = Client().get(f"{OURS}{page}")
        assert answer.headers["Location"].startswith("/accounts/login/"), page
    assert Client().get(SECOND_STEP).headers["Location"] == "/accounts/login/"
