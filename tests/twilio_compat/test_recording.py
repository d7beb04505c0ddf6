from __future__ import annotations

from pathlib import Path

import pytest

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.recording import RecordingOptions
from tests.support.fake_room import room_of
from twilio_compat.recording import Recording, record


async def test_the_end_of_the_room_is_the_end_of_the_recording(tmp_path: Path) -> None:
    options = RecordingOptions(has_video=False)
    async with room_of() as (room, _):
        recording = record(room, tmp_path / "a.mkv", participant="ann", options=options)
        room.disconnect()
        await room.closed()
        (file,) = await recording.stop()
        assert file.path.exists()
        late = record(room, tmp_path / "b.mkv", participant="ann", options=options)
        assert [one.path.name for one in await late.stop()] == ["b.mkv"]


async def test_identities_that_look_alike_have_files_of_their_own(tmp_path: Path) -> None:
    async with room_of() as (room, _):
        recording = Recording(room, tmp_path, None, RecordingOptions())
        paths = [recording._writer(identity).path.name for identity in ("a/b", "a:b", ".ab", "a/b")]
        assert paths == ["a_b.mp4", "a_b-2.mp4", "_ab.mp4", "a_b.mp4"]
        # File systems that do not tell them apart, and names of 255 bytes.
        paths = [recording._writer(identity).path.name for identity in ("A/B", "\u7f8e" * 100)]
        assert paths[0] == "A_B-3.mp4"
        assert len(paths[1].encode()) < 255
        await recording.stop()


@pytest.mark.parametrize("path", ["missing/x.mp4", "x.avi", "file/calls"])
async def test_places_that_cannot_be_written_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("no folder")
    async with room_of() as (room, _):
        with pytest.raises(InvalidArgumentError):
            record(room, tmp_path / path)


async def test_a_file_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    async with room_of() as (room, _):
        recording = record(room, tmp_path / "a.mp4", participant="ann")
        (tmp_path / "a.mp4").mkdir()
        with pytest.raises(MediaError):
            await recording.stop()
        assert recording.files == ()


async def test_a_recording_that_is_over_leaves_no_listener(tmp_path: Path) -> None:
    async with room_of() as (room, _):
        recording = record(room, tmp_path)
        assert room.listener_count("disconnected") == 1
        await recording.stop()
        assert room.listener_count("disconnected") == 0


async def test_only_remote_participants_are_recorded(tmp_path: Path) -> None:
    async with room_of() as (room, _):
        with pytest.raises(TypeError, match="RemoteParticipant"):
            record(room, tmp_path, participant=room.local_participant)  # type: ignore[arg-type]
