"""What clients must not be able to do over their channels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core import wire
from acs_core.core.facts import PublicationKind, SpeakersChanged
from acs_core.service.calls import CallLimits
from tests.support.events import until
from tests.support.signaling_channels import READY, room, wired
from twilio_compat.gateway.channels import Allowance, Channel


def texts() -> st.SearchStrategy[str | bytes]:
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
    types = st.sampled_from([*Channel, "ready", "client_reset", "x"])
    names = ["track", "subscribe", "subscriber", "id", "hints", "ice", "reportLevel"]
    messages = st.dictionaries(st.sampled_from(names), json_values)
    typed = st.builds(lambda name, rest: {**rest, "type": name}, types, messages)
    hints = st.builds(
        lambda number, hints: {
            "type": "render_hints",
            "subscriber": {"id": number, "hints": hints},
        },
        st.integers(),
        st.lists(
            st.dictionaries(st.sampled_from(["track", "enabled", "render_dimensions"]), json_values)
        ),
    )
    return (json_values | typed | hints).map(json.dumps) | st.text() | st.binary()


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Channel)), texts()), max_size=8))
def test_nothing_that_is_said_on_any_channel_raises(said: Iterable[tuple[Channel, Any]]) -> None:
    async def run() -> None:
        ours, *_ = room()
        channels, signaling = wired(ours)
        for kind, message in said:
            channels[kind].hear(READY, message)
            assert channels[kind].state == "open"
        signaling.close()

    asyncio.run(run())


async def test_deep_and_long_messages_are_passed_over() -> None:
    ours, *_ = room()
    channels, _ = wired(ours)
    channel = channels["render_hints"]
    deep = "[" * 20_000 + "]" * 20_000
    hints = f'{{"type":"render_hints","subscriber":{{"id":1,"hints":{deep}}}}}'
    channel.hear(READY, hints, json.dumps({**READY, "x": "y" * 70_000}), b'{"type":"ready"}')
    assert channel.sent == []


async def test_too_many_messages_and_hints_are_not_handled() -> None:
    ours, theirs, *_ = room()
    now = 0.0
    allowance = Allowance(rate=1, burst=2, now=lambda: now)
    ours.call.speakers_changed(SpeakersChanged(dominant=theirs.id))
    channels, _ = wired(ours, allowance=allowance)
    channel = channels["active_speaker"]
    channel.hear(READY, READY, READY)
    assert len(channel.sent) == 2
    now = 1.5
    channel.hear(READY, READY)
    assert len(channel.sent) == 3
    assert theirs.is_in_call


async def test_hints_beyond_the_limit_are_answered_and_not_kept() -> None:
    ours, theirs, _, publication = room()
    (second,) = theirs.publish([wire.NewPublication(key="w", kind=PublicationKind.VIDEO)])
    channels, _ = wired(ours, max_hints=1)
    for number, track in enumerate((publication, second.id)):
        hints = [{"track": f"MT{track}"}] * 2
        message = {"type": "render_hints", "subscriber": {"id": number, "hints": hints}}
        channels["render_hints"].hear(READY, message)
        priority = {"type": "track_priority", "track": f"MT{track}", "subscribe": "low"}
        channels["track_priority"].hear(priority)
    results = [item["subscriber"]["hints"][0]["result"] for item in channels["render_hints"].sent]
    assert results == ["OK", "COULD_NOT_APPLY_HINT"]
    assert [item.publication for item in ours.policy.hints] == [publication]
    assert [item.publication for item in ours.policy.priorities] == [publication]


async def test_a_policy_that_the_service_refuses_is_told_as_not_applied() -> None:
    ours, _, _, publication = room(CallLimits(policy_length=0))
    channels, _ = wired(ours)
    hints = [{"track": f"MT{publication}"}]
    channels["render_hints"].hear(
        READY, {"type": "render_hints", "subscriber": {"id": 1, "hints": hints}}
    )
    (answer,) = channels["render_hints"].sent
    assert answer["subscriber"]["hints"][0]["result"] == "COULD_NOT_APPLY_HINT"
    assert ours.policy.hints == ()


async def test_a_channel_that_is_full_loses_what_is_said() -> None:
    ours, theirs, *_ = room()
    channels, signaling = wired(ours)
    channels["active_speaker"].hear(READY)
    channels["active_speaker"].is_full = True
    signaling.on_speakers(SpeakersChanged(dominant=theirs.id))
    assert channels["active_speaker"].sent == []


async def test_a_client_that_has_left_is_not_listened_to() -> None:
    ours, *_ = room()
    channels, signaling = wired(ours)
    ours.leave()
    channels["active_speaker"].hear(READY)
    assert channels["active_speaker"].sent == []
    signaling.close()
    signaling.close()


async def test_channels_whose_client_is_not_ready_are_announced_again_until_it_is() -> None:
    ours, *_ = room()
    told: list[dict[str, Any]] = []
    channels, signaling = wired(ours, on_unheard=told.append, remind_after=0.01)
    await until(lambda: len(told) == 2)
    # The same labels: a client that has set a channel up already passes it over.
    assert told[0] == told[1] == signaling.announce()
    for channel in channels.values():
        channel.hear(READY)
    await until(lambda: signaling._reminder._timer is None)
    count = len(told)
    signaling.announce()
    await until(lambda: signaling._reminder._timer is None)
    assert len(told) == count
    signaling.close()


async def test_nothing_is_announced_again_over_a_connection_that_is_not_there() -> None:
    ours, *_ = room()
    told: list[dict[str, Any]] = []
    channels, signaling = wired(ours, on_unheard=told.append, remind_after=0.01)
    for channel in channels.values():
        channel.state = "connecting"
    await until(lambda: signaling._reminder._left == 3)
    signaling.forget()
    assert signaling._reminder._timer is None
    assert told == []
    signaling.close()
