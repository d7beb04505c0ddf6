"""Media signaling: who speaks, how good the network is, what was said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from acs_core.service.transcription import Transcription
from tests.interop.stage import Stage
from tests.interop.values import microphone


@pytest.mark.feature("DOMSPK-002")
async def test_the_dominant_speaker_is_told_and_changes(stage: Stage) -> None:
    pages = {
        name: await stage.joined(name, media=(microphone(tone, gain=0),), dominantSpeaker=True)
        for name, tone in (("alice", 440), ("bob", 660))
    }
    carol = await stage.joined("carol", dominantSpeaker=True)
    for speaker, silent in (("alice", "bob"), ("bob", "alice")):
        since = await carol.mark()
        await pages[silent].speak(0)
        await pages[speaker].speak(0.5)
        told = await carol.event("dominantSpeakerChanged", f"participant:{speaker}", since=since)
        assert told.args == (f"participant:{speaker}",)
        assert (
            await carol.run("room => room.dominantSpeaker && room.dominantSpeaker.identity")
            == speaker
        )
        await pages[silent].event("dominantSpeakerChanged", f"participant:{speaker}")


@pytest.mark.feature("DOMSPK-001")
async def test_without_asking_nobody_is_told_who_speaks(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(microphone(440, gain=0.5),), dominantSpeaker=True)
    bob = await stage.joined("bob")
    carol = await stage.joined("carol", dominantSpeaker=True)
    await carol.event("dominantSpeakerChanged", "participant:alice")
    assert await bob.run("room => room.dominantSpeaker") is None
    assert "dominantSpeakerChanged" not in [name for name, *_ in await bob.story()]
    await alice.disconnect()
    await carol.event("dominantSpeakerChanged", None)


@pytest.mark.feature("DOMSPK-002")
async def test_a_speaker_who_leaves_is_nobodys_dominant_speaker(stage: Stage) -> None:
    pablo = await stage.guest("pablo", tone=440.0)
    page = await stage.joined("alice", dominantSpeaker=True)
    await page.event("dominantSpeakerChanged", "participant:pablo")
    pablo.disconnect()
    await page.event("dominantSpeakerChanged", None)
    assert await page.run("room => room.dominantSpeaker") is None


@pytest.mark.parametrize("verbosity", [1, 2, 3])
@pytest.mark.feature("NQ-001")
async def test_network_quality_has_the_detail_that_was_asked_for(
    stage: Stage, verbosity: int
) -> None:
    await stage.joined("bob", media=(microphone(440),), networkQuality=True)
    alice = await stage.joined(
        "alice",
        media=(microphone(660),),
        networkQuality={"local": verbosity, "remote": verbosity},
    )
    local = await alice.event("networkQualityLevelChanged", emitter="local")
    remote = await alice.event("networkQualityLevelChanged", emitter="participant:bob")
    for level, stats in (local.args[:2], remote.args[:2]):
        assert 1 <= level <= 5
        _check_detail(stats, verbosity)
    assert await alice.run("room => room.localParticipant.networkQualityLevel") in range(1, 6)


def _check_detail(stats: Any, verbosity: int) -> None:
    if verbosity == 1:
        assert stats is None
        return
    assert {"audio", "video"} <= set(stats)
    assert {"send", "recv"} <= set(stats["audio"])
    assert ("sendStats" in stats["audio"] and bool(stats["audio"]["sendStats"])) == (verbosity == 3)


@pytest.mark.feature("NQ-001")
async def test_network_quality_of_others_can_be_left_out(stage: Stage) -> None:
    await stage.joined("bob", networkQuality=True)
    alice = await stage.joined("alice", networkQuality={"local": 1, "remote": 0})
    await alice.event("networkQualityLevelChanged", emitter="local")
    assert await alice.run("(_, h) => h.participant('bob').networkQualityLevel") is None


async def test_transcriptions_reach_who_asked(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(microphone(440),))
    bob = await stage.joined("bob", receiveTranscriptions=True)
    await bob.event("trackSubscribed")
    (call,) = stage.server.calls.live.values()
    track = await alice.run("room => [...room.localParticipant.audioTracks.values()][0].trackSid")
    said = Transcription(
        endpoint=alice.sid.removeprefix("PA"),
        publication=track.removeprefix("MT"),
        text="hello there",
        is_partial=False,
        language_code="en-US",
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        sequence_number=1,
    )
    # Nobody is told when the channel is open; what is said before that is for nobody.
    while "transcription" not in [name for name, *_ in await bob.story()]:
        call.transcribed(said)
        await bob.pause(100)
    told = await bob.event("transcription")
    (heard,) = told.args
    assert heard["transcription"] == "hello there"
    assert heard["participant"] == alice.sid
    assert heard["track"] == track
    assert heard["partial_results"] is False
    assert heard["language_code"] == "en-US"
    assert "transcription" not in [name for name, *_ in await alice.story()]
