"""One publication while it is recorded: its tap on one side, its writer on the other.

Theory of operation. A recorder lives as long as its publication is to be recorded. It taps what the
publication comes from, which is another producer after each reconnection, and hands everything to
the writer's thread. The recording itself begins with the first sample: a publication that never
sends has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from acs_core.errors import MediaError
from acs_core.service.recording.clocks import SenderClock
from acs_core.service.recording.container import CODECS, FileCodec
from acs_core.service.recording.info import RecordingInfo, RecordingStatus
from acs_core.service.recording.thread import WriterThread
from acs_core.service.recording.writer import (
    Opened,
    StreamFormat,
    TrackListener,
    TrackWriter,
    Written,
)
from acs_core.service.sfu.plane.taps import TappedPacket
from acs_core.service.sfu.producer import Producer, ProducerLayer, clock_rate, codec_name
from acs_core.service.sfu.taps import MediaTap, TapListener

if TYPE_CHECKING:
    from acs_core.service.endpoints import Publication
    from acs_core.service.sfu.engine import SfuEngine

__all__ = ["RecorderEvents", "Studio", "TrackRecorder"]

MOST_STREAMS: Final = 1000
"""Of one publication: one that comes back as often is recorded no further."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What all recorders share.

    Attributes:
        engine: Where media is tapped.
        thread: Where files are written.
        folder: Where they are.
        floor: Bytes that are to stay free on the disk.
        epoch: Unix seconds at 0 on the service's clock.
    """

    engine: SfuEngine
    thread: WriterThread
    folder: Path
    floor: int
    epoch: float


@dataclass(frozen=True, slots=True)
class RecorderEvents:
    """Who hears of a recorder, on the event loop.

    Attributes:
        changed: The recording has begun, is completed or has failed.
        ended: The recorder is through; nothing more comes.
        other_codec: What comes now needs another recording.
    """

    changed: Callable[[RecordingInfo], None]
    ended: Callable[[TrackRecorder], None]
    other_codec: Callable[[TrackRecorder], None]


class TrackRecorder(TapListener):
    """Records one publication; `end` it.

    Args:
        recording_id: Of the recording that this becomes; 32 hex digits.
        publication: What is recorded.
        clock: Its participant's.
        studio: What recorders share.
        events: Who hears of it.
        attempt: How many recordings of the publication there are with this one.
    """

    def __init__(
        self,
        recording_id: str,
        publication: Publication,
        clock: SenderClock,
        studio: Studio,
        events: RecorderEvents,
        *,
        attempt: int = 1,
    ) -> None:
        self.id = recording_id
        self.attempt = attempt
        self.publication = publication
        self.info: RecordingInfo | None = None
        self._studio = studio
        self._events = events
        self._tap: MediaTap | None = None
        self._described: set[str] = set()
        self._is_damaged = False
        self._has_ended = False
        self._is_given_up = False
        # Of the writer's thread:
        self._has_failed = False
        tell = studio.thread.tell
        listener = TrackListener(
            note=lambda opened: self._describe(opened.codec, opened.started_at).as_note(),
            opened=lambda opened: tell(partial(self._opened, opened)),
            needs_keyframe=lambda: tell(self._needs_keyframe),
            other_codec=lambda: tell(partial(events.other_codec, self)),
        )
        self._writer = TrackWriter(
            lambda suffix: studio.folder / f"{recording_id}.{suffix}",
            clock,
            listener,
            floor=studio.floor,
        )

    # ------------------------------------------------------------ what is recorded

    def follow(self, source: object) -> None:
        """Take what the publication comes from now; nothing, where that is no producer."""
        producer = source if isinstance(source, Producer) else None
        if self._has_ended or self._is_given_up:
            return
        if (self._tap.producer if self._tap else None) is producer:
            return
        self._untap()
        if producer is not None and len(self._described) < MOST_STREAMS:
            self._tap = self._studio.engine.tap(producer, self)

    def end(self) -> None:
        """Complete the recording. Ending again does nothing."""
        if not self._has_ended:
            self._untap()
            self._has_ended = True
            self._studio.thread.submit(self._finish)

    def _untap(self) -> None:
        if self._tap is not None:
            self._tap.close()
            self._tap = None

    # ------------------------------------------------------------ from the tap

    def on_packets(self, layer: ProducerLayer, packets: tuple[TappedPacket, ...]) -> None:
        """Hand packets to the writer, or lose them when the disk is too slow."""
        thread = self._studio.thread
        if layer.id not in self._described:
            self._described.add(layer.id)
            describe = partial(self._writer.describe, layer.id, _format(layer.producer))
            thread.submit(partial(self._write, describe))
        take = partial(self._writer.take, layer.id, packets)
        size = sum(len(packet.data) for packet in packets)
        if not thread.submit(partial(self._write, take), size=size):
            self._is_damaged = True

    def on_clock(self, layer: ProducerLayer, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Hand a sender report to the writer."""
        report = partial(self._writer.report, layer.id, ntp_timestamp, rtp_timestamp)
        self._studio.thread.submit(partial(self._write, report))

    # ------------------------------------------------------------ on the writer's thread

    def _write(self, work: Callable[[], None]) -> None:
        if self._has_failed:
            return
        try:
            work()
        except MediaError as error:
            self._fail(error.message)
        except Exception as error:
            self._fail(f"The recording failed: {type(error).__name__}.")
            raise

    def _fail(self, reason: str) -> None:
        self._has_failed = True
        self._writer.abandon()
        self._studio.thread.tell(partial(self._failed, reason, self._writer.codec))

    def _finish(self) -> None:
        try:
            self._write(self._complete)
        finally:
            self._studio.thread.tell(partial(self._events.ended, self))

    def _complete(self) -> None:
        written = self._writer.finish()
        if written is not None:
            self._studio.thread.tell(partial(self._completed, written))

    # ------------------------------------------------------------ on the event loop again

    def _needs_keyframe(self) -> None:
        if self._tap is not None:
            self._tap.request_keyframe()

    def _opened(self, opened: Opened) -> None:
        self._change(self._describe(opened.codec, opened.started_at))

    def _completed(self, written: Written) -> None:
        if self.info is not None:
            self._change(
                replace(
                    self.info,
                    status=RecordingStatus.COMPLETED,
                    duration=written.duration,
                    size=written.size,
                    is_damaged=self._is_damaged,
                )
            )

    def _failed(self, reason: str, codec: FileCodec | None) -> None:
        self._untap()
        self._is_given_up = True
        info = self.info
        if info is None:
            now = self._studio.engine.port.now()
            usual = CODECS["OPUS" if self.publication.info.kind.media == "audio" else "VP8"]
            info = self._describe(codec or usual, now)
        self._change(replace(info, status=RecordingStatus.FAILED, failure=reason))

    def _change(self, info: RecordingInfo) -> None:
        self.info = replace(info, identity=self._identity)
        self._events.changed(self.info)

    @property
    def _identity(self) -> str:
        """Who it is in what is kept, which may be another name than in the call by now."""
        owner = self.publication.owner
        visit = owner.call.record.visits.get(owner.id)
        return owner.identity if visit is None else visit.identity

    def _describe(self, codec: FileCodec, started_at: float) -> RecordingInfo:
        """What a recording is as it begins; on either thread, since it only reads."""
        publication, owner = self.publication, self.publication.owner
        created_at = self._studio.epoch + started_at
        return RecordingInfo(
            id=self.id,
            call=owner.call.id,
            room=None if owner.call.room is None else owner.call.room.id,
            endpoint=owner.id,
            identity=self._identity,
            publication=publication.id,
            name=publication.info.name,
            kind=publication.info.kind.media,
            codec=codec.name,
            container=codec.container,
            status=RecordingStatus.PROCESSING,
            created_at=created_at,
            offset_ms=round(created_at * 1000),
        )


def _format(producer: Producer) -> StreamFormat:
    keys: Sequence[tuple[int, str]] = list(producer.stream.codecs.items())
    return StreamFormat(
        codecs={number: codec_name(key).upper() for number, key in keys},
        clock_rates={number: clock_rate(key) for number, key in keys},
    )
