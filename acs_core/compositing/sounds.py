"""The sound of a file at a time: tracks placed by their times, mixed and limited. Blocks.

Theory of operation. Positions count samples at 48 kHz from a job's origin. A track's frames go on
where the last one ended as long as their times say so within a tolerance, so that the milliseconds
of a container make neither clicks nor echoes; a real hole stays silent. The sum of several tracks
may be louder than a file can hold: `Limiter` turns it down before the peak, over the length of one
block, and up again slowly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from acs_core.compositing.job import AudioPart, SourceTrack, is_chosen
from acs_core.compositing.reading import TrackReader
from acs_core.media.frames import AUDIO_RATE, AudioFrame, Samples
from acs_core.media.mixing import with_channels

__all__ = ["Limiter", "Mix", "Sounds", "TrackSound"]

Sum: TypeAlias = npt.NDArray[np.int32]

TOLERANCE: Final = AUDIO_RATE // 25
"""40 ms; lips and sound stay within the 45 ms of ITU-R BT.1359-1 section 3."""
LOUDEST: Final = 32_000.0
"""Of 32767: encoders overshoot a little."""
RECOVERY: Final = 0.02
"""By how much the gain grows per block of some 40 ms: 2 s from silence to full."""


class TrackSound:
    """The sound of one track by position; positions only grow.

    Args:
        track: Which.
        origin: Seconds on the tracks' clock at which position 0 is.
        channels: 1 or 2, of what is read.
    """

    def __init__(self, track: SourceTrack, origin: float, channels: int) -> None:
        self._reader = TrackReader(track.path, "audio")
        self._frames = iter(self._reader)
        self._offset = track.start - origin
        self._channels = channels
        self._resampler: av.AudioResampler | None = None
        self._chunks: deque[tuple[int, Samples]] = deque()
        self._cursor: int | None = None
        self._is_over = False

    def add_to(self, total: Sum, position: int) -> None:
        """Add what belongs to positions from `position` on to ``(n, channels)`` samples."""
        end = position + len(total)
        while not self._is_over and (self._cursor is None or self._cursor < end):
            self._decode()
        for start, samples in self._chunks:
            first, last = max(start, position), min(start + len(samples), end)
            if first < last:
                total[first - position : last - position] += samples[first - start : last - start]
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= end:
            self._chunks.popleft()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _decode(self) -> None:
        time, frame = next(self._frames, (0.0, None))
        if not isinstance(frame, av.AudioFrame):
            self._is_over = True
            return
        wanted = round((self._offset + time) * AUDIO_RATE)
        frame.pts = None
        if self._resampler is None:
            # FFmpeg would make one channel quieter as it makes two of it.
            layout = frame.layout.name if frame.layout.nb_channels <= 2 else "stereo"
            self._resampler = av.AudioResampler(format="s16", layout=layout, rate=AUDIO_RATE)
        parts = [AudioFrame.from_av(part).samples for part in self._resampler.resample(frame)]
        if not parts:
            return
        samples = with_channels(np.concatenate(parts), self._channels)
        start = wanted if self._cursor is None else self._cursor
        if abs(start - wanted) > TOLERANCE:
            # Later: a hole. Earlier: that time was heard already.
            samples = samples[max(0, start - wanted) :]
            start = max(start, wanted)
        self._chunks.append((start, samples))
        self._cursor = start + len(samples)


class Limiter:
    """Turns down what is too loud; gives each block one later, `flush` the last."""

    def __init__(self) -> None:
        self._held: Sum | None = None
        self._held_limit = 1.0
        self._gain = 1.0

    def push(self, block: Sum) -> Samples | None:
        """Take a block ``(n, channels)`` and give the one before it, int16."""
        peak = float(np.abs(block).max(initial=0))
        limit = min(1.0, LOUDEST / peak) if peak else 1.0
        if self._held is None:
            given, self._gain = None, min(self._gain, limit)
        else:
            given = self._limited(self._held, limit)
        self._held, self._held_limit = block, limit
        return given

    def flush(self) -> Samples | None:
        """The last block."""
        given = None if self._held is None else self._limited(self._held, 1.0)
        self._held = None
        return given

    def _limited(self, block: Sum, next_limit: float) -> Samples:
        """From the gain so far, which the block stands, to one that the next one stands, too."""
        end = min(self._held_limit, next_limit, self._gain + RECOVERY)
        start, self._gain = self._gain, end
        if start == end == 1.0:
            return block.astype(np.int16)
        gains = np.linspace(start, end, len(block))[:, np.newaxis]
        limited: Samples = (block * gains).round().clip(-32768, 32767).astype(np.int16)
        return limited


class Mix:
    """Several tracks as one sound.

    Args:
        tracks: Which.
        origin: Seconds on the tracks' clock at which position 0 is.
        channels: 1 or 2.
    """

    def __init__(self, tracks: Sequence[SourceTrack], origin: float, channels: int) -> None:
        self._origin = origin
        self._channels = channels
        self._coming = sorted(tracks, key=lambda track: track.start, reverse=True)
        self._open: list[tuple[SourceTrack, TrackSound]] = []

    def read(self, position: int, count: int) -> Sum:
        """So many samples from a position on, ``(count, channels)``; may exceed 16 bit."""
        total: Sum = np.zeros((count, self._channels), dtype=np.int32)
        end = self._origin + (position + count) / AUDIO_RATE
        while self._coming and self._coming[-1].start < end:
            track = self._coming.pop()
            if track.end > end - count / AUDIO_RATE:
                self._open.append((track, TrackSound(track, self._origin, self._channels)))
        for _, sound in self._open:
            sound.add_to(total, position)
        over = [item for item in self._open if item[0].end <= end]
        for item in over:
            item[1].close()
            self._open.remove(item)
        return total

    def close(self) -> None:
        """Close all files."""
        for _, sound in self._open:
            sound.close()
        self._open.clear()


class Sounds:
    """All of a file: one mix, or a channel for each group of tracks; `read`, then `flush`.

    Args:
        part: What it sounds like.
        tracks: All tracks of the job.
        origin: Seconds on the tracks' clock at which position 0 is.

    Attributes:
        tracks: Those that are heard, by index.
        channels: Of what `read` gives.
    """

    def __init__(self, part: AudioPart, tracks: Sequence[SourceTrack], origin: float) -> None:
        chosen = [
            number
            for number, track in enumerate(tracks)
            if not track.is_video and is_chosen(track.labels, part.sources, part.sources_excluded)
        ]
        self.tracks = frozenset(chosen)
        groups = _groups([tracks[number] for number in chosen], part.unmixed)
        width = part.channels if part.unmixed is None else 1
        self.channels = width * len(groups)
        self._mixes = [(Mix(group, origin, width), Limiter()) for group in groups]

    def read(self, position: int, count: int) -> Samples | None:
        """Take a block of positions, and give the one before it, ``(count, channels)`` int16."""
        return _joined([limiter.push(mix.read(position, count)) for mix, limiter in self._mixes])

    def flush(self) -> Samples | None:
        """The last block."""
        return _joined([limiter.flush() for _, limiter in self._mixes])

    def close(self) -> None:
        """Close all files."""
        for mix, _ in self._mixes:
            mix.close()


def _groups(
    tracks: Sequence[SourceTrack], unmixed: Sequence[str] | None
) -> list[Sequence[SourceTrack]]:
    """Tracks that are heard together; at least one group, so that there is silence."""
    if unmixed is None:
        return [tracks]
    by_group: dict[str, list[SourceTrack]] = {name: [] for name in unmixed}
    for track in sorted(tracks, key=lambda item: item.start):
        by_group.setdefault(track.group, []).append(track)
    return list(by_group.values()) or [[]]


def _joined(blocks: Sequence[Samples | None]) -> Samples | None:
    there = [block for block in blocks if block is not None]
    return np.concatenate(there, axis=1) if there else None
