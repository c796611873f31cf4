"""A withheld name goes through the whole life of a letter, and is found nowhere but where staff decide.

`tests/canary.py` knows how a name may be written; here is where it is looked for.
"""

import base64
import gzip
import logging
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import brotli
import pytest
from django.apps import apps
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Role
from campaign.demo.load import load_letter
from dispatch.models import Delivery, Dispatch
from dispatch.services import dispatches, editions
from dispatch.states import DeliveryStatus
from ledger import bell
from letters.models import Letter
from mailing.models import Mail
from publishing import services as publishing
from publishing.mirrors import mirror
from publishing.pages import places
from signatories import links, services
from signatories.models import Signature
from tests.canary import Canary
from tests.dispatch.sending import authorise
from tests.factories import make_signature, make_user
from tests.signatories.reaching import path

pytestmark = pytest.mark.django_db

WORD = "Жаўруковайка"  # of letters that fall apart into others, in a word that nothing else has
NAME = f"Цэнтр «{WORD}»"
CANARY = Canary(WORD)
STATED = {
    "visibility": "withheld",
    "name": NAME,
    "name_be": NAME,
    "name_ru": NAME,
    "country": "LI",
    "website": "https://example.org",
    "representative": f"Асоба з {WORD}",
    "role": f"Дырэктар {WORD}",
    "email": "signer@hidden.example.org",
    "consent": "on",
    "authority": "on",
}


class TestTheLooking:
    """It can find: a search that finds nothing proves nothing unless it was seen to."""

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    @pytest.mark.parametrize("spell", [str, str.upper, str.casefold])
    def test_in_every_writing(self, form: Any, spell: Callable[[str], str]) -> None:
        text = f"<p>Before {unicodedata.normalize(form, spell(NAME))} and after</p>"
        utf8 = text.encode()
        for data in (
            utf8,
            text.encode("utf-16"),
            text.encode("utf-16-be"),
            utf8.hex().encode(),
            quote(text).encode(),
            quote(text).lower().encode(),
            quopri.encodestring(utf8),
            gzip.compress(utf8),
            brotli.compress(utf8),
            gzip.compress(quote(text).encode()),
            *(base64.b64encode(b"x" * start + utf8 + b"y" * end) for start in range(3) for end in range(3)),
            *(base64.encodebytes(b"x" * start + utf8) for start in range(60)),
            "".join(f"&#{ord(sign)};" for sign in text).encode(),
        ):
            assert CANARY.traces(data), data

    def test_in_a_pdf(self, letter: Letter) -> None:
        make_signature(letter, name=NAME)
        edition = editions.cut_edition(letter, by=None).edition
        file = edition.files.get(language="be")
        editions.render_file(file)
        file.refresh_from_db()
        assert CANARY.traces((Path(configured.MEDIA_ROOT) / file.rendered).read_bytes())

    def test_not_where_it_is_not(self) -> None:
        assert CANARY.traces("Жаваранак з Цэнтра".encode()) == []


@pytest.fixture
def letter() -> Letter:
    return load_letter(by=make_user(Role.Name.CAMPAIGNER))


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have gone through Redis: the names of tasks and their arguments."""
    heard: list[str] = []
    ring = bell._ring

    def listen(task: Any, args: tuple[Any, ...]) -> None:
        heard.append(repr((task.name, args)))
        ring(task, args)

    monkeypatch.setattr(bell, "_ring", listen)
    return heard


def test_a_withheld_name_is_found_nowhere(
    letter: Letter,
    mailboxes: Path,
    worker: Callable[[], None],
    bells: list[str],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = Seen()
    for other in ("Open Watch", "Second Watch"):
        make_signature(letter, name=other)

    # It signs, confirms, is asked, corrected, approved, told; others try what they can.
    signature = signed(letter, seen)
    worker()
    reviewer = make_user(Role.Name.REVIEWER)
    services.correct(signature, changes={"role": f"Старшыня {WORD}"})
    services.accept_correction(signature.corrections.get(), by=reviewer)
    signature.refresh_from_db()
    services.approve(signature, by=reviewer)
    services.hand_over(
        signature, representative=f"Іншы {WORD}", role="B", email="other@hidden.example.org", language="be"
    )
    strangers(signature, seen)
    worker()

    # The letter is frozen, sealed, sent, and read in every language and form.
    edition = editions.cut_edition(letter, by=reviewer).edition
    worker()
    edition.refresh_from_db()
    dispatch = dispatches.prepare(edition, by=make_user(Role.Name.CAMPAIGNER))
    authorise(dispatch, by=make_user(Role.Name.SENDER))
    worker()
    assert Dispatch.objects.get().status == "done"
    publishing.publish()
    mirror(tmp_path / "mirror", address="https://mirror.example.org")
    publishing.publish()
    looked = look(seen, mailboxes, tmp_path, bells, settings, caplog)

    # It withdraws, and still is nowhere.
    Client().post(path(links.withdraw_url(signature)))
    worker()
    publishing.publish()
    looked |= look(seen, mailboxes, tmp_path, bells, settings, caplog)

    kinds = {"published", "mirror", "mail", "answer", "bell", "log", "row", "session", "cache", "media"}
    assert {where.partition(" ")[0] for where in looked} == kinds, "everywhere was looked"
    assert {where: found for where, found in looked.items() if found} == {}
    out, err = capfd.readouterr()
    assert CANARY.traces((out + err).encode()) == []
    assert Delivery.objects.filter(status=DeliveryStatus.ACCEPTED).count() == 5


class Seen(dict[str, bytes]):
    """Answers that visitors got, with their headers and addresses."""

    def get_page(self, client: Client, address: str, data: dict[str, str] | None = None) -> Any:
        answer = client.get(address) if data is None else client.post(address, data)
        body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[arg-type]
        self[f"answer {len(self)} {address}"] = address.encode() + str(answer.headers).encode() + body
        return answer


def signed(letter: Letter, seen: Seen) -> Signature:
    """By the form in Belarusian, and the button behind the mail's link."""
    form = f"/be/letters/{letter.slug}/sign/"
    client = Client()
    page = seen.get_page(client, form)
    seed = re.search(r'name="seed"[^>]*value="([^"]*)"', page.text)
    stated = {**STATED, "version": str(letter.version.pk), "seed": seed[1] if seed else ""}
    assert seen.get_page(client, form, stated).status_code in (200, 302)
    found = letter.signatures.get(visibility="withheld")
    confirm = path(links.confirm_url(found))
    shown = seen.get_page(Client(), confirm).context["shown"]
    assert seen.get_page(Client(), confirm, {"shown": shown}).status_code == 302
    found.refresh_from_db()
    return found


def strangers(signature: Signature, seen: Seen) -> None:
    """Whoever has a link, the mailbox, or neither."""
    for language in ("en", "be", "ru"):
        for link in (links.own_url, links.confirm_url, links.withdraw_url):
            address = path(link(signature)).split("/", 2)[2]
            seen.get_page(Client(), f"/{language}/{address}")
        account = f"/{language}/signatures/"
        browser = Client()
        seen.get_page(browser, account, {"email": signature.email})
        seen.get_page(browser, f"{account}code/")
        seen.get_page(browser, f"{account}code/", {"code": "BBBB-BBBB"})
        seen.get_page(browser, account)
        seen.get_page(browser, f"{account}secret/", {"secret": "0" * 24})
        seen.get_page(browser, f"{account}{signature.pk}/")
    for handover in signature.handovers.all():
        seen.get_page(Client(), path(links.take_over_url(handover)))
    again = {**STATED, "version": str(signature.letter.version.pk), "seed": "x"}
    seen.get_page(Client(), f"/en/letters/{signature.letter.slug}/sign/", again)


def look(
    seen: Seen, mailboxes: Path, tmp_path: Path, bells: list[str], settings: Settings, caplog: pytest.LogCaptureFixture
) -> dict[str, list[str]]:
    """Where the name was looked for, and how it was found there."""
    found = {where: CANARY.traces(data) for where, data in seen.items()}
    for place in places():
        found[f"published {place.address}"] = CANARY.traces(place.address.encode() + place.render())
    for kind, folder in (
        ("published", settings.VAR_DIR / "public"),
        ("mirror", tmp_path / "mirror"),
        ("mail", mailboxes),
        ("media", Path(settings.MEDIA_ROOT)),
    ):
        for file in filter(Path.is_file, folder.rglob("*")):
            found[f"{kind} {file}"] = CANARY.traces(str(file).encode() + file.read_bytes())
    for mail in Mail.objects.all():
        found[f"mail {mail.pk}"] = CANARY.traces(f"{mail.key} {mail.subject} {mail.body}".encode())
    for number, heard in enumerate(bells):
        found[f"bell {number}"] = CANARY.traces(heard.encode())
    found["log all"] = CANARY.traces(caplog.text.encode())
    for session in Session.objects.all():
        found[f"session {session.pk}"] = CANARY.traces(str(session.get_decoded()).encode() + session.pk.encode())
    return found | dict(rows())


def rows() -> Iterator[tuple[str, list[str]]]:
    """Every row outside the tables of the signatories: as it is stored, and as the models read it."""
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names() if not table.startswith("signatories_")]
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            kind = "cache" if table == "django_cache" else "row"
            for number, row in enumerate(cursor.fetchall()):
                yield f"{kind} {table} {number}", CANARY.traces(repr(row).encode())
    for model in apps.get_models():
        if model._meta.app_label != "signatories":
            for row in model._base_manager.values():
                yield f"row {model._meta.label} {row}"[:200], CANARY.traces(repr(row).encode())
