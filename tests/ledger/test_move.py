"""The one door through which a state changes: of two callers one wins, and what happened stays written down."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken, move, record
from ledger.states import registry
from letters.models import Letter
from letters.states import LetterStatus
from tests.factories import make_letter, make_user

OURS = ("accounts", "campaign", "dispatch", "ledger", "letters", "mailing", "publishing", "signatories")


@pytest.mark.django_db
def test_a_move_changes_the_row_and_writes_who_did_it() -> None:
    letter, user = make_letter(status=LetterStatus.OPEN), make_user()
    move(letter, LetterStatus.CLOSED, by=user, contact_email="new@example.org")
    assert letter.status == LetterStatus.CLOSED
    stored = Letter.objects.get(pk=letter.pk)
    assert (stored.status, stored.contact_email) == (LetterStatus.CLOSED, "new@example.org")
    event = Event.objects.about(letter).latest("pk")
    assert (event.source, event.target, event.by) == (LetterStatus.OPEN, LetterStatus.CLOSED, user)


@pytest.mark.django_db
def test_of_two_who_saw_the_same_state_the_second_is_told() -> None:
    letter, user = make_letter(status=LetterStatus.OPEN), make_user()
    first, second = Letter.objects.get(pk=letter.pk), Letter.objects.get(pk=letter.pk)
    move(first, LetterStatus.CLOSED, by=user)
    with pytest.raises(Overtaken):
        move(second, LetterStatus.CLOSED, by=user, contact_email="late@example.org")
    assert second.status == LetterStatus.OPEN
    assert Event.objects.about(letter).filter(target=LetterStatus.CLOSED).count() == 1
    assert Letter.objects.get(pk=letter.pk).contact_email != "late@example.org"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_wins() -> None:
    letter = make_letter(status=LetterStatus.OPEN)
    callers = 6
    together = Barrier(callers)

    def close(seen: Letter) -> bool:
        try:
            together.wait()
            move(seen, LetterStatus.CLOSED, by=None)
        except Overtaken:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as pool:
        won = list(pool.map(close, [Letter.objects.get(pk=letter.pk) for _ in range(callers)]))
    assert won.count(True) == 1
    assert Event.objects.about(letter).filter(target=LetterStatus.CLOSED).count() == 1


@pytest.mark.django_db
def test_a_condition_of_the_caller_holds_too() -> None:
    letter = make_letter(status=LetterStatus.OPEN)
    with pytest.raises(Overtaken):
        move(letter, LetterStatus.CLOSED, by=None, only_if={"contact_email": "someone@else.example.org"})
    assert Letter.objects.get(pk=letter.pk).status == LetterStatus.OPEN


@pytest.mark.django_db
def test_a_move_that_the_table_does_not_know_is_refused() -> None:
    letter = make_letter(status=LetterStatus.OPEN)
    with pytest.raises(IllegalMove):
        move(letter, LetterStatus.DRAFT, by=None)
    assert Letter.objects.get(pk=letter.pk).status == LetterStatus.OPEN
    assert not Event.objects.about(letter).filter(target=LetterStatus.DRAFT).exists()


@pytest.mark.django_db
def test_without_its_event_no_move_is_made() -> None:
    letter = make_letter(status=LetterStatus.OPEN)
    with pytest.raises(ValueError, match="unsaved"), transaction.atomic():
        move(letter, LetterStatus.CLOSED, by=User(email="nobody@example.org"))
    assert Letter.objects.get(pk=letter.pk).status == LetterStatus.OPEN
    assert not Event.objects.about(letter).filter(target=LetterStatus.CLOSED).exists()


@pytest.mark.django_db
def test_the_database_refuses_to_change_what_happened() -> None:
    record(make_letter(), by=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.update(target="other")
    assert not Event.objects.filter(target="other").exists()


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no TRUNCATE to empty the tables of a test with")
def test_the_database_refuses_to_forget_what_happened() -> None:
    record(make_letter(), by=None)
    events = Event.objects.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        events._raw_delete(events.db)
    assert Event.objects.exists()


def test_every_machine_names_only_states_that_it_has() -> None:
    assert registry
    for machine in registry.values():
        known = set(machine.states.values)
        assert set(machine.moves) <= known
        assert {target for targets in machine.moves.values() for target in targets} <= known
        assert len(reached(machine.initial, machine.moves)) == len(known), machine.name


def test_nothing_but_move_writes_a_state() -> None:
    writes = {f"{path.relative_to(settings.BASE_DIR)}:{line}" for path in sources() for line in writes_of_status(path)}
    door = [write for write in writes if write.startswith("ledger/services.py:")]
    assert len(door) == 1
    assert writes == set(door)


def test_the_search_for_writes_finds_them(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text(
        'row.status = "a"\nrows.update(status="b")\nRow(status="c")\nrows.filter(status="d")\n'
        'update_where(Row, {"status": "e"}, {"name": "f"})\n'
    )
    assert list(writes_of_status(source)) == [1, 2, 5]


def reached(start: str, moves: object) -> set[str]:
    """Every state to which some way leads from `start`."""
    assert hasattr(moves, "get")
    found, waiting = {str(start)}, [start]
    while waiting:
        for target in moves.get(waiting.pop(), ()):
            if target not in found:
                found.add(str(target))
                waiting.append(target)
    return found


def sources() -> Iterator[Path]:
    for app in OURS:
        yield from (path for path in (settings.BASE_DIR / app).rglob("*.py") if "migrations" not in path.parts)


WRITERS = ("update", "bulk_update", "setattr", "update_or_create", "update_where")


def writes_of_status(path: Path) -> Iterator[int]:
    """The lines on which `.status` is assigned, or `status` handed to one of `WRITERS`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets):
                yield node.lineno
        elif isinstance(node, ast.Call) and called(node) in WRITERS:
            in_keywords = any(keyword.arg == "status" for keyword in node.keywords)
            in_words = any(isinstance(part, ast.Constant) and part.value == "status" for part in ast.walk(node))
            if in_keywords or (in_words and called(node) != "update"):
                yield node.lineno


def called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
