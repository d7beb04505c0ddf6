from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mapping.compare import normalize
from mapping.compare.scenario_files import parse_scenario
from tests.support.traces import STORY, event, story_trace, with_entries

ANN = {"is": "participant", "identity": "ann", "sid": f"PA{'1' * 32}"}
BEN = {"is": "participant", "identity": "ben", "sid": f"PA{'2' * 32}"}
TOGETHER = parse_scenario(
    {
        "scenario": "together",
        "actors": {"cam": {}, "ann": {}, "ben": {}},
        "steps": [{"together": [{"ann": "join"}, {"ben": "join"}]}],
    }
)


def test_two_runs_with_other_ids_are_the_same() -> None:
    assert normalize(story_trace(seed="a")) == normalize(story_trace(seed="b"))


def test_placeholders_say_whose_an_id_is_and_which_of_them() -> None:
    again = {**BEN, "sid": f"PA{'3' * 32}"}
    trace = with_entries(
        story_trace(),
        lambda all_: all_.extend(
            [event(5, "participantConnected", BEN), event(6, "participantConnected", again)]
        ),
    )
    sids = [one.args[-1]["sid"] for one in normalize(trace).entries if one.kind == "event"]
    assert sids == [*["<PA ben 1>"] * 5, "<PA ben 2>", "<PA ben 3>"]
    published = normalize(trace).entries[5].args[0]
    assert published["sid"] == "<MT ben/camera 1>"


def test_normalizing_twice_changes_nothing() -> None:
    once = normalize(story_trace(), STORY)
    assert normalize(once, STORY) == once


def test_tokens_times_and_ids_in_texts_are_replaced() -> None:
    text = f"eyJh.eyJi.c at 2026-01-02T03:04:05Z by {'0' * 32} in RM{'f' * 32}"
    trace = with_entries(story_trace(), lambda all_: all_.append(event(5, "trackMessage", text)))
    assert normalize(trace).entries[-1].args == ["<token> at <time> by <id> in <RM>"]


def test_deeds_done_together_are_heard_in_any_order() -> None:
    heard = [
        event(1, "participantConnected", BEN, actor="cam"),
        event(1, "participantConnected", ANN, actor="cam"),
    ]
    one = replace(story_trace(), entries=tuple(heard))
    other = replace(one, entries=tuple(reversed(heard)))
    assert normalize(one, TOGETHER) == normalize(other, TOGETHER)
    assert normalize(one) != normalize(other)


@given(st.randoms(use_true_random=False))
def test_what_concerns_one_track_keeps_its_order(chance: random.Random) -> None:
    scenario = replace(STORY, concurrent=(frozenset({"trackPublished", "trackSubscribed"}),))
    names = [("trackPublished", "a"), ("trackSubscribed", "a")]
    others = [("trackPublished", "b"), ("trackSubscribed", "b")]
    merged = []
    while names or others:
        take = names if names and (not others or chance.random() < 0.5) else others
        merged.append(take.pop(0))
    told = [event(3, name, {"is": "publication", "name": track}, BEN) for name, track in merged]
    found = normalize(replace(story_trace(), entries=tuple(told)), scenario)
    assert [(one.name, one.args[0]["name"]) for one in found.entries] == [
        ("trackPublished", "a"),
        ("trackSubscribed", "a"),
        ("trackPublished", "b"),
        ("trackSubscribed", "b"),
    ]


def test_a_participant_and_its_tracks_keep_their_order_among_what_is_done_together() -> None:
    camera = {"is": "publication", "name": "camera"}
    told = [
        event(1, "participantConnected", BEN, actor="cam"),
        event(1, "trackPublished", camera, BEN, actor="cam"),
        event(1, "participantConnected", ANN, actor="cam"),
    ]

    def normal(*order: int) -> list[str]:
        trace = replace(story_trace(), entries=tuple(told[at] for at in order))
        return [one.name for one in normalize(trace, TOGETHER).entries]

    assert normal(0, 1, 2) == normal(0, 2, 1) == normal(2, 0, 1)
    assert normal(1, 0, 2) != normal(0, 1, 2)


def test_sixteen_bytes_are_no_id() -> None:
    sent = {"is": "bytes", "hex": "0" * 32}
    trace = with_entries(story_trace(), lambda all_: all_.append(event(5, "trackMessage", sent)))
    assert normalize(trace).entries[-1].args == [sent]
