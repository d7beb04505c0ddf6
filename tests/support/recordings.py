"""What a player makes of recordings, read to their end; and waiting for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from acs_core.core.rules import INCLUDE_ALL
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import Color, dominant_color, dominant_frequency, read_counter
from acs_core.service.app import CallingService
from acs_core.service.calls import ServerCall
from acs_core.service.recording.info import RecordingInfo
from acs_core.service.rooms import RoomOptions
from tests.support.events import until
from tests.support.sources import SIGNAL_SECONDS

__all__ = [
    "Onsets",
    "Picture",
    "beeps_of",
    "completed",
    "flashes_of",
    "media_flows",
    "news_of",
    "pictures_of",
    "pitch_of",
    "sounds_of",
    "studio",
]


@dataclass
class Onsets:
    """Finds when a signal begins, of those that are whole: not those that a gap cut short."""

    found: list[float] = field(default_factory=list)
    began: float | None = None
    is_on: bool = True

    def tell(self, is_on: bool, time: float) -> None:
        if is_on and not self.is_on:
            self.began = time
        if not is_on and self.began is not None:
            if time - self.began > SIGNAL_SECONDS - 0.03:
                self.found.append(self.began)
            self.began = None
        self.is_on = is_on


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
    await service.recordings.settled(call.id)
    found = await service.recordings.of_call(call.id)
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
    """Decode a file of sound to its end: times, and samples at the file's rate."""
    with av.open(str(path)) as container:
        sounds = [AudioFrame.from_av(frame) for frame in container.decode(audio=0)]
    return [(sound.time, sound.samples[:, 0]) for sound in sounds]


def pitch_of(path: Path) -> float:
    """The frequency, in Hz, of the loudest tone of a file."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].codec_context.sample_rate
    return dominant_frequency(np.concatenate([samples for _, samples in sounds_of(path)]), rate)


def flashes_of(path: Path) -> list[float]:
    """When the pictures of a `FlashSource` become bright, in seconds from the beginning."""
    found = Onsets()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.tell(bool(frame.to_ndarray(format="gray").mean() > 128), frame.time or 0.0)
    return found.found


def beeps_of(path: Path) -> list[float]:
    """When the sound of a `BeepSource` becomes loud, in seconds from the beginning."""
    found = Onsets()
    for time, samples in sounds_of(path):
        loud = np.abs(samples.astype(np.int32)) > 1000
        found.tell(bool(loud.any()), time + int(loud.argmax()) / 48_000)
    return found.found


async def media_flows(service: CallingService, packets: int) -> None:
    """Wait until so many packets more have come of every stream."""
    before = service.engine.stats(max_age=0).producers
    wanted = {name: counts.packets + packets for name, counts in before.items()}

    def has_come() -> bool:
        now = service.engine.stats(max_age=0.1).producers
        return all(now[name].packets >= count for name, count in wanted.items() if name in now)

    await until(has_come)
