"""Each kind of divergence is found where it was put, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mapping.compare import Comparison, Entry, FindingKind, Trace, compare
from mapping.compare.scenario import Timing
from tests.support.traces import STORY, entry, event, story_trace, with_entries


def find(change: Callable[[list[Entry]], object], **header: Any) -> Comparison:
    """What is found when the right side is spoiled."""
    right = with_entries(story_trace("native", "f"), change)
    return compare(story_trace(), right, STORY)


def index(entries: list[Entry], name: str) -> int:
    return next(at for at, one in enumerate(entries) if one.name == name and one.kind != "call")


def set_args(name: str, change: Callable[[Any], object]) -> Callable[[list[Entry]], None]:
    def do(entries: list[Entry]) -> None:
        at = index(entries, name)
        args = entries[at].args
        copied = [dict(one) for one in args] if isinstance(args, list) else dict(args)
        change(copied)
        entries[at] = replace(entries[at], args=copied)

    return do


def swap(one: str, other: str) -> Callable[[list[Entry]], None]:
    def do(entries: list[Entry]) -> None:
        first, second = index(entries, one), index(entries, other)
        entries[first], entries[second] = entries[second], entries[first]

    return do


def told(comparison: Comparison) -> list[tuple[FindingKind, int, str]]:
    return [(one.kind, one.step, one.name) for one in comparison.findings]


def test_two_runs_are_alike() -> None:
    comparison = compare(story_trace(), story_trace("native", "f"), STORY)
    assert comparison.is_alike
    assert comparison.first is None
    assert comparison.steps == 4


def test_a_dropped_event_is_missing() -> None:
    comparison = find(lambda all_: all_.pop(index(all_, "trackSubscribed")))
    assert told(comparison) == [(FindingKind.MISSING, 3, "trackSubscribed")]
    first = comparison.first
    assert first is not None
    assert first.text == "trackSubscribed of ben/camera is missing"
    assert first.right is None


def test_an_event_too_many_is_extra() -> None:
    comparison = find(lambda all_: all_.append(event(4, "reconnected")))
    assert told(comparison) == [(FindingKind.EXTRA, 4, "reconnected")]


def test_an_event_told_twice_is_extra() -> None:
    comparison = find(lambda all_: all_.append(all_[-1]))
    assert told(comparison) == [(FindingKind.EXTRA, 4, "participantDisconnected")]


def test_swapped_events_are_out_of_order() -> None:
    comparison = find(swap("trackPublished", "trackSubscribed"))
    assert [kind for kind, *_ in told(comparison)] == [FindingKind.ORDER]


def test_order_is_free_where_the_scenario_says_so() -> None:
    scenario = replace(
        STORY, concurrent=(frozenset({"trackUnsubscribed", "participantDisconnected"}),)
    )
    ben = {"is": "participant", "identity": "ann", "sid": ""}
    left = with_entries(
        story_trace(), lambda all_: all_.append(event(4, "participantDisconnected", ben))
    )
    right = with_entries(left, lambda all_: all_.insert(len(all_) - 2, all_.pop()))
    assert not compare(left, right, STORY).is_alike
    assert compare(left, right, scenario).is_alike


def test_an_event_in_a_later_step_is_out_of_order() -> None:
    def later(entries: list[Entry]) -> None:
        at = index(entries, "trackSubscribed")
        entries[at] = replace(entries[at], step=4)

    assert told(find(later)) == [(FindingKind.ORDER, 3, "trackSubscribed")]


def test_an_argument_of_another_type_is_another_shape() -> None:
    comparison = find(set_args("trackPublished", lambda args: args[0].update(kind=7)))
    assert told(comparison) == [(FindingKind.SHAPE, 3, "trackPublished")]
    assert "string 'video' and number 7" in comparison.findings[0].text


@pytest.mark.parametrize(
    "change",
    [
        lambda args: args.pop(),
        lambda args: args.insert(1, {}),
        lambda args: args[0].pop("kind"),
        lambda args: args[0].update(more=1),
    ],
)
def test_other_arguments_are_another_shape(change: Callable[[Any], object]) -> None:
    comparison = find(set_args("trackPublished", change))
    assert told(comparison) == [(FindingKind.SHAPE, 3, "trackPublished")]


def test_another_value_is_found() -> None:
    comparison = find(set_args("trackPublished", lambda args: args[0].update(kind="audio")))
    assert told(comparison) == [(FindingKind.VALUE, 3, "trackPublished")]


def test_another_color_and_another_tone_are_found() -> None:
    comparison = find(set_args("sees", lambda args: args.update(color="blue")))
    assert told(comparison) == [(FindingKind.MEDIA, 3, "sees")]
    comparison = find(set_args("hears", lambda args: args.update(tone=880)))
    assert told(comparison) == [(FindingKind.MEDIA, 3, "hears")]
    assert find(set_args("hears", lambda args: args.update(tone=445))).is_alike
    assert not find(set_args("hears", lambda args: args.update(tone=0))).is_alike


def test_a_picture_that_does_not_move_is_found() -> None:
    comparison = find(set_args("sees", lambda args: args.update(moving=False)))
    assert told(comparison) == [(FindingKind.MEDIA, 3, "sees")]


def test_a_deed_that_fails_on_one_side_is_found() -> None:
    failed = entry(1, "ann", "error", "join", {"code": 53106, "message": "no"})
    comparison = find(lambda all_: all_.__setitem__(1, failed))
    assert told(comparison) == [(FindingKind.OUTCOME, 1, "join")]
    assert comparison.findings[0].text == (
        "join succeeds on the left and fails with 53106 on the right"
    )


def test_a_result_on_one_side_only_is_found() -> None:
    comparison = find(lambda all_: all_.pop(1))
    assert told(comparison) == [(FindingKind.MISSING, 1, "join")]
    twice = entry(1, "ann", "result", "join", {"value": None})
    assert told(find(lambda all_: all_.append(twice))) == [(FindingKind.EXTRA, 1, "join")]


def test_texts_of_errors_are_for_people() -> None:
    left = with_entries(
        story_trace(), lambda all_: all_.append(event(4, "reconnecting", _error("lost")))
    )
    right = with_entries(
        story_trace(), lambda all_: all_.append(event(4, "reconnecting", _error("gone")))
    )
    other = with_entries(
        story_trace(), lambda all_: all_.append(event(4, "reconnecting", _error(None)))
    )
    assert compare(left, right, STORY).is_alike
    assert [one.kind for one in compare(left, other, STORY).findings] == [FindingKind.SHAPE]


def _error(message: str | None) -> dict[str, Any]:
    return {"is": "error", "code": 53001, "message": message}


def test_waiting_much_longer_is_found() -> None:
    def slow(entries: list[Entry]) -> None:
        entries[3] = replace(entries[3], t=30.0)

    assert told(find(slow)) == [(FindingKind.TIMING, 2, "participantConnected")]
    right = with_entries(story_trace("native"), slow)
    patient = replace(STORY, timing=Timing(slack=60.0))
    assert compare(story_trace(), right, patient).is_alike


def test_after_an_expectation_that_was_not_met_nothing_is_compared() -> None:
    def stop(entries: list[Entry]) -> None:
        del entries[index(entries, "trackSubscribed") :]
        entries.append(entry(3, "ann", "error", "unmet", {"expectation": "ann trackSubscribed"}))
        entries.append(entry(3, "ann", "media", "sees", {"of": "ben", "color": "red"}))

    comparison = find(stop)
    assert comparison.steps == 3
    assert FindingKind.UNMET in {one.kind for one in comparison.findings}
    assert {one.step for one in comparison.findings} == {3}


def test_what_was_not_done_after_an_unmet_expectation_is_not_the_first_divergence() -> None:
    def stop(entries: list[Entry]) -> None:
        del entries[index(entries, "sees") :]
        unmet = {"expectation": "ann sees red"}
        entries.append(entry(3, "ann", "error", "unmet", unmet, t=13.0))

    assert [kind for kind, *_ in told(find(stop))] == [
        FindingKind.UNMET,
        FindingKind.MISSING,
        FindingKind.MISSING,
    ]


def test_unmet_on_both_sides_is_still_wrong() -> None:
    unmet = entry(3, "ann", "error", "unmet", {"expectation": "ann sees red"})
    left = with_entries(story_trace(), lambda all_: all_.append(unmet))
    assert not compare(left, left, STORY).is_alike


def test_the_first_divergence_comes_first() -> None:
    def spoil(entries: list[Entry]) -> None:
        entries.pop()
        entries.pop(index(entries, "participantConnected"))

    comparison = find(spoil)
    assert comparison.first is not None
    assert comparison.first.name == "participantConnected"


@pytest.mark.parametrize("kept", range(len(story_trace().entries)))
def test_a_trace_that_ends_early_without_saying_why_is_different(kept: int) -> None:
    ended = with_entries(story_trace("native"), lambda all_: all_.__delitem__(slice(kept, None)))
    assert not compare(story_trace(), ended, STORY).is_alike
    assert not compare(ended, story_trace()).is_alike


def test_what_comes_after_the_scenario_is_not_compared() -> None:
    beginning = replace(STORY, steps=STORY.steps[:3])
    run = with_entries(story_trace("native"), lambda all_: all_.__delitem__(slice(9, None)))
    comparison = compare(story_trace(), run, beginning)
    assert (comparison.is_alike, comparison.steps) == (True, 3)


def program(*deeds: tuple[str, dict[str, Any]], kind: str = "call") -> Trace:
    """A program of somebody's own that did these things."""
    entries = [entry(0, "me", kind, name, args) for name, args in deeds]
    return with_entries(story_trace(), lambda all_: all_.__setitem__(slice(None), entries))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"message": "yes"}, {"message": "no"}),  # Only what errors say is for people.
        ({"milestone": 100}, {"milestone": 101}),
        ({"ringtone": "a"}, {"ringtone": "b"}),
        ({"tone": "a"}, {"tone": "b"}),
        ({"tone": 440}, {"tone": 441}),  # Not perceived, but said.
    ],
)
def test_what_a_program_says_is_compared_to_the_letter(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    comparison = compare(program(("say", one)), program(("say", other)))
    assert [finding.kind for finding in comparison.findings] == [FindingKind.VALUE]


@pytest.mark.parametrize("kind", ["call", "media"])
def test_deeds_and_perceptions_in_another_order_are_found(kind: str) -> None:
    left = program(("knock", {}), ("enter", {}), kind=kind)
    right = program(("enter", {}), ("knock", {}), kind=kind)
    assert [one.kind for one in compare(left, right).findings] == [FindingKind.ORDER]


def test_to_do_and_to_see_are_different() -> None:
    comparison = compare(program(("wave", {})), program(("wave", {}), kind="media"))
    assert [one.kind for one in comparison.findings] == [FindingKind.MISSING, FindingKind.EXTRA]


def test_one_lost_message_of_many_is_the_only_finding() -> None:
    ben = {"is": "participant", "identity": "ben", "sid": ""}
    messages = [event(0, "trackMessage", f"number {number}", ben) for number in range(5_000)]
    all_ = with_entries(story_trace(), lambda entries: entries.__setitem__(slice(None), messages))
    less = with_entries(all_, lambda entries: entries.pop(17))
    (missing,) = compare(all_, less).findings
    assert (missing.kind, missing.left) == (FindingKind.MISSING, messages[17])
