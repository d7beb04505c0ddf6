"""Recorded tracks as files: colors and tones, and what is to be seen and heard in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from acs_core.compositing.job import SourceTrack
from tests.support.unprivileged import unprivileged

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "RED",
    "colors_at",
    "lengths",
    "levels",
    "write_color",
    "write_tone",
]

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 200, 30), (30, 30, 200), (0, 0, 0)
_MILLISECOND = Fraction(1, 1000)
_RATE = 48_000

Color = tuple[int, int, int]


def write_color(
    path: Path,
    color: Color,
    seconds: float,
    *,
    start: float = 0.0,
    codec: str = "libvpx",
    size: tuple[int, int] = (64, 48),
    label: str = "",
    gap: tuple[float, float] = (0.0, 0.0),
    rate: int = 20,
) -> SourceTrack:
    """A track of one color, without pictures during `gap`."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _MILLISECOND
        with unprivileged():
            stream.codec_context.open()
        picture = np.full((size[1], size[0], 3), color, np.uint8)
        for number in range(round(seconds * rate)):
            if gap[0] <= number / rate < gap[1]:
                continue
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(number * 1000 / rate), _MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return SourceTrack(
        path=str(path), is_video=True, start=start, duration=seconds, labels=(label or path.stem,)
    )


def write_tone(
    path: Path,
    frequency: float,
    seconds: float,
    *,
    start: float = 0.0,
    amplitude: int = 8000,
    label: str = "",
    group: str = "",
    gap: tuple[float, float] = (0.0, 0.0),
) -> SourceTrack:
    """A tone, without packets during `gap`."""
    total = round(seconds * _RATE)
    wave = np.sin(2 * np.pi * frequency * np.arange(total) / _RATE) * amplitude
    samples = wave.astype(np.int16).reshape(1, -1)
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("libopus", rate=_RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        for at in range(0, total, 960):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, at : at + 960]), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = _RATE, at, Fraction(1, _RATE)
            packets = stream.encode(frame)
            if not gap[0] <= at / _RATE < gap[1]:
                container.mux(packets)
        container.mux(stream.encode(None))
    return SourceTrack(
        path=str(path),
        is_video=False,
        start=start,
        duration=seconds,
        labels=(label or path.stem,),
        group=group,
    )


def colors_at(
    path: Path, times: Iterable[float], points: Sequence[tuple[int, int]]
) -> list[list[Color]]:
    """The color that is next to the truth among ours, at each time and point (x, y)."""
    wanted = sorted(times)
    found: list[list[Color]] = []
    with av.open(str(path)) as container:
        last: Any = None
        for frame in container.decode(video=0):
            assert frame.time is not None
            while len(found) < len(wanted) and last is not None and frame.time > wanted[len(found)]:
                found.append([_nearest(last, point) for point in points])
            last = frame.to_ndarray(format="rgb24")
    while len(found) < len(wanted):
        found.append([_nearest(last, point) for point in points])
    return found


def levels(path: Path, frequency: float, *, window: float = 0.1) -> list[list[float]]:
    """Per channel the amplitude of a tone in each window of a file, full scale being 32768."""
    samples = _sound(path)
    size = round(window * _RATE)
    wave = np.exp(-2j * np.pi * frequency * np.arange(size) / _RATE)
    rows = [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]
    return [
        [float(2 * abs((row[:, channel] * wave).sum()) / size) for row in rows]
        for channel in range(samples.shape[1])
    ]


def lengths(path: Path) -> dict[str, float]:
    """Seconds of pictures and of sound, by decoding the file to its end."""
    found: dict[str, float] = {}
    with av.open(str(path)) as container:
        kinds = [stream.type for stream in container.streams]
    for kind in kinds:
        with av.open(str(path)) as container:
            stream = getattr(container.streams, kind)[0]
            for frame in container.decode(stream):
                assert frame.time is not None
                if isinstance(frame, av.AudioFrame):
                    length = frame.samples / frame.sample_rate
                else:
                    length = 1 / 25
                found[kind] = frame.time + length
    return found


def _sound(path: Path) -> Any:
    """``(n, channels)`` at 48 kHz."""
    parts = []
    with av.open(str(path)) as container:
        resampler = None
        for frame in container.decode(audio=0):
            resampler = resampler or av.AudioResampler("s16", frame.layout, _RATE)
            frame.pts = None
            for part in resampler.resample(frame):
                flat = part.to_ndarray().reshape(-1)
                parts.append(flat.reshape(-1, part.layout.nb_channels))
    return np.concatenate(parts).astype(np.float64)


def _nearest(picture: Any, point: tuple[int, int]) -> Color:
    color = picture[point[1], point[0]].astype(int)
    ours = (RED, GREEN, BLUE, BLACK)
    return min(
        ours, key=lambda known: sum(abs(int(a) - b) for a, b in zip(color, known, strict=True))
    )
