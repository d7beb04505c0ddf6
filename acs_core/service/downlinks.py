"""What one endpoint is sent, and what it says about that: the shell of `sfu/downlink.py`.

What was lost on a publisher's uplink is missing in the reports of everybody who is sent its stream.
It is counted apart, so that it is not taken for a loss of their downlinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from acs_core.rtc.feedback import ReportBlock
from acs_core.service.sfu.bandwidth import DownlinkBudget
from acs_core.service.sfu.downlink import DownlinkEstimator, DownlinkSample, LossTally
from acs_core.service.sfu.plane.messages import ConnectionStats, ConsumerStats
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["DownlinkMeter"]

PACKET_OVERHEAD: Final = 40
"""Bytes of RTP, SRTP and UDP around the payload of a packet, about."""


class DownlinkMeter:
    """Follows one endpoint's downlink; `measure` a few times per second."""

    def __init__(self) -> None:
        self._estimator = DownlinkEstimator()
        self._losses = LossTally()
        self._octets = {"audio": 0, "video": 0}
        self._counts: dict[str, int] = {}
        self._transports: frozenset[str] = frozenset()
        self._source_lost = 0
        self._sources: dict[str, tuple[str, int]] = {}

    @property
    def budget(self) -> DownlinkBudget:
        """What is left for video."""
        return self._estimator.budget

    def measure(
        self,
        transports: Iterable[MediaTransport],
        stats: Callable[[MediaTransport], ConnectionStats],
        wanted_bps: int,
        now: float,
    ) -> None:
        """Take the counts as of now.

        Args:
            transports: The endpoint's connections; when one is gone, what was known of it is too.
            stats: Gives what the data plane counted of a connection.
            wanted_bps: What all videos that may be on would need.
            now: Seconds of the loop's clock.
        """
        transports = tuple(transports)
        present = frozenset(transport.id for transport in transports)
        if self._transports - present:
            # Another connection may take another way.
            self._estimator = DownlinkEstimator()
        self._transports = present
        senders = [transport for transport in transports if transport.consumers]
        self._count_losses(self._count_octets(senders, stats))
        blocks: dict[int, ReportBlock] = {}
        for transport in transports:
            blocks |= transport.received_blocks
        self._losses.take(blocks)
        sample = DownlinkSample(
            audio_octets=self._octets["audio"],
            video_octets=self._octets["video"],
            expected=self._losses.expected,
            lost=self._losses.lost,
            remb_bps=senders[-1].downlink_bps if senders else None,
            source_lost=self._source_lost,
        )
        self._estimator.update(sample, wanted_bps, now)

    def _count_octets(
        self,
        transports: Sequence[MediaTransport],
        stats: Callable[[MediaTransport], ConnectionStats],
    ) -> dict[str, ConsumerStats]:
        """Add what was sent since the last time; what was counted, by consumer."""
        counts: dict[str, ConsumerStats] = {}
        sizes: dict[str, int] = {}
        for transport in transports:
            counted = stats(transport).consumers
            for consumer in transport.consumers.values():
                sent = counted.get(consumer.id)
                if sent is None:
                    continue
                counts[consumer.id] = sent
                octets = sizes[consumer.id] = _octets(sent)
                # A consumer that the plane was told of anew counts from zero.
                before = self._counts.get(consumer.id, 0)
                self._octets[consumer.producer.kind] += max(0, octets - before)
        self._counts = sizes
        return counts

    def _count_losses(self, consumers: Mapping[str, ConsumerStats]) -> None:
        """Add what was lost, before it came to us, of the streams that the endpoint is sent."""
        sources: dict[str, tuple[str, int]] = {}
        for consumer, sent in consumers.items():
            if sent.producer is None or not sent.is_sending:
                continue
            sources[consumer] = (sent.producer, sent.source_lost)
            before = self._sources.get(consumer)
            if before is not None and before[0] == sent.producer:
                self._source_lost += max(0, sent.source_lost - before[1])
        self._sources = sources


def _octets(sent: ConsumerStats) -> int:
    """Bytes on the network, headers and resent packets included, about."""
    if sent.packets == 0:
        return 0
    per_packet = sent.octets / sent.packets + PACKET_OVERHEAD
    return round(per_packet * (sent.packets + sent.resent))
