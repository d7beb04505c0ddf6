"""A load run: publishers and subscribers of one room, all in this process, and what they measured.

Theory of operation: publishers send test pictures and tones; each subscriber receives every track
of every publisher. It decodes each video until its first picture, and goes on with one only, whose
pictures give the latency: a picture carries the time of its capture (from RTCP sender reports,
RFC 3550 section 6.4.1), and sender and receiver here have the same clock. Sound is received and
not decoded. So the machine's time goes into forwarding as much as possible.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

from acs_core.errors import CallingError
from acs_core.media.frames import VideoFrame
from twilio_compat.commands.client_support import Access
from twilio_compat.connect import connect
from twilio_compat.errors import TwilioError
from twilio_compat.events import RoomEvent
from twilio_compat.options import OptionBag
from twilio_compat.remote_track import RemoteAudioTrack, RemoteTrack, RemoteVideoTrack
from twilio_compat.room import Room

__all__ = ["LoadPlan", "LoadReport", "percentile", "run_load"]

JOINING_AT_ONCE: Final = 4
"""More would measure how this process waits for itself."""
JOIN_TIMEOUT: Final = 30.0
_COLORS: Final = ((200, 40, 40), (40, 160, 40), (40, 60, 200), (180, 160, 30))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What to do.

    Attributes:
        seconds: How long to measure, from when everybody is in.
    """

    room: str
    publishers: int
    subscribers: int
    seconds: float
    has_video: bool
    has_audio: bool

    @property
    def tracks_expected(self) -> int:
        """Tracks that the subscribers should receive, counted once per subscriber."""
        return self.publishers * self.subscribers * (self.has_video + self.has_audio)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What was measured.

    Attributes:
        tracks_expected: See `LoadPlan`.
        tracks_received: Those of which media came.
        failed_joins: Participants that did not get in.
        received_bps: Of all subscribers, over the measured time.
        received_packets: Of all subscribers.
        loss: 0 to 1, of all packets that the subscribers should have received.
        first_frame_p50: Seconds from `connect` to the first decoded picture of a track; None
            without pictures.
        first_frame_p95: The same.
        latency_p50: Seconds from capture to decoded picture; None when no capture time came.
        latency_p95: The same.
        cpu: Processor seconds of this process per second; the service's are not in it.
        seconds: Measured time.
        errors: Why joins failed, each text once.
    """

    tracks_expected: int
    tracks_received: int
    failed_joins: int
    received_bps: int
    received_packets: int
    loss: float
    first_frame_p50: float | None
    first_frame_p95: float | None
    latency_p50: float | None
    latency_p95: float | None
    cpu: float
    seconds: float
    errors: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everybody got in and every track came."""
        return self.failed_joins == 0 and self.tracks_received >= self.tracks_expected


def percentile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank percentile; None of nothing.

    Args:
        values: In any order.
        part: Above 0, to 1.
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


@final
class _Subscriber:
    """One receiving participant and its measurements."""

    def __init__(self, room: Room, started: float) -> None:
        self.room = room
        self.first_frames: dict[str, float] = {}
        self.latencies: list[float] = []
        self._started = started
        self._measured: str | None = None
        self._stop: dict[str, Callable[[], None]] = {}
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._subscribed)
        for participant in room.participants.values():
            for publication in participant.tracks.values():
                if publication.track is not None:
                    self._subscribed(publication.track)

    def totals(self) -> tuple[int, int, int]:
        """Bytes, packets and lost packets so far."""
        stats = [track.media_stream_track.stats for track in self._tracks()]
        known = [one for one in stats if one is not None]
        return (
            sum(one.bytes_received for one in known),
            sum(one.packets_received for one in known),
            sum(max(0, one.packets_lost) for one in known),
        )

    def received(self) -> int:
        """Tracks of which media came: a picture, or packets of sound."""
        sounds = [track for track in self._tracks() if isinstance(track, RemoteAudioTrack)]
        stats = [track.media_stream_track.stats for track in sounds]
        heard = sum(one is not None and one.packets_received > 0 for one in stats)
        return len(self.first_frames) + heard

    def _tracks(self) -> list[RemoteAudioTrack | RemoteVideoTrack]:
        return [
            publication.track
            for participant in self.room.participants.values()
            for publication in participant.tracks.values()
            if isinstance(publication.track, RemoteAudioTrack | RemoteVideoTrack)
        ]

    def _subscribed(self, track: RemoteTrack) -> None:
        if isinstance(track, RemoteVideoTrack) and track.sid not in self._stop:
            if self._measured is None:
                self._measured = track.sid
            sid = track.sid
            self._stop[sid] = track.on_frame(lambda frame: self._saw(sid, frame))

    def _saw(self, sid: str, frame: VideoFrame) -> None:
        if sid not in self.first_frames:
            self.first_frames[sid] = time.perf_counter() - self._started
            if sid != self._measured:
                self._stop[sid]()
        if frame.capture_time is not None:
            self.latencies.append(time.time() - frame.capture_time)


async def run_load(plan: LoadPlan, access: Access, stopped: asyncio.Event) -> LoadReport:
    """Do what the plan says; `stopped` ends the measuring early.

    Raises:
        TwilioError: Nobody got in; that of the first one.
        InvalidArgumentError: There are no credentials to make tokens from.
    """
    names = [f"publisher-{number}" for number in range(plan.publishers)]
    receivers = [f"subscriber-{number}" for number in range(plan.subscribers)]
    tokens = {name: access.token(name, plan.room) for name in (*names, *receivers)}
    limit = asyncio.Semaphore(JOINING_AT_ONCE)
    rooms: list[Room] = []
    subscribers: list[_Subscriber] = []
    errors: list[Exception] = []

    async def enter(name: str, audio: bool | OptionBag, video: bool | OptionBag) -> None:
        async with limit:
            if stopped.is_set():
                return
            started = time.perf_counter()
            try:
                async with asyncio.timeout(JOIN_TIMEOUT):
                    room = await connect(
                        tokens[name],
                        name=plan.room,
                        audio=audio,
                        video=video,
                        service_url=access.url,
                    )
            except (TwilioError, CallingError, TimeoutError) as error:
                errors.append(error)
                return
            rooms.append(room)
            if name in receivers:
                subscribers.append(_Subscriber(room, started))

    try:
        await asyncio.gather(
            *(enter(name, *_media(plan, index)) for index, name in enumerate(names))
        )
        await asyncio.gather(*(enter(name, False, False) for name in receivers))
        if errors and not rooms:
            raise errors[0]
        return await _measure(plan, subscribers, errors, stopped)
    finally:
        await asyncio.gather(*(_leave(room) for room in rooms))


async def _measure(
    plan: LoadPlan,
    subscribers: Sequence[_Subscriber],
    errors: Sequence[Exception],
    stopped: asyncio.Event,
) -> LoadReport:
    before = [subscriber.totals() for subscriber in subscribers]
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        async with asyncio.timeout(plan.seconds):
            await stopped.wait()
    except TimeoutError:
        pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = [subscriber.totals() for subscriber in subscribers]
    octets, packets, lost = (
        sum(new[part] - old[part] for new, old in zip(after, before, strict=True))
        for part in range(3)
    )
    firsts = [value for one in subscribers for value in one.first_frames.values()]
    latencies = [value for one in subscribers for value in one.latencies]
    return LoadReport(
        tracks_expected=plan.tracks_expected,
        tracks_received=sum(subscriber.received() for subscriber in subscribers),
        failed_joins=len(errors),
        received_bps=round(octets * 8 / wall),
        received_packets=packets,
        loss=max(0, lost) / (packets + lost) if packets + lost > 0 else 0.0,
        first_frame_p50=percentile(firsts, 0.5),
        first_frame_p95=percentile(firsts, 0.95),
        latency_p50=percentile(latencies, 0.5),
        latency_p95=percentile(latencies, 0.95),
        cpu=cpu / wall,
        seconds=wall,
        errors=tuple(sorted({str(error) or type(error).__name__ for error in errors})),
    )


def _media(plan: LoadPlan, index: int) -> tuple[bool | OptionBag, bool | OptionBag]:
    """Sound and picture of a publisher, each with its own pitch and color."""
    audio: bool | OptionBag = False
    video: bool | OptionBag = False
    if plan.has_audio:
        audio = {"source": "tone", "frequency": 300.0 + 50.0 * index}
    if plan.has_video:
        video = {"source": "pattern", "color": _COLORS[index % len(_COLORS)]}
    return audio, video


async def _leave(room: Room) -> None:
    room.disconnect()
    await room.closed()
