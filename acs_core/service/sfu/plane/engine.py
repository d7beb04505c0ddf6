"""What all planes share: the way in, who gets a packet, repair, and counts.

Theory of operation. A datagram is decrypted, parsed once and given to its producer; a
retransmission is turned into the packet it repeats first. The packet is cached for later NACKs
and counted, and what it tells about loss, loudness and bandwidth becomes events. Consumers that
wait for their first packet are started if this one is a beginning; `_fan_out`, which differs
between planes, then sends it to all that are active.
"""

from __future__ import annotations

import abc
import math
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import pylibsrtp

from acs_core.errors import MalformedPacketError
from acs_core.rtc.feedback import ReportBlock
from acs_core.rtc.packet import (
    ExtensionElement,
    RtpHeader,
    abs_send_time,
    extensions,
    is_keyframe,
    parse_header,
    rtx_unwrap,
    rtx_wrap,
    sequence_newer,
)
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane import messages as msg
from acs_core.service.sfu.plane.bursts import BurstEstimator
from acs_core.service.sfu.plane.counts import count
from acs_core.service.sfu.plane.graph import KEYFRAME_PATIENCE, ForwardingGraph
from acs_core.service.sfu.plane.patch import NUMBERS, set_payload_type, translate_extensions
from acs_core.service.sfu.plane.state import (
    CACHE_SIZE,
    ConsumerState,
    ProducerState,
    TransportState,
)
from acs_core.service.sfu.plane.taps import TappedPacket
from acs_core.service.sfu.vp8 import is_frame_start, keyframe_size, widened

__all__ = ["MAX_PACKET", "ForwardingPlane"]

MAX_PACKET: Final = 1353
"""Bytes of an unencrypted packet: what pylibsrtp takes, less two for RTX and one for a longer
picture id."""
STALL_AFTER: Final = 2.0
"""Seconds without a packet after which a producer counts as stalled."""
LAYER_STALL_AFTER: Final = 0.5
"""The same for a layer while another one of its stream goes on: the publisher dropped it, and who
watches it should not have to wait."""
MAX_RESENDS: Final = 128
"""Packets answered per NACK; more is an outage that a keyframe mends better."""
MAX_DETECTED: Final = 32
"""Unannounced SSRCs looked at per transport: libsrtp keeps state for each."""
DETECT_INTERVAL: Final = 0.1
"""Seconds until an unannounced SSRC is reported again: its first packets may not tell whose it is,
or come before the description that does."""
_SYNCHRONIZE_INTERVAL: Final = 1.0
_KEYFRAME_CODECS: Final = frozenset({"VP8", "H264", "VP9", "AV1"})


class ForwardingPlane(ForwardingGraph):
    """Base of the planes; see `Plane` for the meaning of its public methods."""

    name = "abstract"

    def __init__(self, sockets: Sequence[socket.socket], on_event: msg.EventListener) -> None:
        super().__init__(on_event)
        self._sockets = {item.family: item for item in sockets}
        self._ticked_at = 0.0
        self._unsynchronized: deque[ConsumerState] = deque()

    def receive(self, datagram: memoryview | bytes, address: Address, now: float) -> None:
        """Take one SRTP datagram."""
        transport = self._by_address.get(address)
        if transport is None or len(datagram) < 12:
            self._dropped["unknown_address" if transport is None else "malformed"] += 1
            return
        ssrc = int.from_bytes(datagram[8:12])
        if ssrc not in transport.by_ssrc and not _may_detect(transport, ssrc, now):
            self._dropped["unknown_ssrc"] += 1
            return
        packet = self._unprotect(transport, datagram)
        if packet is None:
            self._dropped["unauthenticated"] += 1
            return
        try:
            header = parse_header(packet)
            elements = extensions(packet, header)
        except MalformedPacketError:
            self._dropped["malformed"] += 1
            return
        producer = transport.by_ssrc.get(ssrc)
        if producer is None:
            self._detected(transport, header, packet, elements, now)
            producer = transport.by_ssrc.get(ssrc)
            if producer is None:
                return
        self._note_extensions(producer, header, packet, elements, now)
        if ssrc == producer.rtx_ssrc:
            self._receive_rtx(producer, header, packet, now)
        else:
            self._accept(producer, header, packet, elements, now, is_repair=False)

    def _receive_rtx(
        self, producer: ProducerState, header: RtpHeader, packet: bytes, now: float
    ) -> None:
        payload_type = producer.rtx_payload_types.get(header.payload_type)
        if payload_type is None or header.payload_end - header.payload_offset < 2:
            # Browsers probe the bandwidth with RTX packets that repeat nothing.
            self._dropped["rtx_padding"] += 1
            return
        packet = rtx_unwrap(packet, header, payload_type=payload_type, ssrc=producer.ssrc)
        header = parse_header(packet)
        elements = extensions(packet, header)
        self._accept(producer, header, packet, elements, now, is_repair=True)

    def _accept(
        self,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        now: float,
        *,
        is_repair: bool,
    ) -> None:
        codec = producer.payload_types.get(header.payload_type)
        if codec is None or len(packet) > MAX_PACKET:
            self._dropped["payload_type" if codec is None else "too_long"] += 1
            return
        number = header.sequence_number
        newest = producer.newest_sequence
        is_newest = newest is None or sequence_newer(number, newest)
        # What was sent under a number must never be sent again with other bytes: that would give
        # away the authentication key of GCM (RFC 7714 section 10.1).
        if newest is not None and not is_newest and producer.is_used_up(number, newest):
            self._dropped["duplicate"] += 1
            return
        producer.cache.put(number, packet, now)
        producer.send_times[number % CACHE_SIZE] = send_time = abs_send_time(now)
        if producer.tap is not None:
            producer.tap.append(TappedPacket(now, packet))
        if not is_repair:
            producer.reception.received(number, header.timestamp, now, len(packet))
        has_resumed = producer.note_arrival(now)
        if has_resumed:
            self._emit(msg.ProducerResumed(producer.id))
        if producer.has_nack and producer.is_watched:
            producer.nack.received(number, now)
            if is_newest and newest is not None and number != (newest + 1) & 0xFFFF:
                self._request_missing(producer, now)
        if producer.awaits_keyframe or producer.waiting:
            self._look_for_beginning(producer, header, packet, codec, now)
            if has_resumed:
                # What was asked for while nothing came was given up.
                self._ask_again(producer, now)
        if producer.needs_regrouping:
            self._regroup(producer)
        if producer.groups:
            self._fan_out(producer, header, packet, elements, send_time, is_newest)
        if is_newest:
            producer.newest_sequence = number
            producer.newest_timestamp = header.timestamp
            producer.newest_packet = packet
        producer.newest_at = now
        # Last: the listener may switch consumers, which must not miss this packet.
        if codec == "VP8" and is_frame_start(packet, header.payload_offset, header.payload_end):
            self._note_size(producer, header, packet)

    def _note_extensions(
        self,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        now: float,
    ) -> None:
        for id_, offset, length in elements:
            if id_ == producer.audio_level_id and length == 1:
                value = packet[offset]
                self._emit(msg.AudioLevel(producer.id, value >= 0x80, value & 0x7F, now))
            elif id_ == producer.abs_send_time_id and length == 3:
                transport = producer.transport
                if transport.estimator is None:
                    transport.estimator = BurstEstimator()
                send_time = int.from_bytes(packet[offset : offset + 3])
                size = header.payload_end - header.payload_offset
                estimate = transport.estimator.add(header.ssrc, send_time, size, now)
                if estimate is not None:
                    self._emit(msg.RembEstimate(transport.id, estimate))

    def _note_size(self, producer: ProducerState, header: RtpHeader, packet: bytes) -> None:
        size = keyframe_size(packet, header.payload_offset, header.payload_end)
        if size is not None and size != producer.size:
            producer.size = size
            self._emit(msg.PictureSize(producer.id, *size))

    def _look_for_beginning(
        self, producer: ProducerState, header: RtpHeader, packet: bytes, codec: str, now: float
    ) -> None:
        payload = memoryview(packet)[header.payload_offset : header.payload_end]
        is_beginning = is_keyframe(codec, payload)
        if is_beginning and producer.awaits_keyframe:
            producer.awaits_keyframe = False
            self._emit(msg.KeyframeSeen(producer.id))
        needs_keyframe = producer.is_video and codec.upper() in _KEYFRAME_CODECS
        for consumer in tuple(producer.waiting):
            route = consumer.next_route or consumer.route
            if header.payload_type not in route.payload_types:
                continue
            # While the previous source goes on there is time: the middle of another picture
            # would only spoil what is seen.
            before = consumer.producer
            is_served = consumer.rewriter.is_open and before is not None and before.is_flowing
            is_patient = needs_keyframe and (is_served or now < consumer.keyframe_deadline)
            if consumer.transport.selected is not None and (is_beginning or not is_patient):
                self._start(consumer, producer, header, packet, now)

    def _start(
        self,
        consumer: ConsumerState,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        now: float,
    ) -> None:
        is_switch = consumer.next_producer is producer
        if not consumer.begin(producer, packet, header, now, is_switch=is_switch):
            return
        if is_switch and consumer.next_route is not None:
            previous = consumer.producer
            if previous is not None and consumer in previous.active:
                previous.active.remove(consumer)
                previous.needs_regrouping = True
            consumer.producer = producer
            consumer.take_route(consumer.next_route, producer)
            consumer.next_producer = consumer.next_route = None
        producer.waiting.remove(consumer)
        producer.active.append(consumer)
        producer.needs_regrouping = True
        self._emit(msg.ConsumerStarted(consumer.id, producer.id))

    def _detected(
        self,
        transport: TransportState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        now: float,
    ) -> None:
        if transport.may_report(header.ssrc, now, DETECT_INTERVAL):
            values = {id_: packet[offset : offset + length] for id_, offset, length in elements}
            self._emit(msg.StreamDetected(transport.id, header.ssrc, header.payload_type, values))
        if header.ssrc not in transport.by_ssrc:
            self._dropped["unknown_ssrc"] += 1

    def tick(self, now: float) -> None:
        """Repeat requests for lost packets, notice stalls and hand over what was tapped."""
        for tapped in tuple(self._tapped):
            self._hand_over(tapped)
        for producer in tuple(self._producers.values()):
            if producer.nack.missing and producer.is_watched:
                self._request_missing(producer, now)
            if producer.is_flowing and _has_stalled(producer, now):
                producer.is_flowing = False
                self._emit(msg.ProducerStalled(producer.id))
            if producer.is_flowing and now - producer.keyframe_needed_at >= KEYFRAME_PATIENCE:
                self._ask_again(producer, now)
        self._synchronize_some(now)

    def _ask_again(self, producer: ProducerState, now: float) -> None:
        if producer.is_video and producer.waiting:
            self._need_keyframe(producer, now)

    def _synchronize_some(self, now: float) -> None:
        """Synchronize a share of the consumers, such that each has its turn once an interval."""
        share = min(1.0, (now - self._ticked_at) / _SYNCHRONIZE_INTERVAL)
        self._ticked_at = now
        for _ in range(math.ceil(share * len(self._consumers))):
            if not self._unsynchronized:
                self._unsynchronized.extend(self._consumers.values())
            consumer = self._unsynchronized.popleft()
            # The rewriter of one that is gone may be another one's now.
            if self._consumers.get(consumer.id) is consumer:
                consumer.synchronize()

    def _request_missing(self, producer: ProducerState, now: float) -> None:
        numbers = producer.nack.due(now)
        if numbers:
            self._emit(msg.PacketsMissing(producer.id, tuple(numbers)))
        if producer.nack.gave_up > producer.given_up:
            producer.given_up = producer.nack.gave_up
            if producer.is_video:
                self._need_keyframe(producer, now)

    def _resend(self, id_: str, numbers: tuple[int, ...], now: float) -> None:
        consumer = self._consumers.get(id_)
        if consumer is None or consumer.producer is None or not consumer.rewriter.is_open:
            return
        consumer.synchronize()
        for number in numbers[:MAX_RESENDS]:
            source = consumer.rewriter.source_sequence(number)
            if source is None or not consumer.limiter.allows(source, now):
                continue
            packet = consumer.producer.cache.get(source, now)
            if packet is not None and consumer.budget.allows(len(packet), consumer.octets, now):
                first_sent = consumer.producer.send_times[source % CACHE_SIZE]
                self._resend_packet(consumer, packet, abs_send_time(now), first_sent)

    def _resend_packet(
        self, consumer: ConsumerState, packet: bytes, send_time: int, first_sent: int
    ) -> None:
        header = parse_header(packet)
        route = consumer.route
        payload_type = route.payload_types.get(header.payload_type)
        numbers = consumer.rewriter.map(header.sequence_number, header.timestamp)
        if payload_type is None or numbers is None:
            return
        rtx_payload_type = route.rtx_payload_types.get(payload_type)
        if consumer.rtx_ssrc is None or rtx_payload_type is None:
            # The same bytes again: under the same number, and so the same GCM nonce, anything
            # else would give away the authentication key (RFC 7714 section 10.1).
            send_time = first_sent
        ids = None
        if consumer.pictures.is_moved and consumer.producer is not None:
            ids = consumer.producer.picture_ids(packet, header)
        patched = bytearray(packet if ids is None else widened(packet, ids))
        set_payload_type(patched, payload_type)
        translate_extensions(
            patched,
            header.extension_profile,
            extensions(packet, header),
            route,
            send_time,
        )
        NUMBERS.pack_into(patched, 2, *numbers, consumer.ssrc)
        if ids is not None:
            consumer.pictures.move(patched, ids)
        data = bytes(patched)
        if consumer.rtx_ssrc is not None and rtx_payload_type is not None:
            data = rtx_wrap(
                data,
                payload_type=rtx_payload_type,
                ssrc=consumer.rtx_ssrc,
                sequence_number=consumer.rtx_sequence,
            )
            consumer.rtx_sequence = (consumer.rtx_sequence + 1) & 0xFFFF
        if self._protect_and_send(consumer.transport, data):
            consumer.resent += 1

    def report_blocks(self, transport: str, now: float) -> tuple[ReportBlock, ...]:
        """Return a block for each producer of a transport that has sent something."""
        state = self._transports.get(transport)
        producers = () if state is None else state.producers
        return tuple(
            producer.reception.report_block(now)
            for producer in producers
            if producer.reception.packets_received
        )

    def connection_stats(self, transport: str, now: float) -> msg.ConnectionStats:
        """Return the counts of one transport as of now; empty when it is gone."""
        state = self._transports.get(transport)
        return msg.ConnectionStats(now, {}, {}) if state is None else count(state, now)

    @property
    def dropped(self) -> Mapping[str, int]:
        """Datagrams that were not forwarded so far, by reason."""
        return dict(self._dropped)

    def _skip(self, consumers: list[ConsumerState], number: int) -> None:
        """Leave one packet out, for a route without its payload type."""
        for consumer in consumers:
            consumer.synchronize()
            consumer.rewriter.skip(number)

    def _protect_and_send(self, transport: TransportState, data: bytes) -> bool:
        address = transport.selected
        if address is None:
            return False
        try:
            protected = transport.outbound.protect(data)
        except (pylibsrtp.Error, ValueError):
            self._dropped["not_encrypted"] += 1
            return False
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        out = self._sockets.get(family)
        try:
            if out is None:
                raise OSError("no socket for this address family")
            out.sendto(protected, address)
        except OSError:
            # A full buffer, no route, an unreachable port: the network lost it.
            self._dropped["not_sent"] += 1
            return False
        return True

    @abc.abstractmethod
    def _unprotect(self, transport: TransportState, datagram: memoryview | bytes) -> bytes | None:
        """Return the packet, or None when it is not authentic or was seen before."""

    @abc.abstractmethod
    def _fan_out(
        self,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        send_time: int,
        is_newest: bool,
    ) -> None:
        """Send `packet` to the producer's groups, renumbered for each consumer."""


def _may_detect(transport: TransportState, ssrc: int, now: float) -> bool:
    if ssrc not in transport.detected and len(transport.detected) >= MAX_DETECTED:
        transport.forget_silent(now)
    return ssrc in transport.detected or len(transport.detected) < MAX_DETECTED


def _has_stalled(producer: ProducerState, now: float) -> bool:
    silence = now - producer.newest_at
    if silence <= LAYER_STALL_AFTER:
        return False
    return silence > STALL_AFTER or any(
        other.is_steady(now, LAYER_STALL_AFTER) for other in producer.other_layers
    )
