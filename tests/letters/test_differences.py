"""What changed in a letter is told by its parts, in words that can be compared."""

from typing import Any

from letters.differences import Change, Words, compare, differences


def text(**changes: Any) -> dict[str, Any]:
    blocks = [
        {"key": "opening", "kind": "paragraph", "text": "We write to you today."},
        {"key": "restore", "kind": "demand", "text": "Restore access to the internet."},
        {"key": "report", "kind": "demand", "text": "Report in public on every order."},
    ]
    stated = {"title": "Keep it on", "subject": "Access", "salutation": "Sir", "blocks": blocks, "closing": "Yours"}
    return {**stated, **changes}


def told(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, int | None, Change]]:
    return [(str(found.part), found.number, found.change) for found in differences(old, new)]


def test_of_the_same_text_there_is_nothing_to_tell() -> None:
    assert differences(text(), text()) == []


def test_changed_words_are_marked_in_the_old_and_in_the_new_text() -> None:
    [found] = differences(text(title="Keep the internet on"), text(title="Keep the network on"))
    assert (found.part, found.change) == ("Title", Change.CHANGED)
    assert found.old == [Words("Keep the ", False), Words("internet ", True), Words("on", False)]
    assert found.new == [Words("Keep the ", False), Words("network ", True), Words("on", False)]


def test_words_put_in_are_missing_from_the_old_text() -> None:
    assert compare("Restore access.", "Restore all access.") == (
        [Words("Restore ", False), Words("access.", False)],
        [Words("Restore ", False), Words("all ", True), Words("access.", False)],
    )


def test_a_text_with_little_in_common_is_shown_whole() -> None:
    assert compare("We write to you.", "Nobody answers.") == (
        [Words("We write to you.", True)],
        [Words("Nobody answers.", True)],
    )


def test_blocks_are_known_by_their_keys() -> None:
    blocks = text()["blocks"]
    added = {"key": "new", "kind": "demand", "text": "Answer us."}
    assert told(text(), text(blocks=[*blocks, added])) == [("Demand", 3, Change.ADDED)]
    assert told(text(), text(blocks=blocks[:2])) == [("Demand", 2, Change.REMOVED)]
    assert told(text(), text(blocks=[blocks[0], blocks[2], blocks[1]])) == [("Demand", 1, Change.MOVED)]


def test_a_paragraph_that_became_a_demand_has_changed() -> None:
    blocks = [{**text()["blocks"][0], "kind": "demand"}, *text()["blocks"][1:]]
    assert told(text(), text(blocks=blocks)) == [("Demand", 1, Change.CHANGED)]


def test_a_text_of_which_nothing_is_known_is_all_new() -> None:
    assert {found.change for found in differences({}, text())} == {Change.ADDED, Change.CHANGED}
