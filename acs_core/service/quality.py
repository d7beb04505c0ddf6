"""Network quality of every endpoint, once a second, from what the SFU measured.

What an endpoint sends is measured on its way in, what it receives is what its receiver reports say.
The grades come from `sfu/quality.py`; this is the shell that collects and tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from acs_core import wire
from acs_core.core.facts import ConnectionState
from acs_core.rtc.feedback import ReportBlock
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint
from acs_core.service.sfu.plane.messages import PlaneStats, ProducerStats
from acs_core.service.sfu.producer import Consumer
from acs_core.service.sfu.quality import Measured, QualityInput, QualityModel, QualityReport
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["QualityMonitor"]


@dataclass(slots=True)
class _Watched:
    model: QualityModel = field(default_factory=QualityModel)
    counts: dict[str, ProducerStats] = field(default_factory=dict)
    told: wire.QualityLevel | None = None


class QualityMonitor:
    """Grades everybody's network; `measure` once a second."""

    def __init__(self, calls: Calls, stats: Callable[[], PlaneStats]) -> None:
        self._calls = calls
        self._stats = stats
        self._watched: dict[tuple[str, str], _Watched] = {}

    def measure(self, now: float) -> None:
        """Take a round of measurements and tell each call what changed."""
        calls = list(self._calls.live.values())
        if not calls:
            self._watched.clear()
            return
        stats = self._stats()
        # By call too: an endpoint id is the client's choice and may return in another call.
        present = {(call.id, endpoint_id) for call in calls for endpoint_id in call.endpoints}
        for gone in self._watched.keys() - present:
            del self._watched[gone]
        for call in calls:
            self._measure_call(call, stats, now)

    def _measure_call(self, call: ServerCall, stats: PlaneStats, now: float) -> None:
        changed = []
        for endpoint in call.endpoints.values():
            watched = self._watched.setdefault((call.id, endpoint.id), _Watched())
            watched.counts = {
                key: value for key, value in watched.counts.items() if key in stats.producers
            }
            inputs = _inputs(endpoint.observer.transports, stats, watched)
            is_connected = endpoint.state is ConnectionState.CONNECTED
            report = watched.model.update(inputs, now, is_connected=is_connected)
            level = _level(endpoint, report)
            if level != watched.told:
                watched.told = level
                changed.append(level)
        if changed:
            call.quality_changed(tuple(changed))


def _inputs(
    transports: Iterable[MediaTransport], stats: PlaneStats, watched: _Watched
) -> dict[Measured, QualityInput]:
    inputs: dict[Measured, QualityInput] = {}
    for transport in transports:
        round_trip = None
        for consumer in transport.consumers.values():
            block = _block(transport, consumer)
            if block is None:
                continue
            round_trip = _round_trip(consumer, block) or round_trip
            kind = consumer.producer.kind
            measured = Measured.AUDIO_RECEIVE if kind == "audio" else Measured.VIDEO_RECEIVE
            rate = 48_000 if kind == "audio" else 90_000
            _keep_worse(
                inputs,
                measured,
                QualityInput(block.fraction_lost / 256, block.jitter / rate, round_trip),
            )
        for producer in transport.producers.values():
            counts = stats.producers.get(producer.id)
            if counts is None:
                continue
            before, watched.counts[producer.id] = watched.counts.get(producer.id), counts
            measured = Measured.AUDIO_SEND if producer.kind == "audio" else Measured.VIDEO_SEND
            value = _sent(before, counts)
            if value is not None:
                _keep_worse(inputs, measured, value)
    return inputs


def _sent(before: ProducerStats | None, counts: ProducerStats) -> QualityInput | None:
    """Loss since the last round; None while nothing is sent."""
    packets = counts.packets - (before.packets if before else 0)
    if packets <= 0:
        return None
    lost = max(0, counts.lost - (before.lost if before else 0))
    return QualityInput(lost / (lost + packets), counts.jitter)


def _keep_worse(
    inputs: dict[Measured, QualityInput], measured: Measured, value: QualityInput
) -> None:
    known = inputs.get(measured)
    if known is None or (value.fraction_lost, value.jitter) > (known.fraction_lost, known.jitter):
        inputs[measured] = value


def _block(transport: MediaTransport, consumer: Consumer) -> ReportBlock | None:
    if consumer.accepted is None:
        return None
    return transport.received_blocks.get(consumer.accepted.ssrc)


def _round_trip(consumer: Consumer, block: ReportBlock) -> float | None:
    """From when the relayed sender report went out; RFC 3550 section 6.4.1."""
    sent_at = consumer.sent_reports.get(block.last_sender_report)
    heard_at = consumer.transport.reports_heard_at
    if sent_at is None or heard_at is None:
        return None
    elapsed = heard_at - sent_at - block.delay_since_last_sender_report / 65536
    return max(0.0, elapsed)


def _level(endpoint: Endpoint, report: QualityReport) -> wire.QualityLevel:
    def part(measured: Measured) -> int | None:
        quality = report.directions.get(measured)
        return None if quality is None else quality.level

    return wire.QualityLevel(
        endpoint=endpoint.id,
        level=report.level,
        audio_send=part(Measured.AUDIO_SEND),
        audio_receive=part(Measured.AUDIO_RECEIVE),
        video_send=part(Measured.VIDEO_SEND),
        video_receive=part(Measured.VIDEO_RECEIVE),
    )
