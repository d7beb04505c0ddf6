from __future__ import annotations

from dataclasses import replace

import pytest

from mapping.compare import Entry, ScenarioError, Trace, compare, find_scenario
from mapping.compare.explain import check_allowance, packaged_allowances
from mapping.compare.scenario import Allowance
from mapping.compare.scenario_files import FOLDER
from mapping.compare.vocabulary import kind_of
from tests.support.traces import STORY, story_trace, with_entries

LEFT = story_trace()
RIGHT = with_entries(story_trace("native"), lambda all_: all_.pop())


def allowing(**fields: object) -> bool:
    allowance = replace(Allowance(why="So it is."), **fields)  # type: ignore[arg-type]
    return compare(LEFT, RIGHT, replace(STORY, allowances=(allowance,))).is_alike


def test_what_is_allowed_is_explained() -> None:
    scenario = replace(STORY, allowances=(Allowance(why="So it is."),))
    comparison = compare(LEFT, RIGHT, scenario)
    assert comparison.is_alike
    assert [one.why for one in comparison.explained] == ["So it is."]


def test_a_row_gives_its_reason() -> None:
    scenario = replace(STORY, allowances=(Allowance(row="later-tick"),))
    (explained,) = compare(LEFT, RIGHT, scenario).explained
    assert explained.why


def test_only_what_is_named_is_allowed() -> None:
    assert allowing(name="participantDisconnected", actor="ann", findings=frozenset({"missing"}))
    assert allowing(between=frozenset({"native"}))
    assert allowing(between=frozenset({"native", "twilio"}))
    assert not allowing(name="trackSubscribed")
    assert not allowing(actor="ben")
    assert not allowing(findings=frozenset({"extra"}))
    assert not allowing(between=frozenset({"native", "page"}))


def test_an_unmet_expectation_is_never_allowed() -> None:
    from tests.support.traces import entry

    unmet = entry(4, "ann", "error", "unmet", {"expectation": "ann sees red"})
    spoiled = with_entries(LEFT, lambda all_: all_.append(unmet))
    scenario = replace(STORY, allowances=(Allowance(why="So it is."),))
    assert not compare(spoiled, spoiled, scenario).is_alike


@pytest.mark.parametrize(
    "allowance", [Allowance(row="nothing"), Allowance(why="x", findings=frozenset({"odd"}))]
)
def test_what_does_not_exist_cannot_explain(allowance: Allowance) -> None:
    with pytest.raises(ScenarioError):
        check_allowance(allowance)


def test_the_packaged_explanations_exist() -> None:
    for allowance in packaged_allowances():
        check_allowance(allowance)
        assert allowance.why or allowance.row


def test_a_part_of_the_arguments_may_be_allowed_alone() -> None:
    def change(entries: list[Entry]) -> None:
        at = next(at for at, one in enumerate(entries) if one.name == "trackPublished")
        args = [{**entries[at].args[0], "kind": "audio"}, *entries[at].args[1:]]
        entries[at] = replace(entries[at], args=args)

    right = with_entries(story_trace("native"), change)
    for at, is_alike in (("[0].kind", True), ("[0].name", False)):
        scenario = replace(STORY, allowances=(Allowance(why="So it is.", at=at),))
        assert compare(LEFT, right, scenario).is_alike is is_alike


@pytest.mark.parametrize(
    ("fields", "is_alike"),
    [
        ({"kind": "video"}, True),
        ({"kind": "data"}, False),
        ({"deeds": frozenset({"publish", "mute"})}, True),
        ({"deeds": frozenset({"mute"})}, False),
    ],
)
def test_only_a_kind_of_track_or_what_comes_of_a_deed_may_be_allowed(
    fields: dict[str, object], is_alike: bool
) -> None:
    at = next(at for at, one in enumerate(LEFT.entries) if one.name == "trackSubscribed")
    right = with_entries(story_trace("native"), lambda all_: all_.pop(at))
    allowance = replace(Allowance(why="So it is."), **fields)  # type: ignore[arg-type]
    comparison = compare(LEFT, right, replace(STORY, allowances=(allowance,)))
    assert comparison.is_alike is is_alike


@pytest.mark.parametrize("name", ["mute-video", "late-joiner", "data-messages"])
def test_no_explanation_covers_a_video_that_is_never_received(name: str) -> None:
    """Neither its first subscription nor a picture may go missing, whatever is compared."""
    scenario, golden = find_scenario(name), Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    for at, one in enumerate(golden.entries):
        is_video = one.name == "trackSubscribed" and kind_of(one.args) == "video"
        if is_video or one.name == "sees":
            spoiled = with_entries(golden, lambda all_, at=at: all_.pop(at))  # type: ignore[misc]
            header = replace(golden.header, implementation="videosdk")
            assert not compare(golden, replace(spoiled, header=header), scenario).is_alike
