"""Native signaling: the messages between the SDK and the service, defined once for both ends.

JSON text over one WebSocket per call agent. The client opens with `Hello` and gets `Welcome`. From
then on it sends `Request`s, numbered by itself, and each is answered exactly once. Everything that
the service sends on a session is a `Delivery` with a sequence number, so a session that lost its
WebSocket continues: the client opens another one, says in `Hello.resume` what it received last, and
gets the rest, once and in order; requests that it repeats are answered, not carried out again.

Limits are part of the protocol: a violation closes the WebSocket with one of `CloseCode`, whose
reason says what to do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from acs_core.core.facts import (
    DataReliability,
    EndpointInfo,
    EndReason,
    Fact,
    Priority,
    PublicationInfo,
    PublicationKind,
    SpeakersChanged,
)
from acs_core.core.receiving import (
    BandwidthProfile,
    Forwarding,
    ReceiveHint,
    ReceivePolicy,
    ReceivePriority,
)
from acs_core.errors import ProtocolError, Stage

__all__ = [
    "HELLO_LIMIT",
    "MESSAGE_LIMIT",
    "PROTOCOL_VERSION",
    "Answer",
    "Answered",
    "BandwidthProfile",
    "CloseCode",
    "Delivery",
    "Ended",
    "Facts",
    "Failed",
    "Forwarding",
    "ForwardingNotice",
    "GroupLocator",
    "Hello",
    "IceServer",
    "Join",
    "Joined",
    "Leave",
    "NewPublication",
    "Offer",
    "Ping",
    "Pong",
    "Publish",
    "Published",
    "QualityDetails",
    "QualityLevel",
    "QualityNotice",
    "ReceiveHint",
    "ReceivePolicy",
    "ReceivePriority",
    "Renegotiate",
    "Request",
    "Resume",
    "RoomInfo",
    "RoomLocator",
    "SetReceivePolicy",
    "StreamQuality",
    "Unpublish",
    "UpdatePublication",
    "Welcome",
    "decode_client",
    "decode_service",
    "encode",
]

PROTOCOL_VERSION: Final = 1
HELLO_LIMIT: Final = 64 * 1024
MESSAGE_LIMIT: Final = 256 * 1024
NAME_LIMIT: Final = 128


class CloseCode(IntEnum):
    """Why the service closed a WebSocket (RFC 6455 section 7.4, private range)."""

    MALFORMED = 4400
    UNAUTHORIZED = 4401
    HELLO_TIMEOUT = 4408
    SESSION_GONE = 4410
    TOO_LARGE = 4413
    TOO_FAST = 4429
    SLOW_READER = 4430
    REPLACED = 4440
    DRAINING = 4503


# ---------------------------------------------------------------- what the client says


class Resume(Struct, frozen=True, kw_only=True):
    """Which session to continue.

    Attributes:
        session: From `Welcome`.
        secret: From `Welcome`; proves that this is the same client.
        received: Sequence number of the last `Delivery` that was handled.
    """

    session: str
    secret: str
    received: int


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first message on a WebSocket."""

    version: int
    token: str
    client: str = ""
    resume: Resume | None = None


class Ping(Struct, frozen=True, kw_only=True, tag="ping"):
    """Sign of life; `received` lets the service forget what was delivered."""

    received: int = 0


class GroupLocator(Struct, frozen=True, kw_only=True, tag="group"):
    """A group call, by a GUID that its members agreed on."""

    group_id: str


class RoomLocator(Struct, frozen=True, kw_only=True, tag="room"):
    """A room: live session id, unique name or ACS room id; empty for a new unnamed one."""

    room: str


Locator: TypeAlias = GroupLocator | RoomLocator


class NewPublication(Struct, frozen=True, kw_only=True):
    """A stream that the client wants to offer.

    Attributes:
        key: The client's own name for it: the msid track id in its SDP, or the label of the data
                channel. It goes no further than the service's adapter.
    """

    key: str
    kind: PublicationKind
    name: str = ""
    enabled: bool = True
    priority: Priority = Priority.STANDARD
    reliability: DataReliability | None = None


class Join(Struct, frozen=True, kw_only=True, tag="join"):
    """Enter a call; answered by `Joined`.

    Attributes:
        endpoint: 32 hex digits chosen by the client, so that `Call.id` is known at once.
        offer: SDP of the publish connection, or None when nothing is published yet.
    """

    endpoint: str
    locator: Locator
    name: str = ""
    offer: str | None = None
    publications: tuple[NewPublication, ...] = ()
    receive: ReceivePolicy = ReceivePolicy()


class Leave(Struct, frozen=True, kw_only=True, tag="leave"):
    """Leave a call; answered by an empty `Answered`."""

    endpoint: str
    for_everyone: bool = False


class Publish(Struct, frozen=True, kw_only=True, tag="publish"):
    """Offer more streams; answered by `Published`.

    Attributes:
        connection: Number of the publish connection; a new number replaces the connection, and the
            publications whose keys are in the offer continue on it.
    """

    endpoint: str
    connection: int
    offer: str
    publications: tuple[NewPublication, ...] = ()


class Unpublish(Struct, frozen=True, kw_only=True, tag="unpublish"):
    """Withdraw streams, by the client's own names for them; answered by an empty `Answered`.

    Names that are not known, or not any more, are passed over: it may be said twice.
    """

    endpoint: str
    keys: tuple[str, ...]


class UpdatePublication(Struct, frozen=True, kw_only=True, tag="update_publication"):
    """Enable, disable or re-prioritise a publication; answered by an empty `Answered`."""

    endpoint: str
    publication: str
    enabled: bool
    priority: Priority


class SetReceivePolicy(Struct, frozen=True, kw_only=True, tag="set_receive_policy"):
    """Choose what to receive; answered by an empty `Answered`, then by offers."""

    endpoint: str
    policy: ReceivePolicy


class Answer(Struct, frozen=True, kw_only=True, tag="answer"):
    """The SDP answer to an `Offer`; answered by an empty `Answered`."""

    endpoint: str
    connection: int
    revision: int
    sdp: str


class Renegotiate(Struct, frozen=True, kw_only=True, tag="renegotiate"):
    """Ask for a new subscribe connection because the old one is silent."""

    endpoint: str
    connection: int


RequestBody: TypeAlias = (
    Join | Leave | Publish | Unpublish | UpdatePublication | SetReceivePolicy | Answer | Renegotiate
)


class Request(Struct, frozen=True, kw_only=True, tag="request"):
    """Something the client wants; `id` counts up from 1 within a session."""

    id: int
    body: RequestBody


ClientMessage: TypeAlias = Hello | Ping | Request

# ---------------------------------------------------------------- what the service says


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """The session is open, or open again.

    Attributes:
        window: Seconds for which a session without WebSocket is kept.
        heartbeat: Seconds between the client's pings; three missed ones end the WebSocket.
    """

    session: str
    secret: str
    window: float
    heartbeat: float
    resumed: bool = False


class Pong(Struct, frozen=True, kw_only=True, tag="pong"):
    """Answer to `Ping`."""


class RoomInfo(Struct, frozen=True, kw_only=True):
    """The room that a call is a session of."""

    id: str
    name: str


class IceServer(Struct, frozen=True, kw_only=True):
    """A STUN or TURN server (RFC 7064, RFC 7065)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class Joined(Struct, frozen=True, kw_only=True, tag="joined"):
    """The endpoint is in the call.

    Attributes:
        call: ACS's serverCallId and, with `RM`, Twilio's room SID; 32 hex digits.
        endpoints: Everybody, this endpoint included.
        published: What `Join.publications` became, in the same order.
    """

    call: str
    revision: int
    endpoints: tuple[EndpointInfo, ...]
    speakers: SpeakersChanged = SpeakersChanged()
    room: RoomInfo | None = None
    is_recording: bool = False
    answer: str | None = None
    published: tuple[PublicationInfo, ...] = ()
    ice_servers: tuple[IceServer, ...] = ()


class Published(Struct, frozen=True, kw_only=True, tag="published"):
    """Answer to `Publish`."""

    answer: str | None = None
    publications: tuple[PublicationInfo, ...] = ()


class Answered(Struct, frozen=True, kw_only=True, tag="answered"):
    """It was done."""


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """It was not done, and why; in place of `Welcome`, the last message before the close."""

    code: int
    message: str
    sub_code: int = 0
    stage: Stage | None = None
    next_step: str = ""


class Offer(Struct, frozen=True, kw_only=True, tag="offer"):
    """SDP of the subscribe connection; the client replies with `Answer`.

    The track id of each section (the second word of its msid) is the publication's id.

    Attributes:
        connection: A new number means a new connection.
    """

    endpoint: str
    connection: int
    revision: int
    sdp: str


class Facts(Struct, frozen=True, kw_only=True, tag="facts"):
    """Changes of the roster; `revision` is that of the last one."""

    endpoint: str
    revision: int
    facts: tuple[Fact, ...]


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """The endpoint is out of the call, and not by its own `Leave`."""

    endpoint: str
    reason: EndReason


class StreamQuality(Struct, frozen=True, kw_only=True):
    """How well one kind of media gets through in one direction: levels 1 to 5, and why.

    Attributes:
        bandwidth: Level of the bit rate.
        latency: Level of the delay and its variation.
        loss: Level of the loss.
        actual_bps: What arrives.
        available_bps: What the network could carry, of all media together; None when not known.
        jitter: Seconds.
        round_trip: Seconds.
        fraction_lost: 0..1.
    """

    bandwidth: int
    latency: int
    loss: int
    actual_bps: float | None = None
    available_bps: float | None = None
    jitter: float | None = None
    round_trip: float | None = None
    fraction_lost: float | None = None


class QualityDetails(Struct, frozen=True, kw_only=True):
    """What a `QualityLevel` was made of; None for what does not flow."""

    audio_send: StreamQuality | None = None
    audio_receive: StreamQuality | None = None
    video_send: StreamQuality | None = None
    video_receive: StreamQuality | None = None


class QualityLevel(Struct, frozen=True, kw_only=True):
    """Network quality of one endpoint, 0 (broken) to 5, with its parts.

    Attributes:
        details: As of when the levels were told; None when nobody in the call listens to them.
    """

    endpoint: str
    level: int
    audio_send: int | None = None
    audio_receive: int | None = None
    video_send: int | None = None
    video_receive: int | None = None
    details: QualityDetails | None = None


class ForwardingNotice(Struct, frozen=True, kw_only=True, tag="forwarding"):
    """What is forwarded of the subscribed videos changed; names only those that did."""

    endpoint: str
    changes: tuple[Forwarding, ...]


class QualityNotice(Struct, frozen=True, kw_only=True, tag="quality"):
    """Network quality levels that changed."""

    endpoint: str
    levels: tuple[QualityLevel, ...]


DeliveryBody: TypeAlias = (
    Joined
    | Published
    | Answered
    | Failed
    | Offer
    | Facts
    | Ended
    | QualityNotice
    | ForwardingNotice
)


class Delivery(Struct, frozen=True, kw_only=True, tag="delivery"):
    """One message of a session, numbered from 1.

    Attributes:
        reply_to: The request that this answers, or None for news.
    """

    seq: int
    body: DeliveryBody
    reply_to: int | None = None


ServiceMessage: TypeAlias = Welcome | Pong | Failed | Delivery

_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_service_decoder: msgspec.json.Decoder[ServiceMessage] = msgspec.json.Decoder(ServiceMessage)
_encoder = msgspec.json.Encoder()


def encode(message: ClientMessage | ServiceMessage) -> str:
    """A message as JSON text."""
    return _encoder.encode(message).decode()


def decode_client(text: str, *, limit: int = MESSAGE_LIMIT) -> ClientMessage:
    """Read what a client sent.

    Raises:
        ProtocolError: Not JSON, too large, too deep, or not one of the messages.
    """
    _check(text, limit)
    try:
        # Deep nesting ends in the decoder's own guard against recursion, a RecursionError.
        return _client_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"Unreadable message: {error}", stage=Stage.SIGNALING) from error


def decode_service(text: str, *, limit: int = 16 * MESSAGE_LIMIT) -> ServiceMessage:
    """Read what the service sent.

    Raises:
        ProtocolError: Not JSON, too large, too deep, or not one of the messages.
    """
    _check(text, limit)
    try:
        return _service_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"Unreadable message: {error}", stage=Stage.SIGNALING) from error


def _check(text: str, limit: int) -> None:
    if len(text) > limit:
        raise ProtocolError(
            f"Message of {len(text)} characters; {limit} are allowed.",
            code=413,
            stage=Stage.SIGNALING,
        )
