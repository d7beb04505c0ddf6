"""One worker of the SFU: its port, its data plane, its transports, and the clock that drives them.

One owned task ticks every 20 ms: the plane repeats requests for lost packets; less often speakers
are judged, sender reports relayed, receiver reports and bandwidth estimates sent. Plane events are
routed by producer and transport id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from acs_core.core.receiving import Dimensions
from acs_core.rtc.feedback import (
    Nack,
    ReceiverReport,
    Remb,
    RtcpPacket,
    SenderReport,
    compact_ntp,
)
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import SsrcPolicy
from acs_core.service.sfu.plane import PlaneKind, create_plane
from acs_core.service.sfu.plane.messages import (
    AudioLevel,
    ConnectionStats,
    ConsumerStarted,
    ConsumerStats,
    Event,
    KeyframeNeeded,
    KeyframeSeen,
    PacketsMissing,
    PictureSize,
    Plane,
    PlaneStats,
    ProducerResumed,
    ProducerStalled,
    ProducerStats,
    RembEstimate,
    StreamDetected,
)
from acs_core.service.sfu.plane.taps import ClockTapped, PacketsTapped
from acs_core.service.sfu.port import UdpPort
from acs_core.service.sfu.producer import Consumer, Producer, ProducerLayer
from acs_core.service.sfu.router import Router
from acs_core.service.sfu.taps import MediaTap, TapListener
from acs_core.service.sfu.transport import MediaTransport, SfuTimes
from acs_core.service.sfu.turns import TurnQueue

__all__ = ["SfuEngine"]

_log = logging.getLogger(__name__)

OUR_SSRC: Final = 1
SILENCE: Final = 127
"""Audio level of nothing at all. Source: RFC 6464 section 3."""
FIRST_ESTIMATE_BPS: Final = 3_000_000
"""Told to publishers before anything is measured; without feedback Chromium stays at 300 kb/s."""
KEPT_REPORTS: Final = 8
REPORT_BLOCKS: Final = 31
"""Blocks of one receiver report (RFC 3550 section 6.4.2: its counter has five bits), and sender
reports in one datagram."""
STATS_AGE: Final = 0.2
"""Seconds: less than between two looks of any of those who read the counts."""


class SfuEngine:
    """The media side of a service; `open`, then `close`.

    Attributes:
        turns: For work on many connections that may wait for the next turns of the loop.
        on_layers: Called when layers of a stream begin or cease to arrive, or change their size;
            on the event loop, must not block. Its failure is logged.
    """

    def __init__(self, port: UdpPort, plane: Plane, times: SfuTimes) -> None:
        self._port = port
        self._plane = plane
        self._times = times
        self._transports: dict[str, MediaTransport] = {}
        self._layers: dict[str, ProducerLayer] = {}
        self._routers: set[Router] = set()
        self._estimates: dict[str, int] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._counted: dict[str, ConnectionStats] = {}
        # The round of reports that is under way: publishers' clocks by layer, and who is due.
        self._clocks: dict[str, SenderReport] = {}
        self._unreported: dict[MediaTransport, None] = {}
        self.turns = TurnQueue()
        self.on_layers: Callable[[Producer], None] | None = None
        self._task = asyncio.create_task(self._run(), name="SFU engine")

    @classmethod
    async def open(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        public_address: str | None = None,
        plane: PlaneKind = PlaneKind.AUTO,
        times: SfuTimes | None = None,
    ) -> SfuEngine:
        """Bind the port and start.

        Raises:
            TransportError: The port cannot be bound.
            InvalidArgumentError: There is no such plane, or it does not work here.
        """
        udp = await UdpPort.open(host, port, public_address=public_address)
        engine: SfuEngine | None = None

        def on_event(event: Event) -> None:
            if engine is not None:
                engine._handle(event)

        try:
            made = create_plane(plane, udp.sockets, on_event)
        except BaseException:
            await udp.close()
            raise
        udp.on_srtp = made.receive
        engine = cls(udp, made, times or SfuTimes())
        return engine

    @property
    def port(self) -> UdpPort:
        """The UDP port that everything runs over."""
        return self._port

    @property
    def plane_name(self) -> str:
        """Which data plane runs."""
        return self._plane.name

    @property
    def transports(self) -> Mapping[str, MediaTransport]:
        """Open connections by id."""
        return MappingProxyType(self._transports)

    def connection_stats(
        self, transport: MediaTransport, *, max_age: float = STATS_AGE
    ) -> ConnectionStats:
        """What the data plane counted of one connection; empty once that is closed.

        Args:
            transport: The connection.
            max_age: Seconds; a count that is younger is shared by all who ask.
        """
        now = self._port.now()
        found = self._counted.get(transport.id)
        if found is None or now - found.at >= max_age:
            found = self._plane.connection_stats(transport.id, now)
            if transport.id in self._transports:
                self._counted[transport.id] = found
        return found

    def stats(self, *, max_age: float = STATS_AGE) -> PlaneStats:
        """What the data plane counted of all connections together.

        Args:
            max_age: Seconds; connections whose count is not younger are counted anew. All of a
                large call at once hold up media: reports count each of them twice a second.
        """
        producers: dict[str, ProducerStats] = {}
        consumers: dict[str, ConsumerStats] = {}
        for transport in self._transports.values():
            found = self.connection_stats(transport, max_age=max_age)
            producers |= found.producers
            consumers |= found.consumers
        return PlaneStats(producers, consumers, self._plane.dropped)

    def create_transport(
        self,
        listener: TransportListener,
        *,
        ssrc_policy: SsrcPolicy,
        always_receive: bool = False,
        codec_names: Collection[str] | None = None,
    ) -> MediaTransport:
        """A new connection; it begins with the first description.

        Args:
            listener: Who is told what happens to it.
            ssrc_policy: What the client at the other end needs.
            always_receive: The client publishes and receives on this one connection.
            codec_names: Encoding names in lower case that may be negotiated; None for all.
        """
        transport = MediaTransport(
            port=self._port,
            plane=self._plane,
            listener=listener,
            index=self,
            ssrc_policy=ssrc_policy,
            always_receive=always_receive,
            codec_names=codec_names,
            times=self._times,
        )
        self._transports[transport.id] = transport
        return transport

    def tap(self, producer: Producer, listener: TapListener) -> MediaTap:
        """Hand over the packets of a stream, of its best active layer.

        Raises:
            InvalidStateError: The stream has a tap already.
        """
        return MediaTap(producer, self._plane, listener, self._port.now)

    def add_router(self, router: Router) -> None:
        """Give a call's router the plane's events."""
        self._routers.add(router)

    def remove_router(self, router: Router) -> None:
        """The call is over."""
        self._routers.discard(router)

    def close_soon(self, transport: MediaTransport) -> None:
        """Close a transport in a task of the engine."""
        self._own(transport.close())

    async def close(self) -> None:
        """End every connection and release the port, within 2 s."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.turns.close()
        for transport in list(self._transports.values()):
            self._own(transport.close())
        if self._closing:
            await asyncio.wait(self._closing, timeout=2.0)
        self._plane.close()
        await self._port.close()

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="transport close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # ------------------------------------------------------------ StreamIndex

    def producer_added(self, producer: Producer) -> None:
        """A stream comes in."""
        self._layers.update((layer.id, layer) for layer in producer.layers)

    def producer_removed(self, producer: Producer) -> None:
        """It does not any more."""
        for name in producer.plane_ids:
            self._layers.pop(name, None)
        if producer.router is not None:
            producer.router.remove(producer)

    def transport_closed(self, transport: MediaTransport) -> None:
        """The connection is gone."""
        self._transports.pop(transport.id, None)
        self._estimates.pop(transport.id, None)
        self._counted.pop(transport.id, None)

    # ------------------------------------------------------------ plane events

    def _handle(self, event: Event) -> None:
        match event:
            case RembEstimate(transport=transport_id, bitrate_bps=bitrate_bps):
                self._estimates[transport_id] = bitrate_bps
            case StreamDetected(transport=transport_id):
                transport = self._transports.get(transport_id)
                if transport is not None:
                    transport.stream_detected(event)
            case _:
                layer = self._layers.get(event.producer)
                if layer is not None:
                    self._handle_of(layer, event)

    def _handle_of(self, layer: ProducerLayer, event: Event) -> None:
        """Take an event about one layer."""
        producer = layer.producer
        match event:
            case AudioLevel(level=level, now=now):
                if producer.router is not None:
                    heard = SILENCE if producer.is_muted else level
                    producer.router.audio_level(producer.id, heard, now)
            case PacketsMissing(sequence_numbers=lost):
                if layer.ssrc is not None:
                    producer.transport.send_rtcp([Nack(OUR_SSRC, layer.ssrc, lost)])
            case KeyframeNeeded():
                producer.transport.ask_for_keyframe(layer)
            case KeyframeSeen():
                layer.throttle.keyframe_seen()
                if producer.tap is not None:
                    producer.tap.keyframe_seen(layer)
            case PacketsTapped(packets=packets):
                if producer.tap is not None:
                    producer.tap.packets(layer, packets)
            case ClockTapped(ntp_timestamp=ntp_timestamp, rtp_timestamp=rtp_timestamp):
                if producer.tap is not None:
                    producer.tap.clock(layer, ntp_timestamp, rtp_timestamp)
            case ConsumerStarted(consumer=consumer_id):
                consumer = producer.consumers.get(consumer_id)
                if consumer is not None:
                    consumer.forwarded = layer
            case ProducerResumed() | ProducerStalled():
                layer.is_active = isinstance(event, ProducerResumed)
                if len(producer.layers) > 1:
                    self._layers_changed(producer)
            case PictureSize(width=width, height=height):
                layer.dimensions = Dimensions(width=width, height=height)
                producer.sort_layers()
                self._layers_changed(producer)
            case _:
                pass

    def _layers_changed(self, producer: Producer) -> None:
        producer.transport.layers_changed(producer)
        if self.on_layers is not None:
            self.on_layers(producer)

    # ------------------------------------------------------------ clock

    async def _run(self) -> None:
        speakers_at = reports_at = 0.0
        while True:
            await asyncio.sleep(self._times.tick)
            now = self._port.now()
            try:
                self._plane.tick(now)
                self._repeat_keyframe_requests(now)
                if now >= speakers_at:
                    speakers_at = now + self._times.speakers
                    for router in list(self._routers):
                        router.decide(now)
                if now >= reports_at:
                    reports_at = now + self._times.reports
                    self._report()
            except Exception:
                _log.exception("a tick of the SFU failed")

    def _repeat_keyframe_requests(self, now: float) -> None:
        for layer in self._layers.values():
            if layer.throttle.due(now):
                layer.producer.transport.send_keyframe_request(layer)

    def _report(self) -> None:
        """Begin a round of reports: one connection per turn of the loop."""
        self._clocks.clear()
        for layer in self._layers.values():
            if layer.sender_report is not None:
                self._clocks[layer.id], layer.sender_report = layer.sender_report, None
        # Who still waits since the last round keeps its place.
        self._unreported.update(dict.fromkeys(self._transports.values()))
        self.turns.add(self._report_next)

    def _measure_layers(self, stats: ConnectionStats) -> None:
        for name, counts in stats.producers.items():
            if (layer := self._layers.get(name)) is not None:
                layer.bitrate.update(counts.octets, stats.at)

    def _report_next(self) -> None:
        transport = next(iter(self._unreported), None)
        if transport is None:
            return
        del self._unreported[transport]
        if self._unreported:
            self.turns.add(self._report_next)
        # A connection that cannot be told must not keep the others from being told.
        try:
            self._report_to(transport, self._port.now())
        except Exception:
            _log.exception("no report to connection %s", transport.id)

    def _report_to(self, transport: MediaTransport, now: float) -> None:
        if transport.is_closed:
            return
        transport.check_liveness()
        if not transport.is_connected:
            return
        stats = self.connection_stats(transport, max_age=0.0)
        self._measure_layers(stats)
        blocks = self._plane.report_blocks(transport.id, now)
        # An empty report is a sign of life for clients that only receive (RFC 3550 6.1).
        packets: list[RtcpPacket] = [
            ReceiverReport(OUR_SSRC, blocks[start : start + REPORT_BLOCKS])
            for start in range(0, max(1, len(blocks)), REPORT_BLOCKS)
        ]
        ssrcs = tuple(
            ssrc
            for producer in transport.producers.values()
            if producer.kind == "video"
            for ssrc in producer.ssrcs
        )
        if ssrcs:
            bitrate = self._estimates.get(transport.id, FIRST_ESTIMATE_BPS)
            packets.append(Remb(OUR_SSRC, bitrate, ssrcs))
        transport.send_rtcp(packets)
        clocks = self._sender_reports(transport, stats, now)
        for start in range(0, len(clocks), REPORT_BLOCKS):
            transport.send_rtcp([*clocks[start : start + REPORT_BLOCKS]])

    def _sender_reports(
        self, transport: MediaTransport, stats: ConnectionStats, now: float
    ) -> list[SenderReport]:
        """The publishers' clocks, in the timestamps of what a connection is sent.

        The NTP time stays the publisher's: streams of one publisher can then be played in sync
        (RFC 3550 section 6.4.1).
        """
        made: list[SenderReport] = []
        for consumer in transport.consumers.values():
            counts = stats.consumers.get(consumer.id)
            if counts is None or consumer.accepted is None or counts.packets == 0:
                continue
            # Timestamps follow the layer that is sent, and no other.
            report = self._clocks.get(counts.producer or "")
            if report is None or not counts.is_sending:
                continue
            made.append(
                SenderReport(
                    ssrc=consumer.accepted.ssrc,
                    ntp_timestamp=report.ntp_timestamp,
                    rtp_timestamp=(report.rtp_timestamp + counts.timestamp_offset) & 0xFFFFFFFF,
                    packet_count=counts.packets & 0xFFFFFFFF,
                    octet_count=counts.octets & 0xFFFFFFFF,
                )
            )
            _remember(consumer, compact_ntp(report.ntp_timestamp), now)
        return made


def _remember(consumer: Consumer, sent: int, now: float) -> None:
    consumer.sent_reports[sent] = now
    while len(consumer.sent_reports) > KEPT_REPORTS:
        del consumer.sent_reports[next(iter(consumer.sent_reports))]
