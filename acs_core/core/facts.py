"""What is true in a call, and how it changes: the values both ends of signaling share.

A *fact* is one change of a call's roster. The service numbers them (`revision`), every endpoint
receives all of them in order, and `core/roster.py` applies them. They are `msgspec` structs because
they travel as they are (`wire.py`); nothing here knows about the network.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from acs_core.errors import InvalidArgumentError

__all__ = [
    "ActivityChanged",
    "AttributesChanged",
    "CallType",
    "CallTypeChanged",
    "ConnectionState",
    "DataReliability",
    "EndReason",
    "EndpointAttributes",
    "EndpointChanged",
    "EndpointInfo",
    "EndpointJoined",
    "EndpointLeft",
    "Fact",
    "MediaAccessChanged",
    "ParticipantRole",
    "PendingChanged",
    "PendingGone",
    "PendingParticipant",
    "PendingState",
    "Priority",
    "PublicationAdded",
    "PublicationChanged",
    "PublicationInfo",
    "PublicationKind",
    "PublicationRemoved",
    "RecordingChanged",
    "RecordingEntry",
    "SpeakersChanged",
]


DATA_LIMIT: Final = 65535
"""RFC 8832 section 5.1 has 16 bits for the reliability parameter that counts."""


class CallType(StrEnum):
    """How a call came about; decides who may do what in it, and when it ends."""

    GROUP = "group"
    ROOM = "room"
    ONE_TO_ONE = "one_to_one"
    """Somebody calls one other; becomes `DIAL_OUT` when a third participant is added."""
    DIAL_OUT = "dial_out"
    """Somebody calls several others."""
    MEETING = "meeting"


class PublicationKind(StrEnum):
    """What a publication carries."""

    AUDIO = "audio"
    VIDEO = "video"
    SCREEN = "screen"
    DATA = "data"

    @property
    def media(self) -> str:
        """The kind of SDP section that carries it: audio, video or application."""
        if self is PublicationKind.AUDIO:
            return "audio"
        return "application" if self is PublicationKind.DATA else "video"


class Priority(StrEnum):
    """How much a publication matters when not everything can be sent (Twilio's track priority)."""

    LOW = "low"
    STANDARD = "standard"
    HIGH = "high"


class ConnectionState(StrEnum):
    """Whether an endpoint can be reached."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


class DataReliability(Struct, frozen=True, kw_only=True):
    """How hard a data publication tries (RFC 8831 section 6.4); at most one limit is set.

    Attributes:
        ordered: Messages arrive in the order they were sent.
        max_retransmits: Give a message up after so many resends, 0 to 65535.
        max_packet_life_time_ms: Give a message up after so many milliseconds, 0 to 65535.

    Raises:
        InvalidArgumentError: Both limits are set, or one is out of range.
    """

    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time_ms: int | None = None

    def __post_init__(self) -> None:
        """Check the limits, wherever they come from."""
        given = (self.max_retransmits, self.max_packet_life_time_ms)
        limits = [limit for limit in given if limit is not None]
        if len(limits) > 1 or any(not 0 <= limit <= DATA_LIMIT for limit in limits):
            raise InvalidArgumentError(
                "Give max_retransmits or max_packet_life_time_ms, from 0 to 65535, not both."
            )


class PublicationInfo(Struct, frozen=True, kw_only=True):
    """One stream offered to the call.

    Attributes:
        id: 32 hex digits; the only key of a stream across personalities.
        number: Small integer, unique in the call; ACS shows it as the stream id.
        name: What the publisher called it; unique per endpoint.
        enabled: False while the publisher sends nothing on purpose (muted, disabled).
    """

    id: str
    number: int
    kind: PublicationKind
    name: str
    enabled: bool = True
    priority: Priority = Priority.STANDARD
    reliability: DataReliability | None = None


class EndReason(Struct, frozen=True, kw_only=True):
    """Why an endpoint is no longer in the call (ACS `callEndReason`).

    Source: the ACS call end code table; 0/0 is a local hang-up.
    """

    code: int = 0
    sub_code: int = 0
    message: str = ""


class ParticipantRole(StrEnum):
    """What somebody may do in a call, in ACS's spelling.

    Presenters may do everything, attendees cannot moderate or share their screen, consumers only
    watch; collaborators are attendees who share their screen. Who joins without a role is a
    presenter. `capabilities.py` has the table.
    """

    UNKNOWN = "Unknown"
    ATTENDEE = "Attendee"
    PRESENTER = "Presenter"
    ORGANIZER = "Organizer"
    CONSUMER = "Consumer"
    CO_ORGANIZER = "Co-organizer"
    COLLABORATOR = "Collaborator"


class EndpointAttributes(Struct, frozen=True, kw_only=True):
    """What is known of an endpoint besides its media.

    Attributes:
        hand: Place in the order in which hands were raised, counting up; None for a lowered one.
        spotlight: Place in the order in which participants were spotlighted; None for no spotlight.
        is_on_hold: The endpoint neither sends nor receives for now.
        is_audio_permitted: It may unmute.
        is_video_permitted: It may send pictures.
        has_consented: It agreed to being recorded and transcribed.
        is_recording: It says that it records the call itself.
    """

    role: ParticipantRole = ParticipantRole.PRESENTER
    hand: int | None = None
    spotlight: int | None = None
    is_on_hold: bool = False
    is_audio_permitted: bool = True
    is_video_permitted: bool = True
    has_consented: bool = False
    is_recording: bool = False


class EndpointInfo(Struct, frozen=True, kw_only=True):
    """One connected client of an identity, as the others see it.

    Attributes:
        id: 32 hex digits; ACS's `Call.id` and, with `PA`, Twilio's participant SID.
        identity: The raw id of the user.
        name: Display name; for a Twilio participant its identity.
    """

    id: str
    identity: str
    name: str = ""
    state: ConnectionState = ConnectionState.CONNECTED
    publications: tuple[PublicationInfo, ...] = ()
    attributes: EndpointAttributes = EndpointAttributes()


class PendingState(StrEnum):
    """How far somebody is who is expected in the call."""

    CONNECTING = "connecting"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    IN_LOBBY = "in_lobby"


class PendingParticipant(Struct, frozen=True, kw_only=True):
    """Somebody who is called or waits in the lobby, and is not in the call yet.

    Attributes:
        identity: The raw id of the user; nobody is expected twice.
        name: Display name, as far as it is known.
    """

    identity: str
    name: str = ""
    state: PendingState = PendingState.CONNECTING


class EndpointJoined(Struct, frozen=True, kw_only=True, tag="endpoint_joined"):
    """An endpoint entered the call, with what it publishes from the start."""

    endpoint: EndpointInfo


class EndpointChanged(Struct, frozen=True, kw_only=True, tag="endpoint_changed"):
    """An endpoint's reachability changed."""

    endpoint: str
    state: ConnectionState


class EndpointLeft(Struct, frozen=True, kw_only=True, tag="endpoint_left"):
    """An endpoint left; its publications went with it."""

    endpoint: str
    reason: EndReason = EndReason()


class PublicationAdded(Struct, frozen=True, kw_only=True, tag="publication_added"):
    """An endpoint offers one more stream."""

    endpoint: str
    publication: PublicationInfo


class PublicationChanged(Struct, frozen=True, kw_only=True, tag="publication_changed"):
    """A publication was enabled, disabled or given another priority."""

    publication: str
    enabled: bool
    priority: Priority


class PublicationRemoved(Struct, frozen=True, kw_only=True, tag="publication_removed"):
    """A stream is no longer offered."""

    publication: str


class SpeakersChanged(Struct, frozen=True, kw_only=True, tag="speakers_changed"):
    """Who speaks.

    Attributes:
        ranking: Endpoints that spoke, most recent dominant one first.
        dominant: The endpoint that dominates now, or None after a silence.
        speaking: Endpoints whose voice is heard now.
    """

    ranking: tuple[str, ...] = ()
    dominant: str | None = None
    speaking: tuple[str, ...] = ()


class RecordingChanged(Struct, frozen=True, kw_only=True, tag="recording_changed"):
    """The call began or ceased to be recorded."""

    is_recording: bool


class RecordingEntry(Struct, frozen=True, kw_only=True):
    """One recording of the call that was started and not stopped.

    Attributes:
        id: Unique in the call.
        name: What people call it; may be empty.
    """

    id: str
    name: str = ""
    is_paused: bool = False


class ActivityChanged(Struct, frozen=True, kw_only=True, tag="activity_changed"):
    """What is kept of what happens in the call, and the captions it offers; always as a whole.

    Attributes:
        needs_consent: Who is recorded or transcribed must agree before they send media.
        spoken_language: BCP 47 tag of what captions are made of; empty before somebody asked.
        spoken_languages: What can be recognized; empty where nothing can.
        caption_languages: What captions can be translated into.
    """

    recordings: tuple[RecordingEntry, ...] = ()
    is_transcribing: bool = False
    needs_consent: bool = False
    spoken_language: str = ""
    spoken_languages: tuple[str, ...] = ()
    caption_languages: tuple[str, ...] = ()

    @property
    def is_recording(self) -> bool:
        """Whether a recording runs that is not paused."""
        return any(not entry.is_paused for entry in self.recordings)


class AttributesChanged(Struct, frozen=True, kw_only=True, tag="attributes_changed"):
    """An endpoint's role, hand, spotlight, hold or permissions changed."""

    endpoint: str
    attributes: EndpointAttributes


class PendingChanged(Struct, frozen=True, kw_only=True, tag="pending_changed"):
    """Somebody is expected in the call, or one step further on the way."""

    participant: PendingParticipant


class PendingGone(Struct, frozen=True, kw_only=True, tag="pending_gone"):
    """Somebody is expected no longer.

    Attributes:
        reason: Why they will not come; None when they are in the call now.
    """

    identity: str
    reason: EndReason | None = None


class MediaAccessChanged(Struct, frozen=True, kw_only=True, tag="media_access_changed"):
    """What attendees of the call may send by themselves, those included who come later."""

    is_audio_permitted: bool = True
    is_video_permitted: bool = True


class CallTypeChanged(Struct, frozen=True, kw_only=True, tag="call_type_changed"):
    """The call grew: a third participant is called into a call of two."""

    call_type: CallType


Fact: TypeAlias = (
    EndpointJoined
    | EndpointChanged
    | AttributesChanged
    | MediaAccessChanged
    | PendingChanged
    | PendingGone
    | EndpointLeft
    | PublicationAdded
    | PublicationChanged
    | PublicationRemoved
    | SpeakersChanged
    | RecordingChanged
    | ActivityChanged
    | CallTypeChanged
)
