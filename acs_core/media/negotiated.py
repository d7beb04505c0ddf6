"""What the client and the service agreed on, as the client's media needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acs_core.rtc.sdp import Codec, Kind, RemoteTransport

__all__ = [
    "DataParameters",
    "PublishAnswer",
    "PublishedStream",
    "ReceivedSection",
    "SubscribeAnswer",
]


@dataclass(frozen=True, slots=True)
class DataParameters:
    """The data section of the other end: its SCTP port, and the bytes it takes per message."""

    sctp_port: int
    max_message_size: int


@dataclass(frozen=True, slots=True)
class PublishedStream:
    """How to send one stream.

    Attributes:
        rtx_ssrc: None when the service takes no rtx.
        codec: The most preferred codec that the service takes, with its payload type.
        rtx_payload_type: None when the service takes no rtx for it.
        extensions: URI to id, of what may be sent.
    """

    key: str
    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    codec: Codec
    rtx_payload_type: int | None
    extensions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PublishAnswer:
    """What an answer of the service allows.

    Attributes:
        streams: All streams that may be sent now, not only new ones.
        refused: Keys of streams that the service does not take; they are not offered again.
        transport: The service's ICE and DTLS parameters; None if every section was rejected.
        data: None without a data section.
    """

    streams: tuple[PublishedStream, ...]
    refused: tuple[str, ...]
    transport: RemoteTransport | None
    data: DataParameters | None


@dataclass(frozen=True, slots=True)
class ReceivedSection:
    """What arrives on one section.

    Attributes:
        is_active: Whether the service sends on it now.
        ssrc: None while inactive.
        rtx_ssrc: None while inactive or without rtx.
        stream_id: First word of the msid; streams that share it are played in sync.
        track_id: Second word of the msid.
        codecs: Payload type to codec, without rtx.
        rtx_payload_types: Payload type of rtx to the payload type that it repeats.
        extensions: URI to id.
    """

    mid: str
    kind: Kind
    is_active: bool
    ssrc: int | None
    rtx_ssrc: int | None
    stream_id: str
    track_id: str
    codecs: Mapping[int, Codec]
    rtx_payload_types: Mapping[int, int]
    extensions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SubscribeAnswer:
    """Our answer to an offer of the service, and what the offer says.

    Attributes:
        sections: Audio and video sections in use, in order.
        transport: The service's ICE and DTLS parameters.
        data: None without a data section.
    """

    answer: str
    sections: tuple[ReceivedSection, ...]
    transport: RemoteTransport
    data: DataParameters | None
