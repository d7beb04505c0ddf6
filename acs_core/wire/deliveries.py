"""What the service says: welcome, answers, and news."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

from msgspec import Struct

from acs_core.core.custom_context import CustomContext
from acs_core.core.facts import (
    ActivityChanged,
    CallType,
    EndpointInfo,
    EndReason,
    Fact,
    MediaAccessChanged,
    PendingParticipant,
    PublicationInfo,
    SpeakersChanged,
)
from acs_core.core.receiving import Forwarding
from acs_core.errors import Stage
from acs_core.wire.locators import Locator
from acs_core.wire.requests import DiagnosticReport, TransferState

__all__ = [
    "Admitted",
    "Answered",
    "CloseCode",
    "Delivery",
    "DeliveryBody",
    "Ended",
    "Facts",
    "Failed",
    "ForwardingNotice",
    "IceServer",
    "InLobby",
    "InvitationEnded",
    "Invited",
    "Joined",
    "MediaMissing",
    "MutedByOthers",
    "Notice",
    "Offer",
    "Pong",
    "Published",
    "QualityDetails",
    "QualityLevel",
    "QualityNotice",
    "Reaction",
    "RealTimeText",
    "RoomInfo",
    "ServiceMessage",
    "StreamQuality",
    "ThreadChanged",
    "Transcribed",
    "TransferChanged",
    "TransferRequested",
    "TransferredHere",
    "Welcome",
]


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
        pending: Who is called or waits in the lobby.
        thread_id: The chat of the call; empty for none.
        published: What `Join.publications` became, in the same order.
    """

    call: str
    revision: int
    endpoints: tuple[EndpointInfo, ...]
    speakers: SpeakersChanged = SpeakersChanged()
    room: RoomInfo | None = None
    call_type: CallType = CallType.GROUP
    thread_id: str = ""
    pending: tuple[PendingParticipant, ...] = ()
    is_recording: bool = False
    activity: ActivityChanged = ActivityChanged()
    media_access: MediaAccessChanged = MediaAccessChanged()
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


class InLobby(Struct, frozen=True, kw_only=True, tag="in_lobby"):
    """Somebody must let the endpoint in first; then it hears `Admitted`, else `Ended`."""


class Admitted(Struct, frozen=True, kw_only=True, tag="admitted"):
    """The endpoint may leave the lobby: it joins again, and is let in."""

    endpoint: str


class Invited(Struct, frozen=True, kw_only=True, tag="invited"):
    """Somebody calls this user; one per session, so that all their clients ring.

    Attributes:
        invitation: 32 hex digits; becomes the endpoint id of who accepts.
        call: ACS's serverCallId.
        caller: Raw id of who calls.
        caller_name: Their display name.
        transferor: Raw id of who sent the caller here; empty when nobody did.
        is_group: Others are called too, or in the call already.
        context: What the caller sends along.
        thread_id: The chat of the call; empty for none.
    """

    invitation: str
    call: str
    caller: str
    caller_name: str = ""
    transferor: str = ""
    transferor_name: str = ""
    is_group: bool = False
    context: CustomContext = CustomContext()
    thread_id: str = ""


class InvitationEnded(Struct, frozen=True, kw_only=True, tag="invitation_ended"):
    """It rings no longer: cancelled, timed out, or answered by another client of the user."""

    invitation: str
    reason: EndReason


class MutedByOthers(Struct, frozen=True, kw_only=True, tag="muted_by_others"):
    """Somebody muted this endpoint; `by` is their raw id."""

    endpoint: str
    by: str


class Reaction(Struct, frozen=True, kw_only=True, tag="reaction"):
    """Somebody reacted; `sender` is their endpoint id."""

    endpoint: str
    sender: str
    reaction: str


class TransferRequested(Struct, frozen=True, kw_only=True, tag="transfer_requested"):
    """This endpoint is to go to another call, and to report how it goes.

    Attributes:
        by: Raw id of who transfers.
        by_name: Their display name.
        target: Raw id of who is to be called; empty when a call is to be joined.
        locator: How the other call is joined.
    """

    endpoint: str
    transfer: str
    by: str
    by_name: str = ""
    target: str = ""
    locator: Locator


class ThreadChanged(Struct, frozen=True, kw_only=True, tag="thread_changed"):
    """The call has a chat now, or another one."""

    endpoint: str
    thread_id: str


class TransferredHere(Struct, frozen=True, kw_only=True, tag="transferred_here"):
    """Somebody takes the place of another in this call, who has sent them.

    Attributes:
        by: Raw id of who has sent them, and leaves.
        by_name: Their display name.
    """

    endpoint: str
    by: str
    by_name: str = ""


class TransferChanged(Struct, frozen=True, kw_only=True, tag="transfer_changed"):
    """A transfer that this endpoint asked for is in another state."""

    endpoint: str
    transfer: str
    state: TransferState
    code: int = 0
    sub_code: int = 0
    message: str = ""


class Transcribed(Struct, frozen=True, kw_only=True, tag="transcribed"):
    """Something that was said in the call, as text.

    Attributes:
        speaker: Endpoint id.
        is_final: False while the text may still change.
        timestamp: Unix seconds.
        language: BCP 47 tag of what was spoken.
        caption_language: BCP 47 tag of `caption_text`, when it is a translation.
        publication: In which audio publication it was said.
        sequence_number: Counts up per publication; that of a text that may change stays.
        stability: 0..1, how likely such a text stays; None when not known.
    """

    endpoint: str
    speaker: str
    text: str
    is_final: bool
    timestamp: float
    language: str = ""
    caption_language: str = ""
    caption_text: str = ""
    publication: str = ""
    sequence_number: int = 0
    stability: float | None = None


class RealTimeText(Struct, frozen=True, kw_only=True, tag="real_time_text"):
    """What somebody is writing, as it is now.

    Attributes:
        sender: Endpoint id.
        sequence: Which message of the sender, from 1.
        timestamp: Unix seconds.
    """

    endpoint: str
    sender: str
    sequence: int
    text: str
    is_final: bool
    timestamp: float


class DiagnosticsReported(Struct, frozen=True, kw_only=True, tag="diagnostics_reported"):
    """Somebody has trouble, or no longer; `sender` is their endpoint id."""

    endpoint: str
    sender: str
    reports: tuple[DiagnosticReport, ...]


class MediaMissing(Struct, frozen=True, kw_only=True, tag="media_missing"):
    """The recording gets no media of a publication of this endpoint, or gets it again."""

    endpoint: str
    publication: str
    is_missing: bool


Notice: TypeAlias = (
    MutedByOthers
    | Reaction
    | ThreadChanged
    | TransferRequested
    | TransferredHere
    | TransferChanged
    | Transcribed
    | RealTimeText
    | DiagnosticsReported
    | MediaMissing
)
"""News for one endpoint that is no part of the roster."""

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
    | InLobby
    | Admitted
    | Invited
    | InvitationEnded
    | Notice
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
