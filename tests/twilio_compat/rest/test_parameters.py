from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import Priority
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule
from acs_core.errors import CallingError, InvalidArgumentError
from acs_core.service.rooms import RoomKind, RoomOptions
from twilio_compat.rest.parameters import (
    RECORDING_RULES,
    SUBSCRIBE_RULES,
    Form,
    parse_rules,
    room_options,
    rules_as_json,
)


def options(*fields: tuple[str, str]) -> RoomOptions:
    return room_options(Form(urlencode(fields).encode()), largest=200)


def refusal(action: Callable[[], object]) -> int:
    with pytest.raises(CallingError) as caught:
        action()
    return caught.value.sub_code


def test_nothing_given_is_a_group_room() -> None:
    made = options()
    assert made == RoomOptions()
    assert made.kind is RoomKind.GROUP
    assert made.media_region == "us1"


def test_every_parameter_is_read() -> None:
    made = options(
        ("Type", "group"),
        ("MaxParticipants", "60"),
        ("MediaRegion", "de1"),
        ("RecordParticipantsOnConnect", "true"),
        ("AudioOnly", "True"),
        ("EmptyRoomTimeout", "1"),
        ("UnusedRoomTimeout", "60"),
        ("MaxParticipantDuration", "600"),
        ("TranscribeParticipantsOnConnect", "true"),
        ("TranscriptionsConfiguration", '{"languageCode":"en-US"}'),
        ("StatusCallback", "https://example.com/hook"),
        ("StatusCallbackMethod", "GET"),
    )
    assert (made.max_participants, made.is_large, made.is_audio_only) == (60, True, True)
    assert (made.empty_timeout, made.unused_timeout) == (60.0, 3600.0)
    assert made.max_participant_duration == 600
    assert made.recording_rules == INCLUDE_ALL
    assert made.is_transcribed
    assert made.transcription == {"languageCode": "en-US"}
    assert (made.status_callback, made.status_callback_method) == (
        "https://example.com/hook",
        "GET",
    )
    assert options(("LargeRoom", "true")).max_participants == 200
    assert options(("MediaRegion", "gll")).media_region == "us1"


@pytest.mark.parametrize(
    "fields",
    [
        [("VideoCodecs", "H264"), ("VideoCodecs", "VP8")],
        [("VideoCodecs", "H264,VP8")],
        [("VideoCodecs", '["H264", "VP8"]')],
        [("VideoCodecs", "[H264, VP8, H264]")],
    ],
)
def test_video_codecs_come_in_several_spellings(fields: list[tuple[str, str]]) -> None:
    assert options(*fields).video_codecs == ("h264", "vp8")


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("MaxParticipants", ["0", "251", "-1", "x", "1.5", "٣", "9" * 5000], 53107),
        ("Type", ["circle"], 53108),
        ("EmptyRoomTimeout", ["0", "61", "x"], 53109),
        ("UnusedRoomTimeout", ["0", "61", "x"], 53109),
        ("MaxParticipantDuration", ["599", "86401"], 53109),
        ("StatusCallbackMethod", ["PUT"], 53110),
        ("StatusCallback", ["x", "ftp://x/y", "http://", "http://[x"], 53111),
        ("MediaRegion", ["mars1"], 53115),
        ("VideoCodecs", ["theora", "VP8,theora"], 53103),
        ("TranscriptionsConfiguration", ["{", "[]", "[" * 100_000, r'{"a": "\ud800"}'], 53114),
        (
            "RecordingRules",
            ["{", "[]", "{}", r'[{"type": "include", "publisher": "\udfff"}]'],
            53120,
        ),
        ("AudioOnly", ["yes"], 20001),
    ],
)
def test_each_wrong_parameter_has_its_code(name: str, values: list[str], code: int) -> None:
    for value in values:
        assert refusal(lambda: options((name, value))) == code  # noqa: B023


def test_parameters_must_fit_the_type_of_room() -> None:
    relayed = ("Type", "peer-to-peer")
    assert options(relayed).kind is RoomKind.PEER_TO_PEER
    assert refusal(lambda: options(relayed, ("MaxParticipants", "11"))) == 53107
    assert refusal(lambda: options(relayed, ("AudioOnly", "true"))) == 53124
    assert refusal(lambda: options(relayed, ("RecordParticipantsOnConnect", "true"))) == 53114


# ------------------------------------------------------------------ rules


def rules(*items: Any, of: tuple[int, frozenset[str]] = SUBSCRIBE_RULES) -> tuple[TrackRule, ...]:
    return parse_rules(list(items), *of)


def test_rules_are_read_as_they_are_posted() -> None:
    assert rules({"type": "include", "all": True}) == INCLUDE_ALL
    assert rules({"type": "exclude", "all": "true"}) == EXCLUDE_ALL
    assert rules(
        {"type": "include", "publisher": "ann", "kind": "data", "all": False, "track": None},
        {"type": "exclude", "track": "MT1", "priority": "high"},
    ) == (
        TrackRule(is_include=True, publisher="ann", kind="data"),
        TrackRule(is_include=False, track="MT1", priority=Priority.HIGH),
    )


@pytest.mark.parametrize(
    "item",
    [
        None, 1, "include", [], {}, {"all": True}, {"type": "include"}, {"type": ["include"]},
        {"type": "maybe", "all": True}, {"type": "include", "all": "no"},
        {"type": "include", "all": True, "kind": "audio"}, {"type": "include", "all": False},
        {"type": "include", "kind": "smell"}, {"type": "include", "kind": ["audio"]},
        {"type": "include", "publisher": 1}, {"type": "include", "publisher": ""},
        {"type": "include", "priority": "urgent"}, {"type": "include", "color": "red"},
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(item: Any) -> None:
    assert refusal(lambda: rules(item)) == 53215


def test_lists_of_rules_have_a_length_and_recordings_no_data() -> None:
    rule = {"type": "include", "all": True}
    assert len(rules(*[rule] * 20)) == 20
    assert refusal(rules) == 53215
    assert refusal(lambda: rules(*[rule] * 21)) == 53215
    data = {"type": "include", "kind": "data"}
    rules(data)
    assert refusal(lambda: rules(data, of=RECORDING_RULES)) == 53120
    assert refusal(lambda: parse_rules(rule, *RECORDING_RULES)) == 53120


TEXTS = st.none() | st.text(min_size=1, max_size=5)
RULES = st.builds(
    TrackRule,
    is_include=st.booleans(),
    kind=st.sampled_from([None, "audio", "video", "data"]),
    publisher=TEXTS,
    track=TEXTS,
    priority=st.none() | st.sampled_from(Priority),
)


@given(st.lists(RULES, min_size=1, max_size=20))
def test_rules_that_are_written_can_be_read(given_rules: list[TrackRule]) -> None:
    text = json.dumps(rules_as_json(tuple(given_rules)))
    assert parse_rules(json.loads(text), *SUBSCRIBE_RULES) == tuple(given_rules)


NAMES = st.sampled_from(["type", "all", "kind", "publisher", "track", "priority", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3) | JSON)
def test_any_json_is_rules_or_is_refused(value: Any) -> None:
    with contextlib.suppress(InvalidArgumentError):
        rules = parse_rules(value, *SUBSCRIBE_RULES)
        assert parse_rules(rules_as_json(rules), *SUBSCRIBE_RULES) == rules


PARAMETERS = st.sampled_from(
    ["Type", "MaxParticipants", "MediaRegion", "VideoCodecs", "AudioOnly", "EmptyRoomTimeout",
     "RecordingRules", "TranscriptionsConfiguration", "StatusCallback", "LargeRoom"]
)  # fmt: skip


@given(
    st.lists(st.tuples(PARAMETERS, st.text(max_size=20))).map(lambda it: urlencode(it).encode())
    | st.binary(max_size=200)
)
def test_any_body_is_options_or_is_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidArgumentError):
        options = room_options(Form(body), largest=250)
        assert 1 <= (options.max_participants or 1) <= 250
