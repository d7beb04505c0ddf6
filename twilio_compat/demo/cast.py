"""Who is in the demo and what they send: real files, made different enough to tell apart.

Alice sends the files as they are. Bob and Carol send the sample clip through a track that the
program writes, with other colors, and the sample voice slower and faster, hence deeper and higher.
They speak in turns, so that the recording can be listened to.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from acs_core.errors import SourceUnavailableError, Stage
from acs_core.media.files import FileSource
from acs_core.media.frames import Picture
from acs_core.media.sources import SourceEndedError
from twilio_compat.local_track import LocalVideoTrack

__all__ = ["CAST", "Clip", "Role", "make_voices", "open_clip", "replay", "sample_media"]

MAX_SIZE: Final = (640, 360)
MAX_RATE: Final = 30.0
FALLBACK_RATE: Final = 25.0
LEAD: Final = 0.4
"""Seconds from opening a voice to the room being complete, about; nobody speaks before that."""

SEPIA: Final = (112, 148)
"""U and V of a brown that the clip itself does not have."""


@dataclass(frozen=True, slots=True)
class Role:
    """One participant.

    Attributes:
        name: Identity.
        pitch: Of the voice, against the sample.
        turns: From when to when they speak, as shares of the time. Bob talks before anybody hears
            him; Carol says hello first, so that she is heard even if a busy machine delays her.
        look: What is done to a picture, ``(h * 3 / 2, w)`` uint8 I420; None for nothing.
        description: For people.
    """

    name: str
    pitch: float
    turns: tuple[tuple[float, float], ...]
    look: Callable[[Picture], Picture] | None
    description: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A file with pictures.

    Attributes:
        size: Width and height to send it at.
        rate: Pictures per second, at most `MAX_RATE`.
        is_scaled: Whether it must be made smaller.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    is_scaled: bool


def swap_colors(picture: Picture) -> Picture:
    """Exchange the two color differences of an I420 picture: blue becomes orange."""
    height = picture.shape[0] * 2 // 3
    changed = picture.copy()
    changed[height:] = picture[height:].reshape(2, -1)[::-1].reshape(height // 2, -1)
    return changed


def mirror_brown(picture: Picture) -> Picture:
    """Turn left and right around, and make everything brown."""
    height = picture.shape[0] * 2 // 3
    changed = picture.copy()
    changed[:height] = picture[:height, ::-1]
    changed[height:].reshape(2, -1)[:] = np.array(SEPIA, dtype=np.uint8)[:, np.newaxis]
    return changed


CAST: Final = (
    Role("alice", 1.0, ((0.0, 0.3),), None, "the files as they are"),
    Role(
        "bob", 0.84, ((0.05, 0.6),), swap_colors, "colors exchanged, deeper voice, muted at first"
    ),
    Role(
        "carol", 1.18, ((0.02, 0.14), (0.56, 1.0)), mirror_brown, "mirrored and brown, higher voice"
    ),
)


def sample_media() -> Path:
    """The folder with `clip.mp4` and `speech.wav`: in the package, or in the source tree.

    Raises:
        SourceUnavailableError: This installation has neither.
    """
    here = Path(__file__).parent
    for folder in (here / "media", here.parents[1] / "migration_examples" / "media"):
        if (folder / "clip.mp4").is_file() and (folder / "speech.wav").is_file():
            return folder
    raise SourceUnavailableError(
        "The sample media are not installed.",
        stage=Stage.DEVICE,
        next_step="Install the wheel again, or run from the source tree.",
    )


async def open_clip(path: Path) -> Clip:
    """Make sure that a file has pictures, and say how to send them.

    Raises:
        SourceUnavailableError: It does not exist, cannot be decoded, or has none.
    """
    source = FileSource(path, "video")
    await source.open()
    await source.close()
    return await asyncio.to_thread(_measure, path)


def _measure(path: Path) -> Clip:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        width, height = stream.codec_context.width, stream.codec_context.height
        rate = float(stream.average_rate or FALLBACK_RATE)
    scale = min(1.0, MAX_SIZE[0] / width, MAX_SIZE[1] / height)
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    return Clip(path, size, min(rate, MAX_RATE), is_scaled=scale < 1)


async def replay(
    clip: Clip, track: LocalVideoTrack, look: Callable[[Picture], Picture] | None
) -> None:
    """Write a file's pictures into a track at their time, again and again, until cancelled."""
    source = FileSource(clip.path, "video", loop=True)
    reader = await source.open()
    width, height = clip.size
    try:
        while True:
            frame = await reader.read()
            assert isinstance(frame, av.VideoFrame)
            if clip.is_scaled:
                frame = frame.reformat(width=width, height=height)
            picture = np.array(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)
            track.write(picture if look is None else look(picture))
    except SourceEndedError:
        return
    finally:
        reader.close()
        await source.close()


def make_voices(speech: Path, folder: Path, seconds: float) -> dict[str, Path]:
    """Write each role's turn to speak as a file; blocks.

    Args:
        speech: 16 bit mono wav.
        folder: Where the files go.
        seconds: How long the room lasts.
    """
    with wave.open(str(speech), "rb") as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    voices = {}
    for role in CAST:
        voices[role.name] = folder / f"{role.name}.wav"
        own_rate = round(rate * role.pitch)
        whole = np.zeros(round((seconds + 5) * own_rate), dtype="<i2")
        for turn in role.turns:
            first, last = (round((LEAD + share * seconds) * own_rate) for share in turn)
            spoken = samples[: last - first]
            whole[first : first + len(spoken)] = spoken
        with wave.open(str(voices[role.name]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            # Played at another rate the same samples are another voice.
            file.setframerate(own_rate)
            file.writeframes(whole.tobytes())
    return voices
