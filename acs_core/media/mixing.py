"""Several sounds into one, and several clocks into one. Pure.

`AudioMixer` sums PCM by position; `Timeline` says at which position media belongs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from acs_core.media.frames import FRAME_SAMPLES, Samples

__all__ = ["AudioMixer", "Timeline", "with_channels"]

_RESYNC: Final = 2.0
"""Seconds between media time and arrival that no network queue explains: a clock was set, or a
stream started anew. Twice the longest delay that the receivers' jitter buffers allow."""


class AudioMixer:
    """Sums any number of streams into one track, in frames of 20 ms, with clipping.

    Positions count samples from the start of the track. Where no stream has sound there is
    silence; sound that comes after its place was taken is dropped and counted.

    Args:
        channels: 1 or 2, of the mixed track.

    Attributes:
        position: Where the next frame starts.
        late_samples: Samples dropped because their place was taken already.
    """

    def __init__(self, channels: int = 1) -> None:
        self.channels = channels
        self.position = 0
        self.late_samples = 0
        # 32 bit: 65536 full-scale streams before the sum overflows.
        self._sum = np.zeros((0, channels), dtype=np.int32)

    @property
    def end(self) -> int:
        """Position after the last sample that was added."""
        return self.position + len(self._sum)

    def add(self, start: int, samples: Samples) -> None:
        """Add ``(n, 1)`` or ``(n, 2)`` samples at 48 kHz that begin at position `start`."""
        late = min(max(0, self.position - start), len(samples))
        self.late_samples += late
        part = with_channels(samples[late:], self.channels)
        first = start + late - self.position
        missing = first + len(part) - len(self._sum)
        if len(part) and missing > 0:
            self._sum = np.pad(self._sum, ((0, missing), (0, 0)))
        self._sum[first : first + len(part)] += part

    def take(self, until: int) -> list[Samples]:
        """Return the whole frames up to position `until`, each ``(960, channels)``, in order."""
        count = max(0, (until - self.position) // FRAME_SAMPLES)
        wanted = count * FRAME_SAMPLES
        ready, self._sum = self._sum[:wanted], self._sum[wanted:].copy()
        full = np.pad(ready, ((0, wanted - len(ready)), (0, 0)))
        mixed = np.clip(full, -32768, 32767).astype(np.int16)
        self.position += wanted
        return [mixed[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES] for n in range(count)]


class Timeline:
    """Puts the frames of several streams on one time axis that starts with the first frame.

    Streams of one sender share its *clock*. With a capture time, frames of one clock keep the
    distances in which they were captured: lip sync. Without one, a stream is anchored where its
    first frame arrived and goes on by its media time, so network jitter does not show.
    """

    def __init__(self) -> None:
        self._origin: float | None = None
        self._anchors: dict[str, float] = {}
        self._offsets: dict[str, float] = {}

    def begin(self, at: float) -> None:
        """Start the axis here, seconds on our clock, and not with the first frame."""
        self._origin = at

    def place(
        self, stream: str, clock: str, *, time: float, capture_time: float | None, arrival: float
    ) -> float:
        """Return where a frame belongs, in seconds; below 0 when before the first frame seen.

        Args:
            stream: Which stream it is of.
            clock: Which sender's clock `capture_time` was read from.
            time: Media time of the frame, seconds since its stream's first.
            capture_time: When it was captured, seconds on the sender's clock, if known.
            arrival: When it came, seconds on our clock.
        """
        local = self._anchors.setdefault(stream, arrival - time) + time
        if abs(local - arrival) > _RESYNC:
            self._anchors[stream] = arrival - time
            local = arrival
        if capture_time is not None:
            # The first stream with a capture time does not jump; the others join it.
            synced = self._offsets.setdefault(clock, local - capture_time) + capture_time
            if abs(synced - arrival) > _RESYNC:
                self._offsets[clock] = local - capture_time
                synced = local
            local = synced
        if self._origin is None:
            self._origin = local
        return local - self._origin

    def delay(self, stream: str, clock: str, seconds: float) -> None:
        """Place a stream, and what shares its clock, later from now on."""
        if stream in self._anchors:
            self._anchors[stream] += seconds
        if clock in self._offsets:
            self._offsets[clock] += seconds

    def forget(self, stream: str) -> None:
        """The stream has ended."""
        self._anchors.pop(stream, None)


def with_channels(samples: Samples, channels: int) -> Samples:
    """Return ``(n, c)`` samples with 1 or 2 channels: the mean, or the same on both."""
    if samples.shape[1] == channels:
        return samples
    if channels == 1:
        mean: Samples = samples.mean(axis=1, keepdims=True).round().astype(np.int16)
        return mean
    return samples[:, :1].repeat(channels, axis=1)
