"""The same journey as a person makes it, in a real browser; and what every page owes to whoever opens it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.utils import timezone, translation
from django.utils.translation import gettext
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, User
from accounts.services import password_link
from campaign.demo.load import load_letter
from dispatch import record
from dispatch.models import Delivery, Dispatch
from dispatch.services import dispatches
from ledger.models import Event
from letters.states import LetterStatus
from signatories import links
from signatories.states import SignatureStatus
from tests.accounts.test_second_factor import add_app, code_of
from tests.factories import PASSWORD, make_edition, make_letter, make_signature, make_signatures_of_demo, make_user
from tests.test_journey import STATED, link_in, received
from tests.tools import freshly_signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
LOCALES = {"en": "en-GB", "be": "be-BY", "ru": "ru-RU"}
PATIENCE = 30_000.0  # milliseconds
LETTER = "/be/letters/belarus-2020/"
SUMMARIES = {
    "en": "The office passes the letter on to the regulator.",
    "be": "Установа перадае ліст рэгулятару.",
    "ru": "Учреждение передаёт письмо регулятору.",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is not installed (Debian: chromium)"
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(reason)
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as environment:
        # The driver keeps an event loop in this thread, and Django asks for one before each query.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def site(live_server: LiveServer, settings: Settings) -> str:
    """The address of the site, in its mails, too."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    return str(live_server.url)


@dataclass
class Opened:
    """A window, and what its owner should never have to see."""

    context: BrowserContext
    site: str
    page: Page = field(init=False)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.wrong.append(f"{self.page.url}: {error}"))
        self.page.on("console", lambda line: self._heard(line.type, line.text, line.location.get("url", "")))
        self.page.on("request", lambda request: self._asked(request.url))

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}")
        return self.page

    def _heard(self, kind: str, text: str, where: str) -> None:
        its_own_status = text.startswith("Failed to load resource") and where == self.page.url  # an error page is one
        if kind in ("error", "warning") and not its_own_status:
            self.wrong.append(f"{self.page.url}: {text}")

    def _asked(self, address: str) -> None:
        if urlsplit(address).netloc != urlsplit(self.site).netloc:
            self.wrong.append(f"{self.page.url} asks {address}")


@contextmanager
def window(chromium: Browser, site: str, language: str = "en", *, script: bool = True) -> Iterator[Opened]:
    context = chromium.new_context(locale=LOCALES[language], viewport=DESKTOP, java_script_enabled=script)
    opened = Opened(context, site)
    yield opened
    assert opened.wrong == []
    context.close()


def test_the_letters_whole_life(
    chromium: Browser,
    site: str,
    mailboxes: Path,
    worker: Callable[[], None],
) -> None:
    load_letter(by=make_user(Role.Name.CAMPAIGNER))
    worker()

    # A signer reads the letter in Belarusian, fills in the form, opens the mail, presses the button.
    with window(chromium, site, "be") as signer:
        page = signer.open(LETTER)
        page.get_by_role("link", name=be("Sign this letter")).first.click()
        fill_in(page, STATED["name"], STATED["email"])
        worker()
        page = signer.open(link_in(received(mailboxes / "others")[-1]))
        page.get_by_role("button", name=be("Confirm our signature")).click()
        page.get_by_role("heading", name=be("Your signature is confirmed")).wait_for()

    # Another does so with script switched off.
    with window(chromium, site, "be", script=False) as signer:
        fill_in(signer.open(f"{LETTER}sign/"), "Фонд «Без скрыптоў»", "director@fund.example.org")
        worker()
        page = signer.open(link_in(received(mailboxes / "others")[-1]))
        page.get_by_role("button", name=be("Confirm our signature")).click()
        page.get_by_role("heading", name=be("Your signature is confirmed")).wait_for()

    # A reviewer signs in and approves both in the desk.
    with window(chromium, site) as reviewer:
        page = sign_in(reviewer, Role.Name.REVIEWER)
        for name in (STATED["name"], "Фонд «Без скрыптоў»"):
            page.get_by_role("row").filter(has_text=name).get_by_role("button", name="Approve").click()
            page.get_by_role("status").filter(has_text=name).wait_for()
    worker()

    # A campaigner freezes the edition, and prepares its dispatch once it is sealed.
    with window(chromium, site) as campaigner:
        page = sign_in(campaigner, Role.Name.CAMPAIGNER)
        page.get_by_role("rowheader").get_by_role("link", name="Belarus").click()
        page.get_by_role("button", name="Cut an edition").click()
        page.get_by_role("status").wait_for()
        worker()
        page.reload()
        page.get_by_role("button", name="Prepare a dispatch").click()
        page.get_by_role("heading", name="Dispatch of edition 1").wait_for()
        address = urlsplit(page.url).path

        # Nothing is authorised while something stands in the way: she has a dry run done.
        assert page.get_by_role("button", name="Authorise").count() == 0
        page.get_by_role("button", name="Do a dry run").first.click()
        page.get_by_role("status").wait_for()
        worker()
        campaigner.open(address)
        page.get_by_text("Every mail arrived as it is frozen").wait_for()

    # A second person waives what is left, with a reason, and authorises what the page shows.
    with window(chromium, site) as sender:
        sign_in(sender, Role.Name.SENDER)
        page = sender.open(address)
        page.get_by_text("Waive it", exact=True).click()
        page.get_by_label("Reason").fill("They were called at the number on their website.")
        page.get_by_role("button", name="Let it stand, for this reason").click()
        page.get_by_text("Nothing stands in the way.").wait_for()
        page.get_by_role("button", name="Authorise: send 5 mails").click()
        page.get_by_text("You have authorised it as it stands.").wait_for()
        assert page.get_by_role("button", name="Authorise").count() == 0
    worker()
    assert received(mailboxes) == []

    # With the word of the one who prepared it, it goes out.
    with window(chromium, site) as campaigner:
        sign_in(campaigner, Dispatch.objects.get().prepared_by)
        page = campaigner.open(address)
        page.get_by_role("button", name="Authorise: send 5 mails").click()
        page.get_by_role("status").filter(has_text="The mails go out now.").wait_for()
        worker()
        page.reload()
        assert page.locator("h1 .state").inner_text() == Dispatch.objects.get().get_status_display()
    assert Dispatch.objects.get().status == "done"
    assert len(received(mailboxes)) == 5

    # Everyone reads the names, and takes the PDF home.
    with window(chromium, site, "be") as reader:
        page = reader.open(LETTER)
        for name in (STATED["name"], "Фонд «Без скрыптоў»"):
            page.get_by_role("listitem").filter(has_text=name).wait_for()
        link = page.locator("a[href$='/letter.pdf']")
        link.evaluate("link => link.download = ''")  # headless, a PDF would open in no viewer
        with page.expect_download() as started:
            link.click()
        downloaded = started.value.path().read_bytes()
        sent = {part.get_content() for mail in received(mailboxes) for part in mail.iter_attachments()}
        assert downloaded in sent


def test_two_people_take_a_letter_from_its_dossier_to_the_public_record(
    chromium: Browser, site: str, settings: Settings, mailboxes: Path, worker: Callable[[], None]
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    first, second = make_user(Role.Name.CAMPAIGNER), make_user(Role.Name.SENDER)
    apps = {user: app_of(user) for user in (first, second)}
    letter = load_letter(by=first)
    make_signatures_of_demo(letter)
    make_edition(letter, sealed=True)
    today = timezone.now().date().isoformat()

    # Each has shown who they are, with an app, in a browser of their own.
    with window(chromium, site) as hers, window(chromium, site) as his:
        for opened, user in ((hers, first), (his, second)):
            sign_in(opened, user, code=code_of(apps[user]))

        # She prepares the dispatch, and has the mails sent to a catcher first.
        page = hers.open(f"/desk/letters/{letter.slug}/")
        page.get_by_role("button", name="Prepare a dispatch").click()
        page.get_by_role("heading", name="Dispatch of edition 1").wait_for()
        address = urlsplit(page.url).path
        page.get_by_role("button", name="Do a dry run").first.click()
        page.get_by_role("status").wait_for()
        worker()

        # He reads it, lets stand what is left, and both authorise what they see.
        page = his.open(address)
        page.get_by_text("Every mail arrived as it is frozen").wait_for()
        while waivers := page.get_by_text("Waive it", exact=True).all():
            waivers[0].click()
            page.get_by_label("Reason").first.fill("They were called at the number on their website.")
            page.get_by_role("button", name="Let it stand, for this reason").first.click()
            page.get_by_role("status").wait_for()
        page.get_by_role("button", name="Authorise: send 5 mails").click()
        page.get_by_text("You have authorised it as it stands.").wait_for()
        assert received(mailboxes) == []
        page = hers.open(address)
        page.get_by_role("button", name="Authorise: send 5 mails").click()
        page.get_by_role("status").filter(has_text="The mails go out now.").wait_for()
        worker()
        mails = received(mailboxes)
        assert sorted(mail["Message-ID"] for mail in mails) == sorted(
            Delivery.objects.values_list("message_id", flat=True)
        )

        # The office has registered it: he enters the number that he was told.
        delivery = Delivery.objects.get(recipient__order=1)
        page = his.open(f"/desk/deliveries/{delivery.pk}/")
        page.get_by_text("The office registered it", exact=True).click()
        page.get_by_label("Day on which the office registered it").fill(today)
        page.locator("#write-registered ~ form").get_by_label("Number that the office gave it").fill("12-34/567")
        page.locator("#write-registered ~ form").get_by_role("button", name="Put it on record").click()
        page.get_by_role("status").wait_for()

        # An answer comes by post: he files it, writes what the public may read of it, and publishes that.
        page.get_by_text("File a reply that came otherwise").click()
        form = page.locator("#write-reply ~ form")
        form.get_by_label("What it is").select_option("answer")
        form.get_by_label("Came by").select_option("post")
        form.get_by_label("Day on which it came").fill(today)
        form.get_by_label("Text").fill("The office thanks, and names its clerk.")
        form.get_by_role("button", name="Put it on record").click()
        page.get_by_role("status").wait_for()
        page.locator("section", has=page.get_by_role("heading", name="Replies")).get_by_role("link").first.click()
        for language, summary in SUMMARIES.items():
            page.locator(f"[name=summary_{language}]").fill(summary)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").wait_for()
        page.get_by_role("button", name="Publish day and summary").click()
        page.get_by_role("status").wait_for()
        worker()

    # Everyone reads it in each language; what the office itself wrote stays at the desk.
    for language, summary in SUMMARIES.items():
        with window(chromium, site, language) as reader:
            page = reader.open(f"/{language}/letters/{letter.slug}/delivery/")
            office = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=2)).first
            with translation.override(language):
                said = record.sentences(Delivery.objects.get(pk=delivery.pk))
                for sentence in said:
                    office.get_by_text(sentence).wait_for()
                office.get_by_text(record.reply_sentence(delivery.replies.get())).wait_for()
            office.get_by_text(summary).wait_for()
            assert "12-34/567" in office.inner_text()
            assert "names its clerk" not in page.content()
            assert page.get_by_role("heading", level=2).count() == 5


def test_every_page_is_accessible_quiet_and_fits_a_phone(
    chromium: Browser, site: str, worker: Callable[[], None]
) -> None:
    staff = make_user(Role.Name.CAMPAIGNER, is_staff=True, is_superuser=True, name="Staff Member With A Name")
    public, desk = addresses(staff)
    worker()
    found: list[str] = []
    for turn, language in enumerate(configured.SHIPPED_LANGUAGES):
        with window(chromium, site, language) as reader:
            for number, path in enumerate(public(language)):
                reader.open(path)
                found += problems(reader.page, closely=number % 3 == turn)
            found += problems(wrongly_filled_in(reader, language), closely=True)
        User.objects.filter(pk=staff.pk).update(language=language)
        with window(chromium, site, language) as member:
            member.context.add_cookies([{"name": "sessionid", "value": session_of(staff), "url": site}])
            for number, path in enumerate(desk):
                member.open(path)
                found += problems(member.page, closely=number % 3 == turn)
    assert found == []


def test_a_security_key_is_the_second_step(chromium: Browser, site: str) -> None:
    found: list[str] = []
    with window(chromium, site) as member:
        page = sign_in(member, Role.Name.SENDER)
        key = member.context.new_cdp_session(page)
        key.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
        key.send("WebAuthn.addVirtualAuthenticator", {"options": options})

        # It is added, and recovery codes come with it.
        page.get_by_role("link", name="staff").click()
        page.get_by_role("link", name="Add an app").click()
        found += problems(page, closely=True)
        page.go_back()
        page.get_by_role("link", name="Add a key").click()
        page.get_by_role("button", name="Add the key").click()
        page.get_by_role("heading", name="Recovery codes").wait_for()
        assert page.locator(".codes code").count() == 10

        # Without it nobody gets further than the second step.
        page.get_by_role("button", name="Sign out").click()
        user = Authenticator.objects.filter(type="webauthn").get().user
        page.get_by_label("E-mail").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        found += problems(page, closely=True)
        page.get_by_role("button", name="Use the security key").click()
        page.wait_for_url("**/desk/")

        # It shows who it is before what matters most, too.
        page.goto(f"{site}/accounts/second-factor/keys/again/?next=/accounts/second-factor/")
        found += problems(page, closely=True)
        page.get_by_role("button", name="Use the security key").click()
        page.wait_for_url("**/accounts/second-factor/")
    assert found == []


@dataclass
class Keyboard:
    """Somebody at the desk who has no mouse."""

    page: Page

    @property
    def at(self) -> str:
        """The name in the row that has the focus."""
        return str(self.page.evaluate("document.activeElement.querySelector('.name')?.textContent.trim() ?? ''"))

    def press(self, *keys: str) -> str:
        for key in keys:
            self.page.keyboard.press(key)
        return self.at

    def go(self, *keys: str) -> str:
        """Press what leads to another page."""
        with self.page.expect_navigation():
            for key in keys:
                self.page.keyboard.press(key)
        return self.at

    def go_in_cyrillic(self) -> str:
        """Press the key that is "a" on a Latin keyboard."""
        event = "new KeyboardEvent('keydown', {key: 'ф', code: 'KeyA', bubbles: true})"
        with self.page.expect_navigation():
            self.page.evaluate(f"document.activeElement.dispatchEvent({event})")
        return self.at


def test_forty_signatures_are_gone_through_by_keyboard_alone(chromium: Browser, site: str) -> None:
    letter = make_letter()
    for number in range(40):
        make_signature(letter, status=SignatureStatus.PENDING, name=f"No. {number:02}")
    with window(chromium, site) as reviewer:
        page = sign_in(reviewer, Role.Name.REVIEWER)
        keys = Keyboard(page)
        assert [keys.press(key) for key in "jjkk"] == ["No. 00", "No. 01", "No. 00", "No. 00"]
        keys.press("?")
        page.get_by_text("reject: shows the reasons, a digit chooses one").wait_for()
        assert keys.press("?", "j") == "No. 00"

        # Each decision leads to the next row, which is still there when the page is loaded again.
        assert [keys.go("a") for _ in range(5)] == [f"No. {number:02}" for number in range(1, 6)]
        page.reload()
        assert keys.press("r", "Escape") == "No. 05"
        assert keys.go("r", "2") == "No. 06"
        assert [keys.go_in_cyrillic() for _ in range(4)] == [f"No. {number:02}" for number in range(7, 11)]

        # Into a signature, where letters that are typed are no keys; from there to the next, and back to the queue.
        keys.go("o")
        keys.press("n")
        page.keyboard.type("jar kept")
        keys.go("Tab", "Enter")
        keys.go("a")
        assert page.locator("h1").inner_text().startswith("No. 11")
        keys.go("j")
        keys.go("k")
        assert page.locator("h1").inner_text().startswith("No. 11")
        assert keys.go("u") == "No. 11"
        assert [keys.go("a") for _ in range(28)] == [f"No. {number:02}" for number in range(12, 40)]
        keys.go("r", "4")
        page.get_by_text("The queue is empty.").wait_for()
    assert dict(letter.signatures.filter(status="rejected").values_list("name_en", "reason")) == {
        "No. 05": "unknown",
        "No. 39": "scope",
    }
    assert letter.signatures.approved().count() == 38
    assert Event.objects.filter(table="signatories.signature").count() == 40
    assert letter.signatures.get(name_en="No. 10").notes.get().text == "jar kept"


def fill_in(page: Page, name: str, address: str) -> None:
    """Fill in the Belarusian form, and send it."""
    page.get_by_label(be("Yes, publish the name of our organisation")).check()
    page.get_by_label(be("Name of the organisation"), exact=True).fill(name)
    page.get_by_label(be("Country"), exact=True).select_option("BY")
    with translation.override("be"):
        page.get_by_label(translation.pgettext("person", "Your name"), exact=True).fill(STATED["representative"])
    page.get_by_label(be("Your role in the organisation"), exact=True).fill(STATED["role"])
    page.get_by_label(be("Your e-mail address"), exact=True).fill(address)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name=be("Send us the signature")).click()
    page.get_by_role("heading", name=be("Look into your mailbox")).wait_for()


def sign_in(opened: Opened, who: str | User, *, code: str = "") -> Page:
    """As somebody new who holds that role, or as somebody who is there, with the `code` of an app."""
    user = who if isinstance(who, User) else make_user(who)
    page = opened.open("/desk/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if code:
        page.get_by_label("Code of your app").fill(code)
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/desk/")
    return page


def app_of(user: User) -> str:
    """The key in the app of `user`, who set it up a while ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return add_app(freshly_signed_in(user))


def be(text: str) -> str:
    with translation.override("be"):
        return gettext(text)


def session_of(user: User) -> str:
    return freshly_signed_in(user).cookies["sessionid"].value


def addresses(staff: User) -> tuple[Callable[[str], list[str]], list[str]]:
    """Every page that there is, with rows in each state: those of the public in a language, and those of the staff."""
    letter = load_letter(by=staff)
    make_signatures_of_demo(letter)
    long = "Міжнароднае грамадскае аб’яднанне абароны інтэрнэт-карыстальнікаў " * 3
    waiting = {state: make_signature(letter, status=state, name=f"{long}{state}"[:250]) for state in SignatureStatus}
    edition = make_edition(letter, sealed=True)
    sent = dispatches.prepare(edition, by=staff)
    for delivery, state in zip(
        sent.deliveries.all(), ("accepted", "deferred", "failed", "unknown", "queued"), strict=True
    ):
        said = {"code": 550, "stage": "rcpt", "answer": "5.1.1 <office@example.org>: Recipient address rejected"}
        Delivery.objects.filter(pk=delivery.pk).update(status=state, attempts=1, **said)
    closed = make_letter(slug="closed", status=LetterStatus.CLOSED)
    prepared = dispatches.prepare(make_edition(closed, sealed=True), by=make_user())

    with time_machine.travel(datetime.now(UTC) - links.CONFIRM_WITHIN - timedelta(days=1)):
        expired = own_path(links.confirm_url(waiting[SignatureStatus.UNCONFIRMED]))

    approved, hidden = waiting[SignatureStatus.APPROVED], make_signature(letter, visibility="withheld")
    withdraw = [own_path(links.withdraw_url(waiting[state])) for state in ("approved", "withdrawn")]
    below_own = [own_path(links.own_url(approved)) + below for below in ("correct/", "hand-over/")]
    more = [*withdraw, *below_own, own_path(links.own_url(hidden)), own_path(links.confirm_url(hidden))]

    def public(language: str) -> list[str]:
        with translation.override(language):
            own = [own_path(links.own_url(signature)) for signature in waiting.values()]
            confirm = [own_path(links.confirm_url(waiting[state])) for state in ("unconfirmed", "pending", "withdrawn")]
        below = ("", "press/", "editions/1/", "sign/", "sign/sent/")
        return [
            *(f"/{language}/{path}" for path in ("", "about/", "privacy/", "no-such-page/", "letters/closed/sign/")),
            *(f"/{language}/letters/belarus-2020/{path}" for path in below),
            *(f"/{language}{path.removeprefix('/en')}" for path in (*own, *confirm, expired, *more)),
            *(f"/{language}/signatures/{path}" for path in ("", "secret/", "own/altered/")),
            *(f"/accounts/{path}/" for path in ("login", "password/reset", "password/reset/done", "inactive")),
            own_path(password_link(staff)),
        ]

    desk = [
        "/desk/",
        "/desk/?state=any&doubts=no",
        "/desk/batch/",
        "/desk/numbers/",
        *(f"/desk/signatures/{signature.pk}/" for signature in waiting.values()),
        *(f"/desk/letters/{letter.slug}/?state={state}" for state in ("pending", "approved", "rejected", "withdrawn")),
        *(f"/desk/signatures/{signature.pk}/access/" for signature in (approved, hidden)),
        *(f"/desk/dispatches/{dispatch.pk}/" for dispatch in (sent, prepared)),
        *(f"/accounts/{path}/" for path in ("logout", "password/change", "reauthenticate")),
        *(
            f"/accounts/second-factor/{path}"
            for path in ("", "app/remove/", "codes/", "codes/new/", "keys/add/", "again/")
        ),
    ]
    add_app(freshly_signed_in(staff))
    return public, desk


def own_path(address: str) -> str:
    return urlsplit(address).path


def wrongly_filled_in(reader: Opened, language: str) -> Page:
    page = reader.open(f"/{language}/letters/belarus-2020/sign/")
    page.locator("[name=email]").fill("nobody")
    page.locator("main button[type=submit]").click()
    page.locator(".problems").wait_for()
    return page


def problems(page: Page, *, closely: bool) -> list[str]:
    """What is wrong with the page that is open. To look closely takes long: for each page, one language has to do."""
    found = violations(page) if closely else []
    page.set_viewport_size(PHONE)
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{page.url} is wider than a phone")
    if closely:
        page.emulate_media(color_scheme="dark")
        found += [f"{problem} (on a phone, in the dark)" for problem in violations(page)]
        page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    return found


def violations(page: Page) -> list[str]:
    return [
        f"{page.url} {violation['id']} ({violation['impact']}): {[node['html'] for node in violation['nodes'][:3]]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
