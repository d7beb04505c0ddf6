"""Network quality of every endpoint, once a second, from what the SFU measured.

What an endpoint sends is measured on its way in, what it receives is what its receiver reports say;
a client that measures itself adds what only it can know. The grades come from `sfu/quality.py`;
this is the shell that collects and tells.

Levels are told when they change. What is behind them changes all the time: it is kept with the
call, for whoever looks, as long as somebody there listens to network quality.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from acs_core import wire
from acs_core.core.facts import ConnectionState
from acs_core.rtc.feedback import ReportBlock
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.sfu.plane.messages import ConnectionStats
from acs_core.service.sfu.producer import Consumer, Producer
from acs_core.service.sfu.quality import (
    ClientReport,
    DirectionQuality,
    Measured,
    QualityInput,
    QualityModel,
    QualityReport,
)
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["QualityMonitor"]


@dataclass(slots=True)
class _Watched:
    """One endpoint; `counted` is what each connection had in the last round."""

    model: QualityModel = field(default_factory=QualityModel)
    counted: dict[str, ConnectionStats] = field(default_factory=dict)
    told: wire.QualityLevel | None = None


class QualityMonitor:
    """Grades everybody's network; `measure` once a second.

    Args:
        calls: The live calls.
        stats: Gives what the plane counted of a connection.
        later: Does a piece of work soon, in a turn of its own: a large call takes longer than a
            packet may wait.
    """

    def __init__(
        self,
        calls: Calls,
        stats: Callable[[MediaTransport], ConnectionStats],
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        self._calls = calls
        self._stats = stats
        self._later = later
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._rounds: dict[str, _CallRound] = {}

    def measure(self, now: float) -> None:
        """Begin a round of measurements; at its end each call is told what changed."""
        calls = list(self._calls.live.values())
        # By call too: an endpoint id is the client's choice and may return in another call.
        present = {(call.id, endpoint_id) for call in calls for endpoint_id in call.endpoints}
        for gone in self._watched.keys() - present:
            del self._watched[gone]
        self._rounds = {key: value for key, value in self._rounds.items() if not value.is_over}
        for call in calls:
            # One that takes longer than a second is not begun again meanwhile.
            if call.id not in self._rounds:
                watched = {key: self._watch(call, key) for key in call.endpoints}
                self._rounds[call.id] = _CallRound(call, watched, self._stats, now, self._later)

    def _watch(self, call: ServerCall, endpoint_id: str) -> _Watched:
        return self._watched.setdefault((call.id, endpoint_id), _Watched())


class _CallRound:
    """A round of measurements of one call: one endpoint after the other, then all are told.

    Attributes:
        is_over: Everybody was measured.
    """

    def __init__(
        self,
        call: ServerCall,
        watched: Mapping[str, _Watched],
        stats: Callable[[MediaTransport], ConnectionStats],
        now: float,
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        self.is_over = False
        self._call = call
        self._stats = stats
        self._now = now
        self._later = later
        self._left = list(watched.items())
        self._has_listeners = any(endpoint.policy.quality for endpoint in call.endpoints.values())
        self._changed: list[wire.QualityLevel] = []
        self._same: list[wire.QualityLevel] = []
        self._later(self._next)

    def _next(self) -> None:
        if not self._left:
            self._end()
            return
        endpoint_id, watched = self._left.pop(0)
        endpoint = self._call.endpoints.get(endpoint_id)
        try:
            if endpoint is not None:
                self._measure(endpoint, watched)
        finally:
            self._later(self._next)

    def _measure(self, endpoint: Endpoint, watched: _Watched) -> None:
        observer = endpoint.observer
        inputs = _inputs(watched, observer, self._stats)
        is_connected = endpoint.state is ConnectionState.CONNECTED
        report = watched.model.update(inputs, self._now, is_connected=is_connected)
        level = _level(endpoint, report)
        group = self._same if level == watched.told else self._changed
        watched.told = level
        if self._has_listeners:
            level = msgspec.structs.replace(level, details=_details(report))
        group.append(level)

    def _end(self) -> None:
        self.is_over = True
        here = self._call.endpoints
        same = tuple(level for level in self._same if level.endpoint in here)
        changed = tuple(level for level in self._changed if level.endpoint in here)
        if self._has_listeners:
            self._call.quality_measured(same)
        if changed:
            self._call.quality_changed(changed)


def _inputs(
    watched: _Watched,
    observer: EndpointObserver,
    stats: Callable[[MediaTransport], ConnectionStats],
) -> dict[Measured, QualityInput]:
    """By kind and direction, since the last round; what does not flow is absent."""
    found: dict[Measured, list[QualityInput]] = {}
    before, watched.counted = watched.counted, {}
    client = observer.client_report or ClientReport()
    for transport in observer.transports:
        now = watched.counted[transport.id] = stats(transport)
        since = before.get(transport.id, ConnectionStats(now.at, {}, {}))
        for measured, value in _Connection(transport, since, now, client).inputs():
            found.setdefault(measured, []).append(value)
    return {measured: functools.reduce(_together, values) for measured, values in found.items()}


@dataclass(frozen=True, slots=True)
class _Connection:
    """The measurements of one connection between two counts."""

    transport: MediaTransport
    before: ConnectionStats
    now: ConnectionStats
    client: ClientReport

    def inputs(self) -> Iterator[tuple[Measured, QualityInput]]:
        """One for each stream that flows."""
        round_trip = None
        blocks = self.transport.received_blocks
        for consumer in self.transport.consumers.values():
            block = blocks.get(consumer.accepted.ssrc) if consumer.accepted else None
            if block is None:
                continue
            round_trip = _round_trip(consumer, block) or round_trip
            is_audio = consumer.producer.kind == "audio"
            measured = Measured.AUDIO_RECEIVE if is_audio else Measured.VIDEO_RECEIVE
            yield measured, self._arrived(consumer, block, round_trip)
        for producer in self.transport.producers.values():
            sent = self._sent(producer)
            if sent is not None:
                is_audio = producer.kind == "audio"
                yield Measured.AUDIO_SEND if is_audio else Measured.VIDEO_SEND, sent

    def _arrived(
        self, consumer: Consumer, block: ReportBlock, round_trip: float | None
    ) -> QualityInput:
        """What the client gets of one stream, by its receiver report."""
        is_audio = consumer.producer.kind == "audio"
        fraction_lost = block.fraction_lost / 256
        before = self.before.consumers.get(consumer.id)
        counts = self.now.consumers.get(consumer.id)
        sent_bps = 0.0
        if before is not None and counts is not None:
            sent_bps = self._rate(counts.octets - before.octets)
        available = consumer.transport.downlink_bps
        return QualityInput(
            fraction_lost,
            block.jitter / (48_000 if is_audio else 90_000),
            round_trip if round_trip is not None else self.client.round_trip,
            bitrate_bps=sent_bps * (1 - fraction_lost),
            expected_bps=sent_bps,
            available_bps=None if available is None else float(available),
        )

    def _sent(self, producer: Producer) -> QualityInput | None:
        """What arrived of the client's stream since the last round; None while nothing does."""
        packets = lost = octets = 0
        jitter = 0.0
        for key in producer.plane_ids:
            counts, before = self.now.producers.get(key), self.before.producers.get(key)
            if counts is None:
                continue
            new_packets = counts.packets - (before.packets if before else 0)
            if new_packets > 0:
                packets += new_packets
                lost += max(0, counts.lost - (before.lost if before else 0))
                octets += counts.octets - (before.octets if before else 0)
                jitter = max(jitter, counts.jitter)
        if packets == 0:
            return None
        return QualityInput(
            lost / (lost + packets),
            jitter,
            self.client.round_trip,
            bitrate_bps=self._rate(octets),
            available_bps=self.client.available_send_bps,
        )

    def _rate(self, octets: int) -> float:
        elapsed = self.now.at - self.before.at
        return 8 * max(0, octets) / elapsed if elapsed > 0 else 0.0


def _together(first: QualityInput, second: QualityInput) -> QualityInput:
    """Two streams of one kind: the worse loss and jitter, and both bit rates."""
    worse = max(first, second, key=lambda value: (value.fraction_lost, value.jitter))
    return replace(
        worse,
        bitrate_bps=first.bitrate_bps + second.bitrate_bps,
        expected_bps=first.expected_bps + second.expected_bps,
    )


def _round_trip(consumer: Consumer, block: ReportBlock) -> float | None:
    """From when the relayed sender report went out; RFC 3550 section 6.4.1."""
    sent_at = consumer.sent_reports.get(block.last_sender_report)
    heard_at = consumer.transport.report_heard_at(block.ssrc)
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


def _details(report: QualityReport) -> wire.QualityDetails:
    directions = report.directions
    return wire.QualityDetails(
        audio_send=_stream(directions.get(Measured.AUDIO_SEND)),
        audio_receive=_stream(directions.get(Measured.AUDIO_RECEIVE)),
        video_send=_stream(directions.get(Measured.VIDEO_SEND)),
        video_receive=_stream(directions.get(Measured.VIDEO_RECEIVE)),
    )


def _stream(quality: DirectionQuality | None) -> wire.StreamQuality | None:
    if quality is None:
        return None
    measured = quality.measured
    return wire.StreamQuality(
        bandwidth=quality.bandwidth,
        latency=quality.latency,
        loss=quality.loss,
        actual_bps=measured.bitrate_bps,
        available_bps=measured.available_bps,
        jitter=measured.jitter,
        round_trip=measured.round_trip,
        fraction_lost=measured.fraction_lost,
    )
