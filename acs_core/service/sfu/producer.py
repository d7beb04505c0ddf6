"""A stream that comes into the service, and the streams that go out from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acs_core.rtc.feedback import SenderReport
from acs_core.service.sfu.changes import StreamAccepted, StreamReceived
from acs_core.service.sfu.keyframes import KeyframeThrottle
from acs_core.service.sfu.plane.messages import AddConsumer, AddProducer, Route

if TYPE_CHECKING:
    from acs_core.service.sfu.router import Router
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["Consumer", "Producer", "clock_rate", "codec_name"]


@dataclass(eq=False, slots=True)
class Producer:
    """One received stream.

    Attributes:
        id: Unique in the process.
        stream: Its shape on the publisher's connection.
        transport: The publisher's connection.
        consumers: The streams out, by their id.
        sender_report: The publisher's newest one, until it was relayed.
        router: Of the call that it is part of.
    """

    id: str
    stream: StreamReceived
    transport: MediaTransport
    consumers: dict[str, Consumer] = field(default_factory=dict)
    throttle: KeyframeThrottle = field(default_factory=KeyframeThrottle)
    sender_report: SenderReport | None = None
    router: Router | None = None

    @property
    def kind(self) -> str:
        """Audio or video."""
        return self.stream.kind

    @property
    def ssrc(self) -> int | None:
        """The SSRC of its (first) layer, when the description tells it."""
        return self.stream.layers[0].ssrc

    def can_replace(self, other: Producer) -> bool:
        """Whether subscribers of the other stream can take this one as its continuation."""
        ours, theirs = set(self.stream.codecs.values()), set(other.stream.codecs.values())
        return self.kind == other.kind and ours == theirs

    def command(self) -> AddProducer | None:
        """What the plane is told; None while the SSRC is not known."""
        layer = self.stream.layers[0]
        if layer.ssrc is None:
            return None
        keys = list(self.stream.codecs.values())
        return AddProducer(
            producer=self.id,
            transport=self.transport.id,
            ssrc=layer.ssrc,
            kind=self.kind,
            clock_rate=clock_rate(keys[0]),
            payload_types={number: codec_name(key) for number, key in self.stream.codecs.items()},
            rtx_ssrc=layer.rtx_ssrc,
            rtx_payload_types=self.stream.rtx_payload_types,
            extensions=self.stream.extensions,
        )


@dataclass(eq=False, slots=True)
class Consumer:
    """One forwarded stream.

    Attributes:
        id: Unique in the process.
        key: What the adapter calls it; the publication's id.
        accepted: Its shape on the subscriber's connection, once that agreed.
        source: Id of the producer that the plane takes its packets from; None while the plane
            does not know the consumer.
        sent_reports: When which sender report went out: compact NTP time to seconds.
    """

    id: str
    key: str
    producer: Producer
    transport: MediaTransport
    accepted: StreamAccepted | None = None
    source: str | None = None
    sent_reports: dict[int, float] = field(default_factory=dict)

    def command(
        self, accepted: StreamAccepted, abs_send_time: str, hop_local: frozenset[str]
    ) -> AddConsumer:
        """What the plane is told.

        Args:
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
            producer=self.producer.id,
            transport=self.transport.id,
            ssrc=accepted.ssrc,
            rtx_ssrc=accepted.rtx_ssrc,
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
