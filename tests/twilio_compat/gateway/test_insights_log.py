from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import ProtocolError
from twilio_compat.gateway.insights_log import (
    DEPTH_LIMIT,
    MESSAGE_LIMIT,
    Connect,
    Event,
    InsightsLimits,
    InsightsLog,
    Publisher,
    Source,
    StreamKey,
    decode,
)

ANN = StreamKey("8:acs:ann", "RM1", "PA1")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJBQzEifQ.c2lnbmF0dXJl"


def event(name: str = "connected", **payload: Any) -> Event:
    return Event(group="room", name=name, session="s", timestamp=5, payload=payload)


def names(log: InsightsLog, *, after: int = 0, limit: int = 100, now: float = 0) -> list[str]:
    found = log.find(lambda _: True, after=after, limit=limit, now=now)
    return [one.name for one in found]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"in": value}


# ---------------------------------------------------------------- reading


def test_connect_is_read_as_the_sdk_sends_it() -> None:
    message = decode(
        '{"type":"connect","token":"t","version":1,"publisher":{"name":"twilio-video.js",'
        '"sdkVersion":"2.36.0","userAgent":"x","participantSid":"PA1","roomSid":"RM1"}}'
    )
    assert message == Connect(
        token="t",
        publisher=Publisher(
            name="twilio-video.js", sdk_version="2.36.0", participant_sid="PA1", room_sid="RM1"
        ),
    )


def test_token_of_a_connect_is_not_printed() -> None:
    assert "secret" not in repr(Connect(token="secret"))


def test_event_is_read_with_its_payload() -> None:
    text = '{"type":"event","group":"g","name":"n","session":"s","timestamp":1,"payload":{"a":[1]}}'
    assert decode(text) == Event("g", "n", "s", 1, {"a": [1]})


def test_unknown_type_is_passed_over() -> None:
    assert decode('{"type":"ping"}') is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"type":1}',
        '{"type":"connect"}',
        '{"type":"event","group":1,"name":"n"}',
        '{"type":"event","group":"' + "g" * 129 + '","name":"n"}',
        '{"type":"event","group":"g","name":"n","payload":"text"}',
        json.dumps(
            {"type": "event", "group": "g", "name": "n", "payload": nested(DEPTH_LIMIT - 1)}
        ),
        '{"type":"event","group":"g","name":"n","payload":' + '{"a":' * 9000 + "}" * 9000 + "}",
        "[" * 9000,
        " " * (MESSAGE_LIMIT + 1),
        '"\ud800"',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text)


def test_payload_may_be_as_deep_as_the_limit() -> None:
    payload = nested(DEPTH_LIMIT - 2)
    text = json.dumps({"type": "event", "group": "g", "name": "n", "payload": payload})
    assert decode(text) == Event("g", "n", payload=payload)


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["type", "group", "name", "payload", "token", "publisher"]) | st.text(),
        inner | st.sampled_from(["connect", "event"]),
    ),
).map(json.dumps))  # fmt: skip
def test_any_text_is_a_message_or_a_protocol_error(text: str) -> None:
    try:
        message = decode(text)
    except ProtocolError:
        return
    if isinstance(message, Event):
        kept = InsightsLog().add(ANN, Source(), message, now=0)
        assert kept.to_json()["payload"] == (message.payload or {})


# ---------------------------------------------------------------- keeping


def test_event_is_shown_with_whose_it_is() -> None:
    log = InsightsLog()
    log.add(ANN, Source("ann", "daily", "sdk"), event(level="info"), now=7)
    (found,) = log.find(lambda _: True, limit=10, now=7)
    assert found.to_json() == {
        "sequence": 1,
        "received_at": 7,
        "room_sid": "RM1",
        "room": "daily",
        "participant_sid": "PA1",
        "identity": "ann",
        "sdk": "sdk",
        "group": "room",
        "name": "connected",
        "level": "info",
        "timestamp": 5,
        "payload": {"level": "info"},
    }


@pytest.mark.parametrize("level", [None, 3, "x" * 17])
def test_level_that_is_none_is_left_out(level: object) -> None:
    assert InsightsLog().add(ANN, Source(), event(level=level), now=0).level == ""


def test_tokens_are_not_kept() -> None:
    kept = InsightsLog().add(ANN, Source(), event(url=f"wss://x?token={JWT}&a=1"), now=0)
    assert kept.to_json()["payload"] == {"url": "wss://x?token=(token removed)&a=1"}


def test_events_of_all_streams_come_in_order() -> None:
    log = InsightsLog()
    for number, who in enumerate(["PA1", "PA2", "PA1"]):
        log.add(StreamKey("a", "RM1", who), Source(), event(str(number)), now=0)
    assert names(log) == ["0", "1", "2"]
    assert names(log, after=1) == ["1", "2"]
    assert names(log, limit=1) == ["0"]
    assert log.last_sequence == 3


def test_stream_keeps_its_newest_events() -> None:
    log = InsightsLog(InsightsLimits(events=2))
    for number in range(4):
        log.add(ANN, Source(), event(str(number)), now=0)
    assert names(log) == ["2", "3"]


def test_stream_keeps_no_more_text_than_allowed() -> None:
    log = InsightsLog(InsightsLimits(stream_size=100))
    for number in range(4):
        log.add(ANN, Source(), event(str(number), text="x" * 30), now=0)
    assert names(log) == ["2", "3"]
    log.add(ANN, Source(), event("large", text="x" * 200), now=0)
    assert names(log) == []


def test_user_pushes_out_its_own_streams_first() -> None:
    log = InsightsLog(InsightsLimits(user_streams=2))
    for user, who in [("a", "1"), ("b", "2"), ("b", "3"), ("b", "4"), ("b", "3")]:
        log.add(StreamKey(user, "RM1", who), Source(), event(who), now=0)
    assert names(log) == ["1", "3", "4", "3"]


def test_quietest_stream_goes_when_there_are_too_many() -> None:
    log = InsightsLog(InsightsLimits(streams=2))
    for user in ["a", "b", "a", "c"]:
        log.add(StreamKey(user, "RM1", "PA1"), Source(), event(user), now=0)
    assert names(log) == ["a", "a", "c"]


def test_old_events_are_forgotten() -> None:
    log = InsightsLog(InsightsLimits(retention=10))
    log.add(ANN, Source(), event("old"), now=0)
    log.add(StreamKey("b", "RM1", "PA2"), Source(), event("older stream"), now=1)
    log.add(ANN, Source(), event("new"), now=8)
    assert names(log, now=10) == ["old", "older stream", "new"]
    assert names(log, now=12) == ["new"]
    assert names(log, now=19) == []


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("123456"), st.integers(0, 90)),
        max_size=80,
    )
)
def test_bounds_hold_for_any_events(script: list[tuple[str, str, int]]) -> None:
    limits = InsightsLimits(events=3, stream_size=120, user_streams=2, streams=4)
    log = InsightsLog(limits)
    for user, who, size in script:
        log.add(StreamKey(user, "RM1", who), Source(), event(text="x" * size), now=0)
    kept = log.find(lambda _: True, limit=1000, now=0)
    streams = {one.key for one in kept}
    assert len(streams) <= limits.streams
    for key in streams:
        own = [one for one in kept if one.key == key]
        assert len(own) <= limits.events
        assert sum(len(one.payload) for one in own) <= limits.stream_size
    for user in "abc":
        assert sum(key.raw_id == user for key in streams) <= limits.user_streams
