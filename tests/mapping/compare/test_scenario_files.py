from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mapping.compare import ScenarioError, Trace, find_scenario, packaged_scenarios
from mapping.compare.scenario import DEEDS
from mapping.compare.scenario_files import FOLDER, parse_scenario, read_scenario, write_scenario

STEPS: list[Any] = [{"ann": "join"}]
SCENARIO: dict[str, Any] = {"scenario": "one", "actors": {"ann": {}, "ben": None}, "steps": STEPS}
JOIN = {"kind": "video", "name": "camera", "color": "red"}


@pytest.mark.parametrize("name", packaged_scenarios())
def test_a_packaged_scenario_is_right_and_has_its_golden_trace(name: str) -> None:
    scenario = find_scenario(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.about
    golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    assert golden.header.scenario == name
    assert max(one.step for one in golden.entries) == len(scenario.steps)


def test_there_are_enough_scenarios_and_each_deed_is_in_one() -> None:
    scenarios = [find_scenario(name) for name in packaged_scenarios()]
    assert len(scenarios) >= 10
    done = {deed.name for one in scenarios for step in one.steps for deed in step.deeds}
    assert done == set(DEEDS)


def step(**keys: Any) -> dict[str, Any]:
    return {**SCENARIO, "steps": [keys]}


def expecting(**keys: Any) -> dict[str, Any]:
    return step(ann="leave", expect=[keys])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "scenario: keys"),
        ({}, "scenario: actors, scenario, steps is missing"),
        ({**SCENARIO, "extra": 1}, "extra is unknown"),
        ({**SCENARIO, "steps": {}}, "steps: a list"),
        ({**SCENARIO, "title": 3}, "title: a text"),
        ({**SCENARIO, "scenario": ""}, "scenario: a name"),
        ({**SCENARIO, "steps": []}, "steps: there is nothing"),
        ({**SCENARIO, "actors": {"ann": 0}}, "actors.ann: keys"),
        ({**SCENARIO, "actors": {"ann": {"identity": ""}}}, "actors.ann.identity: a name"),
        (
            {**SCENARIO, "actors": {"ann": {"options": {"dominantSpeaker": "no"}}}},
            "dominantSpeaker: true or false",
        ),
        ({**SCENARIO, "network": {"window": -1}}, "network.window: a number"),
        ({**SCENARIO, "timing": {"factor": float("nan")}}, "timing.factor: a number"),
        ({**SCENARIO, "actors": {"service": {}}}, "actors.service"),
        ({**SCENARIO, "actors": {"ann": {"implementation": "x"}}}, "actors.ann.implementation"),
        ({**SCENARIO, "actors": {"ann": {"options": {"x": 1}}}}, "actors.ann.options"),
        ({**SCENARIO, "network": {"window": "long"}}, "network.window: a number"),
        ({**SCENARIO, "timing": {"slack": True}}, "timing.slack: a number"),
        ({**SCENARIO, "concurrent": [["trackStarted"]]}, r"concurrent\[0\]"),
        ({**SCENARIO, "concurrent": [[["trackEnabled"]]]}, r"concurrent\[0\]"),
        ({**SCENARIO, "allow": [{}]}, r"allow\[0\]"),
        ({**SCENARIO, "allow": [{"why": "a", "row": "b"}]}, r"allow\[0\]"),
        ({**SCENARIO, "allow": [{"why": "a", "findings": ["odd"]}]}, r"allow\[0\]: .* odd"),
        ({**SCENARIO, "allow": [{"why": "a", "findings": [{}]}]}, r"allow\[0\].findings"),
        ({**SCENARIO, "allow": [{"why": "a", "deeds": ["odd"]}]}, r"allow\[0\]: .* odd"),
        ({**SCENARIO, "allow": [{"row": "nothing"}]}, r"allow\[0\]: .*'nothing'"),
        (step(), r"steps\[0\]: one of ann, ben, service is needed, found none"),
        (step(eve="join"), "found eve"),
        (step(ann="join", ben="join"), "found ann, ben"),
        (step(ann="dance"), "'dance' is no deed"),
        (step(ann="remove"), "ann does not remove"),
        (step(service="join"), "service does not join"),
        (step(ann="mute"), "with: track is missing"),
        (step(ann="mute", **{"with": {"track": ["camera"]}}), "with.track: a text"),
        (step(service="complete", **{"with": {"room": 1}}), "with.room: a text"),
        (step(service="remove", **{"with": {"participant": ""}}), "with.participant: a name"),
        (step(together=[]), "together: there is nothing"),
        (step(ann="leave", **{"with": {"x": 1}}), "with: x is unknown"),
        (step(ann="join", **{"with": {"tracks": [{**JOIN, "color": "no"}]}}), "color"),
        (step(ann="join", **{"with": {"tracks": [{**JOIN, "kind": "smell"}]}}), "smell"),
        (step(ann="publish", **{"with": {"kind": "audio", "name": "a"}}), "tone"),
        (step(ann="publish", **{"with": {"kind": "data", "name": "a", "tone": 440}}), "tone"),
        (step(ann="send", **{"with": {"track": "a"}}), "either text or hex"),
        (step(ann="send", **{"with": {"track": "a", "hex": "0"}}), "hex"),
        (step(ann="prioritize", **{"with": {"track": "a", "priority": "x"}}), "priority"),
        (step(together=[{"ann": "join"}], more=1), "more beside `together`"),
        (step(together=[{"eve": "join"}]), r"together\[0\]"),
        (expecting(ann="trackStarted"), r"expect\[0\]: 'trackStarted' is no event"),
        (expecting(ann="reconnected", **{"is": 1}), "reconnected has no is"),
        (expecting(ann="sees", of="ben"), "sees None is not possible"),
        (expecting(ann="sees", of="ben", **{"is": ["red"]}), r"sees \['red'\] is not possible"),
        (expecting(ann="sees", **{"is": "red"}), r"expect\[0\].of: one of ann, ben is needed"),
        (expecting(ann="sees", of="ben", times=2, **{"is": "red"}), "sees has no times"),
        (expecting(ann="state", of="ben", **{"is": "connected"}), "state has no of"),
        (expecting(ann="participantConnected", of="eve"), "needed, not 'eve'"),
        # Whoever writes "not at all" would have a test that proves nothing.
        (expecting(ann="participantConnected", times=0), "times: an integer is needed, from 1"),
        (expecting(ann="participantConnected", times=1.5), "times: an integer"),
        (expecting(ann="reconnecting", code="53001"), "code: an integer"),
        (expecting(ann="hears", of="ben", **{"is": "noise"}), "a number"),
        (expecting(ann="state", **{"is": "gone"}), "state 'gone'"),
        (expecting(ann="roster", **{"is": "ben"}), "a list"),
        (expecting(service="reconnected"), "found service"),
    ],
)
def test_a_fault_is_refused_with_its_place(made: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse_scenario(made)


def test_what_is_expected_is_read() -> None:
    made = expecting(ann="hears", **{"is": "silence"}, of="ben", track="voice")
    (expectation,) = parse_scenario(made).steps[0].expectations
    assert (expectation.value, str(expectation)) == (0.0, "ann hears 0.0 of ben/voice")


def test_a_cut_scenario_is_read_again(tmp_path: Path) -> None:
    scenario = find_scenario("mute-video")
    write_scenario(scenario.cut(3), tmp_path / "cut.yaml")
    cut = read_scenario(tmp_path / "cut.yaml")
    assert cut.name == "mute-video-until-3"
    assert cut.steps == scenario.steps[:3]
    assert [str(one) for one in cut.steps] == ["ann join", "ben join", "ann publish"]


def test_a_scenario_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="join-leave"):
        find_scenario("nothing")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"bad\.yaml"):
        find_scenario(str(tmp_path / "bad.yaml"))


def test_a_fault_in_a_file_has_its_line(tmp_path: Path) -> None:
    text = (FOLDER / "join-leave.yaml").read_text(encoding="utf-8")
    at = text[: text.index("participantConnected, of")].count("\n") + 1
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace("participantConnected, of", "participantCome, of"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        find_scenario(str(path))
    assert str(caught.value).startswith(f"{path}:{at}: steps[1].expect[0]: 'participantCome'")
    path.write_text("a: 1", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"wrong\.yaml:1: scenario: "):
        find_scenario(str(path))
