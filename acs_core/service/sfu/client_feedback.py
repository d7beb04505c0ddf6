"""What one client says in RTCP: turned into plane commands, keyframe requests and measurements.

A NACK becomes a plane command, PLI and FIR a keyframe request to the publisher's connection,
receiver reports and REMB are kept for who measures, a sender report is kept until it is relayed.
What is said about streams that the client neither sends nor is sent means nothing.

Source: RFC 4585 (NACK, PLI), RFC 5104 (FIR), RFC 3550 section 6.4, draft-alvestrand-rmcat-remb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from acs_core.rtc.feedback import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpPacket,
    SenderReport,
)
from acs_core.service.sfu.plane.messages import NoteSenderReport, Plane, Resend
from acs_core.service.sfu.producer import Consumer, Producer, ProducerLayer

__all__ = ["ClientFeedback"]

BLOCK_LIFETIME: Final = 3.0
"""Seconds; browsers report every second, and may lose a report."""


class ClientFeedback:
    """The RTCP that arrives on one connection; its transport says which streams there are.

    Args:
        plane: What is told about lost packets and clocks.
        now: Seconds of the loop's clock.

    Attributes:
        downlink_bps: What the client says it can receive (REMB); None before it said so.
    """

    def __init__(self, plane: Plane, now: Callable[[], float]) -> None:
        self.downlink_bps: int | None = None
        self._plane = plane
        self._now = now
        self._blocks: dict[int, tuple[ReportBlock, float]] = {}
        self._consumers: dict[int, Consumer] = {}
        self._layers: dict[int, ProducerLayer] = {}

    @property
    def received_blocks(self) -> Mapping[int, ReportBlock]:
        """The client's newest report about each SSRC that it is sent, unless it is old.

        A client that hears nothing of a stream soon leaves it out of its reports.
        """
        since = self._now() - BLOCK_LIFETIME
        return {ssrc: block for ssrc, (block, at) in self._blocks.items() if at >= since}

    def heard_at(self, ssrc: int) -> float | None:
        """When the newest report about an SSRC arrived, seconds of `now`."""
        found = self._blocks.get(ssrc)
        return None if found is None else found[1]

    # ------------------------------------------------------------ the streams

    def producer_added(self, producer: Producer) -> None:
        """The client sends a stream."""
        for layer in producer.layers:
            self.layer_found(layer)

    def layer_found(self, layer: ProducerLayer) -> None:
        """The SSRC of a layer that the client sends is known."""
        if layer.ssrc is not None:
            self._layers[layer.ssrc] = layer

    def producer_removed(self, producer: Producer) -> None:
        """The client does not send it any more."""
        for ssrc in producer.ssrcs:
            layer = self._layers.get(ssrc)
            if layer is not None and layer.producer is producer:
                del self._layers[ssrc]

    def consumer_changed(self, consumer: Consumer) -> None:
        """The client is sent a stream under the SSRC of `Consumer.accepted`, and no other."""
        self.consumer_removed(consumer)
        if consumer.accepted is not None:
            self._consumers[consumer.accepted.ssrc] = consumer

    def consumer_removed(self, consumer: Consumer) -> None:
        """The client is not sent it any more."""
        for ssrc in [key for key, item in self._consumers.items() if item is consumer]:
            del self._consumers[ssrc]
            self._blocks.pop(ssrc, None)

    # ------------------------------------------------------------ what is said

    def take(self, packets: list[RtcpPacket]) -> None:
        """Act on one compound packet."""
        for packet in packets:
            match packet:
                case SenderReport(reports=reports):
                    self._take_clock(packet)
                    self._take_reports(reports)
                case ReceiverReport(reports=reports):
                    self._take_reports(reports)
                case Nack(media_ssrc=ssrc, lost=lost):
                    consumer = self._consumers.get(ssrc)
                    if consumer is not None:
                        self._plane.handle(Resend(consumer.id, lost), self._now())
                case PictureLossIndication(media_ssrc=ssrc):
                    self._picture_lost(ssrc)
                case FullIntraRequest(entries=entries):
                    for ssrc, _ in entries:
                        self._picture_lost(ssrc)
                case Remb(bitrate_bps=bitrate_bps):
                    self.downlink_bps = bitrate_bps
                case _:
                    pass

    def _take_clock(self, report: SenderReport) -> None:
        layer = self._layers.get(report.ssrc)
        if layer is not None:
            layer.sender_report = report
            self._plane.handle(NoteSenderReport(layer.id, report), self._now())

    def _take_reports(self, reports: tuple[ReportBlock, ...]) -> None:
        now = self._now()
        for block in reports:
            if block.ssrc in self._consumers:
                self._blocks[block.ssrc] = (block, now)

    def _picture_lost(self, ssrc: int) -> None:
        consumer = self._consumers.get(ssrc)
        # Of a picture that is not sent nothing can be lost.
        if consumer is not None and not (consumer.is_silent or consumer.is_stopped):
            consumer.producer.transport.request_keyframe(consumer.seen_layer)
