"""What every plane remembers about transports, producers and consumers."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import Final, NamedTuple

import pylibsrtp

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.nack import NackTracker, PacketCache, ResendLimiter
from acs_core.rtc.packet import RtpHeader, Uri, parse_header, sequence_difference
from acs_core.rtc.reception import ReceptionStats
from acs_core.rtc.repair import RepairBudget
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane.bursts import BurstEstimator
from acs_core.service.sfu.plane.messages import AddConsumer, AddProducer, Route
from acs_core.service.sfu.plane.taps import TappedPacket
from acs_core.service.sfu.rewrite import Clock, StreamRewriter, same_moment
from acs_core.service.sfu.vp8 import PictureContinuity, PictureIds, PictureTracker

__all__ = [
    "CACHE_SIZE",
    "DETECTED_MEMORY",
    "ConsumerState",
    "Group",
    "ProducerState",
    "TransportState",
    "open_session",
]

REPLAY_WINDOW: Final = 1024
"""Packets; the default of 128 is less than a keyframe on a network that reorders."""

CACHE_SIZE: Final = 512
"""Packets kept for NACKs: about two seconds of a 2 Mb/s video."""
MAX_GAP: Final = 0.25
"""Seconds; a stream whose packets are further apart is not steady."""
DETECTED_MEMORY: Final = 10.0
"""Seconds that an unannounced SSRC is remembered when it is not heard."""
MAX_RETIRED: Final = 32
"""Former consumers per transport whose SSRC may come back: libsrtp looks through all of them."""

_PROFILES: Final = {
    SrtpProfile.GCM_128: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


def open_session(keys: SrtpKeys, *, is_inbound: bool) -> pylibsrtp.Session:
    """Return a libsrtp session for one direction of a transport.

    Outbound it allows the same sequence number twice, for packets that are resent plainly.
    """
    policy = pylibsrtp.Policy(
        key=keys.remote if is_inbound else keys.local,
        ssrc_type=(
            pylibsrtp.Policy.SSRC_ANY_INBOUND if is_inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        ),
        srtp_profile=_PROFILES[keys.profile],
    )
    policy.allow_repeat_tx = True
    policy.window_size = REPLAY_WINDOW
    return pylibsrtp.Session(policy)


class _Ending(NamedTuple):
    """Where a consumer ended, and another one with its SSRC goes on."""

    rewriter: StreamRewriter
    pictures: PictureContinuity


class _Detected(NamedTuple):
    """When an unannounced SSRC may be reported again, and when it was heard last."""

    report_at: float
    heard_at: float


class TransportState:
    """One connection: keys, addresses, and the streams in either direction."""

    __slots__ = (
        "accepted",
        "by_ssrc",
        "consumers",
        "detected",
        "estimator",
        "forgotten",
        "id",
        "inbound",
        "outbound",
        "retired",
        "retired_rtx",
        "selected",
    )

    def __init__(self, id_: str, keys: SrtpKeys) -> None:
        self.id = id_
        self.inbound = open_session(keys, is_inbound=True)
        self.outbound = open_session(keys, is_inbound=False)
        self.selected: Address | None = None
        self.accepted: frozenset[Address] = frozenset()
        self.by_ssrc: dict[int, ProducerState] = {}
        self.consumers: set[ConsumerState] = set()
        # Unannounced SSRCs.
        self.detected: dict[int, _Detected] = {}
        self.estimator: BurstEstimator | None = None
        # SSRCs of former consumers, oldest first: how each is continued if it comes back.
        self.retired: dict[int, _Ending] = {}
        self.retired_rtx: dict[int, int] = {}
        self.forgotten: set[int] = set()

    @property
    def producers(self) -> list[ProducerState]:
        """Producers that come in on this transport, each once."""
        return list(dict.fromkeys(self.by_ssrc.values()))

    def bind(self, ssrc: int, producer: ProducerState) -> None:
        """Give the packets of an SSRC to a producer."""
        self.by_ssrc[ssrc] = producer
        self.detected.pop(ssrc, None)

    def may_report(self, ssrc: int, now: float, interval: float) -> bool:
        """Note that an unannounced SSRC was heard; say whether that is to be reported."""
        known = self.detected.get(ssrc)
        is_due = known is None or now >= known.report_at
        report_at = now + interval if known is None or is_due else known.report_at
        self.detected[ssrc] = _Detected(report_at, now)
        return is_due

    def forget_silent(self, now: float) -> None:
        """Make room for other unannounced SSRCs, in libsrtp too."""
        for ssrc, known in tuple(self.detected.items()):
            if now - known.heard_at > DETECTED_MEMORY:
                del self.detected[ssrc]
                with contextlib.suppress(pylibsrtp.Error):
                    self.inbound.remove_stream(ssrc)

    def check_ssrcs(self, ssrc: int, rtx_ssrc: int | None) -> None:
        """Make sure that a new consumer would not use a key stream twice.

        Raises:
            InvalidArgumentError: One of them is in use, or was and cannot be continued.

        Source: RFC 3711 section 9.1.
        """
        taken = {ssrc for item in self.consumers for ssrc in (item.ssrc, item.rtx_ssrc)}
        taken |= self.forgotten
        if ssrc in taken or ssrc in self.retired_rtx or ssrc == rtx_ssrc:
            raise InvalidArgumentError(f"SSRC {ssrc} cannot be used (again) on {self.id}")
        if rtx_ssrc is not None and (rtx_ssrc in taken or rtx_ssrc in self.retired):
            raise InvalidArgumentError(f"RTX SSRC {rtx_ssrc} cannot be used (again) on {self.id}")

    def revive(self, consumer: ConsumerState) -> None:
        """Let a new consumer go on where a former one with its SSRCs ended."""
        ending = self.retired.pop(consumer.ssrc, None)
        if ending is not None:
            consumer.rewriter, consumer.pictures = ending
            consumer.takes_new_source = True
        if consumer.rtx_ssrc is not None:
            consumer.rtx_sequence = self.retired_rtx.pop(consumer.rtx_ssrc, consumer.rtx_sequence)

    def retire(self, consumer: ConsumerState) -> None:
        """Remember where a consumer ended; of the oldest ones also libsrtp forgets the state."""
        self.retired[consumer.ssrc] = _Ending(consumer.rewriter, consumer.pictures)
        self._forget_oldest(self.retired)
        if consumer.rtx_ssrc is not None:
            self.retired_rtx[consumer.rtx_ssrc] = consumer.rtx_sequence
            self._forget_oldest(self.retired_rtx)

    def _forget_oldest(self, retired: dict[int, _Ending] | dict[int, int]) -> None:
        if len(retired) > MAX_RETIRED:
            oldest = next(iter(retired))
            del retired[oldest]
            self.forgotten.add(oldest)
            # It knows no stream that never sent.
            with contextlib.suppress(pylibsrtp.Error):
                self.outbound.remove_stream(oldest)


class Group:
    """Consumers of one producer whose packets differ in SSRC and numbers only.

    Attributes:
        is_moved: VP8 picture ids are among the numbers.
    """

    __slots__ = ("consumers", "is_moved", "route")

    def __init__(self, route: Route, *, is_moved: bool) -> None:
        self.route = route
        self.is_moved = is_moved
        self.consumers: list[ConsumerState] = []


class ProducerState:
    """One stream that comes in."""

    __slots__ = (
        "abs_send_time_id",
        "active",
        "audio_level_id",
        "awaits_keyframe",
        "cache",
        "clock",
        "clock_rate",
        "given_up",
        "groups",
        "has_nack",
        "id",
        "is_flowing",
        "is_video",
        "keyframe_needed_at",
        "nack",
        "needs_regrouping",
        "newest_at",
        "newest_packet",
        "newest_sequence",
        "newest_timestamp",
        "payload_types",
        "pictures",
        "reception",
        "rtx_payload_types",
        "rtx_ssrc",
        "send_times",
        "size",
        "ssrc",
        "steady_since",
        "stream",
        "tap",
        "transport",
        "waiting",
    )

    def __init__(self, command: AddProducer, transport: TransportState) -> None:
        self.id = command.producer
        self.transport = transport
        self.ssrc = command.ssrc
        self.rtx_ssrc = command.rtx_ssrc
        self.clock_rate = command.clock_rate
        self.is_video = command.kind == "video"
        self.has_nack = command.has_nack
        self.payload_types = dict(command.payload_types)
        self.rtx_payload_types = dict(command.rtx_payload_types)
        self.audio_level_id = command.extensions.get(Uri.AUDIO_LEVEL)
        self.abs_send_time_id = command.extensions.get(Uri.ABS_SEND_TIME)
        # Shared by all consumers, each of which has a limiter of its own.
        self.cache = PacketCache(CACHE_SIZE, min_resend_interval=0)
        self.send_times = [0] * CACHE_SIZE
        self.nack = NackTracker()
        self.given_up = 0
        self.reception = ReceptionStats(command.ssrc, command.clock_rate)
        self.newest_sequence: int | None = None
        self.newest_timestamp = 0
        self.newest_at = 0.0
        self.newest_packet = b""
        # Made when a consumer comes from another source; nobody else needs them.
        self.pictures: PictureTracker | None = None
        self.size: tuple[int, int] | None = None
        self.clock: Clock | None = None
        self.is_flowing = False
        # Of the first packet behind the last gap.
        self.steady_since = 0.0
        self.stream = command.stream
        self.awaits_keyframe = False
        self.keyframe_needed_at = 0.0
        self.waiting: list[ConsumerState] = []
        self.active: list[ConsumerState] = []
        self.groups: list[Group] = []
        # `groups` has yet to be made anew.
        self.needs_regrouping = False
        # Packets that are to be handed over; None without a tap.
        self.tap: list[TappedPacket] | None = None

    @property
    def is_watched(self) -> bool:
        """Whether anybody gets or awaits its packets."""
        return bool(self.active or self.waiting) or self.tap is not None

    @property
    def other_layers(self) -> list[ProducerState]:
        """The other layers of its stream."""
        if self.stream is None:
            return []
        others = self.transport.producers
        return [other for other in others if other.stream == self.stream and other is not self]

    def is_steady(self, now: float, duration: float) -> bool:
        """Whether packets came without a gap for so many seconds until now."""
        return now - self.newest_at <= MAX_GAP and now - self.steady_since >= duration

    def note_arrival(self, now: float) -> bool:
        """Note that a packet arrived; say whether none did for a while."""
        if now - self.newest_at > MAX_GAP or self.newest_sequence is None:
            self.steady_since = now
        has_resumed, self.is_flowing = not self.is_flowing, True
        return has_resumed

    def is_used_up(self, number: int, newest: int) -> bool:
        """Whether a packet that is not the newest was here before, or may have been."""
        is_too_late = sequence_difference(newest, number) >= CACHE_SIZE
        return is_too_late or self.cache.holds(number)

    def regroup(self) -> None:
        """Sort the active consumers that have somewhere to send to into groups."""
        groups: dict[object, Group] = {}
        for consumer in self.active:
            if consumer.transport.selected is not None:
                is_moved = consumer.pictures.is_moved
                key = (consumer.group_key, is_moved)
                group = groups.setdefault(key, Group(consumer.route, is_moved=is_moved))
                group.consumers.append(consumer)
        self.groups = list(groups.values())
        self.needs_regrouping = False

    def picture_ids(self, packet: bytes, header: RtpHeader) -> PictureIds | None:
        """Find the VP8 picture ids of a packet of this producer; None without."""
        if self.payload_types.get(header.payload_type) != "VP8":
            return None
        if self.pictures is None:
            self.pictures = PictureTracker()
        return self.pictures.find(
            header.sequence_number, packet, header.payload_offset, header.payload_end
        )


class ConsumerState:
    """One stream that goes out."""

    __slots__ = (
        "budget",
        "group_key",
        "id",
        "is_paused",
        "keyframe_deadline",
        "left",
        "limiter",
        "next_producer",
        "next_route",
        "octets",
        "packets",
        "pictures",
        "producer",
        "resent",
        "rewriter",
        "route",
        "rtx_sequence",
        "rtx_ssrc",
        "ssrc",
        "takes_new_source",
        "transport",
    )

    def __init__(
        self, command: AddConsumer, producer: ProducerState, transport: TransportState
    ) -> None:
        self.id = command.consumer
        self.producer: ProducerState | None = producer
        self.next_producer: ProducerState | None = None
        self.next_route: Route | None = None
        self.takes_new_source = False
        self.transport = transport
        self.ssrc = command.ssrc
        self.rtx_ssrc = command.rtx_ssrc
        self.rtx_sequence = command.first_sequence
        self.route = _completed(command.route, producer)
        self.group_key = _group_key(self.route)
        self.rewriter = StreamRewriter(producer.clock_rate, first_sequence=command.first_sequence)
        self.pictures = PictureContinuity()
        self.left: tuple[TransportState, Clock | None] | None = None
        self.limiter = ResendLimiter()
        self.budget = RepairBudget()
        self.is_paused = command.is_paused
        self.keyframe_deadline = 0.0
        self.packets = 0
        self.octets = 0
        self.resent = 0

    def take_route(self, route: Route, producer: ProducerState) -> bool:
        """Use a route from the next packet on; False if it is the same as before."""
        completed = _completed(route, producer)
        if completed == self.route:
            return False
        self.route = completed
        self.group_key = _group_key(completed)
        return True

    def synchronize(self) -> None:
        """Tell the rewriter about packets that a plane numbered by its offsets."""
        producer = self.producer
        if self.rewriter.is_open and producer is not None and producer.newest_sequence is not None:
            self.rewriter.synchronize(
                producer.newest_sequence, producer.newest_timestamp, producer.newest_at
            )

    def leave(self) -> None:
        """Stop taking packets from the producer, in a state from which another one can go on."""
        producer = self.producer
        if not self.rewriter.is_open or producer is None:
            return
        self.synchronize()
        self.rewriter.pause()
        self.left = (producer.transport, producer.clock)
        newest = producer.newest_packet
        ids = producer.picture_ids(newest, parse_header(newest)) if newest else None
        if ids is not None:
            self.pictures.leave(ids)

    def begin(
        self,
        producer: ProducerState,
        packet: bytes,
        header: RtpHeader,
        now: float,
        *,
        is_switch: bool,
    ) -> bool:
        """Begin to take packets from a producer with this one; False if it is too old for that."""
        if not is_switch and not self.takes_new_source:
            return self.rewriter.start(header.sequence_number, header.timestamp, now)
        self.leave()
        self.rewriter.start(
            header.sequence_number,
            header.timestamp,
            now,
            new_source=True,
            previous_timestamp=self._previous_timestamp(producer, header.timestamp),
        )
        self.pictures.begin(producer.picture_ids(packet, header))
        self.takes_new_source = False
        return True

    def _previous_timestamp(self, producer: ProducerState, timestamp: int) -> int | None:
        transport, clock = self.left or (None, None)
        # Only the reports of one sender follow one clock.
        if clock is None or producer.clock is None or transport is not producer.transport:
            return None
        return same_moment(timestamp, producer.clock, clock)


def _completed(route: Route, producer: ProducerState) -> Route:
    """Add the producer's id of abs-send-time, for which there is no need to ask the caller."""
    if route.abs_send_time is None or producer.abs_send_time_id is None:
        return route
    translation = {**route.extensions, producer.abs_send_time_id: route.abs_send_time}
    return dataclasses.replace(route, extensions=translation)


def _group_key(route: Route) -> tuple[Iterable[tuple[int, int]], ...]:
    return (
        tuple(sorted(route.payload_types.items())),
        tuple(sorted(route.extensions.items())),
        ((route.abs_send_time or 0, 0),),
    )
