"""A returning organisation enters a code from its mailbox, sees what it signed, and signs another letter with it."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role, User
from letters.models import Letter
from letters.services import save_version
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import links, services, visits
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import PASSWORD, make_letter, make_signature, make_user
from tests.signatories.reaching import ACCOUNT, SECRET, code_in, enter_with_code, path, secret_of
from tests.tools import mails_to

pytestmark = pytest.mark.django_db

CODE = f"{ACCOUNT}code/"
JANE = "jane@watch.example.org"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


@pytest.fixture(autouse=True)
def no_attempts_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def signature(letter: Letter) -> Signature:
    return make_signature(letter, name="Example Watch", email=JANE)


def ask(client: Client, email: str = JANE) -> Any:
    return client.post(ACCOUNT, {"email": email})


def enter(client: Client, code: str) -> Any:
    return client.post(CODE, {"code": code})


class TestTheCode:
    def test_it_opens_the_list_in_the_browser_that_asked_for_it_once(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        assert ask(client).headers["Location"] == CODE
        [mail] = mails_to(JANE)
        code = code_in(mail)
        assert letter.title not in mail.subject + mail.body
        assert enter(Client(), code).headers["Location"] == ACCOUNT, "another browser waits for none"
        assert enter(client, code).headers["Location"] == ACCOUNT
        page = client.get(ACCOUNT)
        assert [row.pk for row in page.context["signatures"]] == [signature.pk]
        assert letter.title in page.text
        assert client.get(f"{ACCOUNT}{signature.pk}/").status_code == 200
        client.post(f"{ACCOUNT}sign-out/")
        assert enter(client, code).headers["Location"] == ACCOUNT
        assert client.get(ACCOUNT).context.get("signatures") is None

    def test_an_unknown_address_of_a_real_site_gets_an_answer_too(self, client: Client) -> None:
        ask(client, "unknown@example.org")
        assert not Mail.objects.get().is_demonstration

    @pytest.mark.parametrize("spelling", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
    def test_however_it_is_typed(self, client: Client, signature: Signature, spelling: Any) -> None:
        ask(client)
        enter(client, spelling(code_in(Mail.objects.get())))
        assert client.get(ACCOUNT).context["signatures"] == [signature]

    def test_it_expires_after_ten_minutes(self, client: Client, signature: Signature) -> None:
        ask(client)
        code = code_in(Mail.objects.get())
        with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
            assert enter(client, code).headers["Location"] == ACCOUNT
            assert "signatures" not in client.get(ACCOUNT).context

    def test_three_wrong_ones_end_it(self, client: Client, signature: Signature) -> None:
        ask(client)
        code = code_in(Mail.objects.get())
        assert [enter(client, wrong).status_code for wrong in ("", "x", "ABCD-EFGH", "ў" * 40)] == [422] * 4
        assert enter(client, code).headers["Location"] == ACCOUNT
        assert "signatures" not in client.get(ACCOUNT).context

    @pytest.mark.parametrize("wrong", ["\0", "x" * 1000, "<script>", "𝔸𝔹ℂ𝔻-𝔼𝔽𝔾ℍ", "' OR 1=1"])
    def test_strange_ones_are_wrong_ones(self, client: Client, signature: Signature, wrong: str) -> None:
        ask(client)
        assert enter(client, wrong).status_code == 422

    def test_guessing_is_bounded_by_the_code(self, client: Client, signature: Signature) -> None:
        """However often the session is put back to where nothing was guessed yet."""
        ask(client)
        kept = Session.objects.get()
        answers = []
        for _ in range(4):
            answers += [enter(client, wrong).status_code for wrong in ("BBBB-BBBB", "CCCC-CCCC")]
            kept.save()
        assert answers == [422] * 5 + [429] * 3

    def test_strangers_who_guess_do_not_lock_the_owner_out(self, client: Client, signature: Signature) -> None:
        ask(client)
        code = code_in(Mail.objects.get())
        for _ in range(6):
            stranger = Client(REMOTE_ADDR="192.0.2.7")
            ask(stranger)
            for wrong in ("BBBB-BBBB", "CCCC-CCCC", "DDDD-DDDD"):
                enter(stranger, wrong)
        enter(client, code)
        assert client.get(ACCOUNT).context["signatures"] == [signature]

    def test_nor_do_those_who_ask_for_codes(self, client: Client, signature: Signature) -> None:
        """Whoever has a link of ours gets a code all the same, three times a day."""
        for number in range(12):
            ask(Client(REMOTE_ADDR="192.0.2.7"), f"jane+{number}@watch.example.org")
        assert len(mails_to(JANE)) == 3
        assert ask(client).status_code == 302
        assert "on the page behind it you can have a code mailed" in client.get(CODE).text
        own = path(links.own_url(signature))
        assert f'action="{own}code/"' in client.get(own).text
        for _ in range(5):
            assert client.post(f"{own}code/").headers["Location"] == CODE
        assert len(mails_to(JANE)) == 6
        enter(client, code_in(mails_to(JANE)[-1]))
        assert client.get(ACCOUNT).context["signatures"] == [signature]

    def test_a_link_to_what_is_withheld_or_locked_gets_none(self, client: Client, letter: Letter) -> None:
        hidden = make_signature(letter, email=JANE, visibility="withheld")
        locked = make_signature(letter, email=JANE)
        assert locked.organisation
        services.lock(locked.organisation, by=make_user())
        client.post(SECRET, {"secret": secret_of(hidden)})
        for signature in (hidden, locked):
            signature.refresh_from_db()
            page = path(links.own_url(signature))
            assert f"{page}code/" not in client.get(page).text
            client.post(f"{page}code/")
        assert not Mail.objects.exists()

    def test_looking_at_the_button_mails_nothing(self, client: Client, signature: Signature) -> None:
        assert client.get(f"{path(links.own_url(signature))}code/").status_code == 405
        assert not Mail.objects.exists()

    def test_the_latest_one_counts(self, client: Client, signature: Signature) -> None:
        for _ in range(2):
            ask(client)
        first, second = (code_in(mail) for mail in mails_to(JANE))
        assert enter(client, first).status_code == 422
        assert enter(client, second).status_code == 302

    def test_past_the_limit_the_last_one_goes_on_working(self, client: Client, signature: Signature) -> None:
        for _ in range(4):
            ask(client)
        assert len(mails_to(JANE)) == 3
        enter(client, code_in(mails_to(JANE)[-1]))
        assert client.get(ACCOUNT).context["signatures"] == [signature]

    def test_neither_code_nor_address_is_kept(self, client: Client, signature: Signature) -> None:
        ask(client)
        code = code_in(Mail.objects.get())
        enter(client, code)
        for session in Session.objects.all():
            kept = str(session.get_decoded())
            assert code not in kept
            assert "jane" not in kept

    def test_the_cookie_comes_with_the_code_and_lasts_half_an_hour(self, client: Client, signature: Signature) -> None:
        assert "sessionid" not in client.get(ACCOUNT).cookies
        enter_with_code(client, JANE)
        assert 0 < client.cookies["sessionid"]["max-age"] <= 1800
        assert client.cookies["sessionid"]["httponly"]
        with time_machine.travel(timezone.now() + timedelta(minutes=31)):
            assert "signatures" not in client.get(ACCOUNT).context
            assert client.get(f"{ACCOUNT}{signature.pk}/").status_code == 404

    def test_the_session_is_another_once_the_code_is_entered(self, client: Client, signature: Signature) -> None:
        ask(client)
        before = client.cookies["sessionid"].value
        enter(client, code_in(Mail.objects.get()))
        assert client.cookies["sessionid"].value != before


class TestNobodyLearnsWhoSigned:
    def test_a_known_and_an_unknown_address_get_the_same_page_bytes_and_queries(
        self, letter: Letter, signature: Signature
    ) -> None:
        make_signature(letter, email="hidden@watch.example.org", visibility="withheld")
        found = {}
        ask(Client(), "first@example.org")  # what is loaded once
        for email in (JANE, "nobody@example.org", "hidden@watch.example.org"):
            browser = Client()
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = ask(browser, email)
            page, wrong = browser.get(CODE), enter(browser, "BCDF-GHJK")
            found[email] = (
                answer.status_code, answer.headers["Location"], len(queries),
                TOKEN.sub("", page.text), wrong.status_code, TOKEN.sub("", wrong.text), sorted(answer.cookies),
            )  # fmt: skip
        assert len({str(seen) for seen in found.values()}) == 1, found

    def test_an_address_without_a_listed_signature_gets_a_mail_that_says_so_and_names_nothing(
        self, client: Client, letter: Letter
    ) -> None:
        make_signature(letter, name="Hidden Watch", email=JANE, visibility="withheld")
        ask(client)
        [mail] = mails_to(JANE)
        assert not re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.body)
        said = re.sub(r"http\S+", "", mail.subject + mail.body)
        for word in (letter.title, "Hidden", "Undersigned", "signature", "letter"):
            assert word not in said
        assert mail.sender == "signatures@undersigned.example.org"

    def test_at_most_three_mails_a_day_whatever_form_they_come_from(self, letter: Letter, signature: Signature) -> None:
        for variant in (JANE, "Jane+a@watch.example.org", "j.a.n.e@watch.example.org", JANE, JANE):
            ask(Client(), variant)
        assert Mail.objects.count() == 3
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            ask(Client())
        assert Mail.objects.count() == 4

    def test_a_code_goes_to_the_address_that_signed_and_not_to_a_variant_that_was_typed(
        self, client: Client, signature: Signature
    ) -> None:
        ask(client, "j.a.n.e+x@watch.example.org")
        assert Mail.objects.get().to == JANE

    def test_who_reads_a_variant_of_an_address_sees_nothing_of_the_other(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        """At some servers a dot makes another mailbox."""
        theirs = make_signature(letter, name="Somebody Else", email="j.ane@watch.example.org")
        enter_with_code(client, theirs.email)
        assert client.get(ACCOUNT).context["signatures"] == [theirs]
        assert client.get(f"{ACCOUNT}{signature.pk}/").status_code == 404

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "x@\0", "a@example.org\nBcc: b@example.org"])
    def test_what_is_no_address_is_said_at_the_field(self, client: Client, email: str) -> None:
        answer = ask(client, email)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["email"]
        assert not Mail.objects.exists()


class TestStaff:
    def test_a_code_signs_nobody_in_at_the_desk(self, client: Client, letter: Letter) -> None:
        user = make_user(Role.Name.ADMINISTRATOR)
        make_signature(letter, email=user.email)
        enter_with_code(client, user.email)
        assert client.get(ACCOUNT).context["signatures"]
        for page in ("/desk/", "/admin/"):
            assert client.get(page).status_code == 302
        assert "_auth_user_id" not in client.session

    def test_there_is_no_account_for_a_signer(self, client: Client, signature: Signature) -> None:
        before = set(User.objects.values_list("pk", flat=True))
        enter_with_code(client, JANE)
        assert set(User.objects.values_list("pk", flat=True)) == before

    def test_signing_out_here_leaves_the_desk_open(self, client: Client, signature: Signature) -> None:
        user = make_user()
        client.force_login(user)
        enter_with_code(client, JANE)
        client.post(f"{ACCOUNT}sign-out/")
        assert "signatures" not in client.get(ACCOUNT).context
        assert client.session["_auth_user_id"] == str(user.pk)

    def test_nor_does_the_desk_open_the_list(self, client: Client, signature: Signature) -> None:
        user = make_user(email=JANE)
        client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert "signatures" not in client.get(ACCOUNT).context
        assert client.get(f"{ACCOUNT}{signature.pk}/").status_code == 404


class TestTheList:
    def test_it_holds_nothing_withheld_and_nothing_locked(
        self, client: Client, letter: Letter, signature: Signature
    ) -> None:
        hidden = make_signature(letter, name="Hidden", email=JANE, visibility="withheld")
        locked = make_signature(make_letter(slug="other"), name="Locked", email=JANE)
        assert locked.organisation
        services.lock(locked.organisation, by=make_user())
        enter_with_code(client, JANE)
        page = client.get(ACCOUNT)
        assert page.context["signatures"] == [signature]
        assert "Hidden" not in page.text
        assert client.get(f"{ACCOUNT}{hidden.pk}/").status_code == 404
        assert client.get(f"{ACCOUNT}{locked.pk}/").status_code == 403

    def test_what_is_withheld_later_leaves_it(self, client: Client, signature: Signature) -> None:
        enter_with_code(client, JANE)
        Signature.objects.update(visibility="withheld")
        assert client.get(ACCOUNT).context["signatures"] == []
        assert client.get(f"{ACCOUNT}{signature.pk}/").status_code == 404

    @pytest.mark.parametrize("status", list(SignatureStatus))
    def test_the_state_of_each_is_shown(self, client: Client, letter: Letter, status: str) -> None:
        signature = make_signature(letter, email=JANE, status=status)
        enter_with_code(client, JANE)
        assert signature.get_status_display() in client.get(ACCOUNT).text


class TestSigningAnother:
    @pytest.fixture
    def other(self) -> Letter:
        return make_letter(slug="another")

    @pytest.fixture
    def page(self, client: Client, signature: Signature, other: Letter) -> str:
        enter_with_code(client, JANE)
        return f"{ACCOUNT}{signature.pk}/co-sign/another/"

    def tick(self, letter: Letter, **changes: str) -> dict[str, str]:
        return {"consent": "on", "authority": "on", "version": str(letter.version.pk), **changes}

    def test_with_one_button_and_no_mail_to_confirm(
        self, client: Client, signature: Signature, other: Letter, page: str
    ) -> None:
        assert page in client.get(ACCOUNT).text
        text = client.get(page).text
        assert "Example Watch" in text
        assert "checked" not in text
        answer = client.post(page, self.tick(other))
        signed = other.signatures.get()
        assert answer.headers["Location"] == f"{ACCOUNT}{signed.pk}/"
        assert (signed.status, signed.version, signed.name_en) == ("pending", other.version, "Example Watch")  # type: ignore[attr-defined]
        for column in ("representative", "role", "email", "mailbox", "country", "website", "language", "visibility"):
            assert getattr(signed, column) == getattr(signature, column)
        assert "Your signature is confirmed" in mails_to(JANE)[-1].subject
        assert page not in client.get(ACCOUNT).text

    @pytest.mark.parametrize("missing", ["consent", "authority", "version"])
    def test_consent_and_authority_are_asked_again(
        self, client: Client, other: Letter, page: str, missing: str
    ) -> None:
        answer = client.post(page, self.tick(other, **{missing: ""}))
        assert answer.status_code == 422
        assert missing in answer.context["form"].errors
        assert not other.signatures.exists()

    def test_a_text_that_changed_meanwhile_is_read_again(self, client: Client, other: Letter, page: str) -> None:
        old = self.tick(other)
        other.title_en = "Another title"  # type: ignore[attr-defined]
        other.save()
        save_version(other)
        assert client.post(page, old).status_code == 422
        assert not other.signatures.exists()

    def test_twice_is_once(self, client: Client, other: Letter, page: str) -> None:
        for _ in range(2):
            assert client.post(page, self.tick(other)).status_code == 302
        assert other.signatures.count() == 1

    def test_what_a_stranger_left_unconfirmed_is_not_what_is_signed(
        self, client: Client, other: Letter, page: str
    ) -> None:
        make_signature(other, name="Example Watch", email=JANE, status="unconfirmed", representative="A Stranger")
        client.post(page, self.tick(other))
        signed = other.signatures.get()
        assert (signed.status, signed.representative) == ("pending", "Example Person " + signed.representative[15:])
        assert signed.representative != "A Stranger"

    def test_not_by_the_link_of_a_mail(self, client: Client, signature: Signature, other: Letter) -> None:
        assert client.post(f"{ACCOUNT}{signature.pk}/co-sign/another/", self.tick(other)).status_code == 404
        assert not other.signatures.exists()

    @pytest.mark.parametrize("status", [LetterStatus.CLOSED, LetterStatus.DRAFT])
    def test_not_what_is_not_open(self, client: Client, other: Letter, page: str, status: str) -> None:
        Letter.objects.filter(pk=other.pk).update(status=status)
        assert page not in client.get(ACCOUNT).text
        assert client.post(page, self.tick(other)).status_code == 410

    def test_not_what_is_not_public(self, client: Client, other: Letter, page: str) -> None:
        Letter.objects.filter(pk=other.pk).update(published_at=None)
        assert other.title not in client.get(ACCOUNT).context["open_to"]
        assert client.get(page).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_few_are_looked_at() -> None:
    make_signature(make_letter(), email=JANE)
    browser = Client()
    ask(browser)
    answers: list[int] = []

    def guess() -> None:
        mine = Client()
        mine.cookies["sessionid"] = browser.cookies["sessionid"].value
        answers.append(enter(mine, "BBBB-BBBB").status_code)
        connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert answers.count(422) <= 5
    assert visits.ATTEMPTS < 5
