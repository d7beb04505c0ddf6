"""Who dominates follows from the audio levels in real packets."""

from __future__ import annotations

import asyncio

from acs_core.core.facts import SpeakersChanged
from acs_core.service.app import CallingService
from tests.support.service_client import Participant, group, participant
from tests.support.session_clients import stream
from tests.support.sources import SwitchedToneSource

SWITCH_WITHIN = 1.0
"""Seconds; 0.7 of them protect whoever spoke last."""
SLACK = 2.0
"""Seconds that a busy machine may add."""
SILENT_WITHIN = 3.0


def dominant(someone: Participant) -> str | None:
    changes = [fact for fact in someone.facts if isinstance(fact, SpeakersChanged)]
    return changes[-1].dominant if changes else None


async def until_dominant(listener: Participant, endpoint: str | None) -> None:
    await listener.until(lambda: dominant(listener) == endpoint)


async def test_the_dominant_speaker_follows_tones_and_silence(service: CallingService) -> None:
    place = group()
    tones = [SwitchedToneSource(frequency) for frequency in (330.0, 440.0, 550.0)]
    loop = asyncio.get_running_loop()
    async with (
        participant(service, place, [stream(tones[0])]) as one,
        participant(service, place, [stream(tones[1])]) as two,
        participant(service, place, [stream(tones[2])]) as three,
    ):
        everybody = (one, two, three)
        assert dominant(three) is None
        spoke: list[str] = []
        for someone, source in zip(everybody, tones, strict=True):
            for other in tones:
                other.is_on = other is source
            began = loop.time()
            for listener in everybody:
                await until_dominant(listener, someone.session.id)
            assert loop.time() - began < SWITCH_WITHIN + SLACK
            spoke.insert(0, someone.session.id)
            newest = [fact for fact in one.facts if isinstance(fact, SpeakersChanged)][-1]
            assert list(newest.ranking) == spoke
            assert someone.session.id in newest.speaking

        tones[-1].is_on = False
        began = loop.time()
        await until_dominant(one, None)
        assert loop.time() - began < SILENT_WITHIN + SLACK
        newest = [fact for fact in one.facts if isinstance(fact, SpeakersChanged)][-1]
        assert not newest.speaking
