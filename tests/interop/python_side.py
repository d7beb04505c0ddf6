"""What Python participants receive of somebody, Twilio-style and ACS-style."""

from __future__ import annotations

from typing import Any

import pytest

from acs_core import Call
from tests.support.events import until
from tests.support.media_checks import Color, is_color, listen, watch
from twilio_compat import Room

__all__ = [
    "check_acs_sees_and_hears",
    "check_python_sees",
    "check_python_sees_and_hears",
    "received",
]


def received(room: Room, identity: str, kind: str) -> Any:
    """Somebody's track of a kind as a Python program has it; None until it is subscribed."""
    for participant in room.participants.values():
        if participant.identity == identity:
            for publication in participant.tracks.values():
                if publication.kind == kind and publication.track is not None:
                    return publication.track
    return None


async def check_python_sees(room: Room, identity: str, color: Color, *, count: int = 5) -> None:
    """The video of somebody arrives in Python, in order."""
    await until(lambda: received(room, identity, "video"))
    frames = received(room, identity, "video").frames()
    seen, counters = await watch(frames, count=count)
    frames.close()
    assert is_color(seen, color)
    assert counters == sorted(set(counters))


async def check_python_sees_and_hears(room: Room, identity: str, color: Color, tone: float) -> None:
    """The video and the sound of somebody arrive in Python."""
    await check_python_sees(room, identity, color)
    await until(lambda: received(room, identity, "audio"))
    samples = received(room, identity, "audio").frames()
    assert await listen(samples) == pytest.approx(tone, rel=0.08)
    samples.close()


async def check_acs_sees_and_hears(call: Call, name: str, color: Color, tone: float) -> None:
    """The media of somebody arrives in an ACS-style program."""
    (participant,) = (one for one in call.remote_participants if one.display_name == name)
    await until(lambda: participant.video_streams and participant.video_streams[0].is_available)
    frames: Any = participant.video_streams[0].frames()
    seen, _ = await watch(frames)
    frames.close()
    assert is_color(seen, color)
    samples = participant.audio_frames()
    assert await listen(samples) == pytest.approx(tone, rel=0.08)
    await samples.aclose()
