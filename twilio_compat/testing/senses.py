"""What a participant hears and sees, in words: the pitch of a tone, the color of a picture.

Theory of operation. `perceive` reads every fitting track of a room at once, those that come later
included, and asks of each perception whether it is what the test waits for. The last one of each
track is kept, so that a failure can say what came instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from acs_core.errors import CallingError
from acs_core.media.frames import AudioFrame, Picture, Samples
from acs_core.media.patterns import Color, dominant_color, dominant_frequency, read_counter
from twilio_compat.events import RoomEvent
from twilio_compat.remote_track import RemoteAudioTrack, RemoteVideoTrack
from twilio_compat.room import Room

__all__ = [
    "COLORS",
    "Heard",
    "Message",
    "Seen",
    "color_of",
    "judge_picture",
    "judge_sound",
    "name_of",
    "perceive",
]

COLORS: Final[dict[str, Color]] = {
    "red": (200, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 200),
    "yellow": (200, 190, 30),
    "magenta": (190, 40, 180),
    "cyan": (30, 180, 190),
    "gray": (128, 128, 128),
    "white": (235, 235, 235),
    "black": (16, 16, 16),
}
"""Colors that survive a video codec and can be told apart; any other may be given as RGB."""

_BLOCK: Final = 0.25
"""Seconds of sound that are judged at once; 20 Hz can be told from 24 Hz in them."""

_SILENCE: Final = 100
"""Largest int16 sample that is still silence: what codecs make of zeros."""

_TOLERANCE: Final = 45
"""How far a color may be off in each component, after two conversions and a codec."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A quarter of a second of sound: its loudest pitch in Hz, 0 for silence."""

    tone: float

    def __str__(self) -> str:
        return f"{self.tone:.0f} Hz" if self.tone else "silence"


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture: its main color, and its number if it is a test picture."""

    color: Color
    counter: int | None

    def is_color(self, wanted: Color) -> bool:
        """Whether it is that color, give or take what a codec does."""
        return all(abs(a - b) <= _TOLERANCE for a, b in zip(self.color, wanted, strict=True))

    def __str__(self) -> str:
        return name_of(self.color)


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a data track."""

    data: str | bytes
    sender: str
    track: str


def color_of(color: str | Color) -> Color:
    """A color by its name, or as it is.

    Raises:
        ValueError: There is no such name.
    """
    if not isinstance(color, str):
        return color
    if color not in COLORS:
        raise ValueError(f"color must be one of {', '.join(COLORS)}, or (red, green, blue)")
    return COLORS[color]


def name_of(color: Color) -> str:
    """The name of a color, or its components where it has none."""
    for name, known in COLORS.items():
        if Seen(color, None).is_color(known):
            return name
    return f"RGB {color}"


async def perceive(
    room: Room,
    kind: Literal["audio", "video"],
    accepts: Callable[[str, Heard | Seen], bool],
    *,
    from_: str | None,
    within: float,
) -> tuple[bool, dict[str, Heard | Seen | None]]:
    """Read tracks until a perception is accepted or the time is over.

    Args:
        room: Whose tracks.
        kind: Which of them.
        accepts: Called with the name of a track and what came on it.
        from_: Only those of this identity; None for everybody's.
        within: Seconds.

    Returns:
        Whether one was accepted, and the last perception of each track by its name; None for a
        track on which nothing came.
    """
    async with aclosing(_Readers(room, kind, from_)) as readers:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    label, perception = await readers.news.get()
                    readers.last[label] = perception
                    if accepts(label, perception):
                        return True, readers.last
        return False, readers.last


class _Readers:
    """One task per fitting track of a room, those that come later included; see `perceive`.

    Attributes:
        news: What came, with the words for its track.
        last: By these words; None for a track of which nothing was taken from `news`.
    """

    def __init__(self, room: Room, kind: str, from_: str | None) -> None:
        self.news: asyncio.Queue[tuple[str, Heard | Seen]] = asyncio.Queue()
        self.last: dict[str, Heard | Seen | None] = {}
        self._wanted = (room, kind, from_)
        self._tasks: dict[RemoteAudioTrack | RemoteVideoTrack, asyncio.Task[None]] = {}
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._look)
        self._look()

    async def aclose(self) -> None:
        """Stop reading."""
        room, *_ = self._wanted
        room.off(RoomEvent.TRACK_SUBSCRIBED, self._look)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    def _look(self, *_: object) -> None:
        for label, track in _tracks(*self._wanted).items():
            # By object: a track that is subscribed to again has the same words.
            if track not in self._tasks:
                self.last.setdefault(label, None)
                self._tasks[track] = asyncio.create_task(self._read(label, track))

    async def _read(self, label: str, track: RemoteAudioTrack | RemoteVideoTrack) -> None:
        stream = _listen(track) if isinstance(track, RemoteAudioTrack) else _look(track)
        # A track that ends has nothing more to tell.
        with contextlib.suppress(CallingError):
            async with aclosing(stream) as perceptions:
                async for perception in perceptions:
                    self.news.put_nowait((label, perception))


def _tracks(
    room: Room, kind: str, from_: str | None
) -> dict[str, RemoteAudioTrack | RemoteVideoTrack]:
    """What is received now, by words for it."""
    found: dict[str, RemoteAudioTrack | RemoteVideoTrack] = {}
    for participant in room.participants.values():
        for publication in participant.tracks.values():
            track = publication.track
            is_wanted = from_ is None or participant.identity == from_
            if track is None or track.kind != kind or not is_wanted:
                continue
            if isinstance(track, RemoteAudioTrack | RemoteVideoTrack):
                found[f"{participant.identity} (track {track.name!r}, {track.sid[-6:]})"] = track
    return found


async def _listen(track: RemoteAudioTrack) -> AsyncGenerator[Heard, None]:
    frames: asyncio.Queue[AudioFrame] = asyncio.Queue()
    forget = track.on_frame(frames.put_nowait)
    block: list[Samples] = []
    length = 0.0
    try:
        while True:
            try:
                async with asyncio.timeout(_BLOCK):
                    frame = await frames.get()
            except TimeoutError:
                # A muted track sends nothing at all.
                yield Heard(0.0)
                block, length = [], 0.0
                continue
            block.append(frame.samples[:, 0])
            length += frame.duration
            if length >= _BLOCK:
                yield judge_sound(np.concatenate(block), frame.sample_rate)
                block, length = [], 0.0
    finally:
        forget()


def judge_sound(samples: Samples, rate: int) -> Heard:
    """What some sound is.

    Args:
        samples: int16 of one channel; a quarter of a second tells 20 Hz from 24 Hz.
        rate: Samples per second.
    """
    is_loud = bool(np.abs(samples.astype(np.int32)).max() > _SILENCE)
    return Heard(dominant_frequency(samples, rate) if is_loud else 0.0)


def judge_picture(picture: Picture) -> Seen:
    """What a picture is: uint8 RGB, ``(height, width, 3)``."""
    return Seen(dominant_color(picture), read_counter(picture))


async def _look(track: RemoteVideoTrack) -> AsyncGenerator[Seen, None]:
    async with aclosing(track.frames()) as frames:
        async for frame in frames:
            yield judge_picture(frame.to_rgb())
