"""Who sends to whom: transports, producers and consumers, and the commands that change them.

Theory of operation. A consumer is *paused*, *waits* in its producer's list for a packet that it
can begin with, or is *active*. Switching, it is active at one producer and waits at the next::

                AddConsumer, ResumeConsumer        a packet to begin with
    paused ────────────────────────────────> waiting ─────────────────────> active
       ^                                        │                             │
       └────────────────────────────────────────┴──────── PauseConsumer ──────┘

A plane may number packets by the rewriter's offsets instead of by its `map`, as long as they
are newer than all before; that is why `synchronize` precedes every other use of a rewriter.
"""

from __future__ import annotations

import abc
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final, TypeVar

from acs_core.errors import InvalidArgumentError
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane import messages as msg
from acs_core.service.sfu.plane.state import ConsumerState, ProducerState, TransportState
from acs_core.service.sfu.plane.taps import ClockTapped, PacketsTapped, StartTap, StopTap
from acs_core.service.sfu.rewrite import Clock

__all__ = ["ForwardingGraph"]

logger = logging.getLogger(__name__)

KEYFRAME_PATIENCE: Final = 3.0
"""Seconds a video consumer waits for a keyframe before it gets packets all the same."""

_State = TypeVar("_State")


class ForwardingGraph(abc.ABC):
    """Carries out the commands; a plane's engine is built on it."""

    def __init__(self, on_event: msg.EventListener) -> None:
        self._on_event = on_event
        self._transports: dict[str, TransportState] = {}
        self._producers: dict[str, ProducerState] = {}
        self._consumers: dict[str, ConsumerState] = {}
        self._by_address: dict[Address, TransportState] = {}
        self._dropped: Counter[str] = Counter()
        self._tapped: dict[ProducerState, None] = {}

    def handle(self, command: msg.Command, now: float) -> None:
        """Carry out a command."""
        match command:
            case msg.AddTransport(transport, keys):
                _require_new(transport, self._transports)
                self._transports[transport] = TransportState(transport, keys)
            case msg.SetAddresses():
                self._set_addresses(command)
            case msg.RemoveTransport(transport):
                self._remove_transport(transport)
            case msg.AddProducer():
                self._add_producer(command)
            case msg.AddRtx(producer, rtx_ssrc):
                self._add_rtx(producer, rtx_ssrc)
            case msg.RemoveProducer(producer):
                self._remove_producer(producer)
            case msg.AddConsumer():
                self._add_consumer(command, now)
            case msg.RemoveConsumer(consumer):
                self._remove_consumer(consumer)
            case msg.PauseConsumer(consumer):
                self._pause_consumer(consumer)
            case msg.ResumeConsumer(consumer):
                self._resume_consumer(consumer, now)
            case msg.SwitchProducer():
                self._switch_producer(command, now)
            case msg.Resend(consumer, numbers):
                self._resend(consumer, numbers, now)
            case msg.ExpectKeyframe(producer):
                if (expecting := self._producers.get(producer)) is not None:
                    expecting.awaits_keyframe = True
            case msg.NoteSenderReport(producer, report):
                if (reporting := self._producers.get(producer)) is not None:
                    reporting.reception.sender_report(report, now)
                    reporting.clock = Clock(
                        report.ntp_timestamp, report.rtp_timestamp, reporting.clock_rate
                    )
                    self._tell_clock(reporting)
            case StartTap(producer):
                self._start_tap(producer, now)
            case StopTap(producer):
                if (tapped := self._producers.get(producer)) is not None:
                    self._stop_tap(tapped)

    def _set_addresses(self, command: msg.SetAddresses) -> None:
        transport = self._transports.get(command.transport)
        if transport is None:
            return
        for address in transport.accepted:
            if self._by_address.get(address) is transport:
                del self._by_address[address]
        for address in command.accepted:
            self._by_address[address] = transport
        transport.accepted = command.accepted
        transport.selected = command.selected
        for producer in {consumer.producer for consumer in transport.consumers}:
            if producer is not None:
                producer.needs_regrouping = True

    def _remove_transport(self, id_: str) -> None:
        transport = self._transports.pop(id_, None)
        if transport is None:
            return
        for producer in transport.producers:
            self._remove_producer(producer.id)
        for consumer in tuple(transport.consumers):
            self._remove_consumer(consumer.id)
        for address in transport.accepted:
            if self._by_address.get(address) is transport:
                del self._by_address[address]

    def _add_producer(self, command: msg.AddProducer) -> None:
        _require_new(command.producer, self._producers)
        transport = _require(command.transport, self._transports)
        for ssrc in (command.ssrc, command.rtx_ssrc):
            if ssrc is not None and ssrc in transport.by_ssrc:
                raise InvalidArgumentError(f"SSRC {ssrc} is another producer's already")
        producer = ProducerState(command, transport)
        self._producers[command.producer] = producer
        transport.bind(command.ssrc, producer)
        if command.rtx_ssrc is not None:
            transport.bind(command.rtx_ssrc, producer)

    def _add_rtx(self, id_: str, rtx_ssrc: int) -> None:
        producer = self._producers.get(id_)
        if producer is not None and producer.rtx_ssrc is None:
            if rtx_ssrc in producer.transport.by_ssrc:
                raise InvalidArgumentError(f"SSRC {rtx_ssrc} is another producer's already")
            producer.rtx_ssrc = rtx_ssrc
            producer.transport.bind(rtx_ssrc, producer)

    def _remove_producer(self, id_: str) -> None:
        producer = self._producers.pop(id_, None)
        if producer is None:
            return
        self._stop_tap(producer)
        by_ssrc = producer.transport.by_ssrc
        for ssrc in [ssrc for ssrc, owner in by_ssrc.items() if owner is producer]:
            del by_ssrc[ssrc]
        for consumer in self._consumers.values():
            if consumer.next_producer is producer:
                consumer.next_producer = consumer.next_route = None
            if consumer.producer is producer:
                consumer.leave()
                consumer.producer = None
        producer.active = []
        producer.waiting = []
        self._regroup(producer)

    def _add_consumer(self, command: msg.AddConsumer, now: float) -> None:
        _require_new(command.consumer, self._consumers)
        transport = _require(command.transport, self._transports)
        producer = _require(command.producer, self._producers)
        transport.check_ssrcs(command.ssrc, command.rtx_ssrc)
        consumer = ConsumerState(command, producer, transport)
        transport.revive(consumer)
        transport.consumers.add(consumer)
        self._consumers[command.consumer] = consumer
        if not consumer.is_paused:
            self._wait(consumer, producer, now)

    def _remove_consumer(self, id_: str) -> None:
        consumer = self._consumers.pop(id_, None)
        if consumer is None:
            return
        self._detach(consumer)
        consumer.transport.consumers.discard(consumer)
        consumer.transport.retire(consumer)

    def _pause_consumer(self, id_: str) -> None:
        consumer = self._consumers.get(id_)
        if consumer is not None and not consumer.is_paused:
            consumer.is_paused = True
            self._settle_switch(consumer)
            self._detach(consumer)

    def _resume_consumer(self, id_: str, now: float) -> None:
        consumer = self._consumers.get(id_)
        if consumer is not None and consumer.is_paused:
            consumer.is_paused = False
            if consumer.producer is not None:
                self._wait(consumer, consumer.producer, now)

    def _switch_producer(self, command: msg.SwitchProducer, now: float) -> None:
        consumer = self._consumers.get(command.consumer)
        if consumer is None:
            return
        producer = _require(command.producer, self._producers)
        if consumer.next_producer is not None:
            consumer.next_producer.waiting.remove(consumer)
            consumer.next_producer = consumer.next_route = None
        if producer is consumer.producer:
            if consumer.take_route(command.route, producer):
                producer.needs_regrouping = True
            return
        consumer.next_producer, consumer.next_route = producer, command.route
        if not consumer.rewriter.is_open:
            self._detach(consumer)
            self._settle_switch(consumer)
        if not consumer.is_paused:
            self._wait(consumer, producer, now)

    def _settle_switch(self, consumer: ConsumerState) -> None:
        """Make a pending switch at once: nothing is being sent that would have to go on."""
        if consumer.next_producer is None or consumer.next_route is None:
            return
        following = consumer.next_producer
        self._detach(consumer)
        consumer.producer = following
        consumer.take_route(consumer.next_route, following)
        consumer.takes_new_source = True
        consumer.next_producer = consumer.next_route = None

    def _detach(self, consumer: ConsumerState) -> None:
        """Stop sending; the stream can go on later where it ended."""
        consumer.leave()
        for producer in (consumer.producer, consumer.next_producer):
            if producer is None:
                continue
            if consumer in producer.waiting:
                producer.waiting.remove(consumer)
            if consumer in producer.active:
                producer.active.remove(consumer)
                producer.needs_regrouping = True

    def _wait(self, consumer: ConsumerState, producer: ProducerState, now: float) -> None:
        """Start `consumer` with the next packet of `producer` that it can begin with."""
        consumer.keyframe_deadline = now + KEYFRAME_PATIENCE
        if not producer.is_watched:
            # What was lost before, nobody misses.
            producer.nack.restart(producer.newest_sequence)
        producer.waiting.append(consumer)
        if producer.is_video:
            self._need_keyframe(producer, now)

    def _start_tap(self, id_: str, now: float) -> None:
        producer = self._producers.get(id_)
        if producer is None or producer.tap is not None:
            return
        if not producer.is_watched:
            # What was lost before, nobody misses.
            producer.nack.restart(producer.newest_sequence)
        producer.tap = []
        self._tapped[producer] = None
        self._tell_clock(producer)
        if producer.is_video:
            self._need_keyframe(producer, now)

    def _stop_tap(self, producer: ProducerState) -> None:
        self._hand_over(producer)
        self._tapped.pop(producer, None)
        producer.tap = None

    def _hand_over(self, producer: ProducerState) -> None:
        if producer.tap:
            packets, producer.tap = tuple(producer.tap), []
            self._emit(PacketsTapped(producer.id, packets))

    def _tell_clock(self, producer: ProducerState) -> None:
        clock = producer.clock
        if producer.tap is not None and clock is not None:
            # First what came before it.
            self._hand_over(producer)
            self._emit(ClockTapped(producer.id, clock.ntp_timestamp, clock.rtp_timestamp))

    def close(self) -> None:
        """Release everything."""
        for transport in tuple(self._transports):
            self._remove_transport(transport)

    def _regroup(self, producer: ProducerState) -> None:
        """Sort the consumers anew: once, before a packet, however many came and went since."""
        producer.regroup()

    def _emit(self, event: msg.Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("the listener of a data plane failed on %s", type(event).__name__)

    def _need_keyframe(self, producer: ProducerState, now: float) -> None:
        producer.awaits_keyframe = True
        producer.keyframe_needed_at = now
        self._emit(msg.KeyframeNeeded(producer.id))

    @abc.abstractmethod
    def _resend(self, id_: str, numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK."""


def _require_new(id_: str, existing: Mapping[str, object]) -> None:
    if id_ in existing:
        raise InvalidArgumentError(f"{id_} exists already")


def _require(id_: str, existing: Mapping[str, _State]) -> _State:
    try:
        return existing[id_]
    except KeyError:
        raise InvalidArgumentError(f"there is no {id_}") from None
