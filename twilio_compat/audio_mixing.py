"""The sound of several tracks as one stream: what a speech recognizer, or a telephone, takes.

::

    async with mix_room(room) as sound:         # everybody, also who comes later
        async for frame in sound:               # 20 ms at 48 kHz, for ever
            recognizer.feed(frame.samples)

    async for samples in pcm(sound, sample_rate=16_000, duration=0.01):
        ...                                     # 160 samples each time

Theory of operation. Each track's frames are put on one time axis: by their arrival, and those of
one participant by its clock as soon as that is known, so that what was said together is heard
together. Frames leave `lag` seconds later at the pace of real time; whatever is not there by then
is silence. What several say at once is summed, and what is louder than 16 bits is clipped.

Source: the frame contract of Twilio's Node media SDK has one stream per track; mixing is ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Final, Self, final

import av
import numpy as np

from acs_core.client.emitter import TaskOwner
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    AudioFrame,
    Samples,
    av_audio_frame,
)
from acs_core.media.mixing import AudioMixer, Timeline, with_channels
from acs_core.media.placed_sound import PlacedSound
from twilio_compat.events import RoomEvent
from twilio_compat.frame_pump import TrackFrames
from twilio_compat.remote_track import RemoteAudioTrack
from twilio_compat.room import Room
from twilio_compat.track import AudioTrack

__all__ = ["MixedSound", "mix_room", "mix_tracks", "pcm"]

_log = logging.getLogger(__name__)

LAG: Final = 0.12
"""Seconds that sound may come later than other sound; above the jitter of most networks."""

_TICK: Final = FRAME_SAMPLES / AUDIO_RATE
_MAX_LATE: Final = 1.0
"""Seconds that a reader may be late before the oldest sound is given up."""


@final
class MixedSound(AsyncIterator[AudioFrame]):
    """Tracks mixed into one stream; iterate it in one task, then `aclose` it.

    Args:
        channels: 1 or 2.
        lag: Seconds that frames are held back for those that come later.

    Attributes:
        dropped: Frames given up because the reader was too slow.

    Raises:
        InvalidArgumentError: An argument is out of range.
    """

    def __init__(self, *, channels: int = 1, lag: float = LAG) -> None:
        if channels not in (1, 2) or not 0 <= lag <= 2:
            raise InvalidArgumentError(f"No mix of {channels} channels that lags {lag} s.")
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._lag = lag
        self._mixer = AudioMixer(channels)
        timeline = Timeline()
        timeline.begin(self._began)
        self._sound = PlacedSound(self._mixer, timeline)
        self._tasks = TaskOwner()
        self._frames: dict[AudioTrack, TrackFrames[AudioFrame]] = {}
        self._count = 0
        self._room: Room | None = None
        self._is_closed = False
        self._is_read = False
        self.dropped = 0

    def add(self, track: AudioTrack, *, clock: str = "") -> None:
        """Mix a track in until it ends; one that is there already stays once.

        Args:
            track: Local or remote.
            clock: Whose clock the capture times of its frames are of, such as the SID of a
                participant; tracks without one have a clock of their own.

        Raises:
            InvalidStateError: The track is not received.
        """
        if track in self._frames or self._is_closed:
            return
        self._count += 1
        name = f"sound {self._count}"
        frames = track.frames("queue", max_queue=100)
        self._frames[track] = frames
        self._tasks.start(self._read(track, frames, name, clock or name), name)

    def remove(self, track: AudioTrack) -> None:
        """Leave a track out from now on; one that is not there is no error."""
        frames = self._frames.pop(track, None)
        if frames is not None:
            frames.close()

    @property
    def tracks(self) -> tuple[AudioTrack, ...]:
        """What is mixed now."""
        return tuple(self._frames)

    def follow(self, room: Room) -> None:
        """Mix in everybody in a room, also who comes later; see `mix_room`."""
        self._room = room
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._subscribed)
        for participant in room.participants.values():
            for publication in participant.audio_tracks.values():
                if publication.track is not None:
                    self._subscribed(publication.track, publication, participant)

    async def __anext__(self) -> AudioFrame:
        """Wait for the next 20 ms; there is no end before `aclose`."""
        if self._is_closed:
            raise StopAsyncIteration
        late = self._give_up(_MAX_LATE if self._is_read else 0.0)
        self._is_read = True
        # A clock, not a signal: sound goes on at its pace when nobody speaks.
        await asyncio.sleep(max(0.0, -late))
        if self._is_closed:
            raise StopAsyncIteration
        time = self._mixer.position / AUDIO_RATE
        (samples,) = self._mixer.take(self._mixer.position + FRAME_SAMPLES)
        return AudioFrame(samples, time=time)

    async def aclose(self) -> None:
        """Stop reading all tracks. Safe to repeat."""
        self._is_closed = True
        if self._room is not None:
            self._room.off(RoomEvent.TRACK_SUBSCRIBED, self._subscribed)
        for track in tuple(self._frames):
            self.remove(track)
        await self._tasks.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _give_up(self, limit: float) -> float:
        """Drop the oldest sound if it is later than `limit`; return how late the next frame was."""
        due = self._began + self._lag + self._mixer.position / AUDIO_RATE + _TICK
        late = self._loop.time() - due
        if late > limit:
            missed = self._mixer.take(self._mixer.position + round(late * AUDIO_RATE))
            # What came before the first read was not missed.
            self.dropped += len(missed) if self._is_read else 0
        return late

    def _subscribed(self, track: object, _publication: object, participant: object) -> None:
        if isinstance(track, RemoteAudioTrack):
            try:
                self.add(track, clock=str(getattr(participant, "sid", "")))
            except InvalidStateError as error:
                # The connection is being replaced; the next one tells of the track again.
                _log.warning("A track is not mixed: %s", error)

    async def _read(
        self, track: AudioTrack, frames: TrackFrames[AudioFrame], name: str, clock: str
    ) -> None:
        try:
            async for frame in frames:
                # Here too: whoever stops to read must not fill the memory.
                self._give_up(_MAX_LATE)
                self._sound.add(name, clock, frame, self._loop.time())
        except CallingError as error:
            # A track that fails ends; the others go on.
            _log.warning("A track left the mix: %s", error)
        finally:
            frames.close()
            self._sound.forget(name)
            # It may have been added again.
            if self._frames.get(track) is frames:
                del self._frames[track]


def mix_tracks(tracks: Iterable[AudioTrack], *, channels: int = 1, lag: float = LAG) -> MixedSound:
    """Mix some tracks; others are added and removed while it goes on.

    Raises:
        InvalidArgumentError: An argument is out of range.
        InvalidStateError: A track is not received.
    """
    mixed = MixedSound(channels=channels, lag=lag)
    try:
        for track in tracks:
            mixed.add(track)
    except BaseException:
        for track in mixed.tracks:
            mixed.remove(track)
        raise
    return mixed


def mix_room(room: Room, *, channels: int = 1, lag: float = LAG) -> MixedSound:
    """Mix the sound of all remote participants of a room, also of those who come later.

    Raises:
        InvalidArgumentError: An argument is out of range.
    """
    mixed = MixedSound(channels=channels, lag=lag)
    mixed.follow(room)
    return mixed


async def pcm(
    frames: AsyncIterable[AudioFrame],
    *,
    duration: float = 0.01,
    sample_rate: int = AUDIO_RATE,
    channels: int = 1,
) -> AsyncGenerator[Samples, None]:
    """Cut sound into pieces of one length, at one rate.

    Args:
        frames: Of a track or of a mix; who opened them closes them.
        duration: Seconds of each piece; the tail of the stream is left out when it is shorter.
        sample_rate: Samples per second of the pieces.
        channels: 1 or 2.

    Yields:
        ``(n, channels)`` int16.

    Raises:
        InvalidArgumentError: An argument is out of range.
    """
    size = round(duration * sample_rate)
    if size < 1 or sample_rate < 1 or channels not in (1, 2):
        raise InvalidArgumentError(f"No pieces of {duration} s, {sample_rate} Hz, {channels}.")
    layout = "mono" if channels == 1 else "stereo"
    resampler = av.AudioResampler(format="s16", layout=layout, rate=sample_rate)
    waiting = np.zeros((0, channels), dtype=np.int16)
    async for frame in frames:
        samples = with_channels(frame.samples, channels)
        parts = [samples]
        if frame.sample_rate != sample_rate:
            packed = av_audio_frame(samples, pts=0, sample_rate=frame.sample_rate)
            packed.pts = None
            parts = [AudioFrame.from_av(part).samples for part in resampler.resample(packed)]
        waiting = np.concatenate([waiting, *parts])
        while len(waiting) >= size:
            piece, waiting = waiting[:size].copy(), waiting[size:]
            yield piece
