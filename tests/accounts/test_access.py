"""Who gets in, where, and how: the staff's door, the checks behind it, and Django's admin."""

import re
from collections import defaultdict
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse

from accounts import access
from accounts.models import Role, User
from accounts.services import RoleNeedsLanguage, add_staff, password_link
from mailing.models import Mail
from mailing.services import send
from tests.factories import PASSWORD, make_edition, make_letter, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
HOME = "/desk/"
LOGIN = "/accounts/login/"
NEW = "a rather new pass phrase"
CHECKS = {
    access.access_desk: set(Role.Name),
    access.access_review: {Role.Name.REVIEWER, Role.Name.CAMPAIGNER, Role.Name.ADMINISTRATOR},
    access.access_campaign: {Role.Name.CAMPAIGNER, Role.Name.ADMINISTRATOR},
    access.access_send: {Role.Name.SENDER, Role.Name.ADMINISTRATOR},
}


def sign_in(user: User, password: str = PASSWORD, **more: str) -> tuple[Client, Any]:
    browser = Client()
    return browser, browser.post(LOGIN, {"login": user.email, "password": password, **more})


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("role", Role.Name)
def test_what_each_role_may_do(check: Any, role: str) -> None:
    user = make_user(role, language="be" if role == Role.Name.TRANSLATOR else "")
    assert access.may(user, check) == (role in CHECKS[check])


@pytest.mark.parametrize("check", CHECKS)
def test_without_a_role_or_with_a_closed_account_nothing(check: Any) -> None:
    assert not access.may(make_user(""), check)
    assert not access.may(make_user(Role.Name.ADMINISTRATOR, is_active=False), check)
    assert access.may(make_user("", is_superuser=True), check)


def desk_addresses() -> list[str]:
    """Every address of the desk, filled in: each number is the first row's."""
    keys = defaultdict(lambda: "1", slug="belarus-2020", language="en")
    desk = get_resolver("campaign.desk_urls").reverse_dict
    ways = [way for name in desk if isinstance(name, str) for possible, *_ in desk.getlist(name) for way in possible]
    return sorted({HOME + template % keys for template, _ in ways})


@pytest.fixture
def everything() -> None:
    """A row of each kind, under the keys that `desk_addresses` names."""
    letter = make_letter()
    make_signature(letter)
    make_edition(letter)


@pytest.mark.usefixtures("everything")
def test_no_page_of_the_desk_opens_without_signing_in() -> None:
    addresses = desk_addresses()
    assert len(addresses) > 10
    for address in addresses:
        for answer in (Client().get(address), Client().post(address)):
            assert answer.status_code == 405 or answer.headers["Location"].startswith(LOGIN), address


@pytest.mark.usefixtures("everything")
def test_no_page_of_the_desk_opens_without_a_role() -> None:
    browser = Client()
    browser.force_login(make_user(""))
    for address in desk_addresses():
        for answer in (browser.get(address), browser.post(address)):
            assert answer.status_code in (403, 405), address


@pytest.mark.usefixtures("everything")
def test_a_button_of_the_desk_needs_the_forms_token() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(Role.Name.ADMINISTRATOR))
    for address in desk_addresses():
        assert browser.post(address).status_code in (403, 405), address


def test_signed_in_one_comes_to_the_page_one_asked_for() -> None:
    make_letter()
    user = make_user(Role.Name.REVIEWER)
    browser, answer = sign_in(user)
    assert answer.headers["Location"] == HOME
    asked = browser.get(HOME)
    assert (asked.status_code, asked.headers["Cache-Control"]) == (200, "no-store")
    page = "/desk/letters/belarus-2020/?state=approved"
    to_login = Client().get(page).headers["Location"]
    assert to_login == f"{LOGIN}?next=/desk/letters/belarus-2020/%3Fstate%3Dapproved"
    assert sign_in(user, next=page)[1].headers["Location"] == page


def test_after_signing_in_a_button_is_not_pressed_again() -> None:
    answer = Client().post("/desk/signatures/1/approve/", {"next": "/desk/?page=2"})
    assert answer.headers["Location"] == f"{LOGIN}?next=/desk/%3Fpage%3D2"


def test_the_e_mail_is_the_login_in_whatever_case() -> None:
    user = make_user(email="mixed@example.org")
    answer = Client().post(LOGIN, {"login": " Mixed@Example.org ", "password": PASSWORD})
    assert answer.headers["Location"] == HOME
    assert user.email == "mixed@example.org"


def test_a_wrong_password_and_an_unknown_address_are_told_alike() -> None:
    user = make_user()
    known, unknown = (
        Client().post(LOGIN, {"login": email, "password": "wrong"}) for email in (user.email, "nobody@example.org")
    )
    for answer in (known, unknown):
        assert answer.status_code == 200
        assert "The e-mail address or the password is not right." in answer.content.decode()
    assert f'value="{user.email}"' in known.content.decode()


def test_a_closed_account_stays_out() -> None:
    browser, answer = sign_in(make_user(is_active=False))
    assert answer.headers["Location"] == reverse("account_inactive")
    assert browser.get(answer.headers["Location"]).status_code == 200
    assert browser.get(HOME).headers["Location"].startswith(LOGIN)


def test_nobody_goes_on_guessing() -> None:
    user = make_user()
    for _ in range(5):
        sign_in(user, "wrong")
    _, answer = sign_in(user)
    assert "Too many attempts failed." in answer.content.decode()


@pytest.mark.parametrize("language", ["en", "be", "ru"])
@pytest.mark.parametrize(
    "name", ["login", "inactive", "password/reset", "password/reset/done", "password/reset/key/1-x"]
)
def test_pages_before_signing_in_speak_the_browsers_language(name: str, language: str) -> None:
    answer = Client().get(f"/accounts/{name}/", headers={"Accept-Language": language})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in page
    assert "signup" not in page
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', page) == []


def test_signing_out_takes_a_button() -> None:
    browser, _ = sign_in(make_user())
    assert browser.get("/accounts/logout/").status_code == 200
    assert browser.get(HOME).status_code == 200
    browser.post("/accounts/logout/")
    assert browser.get(HOME).headers["Location"].startswith(LOGIN)


def test_the_desk_speaks_the_language_of_the_account() -> None:
    user = make_user()
    browser, _ = sign_in(user)
    answer = browser.post("/accounts/language/", {"language": "be", "next": "/desk/?page=1"})
    assert answer.headers["Location"] == "/desk/?page=1"
    assert '<html lang="be">' in browser.get(HOME).content.decode()
    assert browser.post("/accounts/language/", {"language": "xx", "next": "https://evil.example.org/"}).url == HOME
    user.refresh_from_db()
    assert user.language == "be"
    assert browser.get("/accounts/language/").status_code == 405


def test_a_forgotten_password_is_replaced_by_mail(mailoutbox: list[Any]) -> None:
    user = make_user()
    User.objects.filter(pk=user.pk).update(language="be")
    browser = Client()
    forged = {"REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "Peculiar/1.0", "HTTP_HOST": "127.0.0.1"}
    answer = browser.post("/accounts/password/reset/", {"email": user.email.upper()}, **forged)
    assert answer.headers["Location"] == "/accounts/password/reset/done/"
    queued = Mail.objects.get()
    assert (queued.to, queued.language) == (user.email, "be")
    send(queued)
    [mail] = mailoutbox
    assert mail.to == [user.email]
    assert [alternative.mimetype for alternative in mail.alternatives] == ["text/html"]
    assert "203.0.113.9" not in mail.body
    assert "Peculiar" not in mail.body
    found = re.search(r"http://localhost:8000(/accounts/password/reset/key/\S+)", mail.body)
    assert found
    form = browser.get(found[1], follow=True)
    assert form.redirect_chain
    chosen = {"password1": NEW, "password2": NEW}
    assert browser.post(form.redirect_chain[-1][0], chosen, follow=True).status_code == 200
    assert sign_in(user, NEW)[1].headers["Location"] == HOME
    assert "good no more" in Client().get(found[1]).content.decode()


def test_nobody_learns_who_is_staff_and_no_stranger_is_mailed() -> None:
    known, unknown = (
        Client().post("/accounts/password/reset/", {"email": email})
        for email in (make_user().email, "stranger@example.org")
    )
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert mails_to("stranger@example.org") == []


def test_ones_password_is_changed_with_the_current_one() -> None:
    user = make_user()
    browser, _ = sign_in(user)
    stated = {"oldpassword": "wrong", "password1": NEW, "password2": NEW}
    assert "This is not your current password." in browser.post("/accounts/password/change/", stated).content.decode()
    changed = browser.post("/accounts/password/change/", {**stated, "oldpassword": PASSWORD})
    assert changed.headers["Location"] == HOME
    assert sign_in(user, NEW)[1].headers["Location"] == HOME


def test_the_admin_is_entered_by_the_staffs_door() -> None:
    door = Client().get("/admin/", follow=True).redirect_chain[-1][0]
    assert door == f"{LOGIN}?next=/admin/"
    browser, answer = sign_in(make_user("", is_staff=True, is_superuser=True), next="/admin/")
    assert answer.headers["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200
    assert browser.get("/admin/login/").headers["Location"] == "/admin/"


def test_the_admin_is_for_superusers_only() -> None:
    for user in (make_user(Role.Name.CAMPAIGNER), make_user(Role.Name.ADMINISTRATOR, is_staff=True)):
        browser = Client()
        browser.force_login(user)
        assert browser.get("/admin/").status_code == 403
        assert browser.get("/admin/login/").status_code == 403
        assert browser.get("/admin/signatories/signature/").status_code == 403
        assert 'href="/admin/"' not in browser.get("/desk/").content.decode()


def test_every_list_of_the_admin_opens_and_what_is_evidence_is_not_touched() -> None:
    make_edition()
    browser = Client()
    browser.force_login(make_user("", is_staff=True, is_superuser=True))
    assert 'href="/admin/"' in browser.get("/desk/").content.decode()
    lists = re.findall(r'href="(/admin/\w+/\w+/)"', browser.get("/admin/").content.decode())
    assert "/admin/dispatch/edition/" in lists
    for address in set(lists):
        assert browser.get(address).status_code == 200, address
    for address in ("signatories/signature", "dispatch/edition", "dispatch/delivery", "dispatch/dispatch"):
        assert browser.get(f"/admin/{address}/add/").status_code == 403
    edition = browser.get("/admin/dispatch/edition/1/change/", follow=True).content.decode()
    assert 'name="_save"' not in edition


def test_add_staff_prints_a_link_under_which_a_password_is_chosen() -> None:
    out = StringIO()
    call_command("add_staff", "New@Example.org", "--role", "reviewer", "--role", "sender", stdout=out)
    user = User.objects.get(email="new@example.org")
    assert set(user.roles.values_list("role", flat=True)) == {"reviewer", "sender"}
    assert not user.is_superuser
    browser = Client()
    path = out.getvalue().split()[-1].removeprefix("http://localhost:8000")
    form = browser.get(path, follow=True)
    browser.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert sign_in(user, NEW)[1].headers["Location"] == HOME


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (("nonsense", "--role", "reviewer"), "is not an e-mail address"),
        (("a@example.org", "--role", "king"), "invalid choice"),
        (("a@example.org", "--role", "translator"), "--translates"),
    ],
)
def test_add_staff_says_what_is_wrong(stated: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("add_staff", *stated)
    assert not User.objects.exists()


def test_a_person_is_added_once_and_gets_further_roles() -> None:
    first = add_staff(email="a@example.org", name="A", roles=["reviewer"], language="en", password=PASSWORD)
    again = add_staff(email="A@example.org", name="A", roles=["translator"], language="be", translates="be")
    assert first == again
    assert set(again.roles.values_list("role", "language")) == {("reviewer", ""), ("translator", "be")}
    assert again.check_password(PASSWORD)
    assert not again.is_superuser
    assert add_staff(email="b@example.org", name="B", roles=["administrator"], language="en").is_superuser
    with pytest.raises(RoleNeedsLanguage):
        add_staff(email="c@example.org", name="C", roles=["translator"], language="be")
    assert password_link(again) != password_link(add_staff(email="d@example.org", name="", roles=[], language="en"))
