"""The names of Twilio's events, and how one happening in a call is named at each level.

`room.on` takes a member or the string, in snake_case, too. A happening on a remote stream is told
by the track, its publication, its participant and the room, and the latter two append what is
inside them to the arguments. `CASCADES` holds that as one row per event of `acs_core`'s features;
tracks tell for themselves.

Source: twilio-video.js 2.36, `lib/room.js`, `lib/remoteparticipant.js`, `lib/localparticipant.js`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = [
    "CASCADES",
    "Cascade",
    "Happening",
    "LocalParticipantEvent",
    "ParticipantEvent",
    "PublicationEvent",
    "RemoteParticipantEvent",
    "RoomEvent",
    "TrackEvent",
]


class RoomEvent(StrEnum):
    """What a `Room` tells."""

    DISCONNECTED = "disconnected"
    DOMINANT_SPEAKER_CHANGED = "dominantSpeakerChanged"
    PARTICIPANT_CONNECTED = "participantConnected"
    PARTICIPANT_DISCONNECTED = "participantDisconnected"
    PARTICIPANT_RECONNECTED = "participantReconnected"
    PARTICIPANT_RECONNECTING = "participantReconnecting"
    RECONNECTED = "reconnected"
    RECONNECTING = "reconnecting"
    RECORDING_STARTED = "recordingStarted"
    RECORDING_STOPPED = "recordingStopped"
    TRACK_DIMENSIONS_CHANGED = "trackDimensionsChanged"
    TRACK_DISABLED = "trackDisabled"
    TRACK_ENABLED = "trackEnabled"
    TRACK_MESSAGE = "trackMessage"
    TRACK_PUBLISHED = "trackPublished"
    TRACK_PUBLISH_PRIORITY_CHANGED = "trackPublishPriorityChanged"
    TRACK_STARTED = "trackStarted"
    TRACK_SUBSCRIBED = "trackSubscribed"
    TRACK_SUBSCRIPTION_FAILED = "trackSubscriptionFailed"
    TRACK_SWITCHED_OFF = "trackSwitchedOff"
    TRACK_SWITCHED_ON = "trackSwitchedOn"
    TRACK_UNPUBLISHED = "trackUnpublished"
    TRACK_UNSUBSCRIBED = "trackUnsubscribed"
    TRACK_WARNING = "trackWarning"
    TRACK_WARNINGS_CLEARED = "trackWarningsCleared"
    TRANSCRIPTION = "transcription"


class ParticipantEvent(StrEnum):
    """What every participant tells."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    NETWORK_QUALITY_LEVEL_CHANGED = "networkQualityLevelChanged"
    RECONNECTED = "reconnected"
    RECONNECTING = "reconnecting"
    TRACK_DIMENSIONS_CHANGED = "trackDimensionsChanged"
    TRACK_STARTED = "trackStarted"


class LocalParticipantEvent(StrEnum):
    """What the local participant tells besides."""

    TRACK_DISABLED = "trackDisabled"
    TRACK_ENABLED = "trackEnabled"
    TRACK_PUBLICATION_FAILED = "trackPublicationFailed"
    TRACK_PUBLISHED = "trackPublished"
    TRACK_STOPPED = "trackStopped"
    TRACK_WARNING = "trackWarning"
    TRACK_WARNINGS_CLEARED = "trackWarningsCleared"


class RemoteParticipantEvent(StrEnum):
    """What a remote participant tells besides."""

    TRACK_DISABLED = "trackDisabled"
    TRACK_ENABLED = "trackEnabled"
    TRACK_MESSAGE = "trackMessage"
    TRACK_PUBLISHED = "trackPublished"
    TRACK_PUBLISH_PRIORITY_CHANGED = "trackPublishPriorityChanged"
    TRACK_SUBSCRIBED = "trackSubscribed"
    TRACK_SUBSCRIPTION_FAILED = "trackSubscriptionFailed"
    TRACK_SWITCHED_OFF = "trackSwitchedOff"
    TRACK_SWITCHED_ON = "trackSwitchedOn"
    TRACK_UNPUBLISHED = "trackUnpublished"
    TRACK_UNSUBSCRIBED = "trackUnsubscribed"


class PublicationEvent(StrEnum):
    """What publications tell; which of them each kind has is in its `EVENTS`."""

    PUBLISH_PRIORITY_CHANGED = "publishPriorityChanged"
    SUBSCRIBED = "subscribed"
    SUBSCRIPTION_FAILED = "subscriptionFailed"
    TRACK_DISABLED = "trackDisabled"
    TRACK_ENABLED = "trackEnabled"
    TRACK_SWITCHED_OFF = "trackSwitchedOff"
    TRACK_SWITCHED_ON = "trackSwitchedOn"
    UNSUBSCRIBED = "unsubscribed"
    WARNING = "warning"
    WARNINGS_CLEARED = "warningsCleared"


class TrackEvent(StrEnum):
    """What tracks tell; which of them each kind has is in its `EVENTS`."""

    DIMENSIONS_CHANGED = "dimensionsChanged"
    DISABLED = "disabled"
    ENABLED = "enabled"
    MESSAGE = "message"
    MUTED = "muted"
    STARTED = "started"
    STOPPED = "stopped"
    SWITCHED_OFF = "switchedOff"
    SWITCHED_ON = "switchedOn"
    UNMUTED = "unmuted"


class Happening(StrEnum):
    """What can happen to a remote stream; values are `acs_core`'s where it has the event."""

    PUBLISHED = "publicationAdded"
    UNPUBLISHED = "publicationRemoved"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    PRIORITY_CHANGED = "priority"
    SWITCHED_OFF = "switchedOff"
    SWITCHED_ON = "switchedOn"
    MESSAGE = "dataReceived"
    STARTED = "firstFrame"
    DIMENSIONS_CHANGED = "dimensionsChanged"


@dataclass(frozen=True, slots=True)
class Cascade:
    """The name of one happening at each level; None where a level is silent.

    Attributes:
        is_passed_on: The participant passes on what the publication tells: it was the first to
            listen there, so listeners of the publication hear of it last.
    """

    publication: PublicationEvent | None
    participant: RemoteParticipantEvent | ParticipantEvent
    room: RoomEvent
    is_passed_on: bool = False


_Remote = RemoteParticipantEvent
_Of = PublicationEvent

CASCADES: Final[Mapping[Happening, Cascade]] = MappingProxyType(
    {
        Happening.PUBLISHED: Cascade(None, _Remote.TRACK_PUBLISHED, RoomEvent.TRACK_PUBLISHED),
        Happening.UNPUBLISHED: Cascade(
            None, _Remote.TRACK_UNPUBLISHED, RoomEvent.TRACK_UNPUBLISHED
        ),
        Happening.SUBSCRIBED: Cascade(
            _Of.SUBSCRIBED, _Remote.TRACK_SUBSCRIBED, RoomEvent.TRACK_SUBSCRIBED
        ),
        Happening.UNSUBSCRIBED: Cascade(
            _Of.UNSUBSCRIBED, _Remote.TRACK_UNSUBSCRIBED, RoomEvent.TRACK_UNSUBSCRIBED
        ),
        Happening.ENABLED: Cascade(
            _Of.TRACK_ENABLED,
            _Remote.TRACK_ENABLED,
            RoomEvent.TRACK_ENABLED,
            is_passed_on=True,
        ),
        Happening.DISABLED: Cascade(
            _Of.TRACK_DISABLED,
            _Remote.TRACK_DISABLED,
            RoomEvent.TRACK_DISABLED,
            is_passed_on=True,
        ),
        Happening.PRIORITY_CHANGED: Cascade(
            _Of.PUBLISH_PRIORITY_CHANGED,
            _Remote.TRACK_PUBLISH_PRIORITY_CHANGED,
            RoomEvent.TRACK_PUBLISH_PRIORITY_CHANGED,
            is_passed_on=True,
        ),
        Happening.SWITCHED_OFF: Cascade(
            _Of.TRACK_SWITCHED_OFF,
            _Remote.TRACK_SWITCHED_OFF,
            RoomEvent.TRACK_SWITCHED_OFF,
            is_passed_on=True,
        ),
        Happening.SWITCHED_ON: Cascade(
            _Of.TRACK_SWITCHED_ON,
            _Remote.TRACK_SWITCHED_ON,
            RoomEvent.TRACK_SWITCHED_ON,
            is_passed_on=True,
        ),
        Happening.MESSAGE: Cascade(None, _Remote.TRACK_MESSAGE, RoomEvent.TRACK_MESSAGE),
        Happening.STARTED: Cascade(None, ParticipantEvent.TRACK_STARTED, RoomEvent.TRACK_STARTED),
        Happening.DIMENSIONS_CHANGED: Cascade(
            None, ParticipantEvent.TRACK_DIMENSIONS_CHANGED, RoomEvent.TRACK_DIMENSIONS_CHANGED
        ),
    }
)
