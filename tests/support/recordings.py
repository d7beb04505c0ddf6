"""What a player makes of recordings, read to their end; and waiting for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from acs_core.core.rules import INCLUDE_ALL
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import Color, dominant_color, dominant_frequency, read_counter
from acs_core.service.app import CallingService
from acs_core.service.calls import ServerCall
from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from acs_core.service.rooms import RoomOptions
from tests.support.events import until

__all__ = [
    "Picture",
    "completed",
    "news_of",
    "pictures_of",
    "pitch_of",
    "sounds_of",
    "studio",
]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a file; the counter is None where it cannot be read."""

    time: float
    size: tuple[int, int]
    color: Color
    counter: int | None


def studio(service: CallingService, name: str = "studio") -> ServerCall:
    """A room in which everything is recorded."""
    return service.calls.create(unique_name=name, options=RoomOptions(recording_rules=INCLUDE_ALL))


def news_of(service: CallingService) -> list[tuple[str, RecordingInfo]]:
    """Everything that is told about recordings from now on."""
    news: list[tuple[str, RecordingInfo]] = []
    service.recordings.observe(lambda what, info: news.append((what, info)))
    return news


async def completed(
    service: CallingService, call: ServerCall, count: int
) -> dict[str, RecordingInfo]:
    """The completed recordings of a call by name of track and number, once there are so many."""
    found: list[RecordingInfo] = []
    query = RecordingQuery(calls=(call.id,), status=RecordingStatus.COMPLETED)
    await service.recordings.settled(call.id)
    found = sorted(await service.recordings.list(query), key=lambda info: info.offset_ms)
    assert len(found) == count, found
    return {f"{info.kind}{index}": info for index, info in enumerate(found)}


def pictures_of(path: Path) -> list[Picture]:
    """Decode a file of pictures to its end."""
    seen: list[Picture] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = VideoFrame(frame, time=0.0)
            rgb = picture.to_rgb()
            seen.append(
                Picture(
                    frame.time or 0.0,
                    (picture.width, picture.height),
                    dominant_color(rgb),
                    read_counter(rgb),
                )
            )
    return seen


def sounds_of(path: Path) -> list[tuple[float, np.ndarray]]:
    """Decode a file of sound to its end: times, and samples at 48 kHz."""
    heard: list[tuple[float, np.ndarray]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            sound = AudioFrame.from_av(frame)
            heard.append((sound.time, sound.samples[:, 0]))
    return heard


def pitch_of(path: Path) -> float:
    """The frequency, in Hz, of the loudest tone of a file."""
    return dominant_frequency(np.concatenate([samples for _, samples in sounds_of(path)]), 48_000)


async def lasting(news: list[tuple[str, RecordingInfo]], count: int) -> None:
    """Wait until so many recordings have begun."""
    await until(lambda: sum(what == "started" for what, _ in news) == count)
