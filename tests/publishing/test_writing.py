"""The writer: what is touched becomes public, and what may not be public any more is gone first."""

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import brotli
import pytest
from django.core.files.storage import storages
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role
from campaign.demo.load import load_letter
from dispatch.models import EditionFile
from dispatch.services import dispatches
from letters import services as letters
from letters.models import Letter
from publishing import services, stores
from publishing.models import Touch
from publishing.pages import places
from signatories import links
from signatories.models import Signature
from signatories.services import approve, withdraw
from signatories.states import SignatureStatus
from tests.dispatch.sending import authorise
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.publishing.conftest import Read

pytestmark = pytest.mark.django_db

LETTER = "/be/letters/belarus-2020/"


@pytest.fixture
def letter() -> Letter:
    letter = load_letter(by=make_user(Role.Name.CAMPAIGNER))
    make_signature(letter, name="First", is_lead=True)
    return letter


def tree(root: Path) -> dict[str, bytes]:
    current = root / "current"
    return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}


class TestFreshness:
    def test_an_approval_is_public_once_the_writer_has_run(self, letter: Letter, read: Read) -> None:
        services.publish()
        signature = make_signature(letter, name="Вясна", status=SignatureStatus.PENDING)
        approve(signature, by=make_user(Role.Name.REVIEWER))
        assert "Вясна" not in read(LETTER)[2].decode()
        services.write()
        assert "Вясна" in read(LETTER)[2].decode()
        assert "Вясна" in read("/api/v1/letters/belarus-2020.json")[2].decode()
        assert not Touch.objects.exists()

    def test_an_approval_rewrites_only_what_shows_it(self, letter: Letter, root: Path) -> None:
        other = make_letter(slug="another")
        make_signature(other)
        services.publish()
        before = tree(root)
        approve(make_signature(letter, status=SignatureStatus.PENDING), by=make_user(Role.Name.REVIEWER))
        written = services.write()
        after = tree(root)
        changed = {name for name in after if before.get(name) != after[name] and not name.endswith((".gz", ".br"))}
        pages = ("index.html", "signatories/index.html", "press/index.html")
        of_letter = {f"{language}/letters/belarus-2020/{page}" for language in ("en", "be", "ru") for page in pages}
        assert changed == {*of_letter, "api/v1/letters/belarus-2020.json"}
        assert (written.written, written.deleted) == (len(changed), 0)

    def test_a_transaction_that_fails_touches_nothing(self, letter: Letter) -> None:
        services.publish()
        with pytest.raises(ZeroDivisionError):
            _touch_and_fail()
        assert not Touch.objects.exists()

    def test_publishing_twice_gives_the_same_bytes_and_writes_nothing(self, letter: Letter, root: Path) -> None:
        make_edition(letter, sealed=True)
        services.publish()
        first = tree(root)
        assert services.publish().written == 0
        assert tree(root) == first

    def test_a_tree_made_from_nothing_is_the_same(self, letter: Letter, root: Path, settings: Settings) -> None:
        make_edition(letter, sealed=True)
        services.publish()
        options = {"location": root.with_name("elsewhere")}
        settings.STORAGES = {
            **settings.STORAGES,
            "published": {"BACKEND": "publishing.stores.LocalTree", "OPTIONS": options},
        }
        services.publish()
        assert tree(root.with_name("elsewhere")) == tree(root)

    def test_twins_hold_the_same_page(self, letter: Letter, root: Path) -> None:
        services.publish()
        approve(make_signature(letter, status=SignatureStatus.PENDING), by=make_user(Role.Name.REVIEWER))
        services.write()
        files = tree(root)
        pages = [name for name in files if name.endswith((".html", ".json", ".atom", ".xml", ".txt"))]
        assert len(pages) > 20
        for name in pages:
            assert gzip.decompress(files[f"{name}.gz"]) == files[name]
            assert brotli.decompress(files[f"{name}.br"]) == files[name]

    def test_the_end_of_an_embargo_makes_all_public_at_once(self, root: Path, read: Read) -> None:
        letter = make_letter(published=False)
        make_signature(letter)
        services.publish()
        letters.publish(letter, at=timezone.now() + timedelta(hours=1))
        services.write()
        assert read(LETTER)[0] == 404
        Touch.objects.update(not_before=timezone.now())
        Letter.objects.update(published_at=timezone.now())
        trees_before = (root / "current").readlink()
        services.sweep()
        services.write()
        assert read(LETTER)[0] == 200
        assert read("/ru/letters/belarus-2020/")[0] == 200
        assert int((root / "current").readlink().name) == int(trees_before.name) + 1

    def test_a_page_says_by_itself_that_signing_is_over(self, read: Read) -> None:
        letter = make_letter(signing_until=timezone.now().date())
        letters.close_for_signing(letter, by=make_user())
        letters.open_for_signing(letter, by=make_user())
        due = Touch.objects.filter(subject="letter:belarus-2020", not_before__gt=timezone.now())
        assert due.exists(), "the page is written again when the last day is over"


class TestLeaving:
    @pytest.fixture
    def leaving(self, letter: Letter) -> Signature:
        return make_signature(letter, name="Leaving Org", country="PL")

    @pytest.fixture(autouse=True)
    def all_is_public(self, letter: Letter, leaving: Signature) -> None:
        make_edition(letter, sealed=True)
        services.publish()

    def test_a_name_is_off_every_file_before_the_answer(self, leaving: Signature, read: Read, root: Path) -> None:
        assert any(b"Leaving Org" in data for data in tree(root).values())
        assert read(f"{LETTER}letter.pdf")[0] == 200
        page = links.withdraw_url(leaving).partition("8000")[2]
        Client().post(page)
        assert [name for name, data in tree(root).items() if b"Leaving Org" in data] == []
        assert [name for name in tree(root) if name.endswith(".pdf")] == []
        for pdf in ("letter.pdf", "editions/1/letter.pdf"):
            assert read(f"{LETTER}{pdf}")[0] == 410
        edition = read(f"{LETTER}editions/1/")[2].decode()
        hashes = re.findall(r"[0-9a-f]{64}", edition)
        assert set(EditionFile.objects.values_list("sha256", flat=True)) < set(hashes), "they stay"

    def test_where_the_pages_cannot_be_written_they_are_taken_down_and_the_signer_told(
        self, leaving: Signature, read: Read, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        page = links.withdraw_url(leaving).partition("8000")[2]
        with monkeypatch.context() as disk:
            disk.setattr(stores._Tree, "write", full)
            answer = Client().post(page)
            assert answer.status_code == 200
            assert "taken down" in answer.text
            assert [name for name, data in tree(root).items() if b"Leaving Org" in data] == []
            for path in ("", "signatories/"):
                status, headers, body = read(f"{LETTER}{path}")
                assert (status, headers["Retry-After"]) == (503, "10")
                assert b"Leaving Org" not in body
            assert read(f"{LETTER}letter.pdf")[0] == 410
        services.write()
        assert read(LETTER)[0] == 200

    def test_where_not_even_that_is_possible_the_signer_is_told_and_can_try_again(
        self, leaving: Signature, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise OSError(30, "Read-only file system")

        page = links.withdraw_url(leaving).partition("8000")[2]
        with monkeypatch.context() as disk:
            disk.setattr(stores.LocalTree, "change", broken)
            answer = Client().post(page)
            assert answer.status_code == 503
            assert "may still be read" in answer.text
        leaving.refresh_from_db()
        assert leaving.status == SignatureStatus.WITHDRAWN
        assert Client().post(page).status_code == 302
        assert [name for name, data in tree(root).items() if b"Leaving Org" in data] == []

    def test_nobodys_leaving_is_news(self, leaving: Signature, root: Path) -> None:
        feeds = {name: data for name, data in tree(root).items() if name.endswith(".atom")}
        withdraw(leaving)
        assert {name: data for name, data in tree(root).items() if name.endswith(".atom")} == feeds


class TestWriters:
    def test_a_writer_that_finds_another_at_work_leaves_it_to_that_one(self, letter: Letter, read: Read) -> None:
        services.publish()
        newcomer = make_signature(letter, name="Newcomer", status=SignatureStatus.PENDING)
        approve(newcomer, by=make_user(Role.Name.REVIEWER))
        with stores.change():
            services.write_if_free()
        assert b"Newcomer" not in read(LETTER)[2]
        services.write_if_free()
        assert b"Newcomer" in read(LETTER)[2]


class TestBrokenPages:
    def test_one_broken_page_keeps_no_other_from_the_public(
        self, letter: Letter, read: Read, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services.publish()
        newcomer = make_signature(letter, name="Newcomer", status=SignatureStatus.PENDING)
        approve(newcomer, by=make_user(Role.Name.REVIEWER))
        with monkeypatch.context() as broken:
            broken.setattr("campaign.pages.letters.Press.context", lambda *_, **__: 1 / 0)
            with pytest.raises(services.Unwritten, match="/press/"):
                services.write()
        assert b"Newcomer" in read(LETTER)[2]
        assert "2&nbsp;арганізацыі" not in read(f"{LETTER}press/")[2].decode()
        services.write()
        assert "2&nbsp;арганізацыі" in read(f"{LETTER}press/")[2].decode()
        assert not Touch.objects.exists()

    def test_a_broken_page_that_may_show_a_name_is_taken_down(
        self, letter: Letter, read: Read, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leaving = make_signature(letter, name="Leaving Org")
        services.publish()
        monkeypatch.setattr("campaign.pages.letters.Signatories.context", lambda *_, **__: 1 / 0)
        with pytest.raises(services.TakenDown):
            withdraw(leaving)
        status, _, body = read(f"{LETTER}signatories/")
        assert status == 503
        assert b"Leaving Org" not in body


class TestWithheld:
    def test_a_withheld_name_is_in_no_file(self, letter: Letter, root: Path) -> None:
        withheld = make_signature(letter, name="Канарэйка Canary", country="KG", visibility="withheld")
        make_edition(letter, sealed=True, for_real=True)
        services.publish()
        for name, data in tree(root).items():
            assert "Канарэйка".encode() not in data, name
            assert b"Canary" not in data, name
            assert withheld.email.encode() not in data, name
        document = json.loads(tree(root)["api/v1/letters/belarus-2020.json"])
        assert document["signatories"]["count"] == 2
        assert document["signatories"]["withheld"] == 1


class TestEverything:
    def test_every_kind_of_page_is_there_in_each_language(self, letter: Letter, root: Path) -> None:
        make_edition(letter, sealed=True)
        services.publish()
        files = tree(root)
        of_letter = ["", "signatories/", "press/", "delivery/", "editions/1/"]
        wanted = [f"letters/belarus-2020/{page}index.html" for page in of_letter]
        wanted += ["letters/belarus-2020/letter.pdf", "letters/belarus-2020/editions/1/letter.pdf"]
        wanted += ["letters/belarus-2020/feed.atom", "feed.atom"]
        wanted += ["index.html", "about/index.html", "privacy/index.html"]
        wanted += ["errors/404/index.html", "errors/503/index.html"]
        for language in ("en", "be", "ru"):
            assert {f"{language}/{name}" for name in wanted} - files.keys() == set()
        once = {"sitemap.xml", "robots.txt", "api/v1/index.json", "api/v1/openapi.json"}
        assert once - files.keys() == set()
        assert len(files) == 3 * (len(wanted) * 3 - 4) + 3 * 5, "each compressed twice, but for the PDFs"

    def test_feeds_and_the_sitemap_are_well_formed_and_lead_to_what_is_there(
        self, letter: Letter, root: Path, read: Read, settings: Settings
    ) -> None:
        make_edition(letter, sealed=True)
        services.publish()
        sitemap = ElementTree.fromstring(read("/sitemap.xml")[2])
        addresses = [found.text or "" for found in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
        assert len(addresses) > 15
        for address in addresses:
            assert read(address.removeprefix(settings.PUBLIC_URL))[0] == 200, address
        feed = ElementTree.fromstring(read("/be/feed.atom")[2])
        entries = feed.findall("{http://www.w3.org/2005/Atom}entry")
        assert len(entries) == 2
        assert feed.attrib["{http://www.w3.org/XML/1998/namespace}lang"] == "be"

    def test_reading_asks_the_database_nothing(
        self, letter: Letter, read: Read, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        services.publish()
        addresses = places_of_site()
        with django_assert_num_queries(0):
            assert {read(address)[0] for address in addresses} == {200}

    def test_with_the_database_away_published_pages_answer_and_computed_ones_say_when_to_come_back(
        self, letter: Letter, read: Read, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services.publish()
        before = {path: read(path) for path in places_of_site()}

        def away(*_: object, **__: object) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr(type(connections["default"]), "cursor", away)
        assert {path: read(path) for path in before} == before
        for path in (f"{LETTER}sign/", "/be/signatures/1/"):
            status, headers, body = read(path)
            assert (status, headers["Retry-After"]) == (503, "60")
            assert b"Traceback" not in body
        assert "Set-Cookie" not in read(f"{LETTER}sign/")[1]

    def test_staff_and_strangers_get_the_same_bytes_and_headers(self, letter: Letter, read: Read) -> None:
        services.publish()
        browser = Client()
        browser.force_login(make_user())
        cookie = "; ".join(f"{name}={found.value}" for name, found in browser.cookies.items())
        forged = {"x_forwarded_host": "evil.example", "x_forwarded_proto": "http", "accept_language": "ru"}
        for path in places_of_site():
            stranger = read(path)
            assert read(path, cookie=cookie, host="evil.example", **forged) == stranger
            assert "Set-Cookie" not in stranger[1]
            assert stranger[1]["Cache-Control"] == "no-cache"

    def test_delivery_is_on_the_record(self, letter: Letter, read: Read, settings: Settings) -> None:
        settings.SENDING_ENABLED = True
        dispatch = dispatches.prepare(make_edition(letter, sealed=True), by=make_user())
        authorise(dispatch, by=make_user(Role.Name.SENDER))
        dispatches.start(dispatch)
        services.publish()
        page = read("/en/letters/belarus-2020/delivery/")[2].decode()
        assert page.count("On its way") == 5
        assert "government.example.org" not in page


class TestObjects:
    def test_a_store_of_objects_holds_the_same_bytes(self, letter: Letter, root: Path, settings: Settings) -> None:
        make_edition(letter, sealed=True)
        services.publish()
        local = tree(root)
        backend = {"BACKEND": "tests.publishing.test_stores.OverwritingStorage"}
        settings.STORAGES = {**settings.STORAGES, "published": backend}
        services.publish()
        found = storages["published"]
        with stores.change() as change:
            assert change.names() == local.keys()
        assert all(found.open(name).read() == data for name, data in local.items())


def places_of_site() -> list[str]:
    with_words = [place.address for place in places()]
    assert len(with_words) > 20
    return with_words


def _touch_and_fail() -> None:
    from django.db import transaction

    with transaction.atomic():
        services.touch("site")
        raise ZeroDivisionError
