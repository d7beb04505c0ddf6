"""What one participant received, as a file to play: two pictures side by side, both voices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import av
import numpy as np

import twilio_compat as Video  # noqa: N812
from acs_core.media.frames import AudioFrame, Picture, VideoFrame
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingOptions
from acs_core.media.sinks import FrameSurface

__all__ = ["Recorded", "RoomRecording", "inspect_recording"]

TILE: Final = (480, 270)
BLACK: Final = 16
GRAY: Final = 128


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is in a finished file, read back from it.

    Attributes:
        video_seconds: From the first to the last picture.
        audio_seconds: Length of the sound.
        frames: Pictures.
        level: Mean power of the sound, dBov.
    """

    video_seconds: float
    audio_seconds: float
    frames: int
    level: float


@final
class RoomRecording:
    """Records the tracks that one program received; `close` completes the file."""

    def __init__(self, path: Path, room: Video.Room) -> None:
        self._recorder = Recorder(path, RecordingOptions(size=(2 * TILE[0], TILE[1])))
        self._readers: list[Video.TrackFrames[VideoFrame] | Video.TrackFrames[AudioFrame]] = []
        self._shown: list[tuple[Video.RemoteVideoTrack, FrameSurface]] = []
        people = [one for one in room.participants.values() if one.videoTracks]
        for participant in people:
            self._add_sound(participant)
        pictures = [track for one in people if (track := _video_of(one)) is not None]
        if pictures:
            self._add_pictures(people[0].sid, pictures)

    async def close(self) -> None:
        """Finish the file.

        Raises:
            MediaError: It cannot be written.
        """
        try:
            await self._recorder.close()
        finally:
            for reader in self._readers:
                reader.close()
            for track, surface in self._shown:
                track.detach(surface)

    def _add_sound(self, participant: Video.RemoteParticipant) -> None:
        for publication in participant.audioTracks.values():
            track = publication.track
            if isinstance(track, Video.RemoteAudioTrack):
                frames = track.frames("queue", max_queue=50)
                self._readers.append(frames)
                self._recorder.add_audio(frames, clock=participant.sid)

    def _add_pictures(self, clock: str, tracks: list[Video.RemoteVideoTrack]) -> None:
        """The first track sets the pace; of the others its newest picture stands beside it."""
        first, *others = tracks
        for track in others:
            surface = FrameSurface()
            track.attach(surface)
            self._shown.append((track, surface))
        frames = first.frames("queue", max_queue=10)
        self._readers.append(frames)
        surfaces = [surface for _, surface in self._shown]
        self._recorder.add_video(_side_by_side(frames, surfaces), clock=clock)


def _video_of(participant: Video.RemoteParticipant) -> Video.RemoteVideoTrack | None:
    tracks = (publication.track for publication in participant.videoTracks.values())
    return next((track for track in tracks if isinstance(track, Video.RemoteVideoTrack)), None)


async def _side_by_side(
    frames: Video.TrackFrames[VideoFrame], surfaces: list[FrameSurface]
) -> AsyncIterator[VideoFrame]:
    async for frame in frames:
        tiles = [tile(one) for one in (frame, *(surface.frame for surface in surfaces[:1]))]
        picture = np.concatenate(tiles, axis=2 - 1) if len(tiles) > 1 else tiles[0]
        yield VideoFrame.from_ndarray(
            picture, format="yuv420p", time=frame.time, capture_time=frame.capture_time
        )


def tile(frame: VideoFrame | None, size: tuple[int, int] = TILE) -> Picture:
    """Fit a frame into a black picture of `size`, even sides; RGB."""
    width, height = size
    canvas: Picture = np.zeros((height, width, 3), dtype=np.uint8)
    if frame is None:
        return canvas
    scale = min(width / frame.width, height / frame.height)
    inner = (max(2, round(frame.width * scale)), max(2, round(frame.height * scale)))
    small = frame.av_frame.reformat(width=inner[0], height=inner[1], format="rgb24")
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = small.to_ndarray()
    return canvas


def inspect_recording(path: Path) -> Recorded:
    """Decode a recording from the start to the end; blocks.

    Raises:
        MediaError: It cannot be read.
    """
