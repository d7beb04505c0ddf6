"""A stream that comes into the service, with its layers, and the streams that go out from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acs_core.core.receiving import Dimensions
from acs_core.rtc.feedback import SenderReport
from acs_core.service.sfu.changes import StreamAccepted, StreamReceived
from acs_core.service.sfu.keyframes import KeyframeThrottle
from acs_core.service.sfu.layers import BitrateMeter, LayerState, layer_to_forward
from acs_core.service.sfu.plane.messages import AddConsumer, AddProducer, ProducerStats, Route

if TYPE_CHECKING:
    from acs_core.service.sfu.router import Router
    from acs_core.service.sfu.taps import MediaTap
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["Consumer", "Producer", "ProducerLayer", "clock_rate", "codec_name"]

KEYFRAME_INTERVALS: Final = (0.5, 1.0)
"""Seconds between keyframe requests, for the lowest layer and for the others, as LiveKit has it:
the larger a keyframe, the more it costs the publisher's uplink."""


@dataclass(eq=False, slots=True)
class ProducerLayer:
    """One encoding of a stream: for the data plane a producer of its own.

    Attributes:
        id: The data plane's, unique in the process.
        rid: The sender's name for it; None without rid simulcast.
        ssrc: None until the packets tell it.
        rtx_ssrc: None without rtx, or until the packets tell it.
        is_active: Packets arrive.
        dimensions: Of the newest keyframe; None when unknown.
        bitrate: Measured by the engine.
        throttle: Of keyframe requests.
        sender_report: The publisher's newest one, until it was relayed.
    """

    id: str
    producer: Producer = field(repr=False)
    rid: str | None
    ssrc: int | None
    rtx_ssrc: int | None
    throttle: KeyframeThrottle
    is_active: bool = False
    dimensions: Dimensions | None = None
    bitrate: BitrateMeter = field(default_factory=BitrateMeter)
    sender_report: SenderReport | None = None

    @property
    def index(self) -> int:
        """Its place among the layers; 0 is the smallest."""
        return self.producer.layers.index(self)

    def command(self) -> AddProducer | None:
        """What the plane is told; None while the SSRC is not known."""
        if self.ssrc is None:
            return None
        stream = self.producer.stream
        keys = list(stream.codecs.values())
        return AddProducer(
            producer=self.id,
            transport=self.producer.transport.id,
            ssrc=self.ssrc,
            kind=stream.kind,
            clock_rate=clock_rate(keys[0]),
            payload_types={number: codec_name(key) for number, key in stream.codecs.items()},
            rtx_ssrc=self.rtx_ssrc,
            rtx_payload_types=stream.rtx_payload_types,
            extensions=stream.extensions,
            stream=self.producer.id if len(self.producer.layers) > 1 else None,
        )


@dataclass(eq=False, slots=True)
class Producer:
    """One received stream.

    Attributes:
        id: Unique in the process.
        stream: Its shape on the publisher's connection.
        transport: The publisher's connection.
        consumers: The streams out, by their id.
        router: Of the call that it is part of.
        is_muted: Nothing of it is forwarded, whatever its sender goes on sending.
        layers: At least one, the smallest first.
        tap: Who keeps its packets; None for nobody.
    """

    id: str
    stream: StreamReceived
    transport: MediaTransport
    consumers: dict[str, Consumer] = field(default_factory=dict)
    router: Router | None = None
    is_muted: bool = False
    layers: list[ProducerLayer] = field(init=False)
    tap: MediaTap | None = None

    def __post_init__(self) -> None:
        """Make the layers."""
        self.layers = [
            ProducerLayer(
                id=f"{self.id}.{index}" if index else self.id,
                producer=self,
                rid=layer.rid,
                ssrc=layer.ssrc,
                rtx_ssrc=layer.rtx_ssrc,
                throttle=KeyframeThrottle(min_interval=KEYFRAME_INTERVALS[min(index, 1)]),
            )
            for index, layer in enumerate(self.stream.layers)
        ]

    @property
    def kind(self) -> str:
        """Audio or video."""
        return self.stream.kind

    @property
    def plane_ids(self) -> tuple[str, ...]:
        """The ids under which the data plane's counts of its layers are found."""
        return tuple(layer.id for layer in self.layers)

    @property
    def ssrcs(self) -> tuple[int, ...]:
        """Of the layers whose packets are known."""
        return tuple(layer.ssrc for layer in self.layers if layer.ssrc is not None)

    def mute(self, is_muted: bool) -> None:
        """Forward nothing of it, or go on; takes effect at once, for everybody.

        Its consumers are paused, so that a packet costs no look at who is muted.
        """
        if is_muted is not self.is_muted:
            self.is_muted = is_muted
            self.transport.layers_changed(self)

    def layer_states(self) -> tuple[LayerState, ...]:
        """What is known of each layer as of now, the smallest first."""
        return tuple(
            LayerState(index, layer.is_active, layer.bitrate.bitrate_bps, layer.dimensions)
            for index, layer in enumerate(self.layers)
        )

    def summed_stats(self, producers: Mapping[str, ProducerStats]) -> ProducerStats | None:
        """The counts of all layers together; None when the plane knows none of them.

        Args:
            producers: `ConnectionStats.producers` of its connection.
        """
        return _sum(producers[name] for name in self.plane_ids if name in producers)

    def layer_for(self, consumer: Consumer) -> ProducerLayer | None:
        """The layer that a consumer should get now; None while no packets are known."""
        ids = self.plane_ids
        index = layer_to_forward(
            [layer.is_active for layer in self.layers],
            [layer.ssrc is not None for layer in self.layers],
            wanted=consumer.wanted_layer,
            current=ids.index(consumer.source) if consumer.source in ids else None,
        )
        return None if index is None else self.layers[index]

    def take_over(self, old: Producer) -> None:
        """Learn from an earlier shape of the same stream which packets are of which layer.

        Senders tell it at the start only.
        """
        for layer in self.layers:
            for before in old.layers:
                if layer.ssrc is None and before.rid == layer.rid:
                    layer.ssrc, layer.rtx_ssrc = before.ssrc, before.rtx_ssrc

    def sort_layers(self) -> None:
        """Put layers that were named by rid in order of size, as far as sizes are known.

        Their order in the description is the sender's order of preference (RFC 8853 section 5.2),
        in practice from small to large, but nothing says so.
        """
        known = [layer for layer in self.layers if layer.rid is not None and layer.dimensions]
        ordered = iter(sorted(known, key=_pixels))
        self.layers = [next(ordered) if layer in known else layer for layer in self.layers]

    def can_replace(self, other: Producer) -> bool:
        """Whether subscribers of the other stream can take this one as its continuation."""
        ours, theirs = set(self.stream.codecs.values()), set(other.stream.codecs.values())
        return self.kind == other.kind and ours == theirs


@dataclass(eq=False, slots=True)
class Consumer:
    """One forwarded stream.

    Attributes:
        id: Unique in the process.
        key: What the adapter calls it; the publication's id.
        accepted: Its shape on the subscriber's connection, once that agreed.
        wanted_layer: The layer to be sent, where it is active; None to keep what there is.
        is_paused: Nothing is to be sent to this receiver.
        source: Id of the layer that the plane takes its packets from, or will from the next
            keyframe on; None while the plane does not know the consumer.
        is_stopped: The plane was told to send nothing.
        forwarded: The layer whose packets are sent; None before the first and while paused.
        sent_reports: When which sender report went out: compact NTP time to seconds.
    """

    id: str
    key: str
    producer: Producer
    transport: MediaTransport
    accepted: StreamAccepted | None = None
    wanted_layer: int | None = None
    is_paused: bool = False
    source: str | None = None
    is_stopped: bool = False
    forwarded: ProducerLayer | None = None
    sent_reports: dict[int, float] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is to be sent, because of its receiver or of its sender."""
        return self.is_paused or self.producer.is_muted

    @property
    def layer(self) -> int | None:
        """Index of the layer that is sent now; None while nothing is, or without simulcast."""
        forwarded = self.forwarded
        if forwarded is None or self.is_silent or len(self.producer.layers) == 1:
            return None
        return forwarded.index if forwarded.producer is self.producer else None

    @property
    def seen_layer(self) -> ProducerLayer:
        """The layer of which the receiver needs a keyframe when it lost a picture."""
        if self.forwarded is not None and self.forwarded.producer is self.producer:
            return self.forwarded
        layers = self.producer.layers
        return next((layer for layer in layers if layer.id == self.source), layers[0])

    def command(
        self,
        layer: ProducerLayer,
        accepted: StreamAccepted,
        abs_send_time: str,
        hop_local: frozenset[str],
    ) -> AddConsumer:
        """What the plane is told.

        Args:
            layer: Of the producer, to be sent.
            accepted: The shape that the subscriber agreed to.
            abs_send_time: URI of the extension that is overwritten on every hop.
            hop_local: URIs of the extensions that are not forwarded.
        """
        source = self.producer.stream
        ids = accepted.extensions
        kept = {
            number: ids[uri]
            for uri, number in source.extensions.items()
            if uri in ids and uri not in hop_local and uri != abs_send_time
        }
        return AddConsumer(
            consumer=self.id,
            producer=layer.id,
            transport=self.transport.id,
            ssrc=accepted.ssrc,
            rtx_ssrc=accepted.rtx_ssrc,
            is_paused=self.is_silent,
            route=Route(
                payload_types={
                    number: accepted.payload_types[key]
                    for number, key in source.codecs.items()
                    if key in accepted.payload_types
                },
                rtx_payload_types=accepted.rtx_payload_types,
                extensions=kept,
                abs_send_time=ids.get(abs_send_time),
            ),
        )


def codec_name(key: str) -> str:
    """The encoding name in a codec key, as SDP spells it: VP8 of `vp8/90000`."""
    name = key.partition("/")[0]
    return name if name == "opus" else name.upper()


def clock_rate(key: str) -> int:
    """RTP ticks per second of a codec, from its key."""
    return int(key.split("/")[1])


def _pixels(layer: ProducerLayer) -> int:
    return 0 if layer.dimensions is None else layer.dimensions.pixels


def _sum(counts: Iterable[ProducerStats]) -> ProducerStats | None:
    every = list(counts)
    if not every:
        return None
    arrivals = [item.last_arrival for item in every if item.last_arrival is not None]
    return ProducerStats(
        packets=sum(item.packets for item in every),
        octets=sum(item.octets for item in every),
        lost=sum(item.lost for item in every),
        jitter=max(item.jitter for item in every),
        repaired=sum(item.repaired for item in every),
        given_up=sum(item.given_up for item in every),
        last_arrival=max(arrivals, default=None),
    )
