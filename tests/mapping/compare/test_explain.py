from __future__ import annotations

from dataclasses import replace

import pytest

from mapping.compare import Entry, ScenarioError, compare
from mapping.compare.explain import check_allowance, packaged_allowances
from mapping.compare.scenario import Allowance
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
