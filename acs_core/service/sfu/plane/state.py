"""What every plane remembers about transports, producers and consumers."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import Final

import pylibsrtp

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.nack import NackTracker, PacketCache, ResendLimiter
from acs_core.rtc.packet import Uri
from acs_core.rtc.reception import ReceptionStats
from acs_core.rtc.repair import RepairBudget
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane.bursts import BurstEstimator
from acs_core.service.sfu.plane.messages import AddConsumer, AddProducer, Route
from acs_core.service.sfu.rewrite import StreamRewriter

__all__ = [
    "CACHE_SIZE",
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
        self.detected: set[int] = set()
        self.estimator: BurstEstimator | None = None
        # SSRCs of former consumers, oldest first: how each is continued if it comes back.
        self.retired: dict[int, StreamRewriter] = {}
        self.retired_rtx: dict[int, int] = {}
        self.forgotten: set[int] = set()

    @property
    def producers(self) -> list[ProducerState]:
        """Producers that come in on this transport, each once."""
        return list(dict.fromkeys(self.by_ssrc.values()))

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
        rewriter = self.retired.pop(consumer.ssrc, None)
        if rewriter is not None:
            consumer.rewriter = rewriter
            consumer.takes_new_source = True
        if consumer.rtx_ssrc is not None:
            consumer.rtx_sequence = self.retired_rtx.pop(consumer.rtx_ssrc, consumer.rtx_sequence)

    def retire(self, consumer: ConsumerState) -> None:
        """Remember where a consumer ended; of the oldest ones also libsrtp forgets the state."""
        self.retired[consumer.ssrc] = consumer.rewriter
        self._forget_oldest(self.retired)
        if consumer.rtx_ssrc is not None:
            self.retired_rtx[consumer.rtx_ssrc] = consumer.rtx_sequence
            self._forget_oldest(self.retired_rtx)

    def _forget_oldest(self, retired: dict[int, StreamRewriter] | dict[int, int]) -> None:
        if len(retired) > MAX_RETIRED:
            oldest = next(iter(retired))
            del retired[oldest]
            self.forgotten.add(oldest)
            # It knows no stream that never sent.
            with contextlib.suppress(pylibsrtp.Error):
                self.outbound.remove_stream(oldest)


class Group:
    """Consumers of one producer whose packets differ in SSRC and numbers only."""

    __slots__ = ("consumers", "route")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.consumers: list[ConsumerState] = []


class ProducerState:
    """One stream that comes in."""

    __slots__ = (
        "abs_send_time_id",
        "active",
        "audio_level_id",
        "awaits_keyframe",
        "cache",
        "clock_rate",
        "given_up",
        "groups",
        "has_nack",
        "id",
        "is_flowing",
        "is_video",
        "nack",
        "newest_at",
        "newest_sequence",
        "newest_timestamp",
        "payload_types",
        "reception",
        "rtx_payload_types",
        "rtx_ssrc",
        "send_times",
        "ssrc",
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
        self.is_flowing = False
        self.awaits_keyframe = False
        self.waiting: list[ConsumerState] = []
        self.active: list[ConsumerState] = []
        self.groups: list[Group] = []

    def regroup(self) -> None:
        """Sort the active consumers that have somewhere to send to into groups."""
        groups: dict[object, Group] = {}
        for consumer in self.active:
            if consumer.transport.selected is not None:
                group = groups.setdefault(consumer.group_key, Group(consumer.route))
                group.consumers.append(consumer)
        self.groups = list(groups.values())


class ConsumerState:
    """One stream that goes out."""

    __slots__ = (
        "budget",
        "group_key",
        "id",
        "is_paused",
        "keyframe_deadline",
        "limiter",
        "next_producer",
        "next_route",
        "octets",
        "packets",
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
        self.limiter = ResendLimiter()
        self.budget = RepairBudget()
        self.is_paused = command.is_paused
        self.keyframe_deadline = 0.0
        self.packets = 0
        self.octets = 0
        self.resent = 0

    def take_route(self, route: Route, producer: ProducerState) -> None:
        """Use another route from the next packet on."""
        self.route = _completed(route, producer)
        self.group_key = _group_key(self.route)

    def synchronize(self) -> None:
        """Tell the rewriter about packets that a plane numbered by its offsets."""
        producer = self.producer
        if self.rewriter.is_open and producer is not None and producer.newest_sequence is not None:
            self.rewriter.synchronize(
                producer.newest_sequence, producer.newest_timestamp, producer.newest_at
            )


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
