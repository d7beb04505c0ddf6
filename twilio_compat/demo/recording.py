"""What one participant received, as a file to play: two pictures side by side, both voices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import av
import numpy as np

import twilio_compat as Video  # noqa: N812
from acs_core.errors import MediaError, Stage
from acs_core.media.frames import AudioFrame, Picture, VideoFrame
from acs_core.media.recording import RecordingFile, RecordingOptions
from acs_core.media.sinks import FrameSurface

__all__ = ["Recorded", "RoomRecording", "inspect_recording"]

TILE: Final = (384, 216)
"""Both halves are even, too: a row of I420 planes then is a picture again."""
BLACK: Final = 16
GRAY: Final = 128
SILENCE: Final = -127.0


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
    """Keeps what one program receives, and makes a file of it when the room is over.

    Encoding waits because it would compete with the calls of three programs for two processors;
    eight seconds are 25 MB. `acs_core.media.recorder.Recorder` records while a call goes on.

    Args:
        room: The room; whoever is to be recorded is in it already.
        clock: Seconds on a steady clock.
    """

    def __init__(self, room: Video.Room, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._items: list[tuple[str, str, VideoFrame | AudioFrame, float]] = []
        self._undo: list[Callable[[], object]] = []
        people = [one for one in room.participants.values() if one.videoTracks]
        for participant in people:
            self._add_sound(participant)
        pictures = [track for one in people if (track := _video_of(one)) is not None]
        if pictures:
            self._add_pictures(people[0].sid, pictures)

    def stop(self) -> None:
        """Keep nothing more."""
        for undo in self._undo:
            undo()
        self._undo.clear()

    def write(self, path: Path) -> None:
        """Make the file; blocks.

        Raises:
            MediaError: It cannot be written.
        """
        file = RecordingFile(path, RecordingOptions(size=(2 * TILE[0], TILE[1])))
        try:
            for stream, clock, frame, arrival in self._items:
                if isinstance(frame, VideoFrame):
                    file.write_video(stream, clock, frame, arrival)
                else:
                    file.write_audio(stream, clock, frame, arrival)
            file.finish()
        finally:
            file.close()

    def _add_sound(self, participant: Video.RemoteParticipant) -> None:
        sid = participant.sid

        def take(frame: AudioFrame) -> None:
            self._keep(f"sound of {sid}", sid, frame)

        for publication in participant.audioTracks.values():
            if isinstance(publication.track, Video.RemoteAudioTrack):
                self._undo.append(publication.track.onFrame(take))

    def _add_pictures(self, clock: str, tracks: list[Video.RemoteVideoTrack]) -> None:
        """The first track sets the pace; of the other its newest picture stands beside it."""
        first, *others = tracks
        surfaces = [FrameSurface() for _ in others]
        for track, surface in zip(others, surfaces, strict=True):
            self._undo.append(track.onFrame(surface.show))

        def take(frame: VideoFrame) -> None:
            picture = VideoFrame.from_ndarray(
                beside([frame, *(surface.frame for surface in surfaces[:1])]),
                format="yuv420p",
                time=frame.time,
                capture_time=frame.capture_time,
            )
            self._keep("pictures", clock, picture)

        self._undo.append(first.onFrame(take))

    def _keep(self, stream: str, clock: str, frame: VideoFrame | AudioFrame) -> None:
        self._items.append((stream, clock, frame, self._clock()))


def _video_of(participant: Video.RemoteParticipant) -> Video.RemoteVideoTrack | None:
    tracks = (publication.track for publication in participant.videoTracks.values())
    return next((track for track in tracks if isinstance(track, Video.RemoteVideoTrack)), None)


def beside(frames: list[VideoFrame | None]) -> Picture:
    """Lay frames out in a row of tiles; I420, without the detour over RGB, which costs more."""
    tiles = [_planes(frame) for frame in frames]
    rows = [np.hstack([one[number] for one in tiles]) for number in range(3)]
    flat = np.concatenate([row.ravel() for row in rows])
    return flat.reshape(TILE[1] * 3 // 2, -1)


def _planes(frame: VideoFrame | None) -> list[Picture]:
    """The Y, U and V planes of a tile with the frame in its middle."""
    width, height = TILE
    canvas = [
        np.full((height, width), BLACK, dtype=np.uint8),
        np.full((height // 2, width // 2), GRAY, dtype=np.uint8),
        np.full((height // 2, width // 2), GRAY, dtype=np.uint8),
    ]
    if frame is None:
        return canvas
    scale = min(width / frame.width, height / frame.height)
    inner = [max(4, int(side * scale) // 4 * 4) for side in (frame.width, frame.height)]
    small = VideoFrame(frame.av_frame.reformat(width=inner[0], height=inner[1], format="yuv420p"))
    left, top = (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2
    for plane, whole, part in zip(small.planes, canvas, (1, 2, 2), strict=True):
        rows, columns = plane.shape
        whole[top // part : top // part + rows, left // part : left // part + columns] = plane
    return canvas


def inspect_recording(path: Path) -> Recorded:
    """Decode a recording from the start to the end; blocks.

    Raises:
        MediaError: It cannot be read.
    """
    pictures: list[float] = []
    seconds, energy = 0.0, 0.0
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0, audio=0):
                if isinstance(frame, av.VideoFrame):
                    pictures.append(frame.time or 0.0)
                elif isinstance(frame, av.AudioFrame):
                    sound = AudioFrame.from_av(frame)
                    seconds += sound.duration
                    energy += 10 ** (sound.level_dbov / 10) * sound.duration
    except (av.FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"The recording {path} cannot be read.", stage=Stage.MEDIA) from error
    level = 10 * math.log10(energy / seconds) if seconds and energy else SILENCE
    length = pictures[-1] - pictures[0] if pictures else 0.0
    return Recorded(round(length, 2), round(seconds, 2), len(pictures), round(level, 1))
