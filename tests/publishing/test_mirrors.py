"""Copies of the public pages in other folders: level with the site, and never a name longer than it has to be."""

import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role
from letters.models import Letter
from publishing import mirrors, services, stores
from publishing.models import Mirror, Touch
from signatories.services import approve, withdraw
from signatories.states import SignatureStatus
from tests.factories import make_edition, make_letter, make_signature, make_user
from tests.publishing.conftest import Read

pytestmark = pytest.mark.django_db

PAGE = "en/letters/belarus-2020/index.html"


@pytest.fixture
def letter() -> Letter:
    letter = make_letter()
    make_signature(letter, name="First")
    services.publish()
    return letter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


def mirror(folder: Path, *options: str) -> str:
    said = StringIO()
    call_command("mirror", str(folder), *options, stdout=said)
    return said.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def published(root: Path) -> dict[str, bytes]:
    return files(root / "current")


@pytest.mark.usefixtures("letter")
def test_it_holds_every_public_file_and_what_the_pages_ask_for(folder: Path, root: Path, settings: Settings) -> None:
    said = mirror(folder)
    found = files(folder)
    static = {name: data for name, data in found.items() if name.startswith("static/")}
    assert found == {**published(root), **static}
    assert static["static/css/site.css"] == (settings.BASE_DIR / "static/css/site.css").read_bytes()
    assert "static/icon.svg" in static
    assert said == f"{len(found)} files are in the mirror: {len(found)} written, 0 deleted, the rest as it was.\n"


def test_only_what_changed_is_written(letter: Letter, folder: Path, root: Path) -> None:
    mirror(folder)
    before = {name: (folder / name).stat().st_ino for name in files(folder)}
    assert " 0 written, 0 deleted" in mirror(folder)
    approve(make_signature(letter, name="Second", status=SignatureStatus.PENDING), by=make_user(Role.Name.REVIEWER))
    services.write()
    mirror(folder)
    changed = {name for name, number in before.items() if (folder / name).stat().st_ino != number}
    assert PAGE in changed
    assert "en/about/index.html" not in changed
    assert files(folder).items() >= published(root).items()


def test_a_name_that_left_is_in_no_file_of_it(letter: Letter, folder: Path) -> None:
    leaving = make_signature(letter, name="Leaving Org")
    make_edition(letter, sealed=True)
    services.publish()
    mirror(folder)
    assert any(b"Leaving Org" in data for data in files(folder).values())
    assert any(name.endswith(".pdf") for name in files(folder))
    withdraw(leaving)
    mirror(folder)
    assert [name for name, data in files(folder).items() if b"Leaving Org" in data] == []
    assert [name for name in files(folder) if name.endswith(".pdf")] == []
    assert not (folder / "en/letters/belarus-2020/editions/1/letter.pdf").exists()


@pytest.mark.usefixtures("letter")
def test_what_else_lies_in_a_mirror_goes_but_for_dots_at_its_top(folder: Path, tmp_path: Path) -> None:
    mirror(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (folder / "en/stray").mkdir()
    (folder / "en/stray/.index.html.new").write_text("half")
    (folder / "en/linked").symlink_to(elsewhere)
    (folder / ".undersigned/new").write_text("half")
    (folder / ".well-known").mkdir()
    (folder / ".well-known/challenge").touch()
    assert " 0 written, 2 deleted" in mirror(folder)
    assert not (folder / "en/stray").exists()
    assert not (folder / "en/linked").is_symlink()
    assert not (folder / ".undersigned/new").exists()
    assert (elsewhere / "kept").exists()
    assert (folder / ".well-known/challenge").exists()


@pytest.mark.usefixtures("letter")
def test_what_was_altered_in_it_is_mended(folder: Path, root: Path) -> None:
    mirror(folder)
    stat = (folder / PAGE).stat()
    (folder / PAGE).write_bytes(b"x" * stat.st_size)
    os.utime(folder / PAGE, (stat.st_atime, stat.st_mtime))
    (folder / "robots.txt").unlink()
    assert " 2 written" in mirror(folder)
    assert files(folder).items() >= published(root).items()


def with_a_file(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")


def a_file(folder: Path) -> None:
    folder.write_text("mine")


def of_another_site(folder: Path) -> None:
    mirror(folder)
    Mirror.objects.all().delete()


@pytest.mark.usefixtures("letter")
@pytest.mark.parametrize("make", [with_a_file, a_file, of_another_site])
def test_a_folder_that_is_none_of_ours_is_refused_and_left(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder)
    before = files(folder) if folder.is_dir() else folder.read_bytes()
    with pytest.raises(CommandError) as refusal:
        mirror(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert before == (files(folder) if folder.is_dir() else folder.read_bytes())
    assert not Mirror.objects.exists()


@pytest.mark.usefixtures("letter")
def test_a_copy_of_a_mirror_is_not_one(folder: Path, tmp_path: Path) -> None:
    mirror(folder)
    copy = folder.rename(tmp_path / "moved")
    with pytest.raises(CommandError, match="not empty"):
        mirror(copy)


@pytest.mark.usefixtures("letter")
def test_the_sites_own_folders_are_refused(root: Path) -> None:
    with pytest.raises(CommandError, match="belongs to the site itself"):
        mirror(root / "trees" / "more")


@pytest.mark.usefixtures("letter")
def test_a_folder_that_was_emptied_is_filled_again(folder: Path, root: Path) -> None:
    mirror(folder)
    folder.rename(folder.with_name("away"))
    mirror(folder)
    assert files(folder).items() >= published(root).items()
    assert Mirror.objects.count() == 1


def test_without_anything_published_a_mirror_keeps_what_it_has(
    letter: Letter, folder: Path, root: Path, tmp_path: Path
) -> None:
    mirror(folder)
    root.rename(tmp_path / "away")
    with pytest.raises(CommandError, match="Nothing is published yet"):
        mirror(folder)
    assert PAGE in files(folder)


@pytest.mark.usefixtures("letter")
def test_a_tree_that_goes_while_it_is_read_is_followed_by_the_next(
    folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = stores._Standing.read
    turned = []

    def turning(standing: stores._Standing, name: str) -> bytes:
        if not turned and name == "robots.txt":
            with stores.change() as change:
                change.write("new.html", b"new")
            monkeypatch.setattr(stores, "LINGER", -1)
            stores.tidy()
            turned.append(name)
        return read(standing, name)

    monkeypatch.setattr(stores._Standing, "read", turning)
    mirror(folder)
    assert turned
    assert files(folder).items() >= {**published(root), "new.html": b"new"}.items()


@pytest.mark.usefixtures("letter")
def test_a_full_disk_is_one_line_and_the_mirror_stays_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(CommandError, match="No space left on device") as refusal:
            mirror(folder)
    assert "\n" not in str(refusal.value)
    assert [known.where for known in mirrors.mirrors_behind(timezone.now() - timedelta(days=1))] == [str(folder)]
    assert PAGE not in files(folder)
    mirror(folder)
    assert PAGE in files(folder)


class TestWhoIsBehind:
    def test_a_mirror_is_behind_until_it_is_written_after_the_moment(self, letter: Letter, folder: Path) -> None:
        mirror(folder)
        withdraw(letter.signatures.get())
        moment = timezone.now()
        [behind] = mirrors.mirrors_behind(moment)
        assert str(behind) == str(folder)
        Mirror.objects.update(level=moment)
        assert mirrors.mirrors_behind(moment) == [behind], "what it holds is older than the moment itself"
        assert mirrors.mirrors_behind(moment - timedelta(seconds=1)) == []

    def test_what_waits_to_be_written_is_not_in_it(self, letter: Letter, folder: Path) -> None:
        waiting = timezone.now() - timedelta(hours=1)
        Touch.objects.create(subject="site", not_before=waiting)
        mirror(folder)
        assert mirrors.mirrors_behind(waiting)
        services.write()
        mirror(folder)
        assert not mirrors.mirrors_behind(waiting)

    def test_an_embargo_to_come_keeps_no_mirror_behind(self, letter: Letter, folder: Path) -> None:
        Touch.objects.create(subject="site", not_before=timezone.now() + timedelta(hours=1))
        mirror(folder)
        assert not mirrors.mirrors_behind(timezone.now() - timedelta(hours=1))


@pytest.mark.usefixtures("letter")
class TestAddresses:
    def test_every_page_names_the_mirrors_that_the_public_can_reach(
        self, folder: Path, tmp_path: Path, read: Read
    ) -> None:
        mirror(tmp_path / "private")
        mirror(folder, "--address", "https://Mirror.example.org/")
        for path in ("/en/", "/be/letters/belarus-2020/", "/ru/about/", "/en/errors/503/"):
            page = read(path)[2].decode()
            assert page.count('href="https://Mirror.example.org/"') == 1, path
            assert "private" not in page
        assert b"https://Mirror.example.org/" in files(folder)[PAGE], "in the mirror itself, too"
        assert " 0 written" in mirror(folder)
        assert mirror(folder, "--address", "")
        assert b"Mirror.example.org" not in read("/en/")[2]

    @pytest.mark.parametrize(
        "address",
        [
            "mirror.example.org",
            "ftp://example.org",
            "https://example.org/path",
            "https://a@example.org",
            "javascript:x",
        ],
    )
    def test_an_address_has_to_be_one(self, folder: Path, address: str) -> None:
        with pytest.raises(CommandError, match="is not the address of a mirror’s root"):
            mirror(folder, "--address", address)
        assert not folder.exists()

    def test_an_onion_is_an_address(self, folder: Path) -> None:
        mirror(folder, "--address", f"http://{'a' * 56}.onion")
        assert Mirror.objects.get().address.endswith(".onion")

    def test_forgotten_it_is_named_no_more_and_refused_until_it_is_emptied(self, folder: Path, read: Read) -> None:
        mirror(folder, "--address", "https://mirror.example.org")
        assert "delete them" in mirror(folder, "--forget")
        services.write()
        assert b"mirror.example.org" not in read("/en/")[2]
        assert not Mirror.objects.exists()
        with pytest.raises(CommandError, match="not empty"):
            mirror(folder)
        with pytest.raises(CommandError, match="is not among the mirrors"):
            mirror(folder, "--forget")


class TestSweep:
    def test_mirrors_of_this_host_follow_by_themselves(
        self, letter: Letter, folder: Path, worker: Callable[[], None]
    ) -> None:
        mirror(folder)
        leaving = make_signature(letter, name="Leaving Org")
        services.publish()
        worker()
        assert b"Leaving Org" in files(folder)[PAGE]
        withdraw(leaving)
        worker()
        assert b"Leaving Org" not in files(folder)[PAGE]

    def test_one_that_fails_or_is_elsewhere_keeps_no_other_back(
        self, letter: Letter, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for place in (tmp_path / "a", tmp_path / "b", folder):
            mirror(place)
        Mirror.objects.create(where="/on/another/host", key="x")
        (tmp_path / "a").rename(tmp_path / "away")
        (tmp_path / "b" / ".undersigned" / "lock").unlink()
        (tmp_path / "b" / ".undersigned" / "lock").mkdir()
        (folder / PAGE).unlink()
        mirrors.refresh_mirrors()
        assert (folder / PAGE).exists()


@pytest.mark.usefixtures("letter")
def test_two_at_once_do_not_meet(folder: Path) -> None:
    mirror(folder)
    with mirrors._alone(folder), pytest.raises(CommandError, match="Another process"):
        mirror(folder)


@pytest.mark.usefixtures("letter")
def test_a_store_of_objects_is_mirrored_too(folder: Path, root: Path, settings: Settings) -> None:
    local = published(root)
    backend = {"BACKEND": "tests.publishing.test_stores.OverwritingStorage"}
    settings.STORAGES = {**settings.STORAGES, "published": backend}
    services.publish()
    mirror(folder)
    assert files(folder).items() >= local.items()
    storages["published"].delete(PAGE)
    mirror(folder)
    assert PAGE not in files(folder)
