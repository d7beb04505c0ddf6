"""What the programs of the guides are given, and how what they show is looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np

from acs_core import (
    AcceptCallOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClientOptions,
    CommunicationUserIdentifier,
    RemoteParticipant,
    StartCallOptions,
    legacy,
)
from acs_core.media.patterns import dominant_color, dominant_frequency
from acs_core.media.sinks import FrameSurface
from tests.support.events import until
from tests.support.media_checks import DEADLINE, SILENCE, Color, is_color, listen
from tests.support.people import AcsUser, Meeting
from tests.support.telephones import Loopback
from twilio_compat import AudioSink

__all__ = [
    "ACCEPT_QUIETLY",
    "CALL_QUIETLY",
    "CAMERA",
    "Pair",
    "Town",
    "beta_user",
    "falls_silent",
    "hears",
    "is_loud",
    "plays",
    "shows",
    "user_id",
]

CALL_QUIETLY = StartCallOptions(streams=())
ACCEPT_QUIETLY = AcceptCallOptions(streams=())

CAMERA = {"source": "pattern", "width": 160, "height": 96, "frameRate": 15}
"""Constraints of a Twilio track for a camera that every computer has."""


@dataclass(frozen=True)
class Pair:
    """A connected call between Anna, who called, and Ben."""

    place: Meeting
    anna: AcsUser
    ben: AcsUser
    ours: Call
    theirs: Call

    @property
    def seen_anna(self) -> RemoteParticipant:
        """Anna, as Ben's call has her."""
        (participant,) = self.theirs.remote_participants
        return participant


@dataclass(frozen=True)
class Town:
    """A service, and the telephones that were called from it."""

    place: Meeting
    telephones: Loopback


async def beta_user(place: Meeting, name: str, **options: Any) -> AcsUser:
    """A new user with the client of 2020; options as of `CallClientOptions`."""
    raw_id, token = place.server.issue_user_token()
    chosen = CallClientOptions(**({"sample_interval": 0.1} | options))
    client = await place.stack.enter_async_context(legacy.CallClient(chosen))
    credential = AzureCommunicationTokenCredential(token.token)
    agent = await client.create_call_agent(credential, CallAgentOptions(name))
    return AcsUser(raw_id, client, agent)


def user_id(person: AcsUser) -> CommunicationUserIdentifier:
    """What others call somebody by."""
    return CommunicationUserIdentifier(person.raw_id)


async def shows(surface: FrameSurface, color: Color) -> None:
    """Wait until a surface shows a picture of that color."""
    await until(lambda: not surface.is_blank and is_color(dominant_color(surface.image), color))


def is_loud(sink: AudioSink) -> bool:
    """Whether there is sound in what has come since the last time."""
    return any(np.sqrt(np.mean(np.square(f.samples.astype(float)))) > SILENCE for f in sink.drain())


async def falls_silent(sink: AudioSink, *, seconds: float = 0.3) -> None:
    """Wait until nothing loud comes for so long; what was under way comes first."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                await until(lambda: is_loud(sink), deadline=seconds)
            except TimeoutError:
                return


async def plays(sink: AudioSink, hertz: float) -> None:
    """Wait until a sink has half a second of that tone."""
    heard: list[np.ndarray] = []

    def has_tone() -> bool:
        heard.extend(frame.samples[:, 0] for frame in sink.drain())
        newest = np.concatenate(heard)[-24_000:] if heard else np.zeros(0)
        return len(newest) == 24_000 and abs(dominant_frequency(newest, 48_000) - hertz) < 40

    await until(has_tone)


async def hears(call: Call, hertz: float) -> None:
    """Read the sound of the only other one in a call until it is that tone."""
    (participant,) = call.remote_participants
    frames = participant.audio_frames()
    async with asyncio.timeout(DEADLINE):
        while abs(await listen(frames, seconds=0.2) - hertz) > 40:
            pass
    await frames.aclose()
