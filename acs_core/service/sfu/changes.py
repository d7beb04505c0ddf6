"""What a negotiation is told once, and what it tells: the effects of a remote description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from acs_core.errors import InvalidStateError
from acs_core.rtc.sdp import Fingerprint, Kind, Setup

__all__ = [
    "Accepted",
    "Change",
    "DataSection",
    "GlareError",
    "Layer",
    "RefusalReason",
    "RemoteIce",
    "SsrcChanged",
    "SsrcPolicy",
    "StreamAccepted",
    "StreamEnded",
    "StreamReceived",
    "StreamRefused",
]


class GlareError(InvalidStateError):
    """An offer arrived while ours is outstanding; drop it, the remote end will repeat it."""


class SsrcPolicy(StrEnum):
    """Which SSRC a stream of ours gets on a section that was in use before."""

    KEEP = "keep"
    """The old one: aiortc never binds a new SSRC to a section."""
    FRESH = "fresh"
    """A new one: Chromium does not render an SSRC that comes back after a pause or rollback."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding of a received stream.

    Attributes:
        rid: The sender's name for it; None without rid simulcast.
        ssrc: None when the description does not tell; then the packets do, through their MID
            and RID extensions (RFC 8843 section 9.2).
        rtx_ssrc: None without rtx or when the description does not tell.
    """

    rid: str | None
    ssrc: int | None
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class StreamReceived:
    """The remote end sends a stream on this section.

    It comes again for the same stream when payload types or extensions were added.

    Attributes:
        layers: At least one; from low to high for ssrc simulcast, in the sender's order of
            preference for rid simulcast.
        stream_id: First word of the msid, ``-`` or empty for "none".
        track_id: Second word of the msid; the sender's name of the track.
        codecs: Payload type to codec key, most preferred first.
        rtx_payload_types: Payload type of rtx to the payload type that it repeats.
        extensions: URI to id.
    """

    mid: str
    kind: Kind
    layers: tuple[Layer, ...]
    stream_id: str
    track_id: str
    codecs: Mapping[int, str]
    rtx_payload_types: Mapping[int, int]
    extensions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The remote end no longer sends on this section."""

    mid: str


@dataclass(frozen=True, slots=True)
class StreamAccepted:
    """The remote end is ready for one of our streams, in this shape.

    It comes again when the shape changed, for instance when the stream moved to another section.

    Attributes:
        ssrc: Of the packets that we send.
        rtx_ssrc: None when the remote end takes no rtx.
        payload_types: Codec key to the payload type to send; only codecs of the publisher.
        rtx_payload_types: Payload type to send to the payload type of its rtx.
        extensions: URI to the id to send.
    """

    key: str
    mid: str
    ssrc: int
    rtx_ssrc: int | None
    payload_types: Mapping[str, int]
    rtx_payload_types: Mapping[int, int]
    extensions: Mapping[str, int]


class RefusalReason(StrEnum):
    """Why the remote end does not get a stream."""

    NO_COMMON_CODEC = "noCommonCodec"
    SECTION_REJECTED = "sectionRejected"
    NOT_RECEIVING = "notReceiving"
    NO_SECTION = "noSection"
    """Not the remote end's doing: a connection has only so many sections."""


@dataclass(frozen=True, slots=True)
class StreamRefused:
    """The remote end does not get one of our streams, or no longer.

    Attributes:
        is_retried: Whether the negotiation will offer it again by itself, on another section.
    """

    key: str
    reason: RefusalReason
    is_retried: bool = False


@dataclass(frozen=True, slots=True)
class SsrcChanged:
    """An accepted stream goes on with these SSRCs; nothing else of it changed."""

    key: str
    mid: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class RemoteIce:
    """Credentials and certificate of the remote end, at first and whenever they change."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup | None


@dataclass(frozen=True, slots=True)
class DataSection:
    """The remote end agreed to data channels; comes once.

    Attributes:
        sctp_port: Its SCTP port.
        max_message_size: Bytes that it takes in one message; 0 means any.
    """

    sctp_port: int
    max_message_size: int


Change: TypeAlias = (
    StreamReceived
    | StreamEnded
    | StreamAccepted
    | StreamRefused
    | SsrcChanged
    | RemoteIce
    | DataSection
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Our answer to an offer, and what the offer brought about."""

    answer: str
    changes: tuple[Change, ...]
    ice_restarted: bool
