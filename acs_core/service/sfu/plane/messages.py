"""What a data plane is told and what it tells: values only, so that it can run elsewhere.

A plane holds transports (keys and addresses of a connection), producers (a stream that comes
in on a transport) and consumers (a stream that goes out on one). Ids are chosen by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from acs_core.rtc.feedback import ReportBlock, SenderReport
from acs_core.rtc.srtp import SrtpKeys
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane.taps import ClockTapped, PacketsTapped, StartTap, StopTap

__all__ = [
    "AddConsumer",
    "AddProducer",
    "AddRtx",
    "AddTransport",
    "AudioLevel",
    "Command",
    "ConnectionStats",
    "ConsumerStarted",
    "ConsumerStats",
    "Event",
    "EventListener",
    "ExpectKeyframe",
    "KeyframeNeeded",
    "KeyframeSeen",
    "NoteSenderReport",
    "PacketsMissing",
    "PauseConsumer",
    "PictureSize",
    "Plane",
    "PlaneStats",
    "ProducerResumed",
    "ProducerStalled",
    "ProducerStats",
    "RembEstimate",
    "RemoveConsumer",
    "RemoveProducer",
    "RemoveTransport",
    "Resend",
    "ResumeConsumer",
    "Route",
    "SetAddresses",
    "StreamDetected",
    "SwitchProducer",
]


@dataclass(frozen=True, slots=True)
class Route:
    """How a producer's packets are renumbered for one consumer's connection.

    Attributes:
        payload_types: Producer's payload type to the consumer's; packets of others are left out.
        rtx_payload_types: Consumer's payload type to its RTX payload type; empty for none.
        extensions: Producer's header extension id to the consumer's; others are blanked, and
            those that mean something on one hop only must be among the others (RFC 8843, MID;
            RFC 8852, RID).
        abs_send_time: The consumer's id of abs-send-time, which is overwritten with our clock;
            `extensions` need not mention it.
    """

    payload_types: Mapping[int, int]
    rtx_payload_types: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[int, int] = field(default_factory=dict)
    abs_send_time: int | None = None


@dataclass(frozen=True, slots=True)
class AddTransport:
    """A connection whose DTLS handshake is complete."""

    transport: str
    keys: SrtpKeys


@dataclass(frozen=True, slots=True)
class SetAddresses:
    """Send to `selected`; take packets from `accepted`. Unknown transports are ignored."""

    transport: str
    selected: Address | None
    accepted: frozenset[Address]


@dataclass(frozen=True, slots=True)
class RemoveTransport:
    """The connection is gone, with its producers and consumers."""

    transport: str


@dataclass(frozen=True, slots=True)
class AddProducer:
    """A stream that comes in.

    Attributes:
        producer: Its id.
        transport: The connection it comes in on.
        ssrc: Of its packets.
        rtx_ssrc: Of its retransmissions; None without RTX.
        kind: ``"audio"`` or ``"video"``.
        clock_rate: RTP ticks per second.
        payload_types: Payload type to codec name as in SDP, for instance ``{96: "VP8"}``.
        rtx_payload_types: RTX payload type to the payload type it repeats.
        extensions: URI to id.
        has_nack: Lost packets can be asked for (``a=rtcp-fb:... nack``).
        stream: Layers of one stream have the same; None for its only layer. One that falls silent
            while another of them goes on counts as stalled soon.
    """

    producer: str
    transport: str
    ssrc: int
    kind: str
    clock_rate: int
    payload_types: Mapping[int, str]
    rtx_ssrc: int | None = None
    rtx_payload_types: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[str, int] = field(default_factory=dict)
    has_nack: bool = True
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class AddRtx:
    """The SSRC of a producer's retransmissions became known; one that has another keeps it."""

    producer: str
    rtx_ssrc: int


@dataclass(frozen=True, slots=True)
class RemoveProducer:
    """The stream is gone; its consumers stay, and send nothing until they are switched."""

    producer: str


@dataclass(frozen=True, slots=True)
class AddConsumer:
    """A stream that goes out.

    Attributes:
        consumer: Its id.
        producer: Where its packets come from.
        transport: The connection it goes out on.
        ssrc: Its own. One that a removed consumer had is continued where that ended, so that
            the receiver sees one stream; the oldest former ones are refused, since SRTP would
            use a key stream twice (RFC 3711 section 9.1).
        route: How packets are renumbered.
        rtx_ssrc: Of retransmissions; None to resend plainly.
        is_paused: Begin without sending.
        first_sequence: Of a new SSRC; below 2**15: a receiver that loses the first packets could
            otherwise not know that the numbers have wrapped (RFC 3711 section 3.3.1).
    """

    consumer: str
    producer: str
    transport: str
    ssrc: int
    route: Route
    rtx_ssrc: int | None = None
    is_paused: bool = False
    first_sequence: int = 1


@dataclass(frozen=True, slots=True)
class RemoveConsumer:
    """The stream out is gone."""

    consumer: str


@dataclass(frozen=True, slots=True)
class PauseConsumer:
    """Send nothing until `ResumeConsumer`."""

    consumer: str


@dataclass(frozen=True, slots=True)
class ResumeConsumer:
    """Send again; video from the next keyframe on."""

    consumer: str


@dataclass(frozen=True, slots=True)
class SwitchProducer:
    """Take packets from another producer; video goes on with the old until its keyframe.

    Sequence numbers, timestamps and VP8 picture ids go on where the old one's ended.
    """

    consumer: str
    producer: str
    route: Route


@dataclass(frozen=True, slots=True)
class Resend:
    """A subscriber's NACK, in the consumer's sequence numbers."""

    consumer: str
    sequence_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExpectKeyframe:
    """A keyframe was asked for: report it with `KeyframeSeen`."""

    producer: str


@dataclass(frozen=True, slots=True)
class NoteSenderReport:
    """The publisher's sender report of a producer, for our report blocks."""

    producer: str
    report: SenderReport


Command: TypeAlias = (
    AddTransport
    | SetAddresses
    | RemoveTransport
    | AddProducer
    | AddRtx
    | RemoveProducer
    | AddConsumer
    | RemoveConsumer
    | PauseConsumer
    | ResumeConsumer
    | SwitchProducer
    | Resend
    | ExpectKeyframe
    | NoteSenderReport
    | StartTap
    | StopTap
)


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """Audio level of one packet: -dBov, 0 (loudest) to 127 (silence). Source: RFC 6464."""

    producer: str
    has_voice: bool
    level: int
    now: float


@dataclass(frozen=True, slots=True)
class PacketsMissing:
    """Ask the publisher for these packets (NACK); repeated while they are missing."""

    producer: str
    sequence_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeNeeded:
    """Ask the publisher for a keyframe (PLI): somebody starts to watch, or packets are lost."""

    producer: str


@dataclass(frozen=True, slots=True)
class KeyframeSeen:
    """The keyframe that was needed or expected has begun to arrive."""

    producer: str


@dataclass(frozen=True, slots=True)
class ProducerStalled:
    """Nothing arrived for a while."""

    producer: str


@dataclass(frozen=True, slots=True)
class ProducerResumed:
    """Packets arrive: the first ones, or the first after `ProducerStalled`."""

    producer: str


@dataclass(frozen=True, slots=True)
class PictureSize:
    """The pictures of a producer have another size than before, in pixels (VP8 only)."""

    producer: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ConsumerStarted:
    """A consumer gets packets: for the first time, after a pause, or of another producer."""

    consumer: str
    producer: str


@dataclass(frozen=True, slots=True)
class RembEstimate:
    """What the connection can carry towards us, in bits per second."""

    transport: str
    bitrate_bps: int


@dataclass(frozen=True, slots=True)
class StreamDetected:
    """Authenticated packets of an SSRC that is no producer's, for streams announced by RID.

    Told again, not more often than every 0.1 s, while there is none. The listener may give
    `AddProducer` or `AddRtx` at once, and the packet is not lost.

    Attributes:
        transport: Where they came from.
        ssrc: Theirs.
        payload_type: Of the packet seen.
        extensions: Id to value of the packet's header extensions.
    """

    transport: str
    ssrc: int
    payload_type: int
    extensions: Mapping[int, bytes]


Event: TypeAlias = (
    AudioLevel
    | PacketsMissing
    | KeyframeNeeded
    | KeyframeSeen
    | ProducerStalled
    | ProducerResumed
    | PictureSize
    | ConsumerStarted
    | RembEstimate
    | StreamDetected
    | PacketsTapped
    | ClockTapped
)


class ProducerStats(NamedTuple):
    """Counts of one producer since it was added.

    Attributes:
        packets: Received, retransmissions excluded.
        octets: Bytes of these packets after decryption.
        lost: As in a receiver report; may be negative after duplicates.
        jitter: Seconds.
        repaired: Lost packets that were asked for and arrived.
        given_up: Lost packets that did not arrive in time.
        last_arrival: Seconds of the caller's clock; None before the first packet.
    """

    packets: int
    octets: int
    lost: int
    jitter: float
    repaired: int
    given_up: int
    last_arrival: float | None


class ConsumerStats(NamedTuple):
    """Counts of one consumer since it was added.

    Attributes:
        producer: Where it takes packets from; None when that is gone.
        packets: Sent, retransmissions excluded.
        octets: Payload bytes of these packets, as a sender report states them.
        resent: Retransmissions.
        is_sending: Packets are forwarded as they arrive.
        timestamp_offset: To be added (modulo 2**32) to the RTP timestamp of the producer's
            sender report to get the consumer's.
        source_lost: `ProducerStats.lost` of that producer; 0 when that is gone.
    """

    producer: str | None
    packets: int
    octets: int
    resent: int
    is_sending: bool
    timestamp_offset: int
    source_lost: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """A snapshot of one connection.

    Attributes:
        at: When it was taken, seconds of the caller's clock.
        producers: The streams that come in on it, by id.
        consumers: The streams that go out on it, by id.
    """

    at: float
    producers: Mapping[str, ProducerStats]
    consumers: Mapping[str, ConsumerStats]


@dataclass(frozen=True, slots=True)
class PlaneStats:
    """Everything; `dropped` counts datagrams that were not forwarded, by reason."""

    producers: Mapping[str, ProducerStats]
    consumers: Mapping[str, ConsumerStats]
    dropped: Mapping[str, int]


class Plane(Protocol):
    """Decrypts, forwards and encrypts RTP packets.

    All times are seconds of one monotonic clock, the caller's.
    """

    @property
    def name(self) -> str:
        """Which implementation it is."""
        ...

    def handle(self, command: Command, now: float) -> None:
        """Carry out a command; one about an id that is gone does nothing.

        Raises:
            InvalidArgumentError: Something to be added exists, or refers to something unknown.
        """
        ...

    def receive(self, datagram: memoryview | bytes, address: Address, now: float) -> None:
        """Take one SRTP datagram; whatever is wrong with it, it is counted and dropped."""
        ...

    def tick(self, now: float) -> None:
        """Repeat requests for lost packets and notice stalls; call every 20 to 50 ms."""
        ...

    def report_blocks(self, transport: str, now: float) -> tuple[ReportBlock, ...]:
        """Return a block for each producer of a transport, for the next receiver report."""
        ...

    def connection_stats(self, transport: str, now: float) -> ConnectionStats:
        """Return the counts of one transport as of now; empty when it is gone."""
        ...

    @property
    def dropped(self) -> Mapping[str, int]:
        """Datagrams that were not forwarded so far, by reason."""
        ...

    def close(self) -> None:
        """Release everything. Closing again does nothing."""
        ...


EventListener: TypeAlias = Callable[[Event], None]
