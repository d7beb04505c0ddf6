"""Recordings that a client makes, on a real service: what is in the file, and who knows of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core import (
    CallingError,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalRecorder,
    LocalVideoStream,
    TransportError,
    wire,
)
from acs_core.client.local_recorder import chosen_picture
from acs_core.core.facts import (
    AttributesChanged,
    EndpointAttributes,
    EndpointJoined,
    PublicationKind,
)
from acs_core.media.frames import AudioFrame
from acs_core.media.patterns import dominant_color, dominant_frequency
from acs_core.media.sources import ToneSource
from tests.support.calls import endpoint, joined, publication
from tests.support.events import next_event, until
from tests.support.fake_session import FakeSession
from tests.support.media_checks import RED, is_color
from tests.support.people import meeting, pattern, quiet


def contents(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures as (h, w, 3) and the sound of one channel."""
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [AudioFrame.from_av(frame).samples[:, 0] for frame in container.decode(audio=0)]
    return pictures, np.concatenate(sound)


def files_in(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


@pytest.mark.parametrize("name", ["minutes.mkv", "minutes.mp4"])
async def test_a_client_records_and_everybody_knows(tmp_path: Path, name: str) -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        theirs = await anna.join(
            audio=LocalAudioStream(ToneSource(700)), video=LocalVideoStream(pattern(RED))
        )
        call = await ben.join()
        seen = theirs.feature(Features.LOCAL_RECORDING)
        begun = next_event(seen, "isLocalRecordingActiveChanged")
        recorder = LocalRecorder(call, tmp_path / name)
        async with recorder:
            await begun
            assert [info.display_name for info in seen.recordings] == ["Ben"]
            with pytest.raises(InvalidStateError, match="already"):
                await LocalRecorder(call, tmp_path / "other.mkv").start()
            ended = next_event(seen, "localRecordingsUpdated")
            await asyncio.sleep(1.5)  # Real media takes real time.
            assert recorder.failure is None
        (update,) = await ended
        assert [info.display_name for info in update.removed] == ["Ben"]
        assert not seen.is_recording_active
        assert (await recorder.close()).duration > 1.0
    pictures, sound = contents(tmp_path / name)
    assert is_color(dominant_color(pictures[-1]), RED)
    assert dominant_frequency(sound[-24_000:], 48_000) == pytest.approx(700, abs=5)


async def test_a_recording_ends_with_its_call(tmp_path: Path) -> None:
    async with meeting() as place:
        ben = await place.user("Ben")
        call = await ben.join()
        recorder = LocalRecorder(call, tmp_path / "short.webm")
        await recorder.start()
        await call.hang_up()
        summary = await recorder.close()
        assert summary.path == tmp_path / "short.webm"
        with pytest.raises(InvalidStateError, match="not connected"):
            await LocalRecorder(call, tmp_path / "late.webm").start()


async def test_nothing_is_recorded_when_the_others_cannot_be_told(tmp_path: Path) -> None:
    async with joined(quiet()) as (call, session):
        session.answers[wire.AnnounceRecording] = TransportError("gone")
        recorder = LocalRecorder(call, tmp_path / "secret.mkv")
        with pytest.raises(CallingError, match="gone"):
            await recorder.start()
        with pytest.raises(InvalidStateError, match="not started"):
            await recorder.close()
    assert files_in(tmp_path) == []


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with joined(quiet()) as (call, _):
        with pytest.raises(InvalidArgumentError, match="folder"):
            LocalRecorder(call, tmp_path / "missing" / "a.mkv")
        with pytest.raises(InvalidArgumentError, match="Cannot record"):
            LocalRecorder(call, tmp_path / "a.avi")


async def test_a_screen_comes_before_the_speaker_and_the_speaker_before_what_is_shown() -> None:
    async with joined(quiet()) as (call, session):
        video, screen = PublicationKind.VIDEO, PublicationKind.SCREEN
        session.say(
            EndpointJoined(endpoint=endpoint("a", publication(1, video))),
            EndpointJoined(endpoint=endpoint("b", publication(2, video), publication(3, screen))),
        )
        first, second, shared = call.feature(Features.STREAMS).publications.values()
        everything = [first, second, shared]
        assert chosen_picture(everything, first.endpoint.id, first) is shared
        assert chosen_picture([first, second], second.endpoint.id, first) is second
        assert chosen_picture([first, second], None, second) is second
        assert chosen_picture([second], None, first) is second
        assert chosen_picture([], None, first) is None


def announced(session: FakeSession) -> list[bool]:
    """What we said of our own recording, in order."""
    return [body.is_recording for body in session.asked if isinstance(body, wire.AnnounceRecording)]


async def test_a_start_that_is_cancelled_is_taken_back(tmp_path: Path) -> None:
    async with joined(quiet()) as (call, session):
        session.ask_gate = asyncio.Event()
        starting = asyncio.create_task(LocalRecorder(call, tmp_path / "a.mkv").start())
        await until(lambda: announced(session))
        starting.cancel()
        session.ask_gate.set()
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert announced(session) == [True, False]
    assert files_in(tmp_path) == []


async def test_a_recorder_that_is_starting_does_not_start_again(tmp_path: Path) -> None:
    async with joined(quiet()) as (call, session):
        session.ask_gate = asyncio.Event()
        recorder = LocalRecorder(call, tmp_path / "a.mkv")
        starting = asyncio.create_task(recorder.start())
        await until(lambda: announced(session))
        with pytest.raises(InvalidStateError, match="already"):
            await recorder.start()
        session.ask_gate.set()
        await starting
        await recorder.close()


async def test_a_recording_whose_call_ends_while_it_is_closed_has_a_summary(tmp_path: Path) -> None:
    async with joined(quiet()) as (call, session):
        recorder = LocalRecorder(call, tmp_path / "a.mkv")
        await recorder.start()
        own = EndpointAttributes(is_recording=True)
        session.say(AttributesChanged(endpoint=call.id, attributes=own))
        session.ask_gate = asyncio.Event()
        closing = asyncio.create_task(recorder.close())
        await until(lambda: announced(session) == [True, False])
        await call.hang_up()
        assert (await closing).path == tmp_path / "a.mkv"
