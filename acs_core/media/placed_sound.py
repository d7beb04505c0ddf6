"""Puts the sound of several streams where it belongs in a mix, whatever its rate and gaps.

Theory of operation. A stream goes on where it stopped as long as its frames say so within a
tolerance, so that jitter makes neither holes nor overlaps; a real hole is left, and what is there
already is not added twice. A stream of which nothing has come in time lately, since its network
became slower or its clock runs slower than ours, is placed later from then on: it would be left
out for good.
"""

from __future__ import annotations

from typing import Final

import av
import numpy as np

from acs_core.media.frames import AUDIO_RATE, AudioFrame, Samples, av_audio_frame
from acs_core.media.mixing import AudioMixer, Timeline, with_channels

__all__ = ["PlacedSound"]

_TOLERANCE: Final = AUDIO_RATE // 25
"""40 ms: below that, sound is joined to what came before; lips and sound stay within the 45 ms
early and 125 ms late of ITU-R BT.1359-1 section 3."""

_WATCHED: Final = 25
"""Frames of a stream, half a second of 20 ms each, that are looked at together: a loop that stands
still for less is no reason to move a stream."""

_SPARE: Final = AUDIO_RATE * 3 // 50
"""60 ms, in samples, that the best frame of a moved stream has to spare; above the tolerance."""


class PlacedSound:
    """Feeds a mixer; blocks only for resampling.

    Args:
        mixer: At 48 kHz; its channels are those of the mix.
        timeline: Says at which time a frame belongs; may be shared with pictures.

    Attributes:
        newest: Position after the newest sample of any stream.
    """

    def __init__(self, mixer: AudioMixer, timeline: Timeline) -> None:
        self._mixer = mixer
        self._timeline = timeline
        self._cursors: dict[str, int] = {}
        self._resamplers: dict[str, av.AudioResampler] = {}
        self._spares: dict[str, list[int]] = {}
        self.newest = 0

    def add(self, stream: str, clock: str, frame: AudioFrame, arrival: float) -> float:
        """Mix a frame in and return its time; see `Timeline.place` for the arguments."""
        time = self._timeline.place(
            stream, clock, time=frame.time, capture_time=frame.capture_time, arrival=arrival
        )
        samples = self._at_rate(stream, frame)
        wanted = round(time * AUDIO_RATE)
        start = self._cursors.get(stream, wanted)
        overlap = 0
        if abs(start - wanted) > _TOLERANCE:
            # Later: leave a hole. Earlier: drop what we already have, or the mixer would add it.
            overlap = min(len(samples), max(0, start - wanted))
            start = max(start, wanted)
        # What belongs before the start of the mix is cut off.
        self._mixer.add(max(0, start), samples[overlap + max(0, -start) :])
        self._cursors[stream] = start + len(samples) - overlap
        self.newest = max(self.newest, self._cursors[stream])
        self._watch(stream, clock, start - self._mixer.position)
        return time

    def forget(self, stream: str) -> None:
        """The stream has ended."""
        self._cursors.pop(stream, None)
        self._resamplers.pop(stream, None)
        self._spares.pop(stream, None)
        self._timeline.forget(stream)

    def _watch(self, stream: str, clock: str, spare: int) -> None:
        """Move a stream whose frames all come too late.

        Args:
            stream: As of `add`.
            clock: As of `add`.
            spare: Samples between the place of a frame and the place that is taken next.
        """
        spares = self._spares.setdefault(stream, [])
        spares.append(spare)
        if len(spares) < _WATCHED:
            return
        best = max(spares)
        spares.clear()
        if best <= 0 < self._mixer.position:
            self._timeline.delay(stream, clock, (_SPARE - best) / AUDIO_RATE)
            # It leaves a hole here, however small.
            self._cursors.pop(stream)

    def _at_rate(self, stream: str, frame: AudioFrame) -> Samples:
        """Return the sound at 48 kHz in the channels of the mix."""
        samples = with_channels(frame.samples, self._mixer.channels)
        if frame.sample_rate == AUDIO_RATE:
            return samples
        resampler = self._resamplers.get(stream)
        if resampler is None:
            layout = "mono" if self._mixer.channels == 1 else "stereo"
            resampler = av.AudioResampler(format="s16", layout=layout, rate=AUDIO_RATE)
            self._resamplers[stream] = resampler
        packed = av_audio_frame(samples, pts=0, sample_rate=frame.sample_rate)
        packed.pts = None
        parts = [AudioFrame.from_av(part).samples for part in resampler.resample(packed)]
        return np.concatenate([samples[:0], *parts])
