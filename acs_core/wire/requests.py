"""What clients say: hello, signs of life, and requests.

A request is about one endpoint of the session, except `ReplyToInvitation`, which is about a call in
which the session has no endpoint yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from acs_core.core.custom_context import CustomContext
from acs_core.core.facts import DataReliability, Priority, PublicationKind
from acs_core.core.receiving import ReceivePolicy
from acs_core.core.tones import DtmfTone
from acs_core.wire.locators import Locator

__all__ = [
    "AnnounceRecording",
    "Answer",
    "ClientMessage",
    "Consent",
    "DecideLobby",
    "Hello",
    "InvitationAnswer",
    "Invite",
    "Join",
    "Leave",
    "MuteParticipants",
    "NewPublication",
    "PermitMedia",
    "Ping",
    "Publish",
    "RaiseHand",
    "React",
    "RemoveParticipant",
    "Renegotiate",
    "ReplyToInvitation",
    "ReportTransfer",
    "Request",
    "RequestBody",
    "Resume",
    "SendRealTimeText",
    "SendTone",
    "SetAudience",
    "SetCaptions",
    "SetHold",
    "SetReceivePolicy",
    "Spotlight",
    "SubmitSurvey",
    "Transfer",
    "TransferState",
    "Unpublish",
    "UpdatePublication",
]


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


class NewPublication(Struct, frozen=True, kw_only=True):
    """A stream that the client wants to offer.

    Attributes:
        key: The client's own name for it: the msid track id in its SDP, or the label of the data
                channel. It goes no further than the service's adapter.
        audience: Raw ids of who may receive it; empty for everybody.
    """

    key: str
    kind: PublicationKind
    name: str = ""
    enabled: bool = True
    priority: Priority = Priority.STANDARD
    reliability: DataReliability | None = None
    audience: tuple[str, ...] = ()


class Join(Struct, frozen=True, kw_only=True, tag="join"):
    """Enter a call; answered by `Joined`, or by `InLobby`: then it is said again after `Admitted`.

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
    """Leave a call; answered by an empty `Answered`.

    Attributes:
        has_lost_media: The client gives up because media cannot be restored; the others see that.
    """

    endpoint: str
    for_everyone: bool = False
    has_lost_media: bool = False


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


class SetAudience(Struct, frozen=True, kw_only=True, tag="set_audience"):
    """Choose who may receive a publication; answered by an empty `Answered`.

    Attributes:
        audience: Raw ids; empty for everybody.
    """

    endpoint: str
    publication: str
    audience: tuple[str, ...] = ()


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


class InvitationAnswer(StrEnum):
    """What a client says to an invitation that it does not accept, or not yet."""

    RINGING = "ringing"
    DECLINED = "declined"
    BUSY = "busy"


class ReplyToInvitation(Struct, frozen=True, kw_only=True, tag="reply_to_invitation"):
    """Say that it rings, or that nobody will come; answered by an empty `Answered`."""

    invitation: str
    answer: InvitationAnswer


class Invite(Struct, frozen=True, kw_only=True, tag="invite"):
    """Call somebody into this call; answered by an empty `Answered`, facts tell how it goes.

    Attributes:
        thread_id: The chat that the call has from now on; empty leaves it as it is.
    """

    endpoint: str
    callee: str
    alternate_caller_id: str = ""
    thread_id: str = ""


class RemoveParticipant(Struct, frozen=True, kw_only=True, tag="remove_participant"):
    """Take somebody out of the call, or call them no longer; answered when it is done."""

    endpoint: str
    identity: str


class DecideLobby(Struct, frozen=True, kw_only=True, tag="decide_lobby"):
    """Let people in, or turn them away; answered by an empty `Answered`.

    Attributes:
        identities: Who; None for everybody in the lobby.
    """

    endpoint: str
    identities: tuple[str, ...] | None
    is_admitted: bool


class MuteParticipants(Struct, frozen=True, kw_only=True, tag="mute_participants"):
    """Mute others; answered by an empty `Answered`.

    Attributes:
        identities: Who; None for everybody else.
    """

    endpoint: str
    identities: tuple[str, ...] | None = None


class PermitMedia(Struct, frozen=True, kw_only=True, tag="permit_media"):
    """Permit or forbid others to send sound or pictures; answered by an empty `Answered`.

    Attributes:
        identities: Who; None for all who are no presenters.
        media: "audio" or "video".
    """

    endpoint: str
    identities: tuple[str, ...] | None
    media: str
    is_permitted: bool


class RaiseHand(Struct, frozen=True, kw_only=True, tag="raise_hand"):
    """Raise the own hand, or lower hands; answered by an empty `Answered`.

    Attributes:
        identities: Whose; empty for the endpoint's own, None for all.
    """

    endpoint: str
    is_raised: bool
    identities: tuple[str, ...] | None = ()


class Spotlight(Struct, frozen=True, kw_only=True, tag="spotlight"):
    """Put participants in the spotlight or out of it; answered by an empty `Answered`.

    Attributes:
        identities: Whose; empty for the endpoint itself, None for all (only to end it).
    """

    endpoint: str
    is_on: bool
    identities: tuple[str, ...] | None = ()


class React(Struct, frozen=True, kw_only=True, tag="react"):
    """Show a reaction to everybody; answered by an empty `Answered`."""

    endpoint: str
    reaction: str


class SetHold(Struct, frozen=True, kw_only=True, tag="set_hold"):
    """Tell the others that this endpoint is on hold, or back; answered by an empty `Answered`."""

    endpoint: str
    is_on_hold: bool


class SendTone(Struct, frozen=True, kw_only=True, tag="send_tone"):
    """Press a key for the telephones in the call; answered by an empty `Answered`."""

    endpoint: str
    tone: DtmfTone


class SendRealTimeText(Struct, frozen=True, kw_only=True, tag="send_real_time_text"):
    """Show everybody what is being written; answered by an empty `Answered`.

    Attributes:
        sequence: Which message of this endpoint, from 1.
        text: All of the message as it is now.
        is_final: It is complete.
    """

    endpoint: str
    sequence: int
    text: str
    is_final: bool = False


class TransferState(StrEnum):
    """State of a transfer, in ACS's spelling."""

    NONE = "None"
    TRANSFERRING = "Transferring"
    TRANSFERRED = "Transferred"
    FAILED = "Failed"


class Transfer(Struct, frozen=True, kw_only=True, tag="transfer"):
    """Send the other side of this call to somebody else; answered, then `TransferChanged`.

    Attributes:
        transfer: 32 hex digits chosen by the client.
        participant: Raw id of the one to call; or
        call: the id of the call to join, in which this client is.
        transferee: Raw id of who shall go there; empty for the only other participant.
        alternate_caller_id: The telephone number that a telephone sees.
        context: What the one to call gets along with the call.
    """

    endpoint: str
    transfer: str
    participant: str = ""
    call: str = ""
    transferee: str = ""
    alternate_caller_id: str = ""
    context: CustomContext = CustomContext()


class ReportTransfer(Struct, frozen=True, kw_only=True, tag="report_transfer"):
    """Say how the transfer of this endpoint goes; answered by an empty `Answered`."""

    endpoint: str
    transfer: str
    state: TransferState
    code: int = 0
    sub_code: int = 0
    message: str = ""


class SetCaptions(Struct, frozen=True, kw_only=True, tag="set_captions"):
    """Ask for what is said as text, or no longer; answered by an empty `Answered`.

    Attributes:
        spoken_language: BCP 47 tag; empty leaves the call's.
        caption_language: BCP 47 tag of the translation; empty for none.
    """

    endpoint: str
    is_on: bool
    spoken_language: str = ""
    caption_language: str = ""


class AnnounceRecording(Struct, frozen=True, kw_only=True, tag="announce_recording"):
    """Say that this endpoint records the call itself; answered by an empty `Answered`."""

    endpoint: str
    is_recording: bool


class Consent(Struct, frozen=True, kw_only=True, tag="consent"):
    """Agree to being recorded and transcribed; answered by an empty `Answered`."""

    endpoint: str


class DiagnosticReport(Struct, frozen=True, kw_only=True):
    """What a diagnostic says: a flag, or a quality from 1 (good) to 3 (bad)."""

    diagnostic: str
    value: bool | int


class ReportDiagnostics(Struct, frozen=True, kw_only=True, tag="report_diagnostics"):
    """Tell the others of trouble; answered by an empty `Answered`."""

    endpoint: str
    reports: tuple[DiagnosticReport, ...]


class SubmitSurvey(Struct, frozen=True, kw_only=True, tag="submit_survey"):
    """What the user thought of a call, also after it; answered by an empty `Answered`.

    Attributes:
        endpoint: The endpoint that the user had in the call.
        id: 32 hex digits chosen by the client; a survey that is said twice counts once.
        survey: JSON text of the answers.
    """

    endpoint: str
    call: str
    id: str
    survey: str


RequestBody: TypeAlias = (
    Join
    | Leave
    | Publish
    | Unpublish
    | UpdatePublication
    | SetAudience
    | SetReceivePolicy
    | Answer
    | Renegotiate
    | ReplyToInvitation
    | Invite
    | RemoveParticipant
    | DecideLobby
    | MuteParticipants
    | PermitMedia
    | RaiseHand
    | Spotlight
    | React
    | SetHold
    | SendTone
    | SendRealTimeText
    | Transfer
    | ReportTransfer
    | SetCaptions
    | AnnounceRecording
    | Consent
    | ReportDiagnostics
    | SubmitSurvey
)


class Request(Struct, frozen=True, kw_only=True, tag="request"):
    """Something the client wants; `id` counts up from 1 within a session."""

    id: int
    body: RequestBody


ClientMessage: TypeAlias = Hello | Ping | Request
