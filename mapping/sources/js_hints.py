"""What a name suggests where nothing else is known: `room`, `participant`, `callAgent`.

Applications hand these objects through contexts, properties and services that no reader of one
file can follow; in a program that imports the SDK their names are nearly always right. Such uses
are `LIKELY`, in files without an import of the SDK `MANUAL`, and only what the class really has
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mapping.sources.js_scopes import Analysis
from mapping.sources.types import table
from mapping.sources.uses import Api, Confidence, Use, UseKind
from mapping.sources.values import Value

__all__ = ["HINTS", "Hints", "drop_weak_hints"]

_TWILIO: Final = {
    "room": "Room",
    "activeRoom": "Room",
    "currentRoom": "Room",
    "twilioRoom": "Room",
    "videoRoom": "Room",
    "localParticipant": "LocalParticipant",
    "participant": "RemoteParticipant | LocalParticipant",
    "remoteParticipant": "RemoteParticipant",
    "publication": "RemoteTrackPublication | LocalTrackPublication",
    "trackPublication": "RemoteTrackPublication | LocalTrackPublication",
    "remoteTrackPublication": "RemoteTrackPublication",
    "localTrackPublication": "LocalTrackPublication",
    "track": "RemoteTrack | LocalTrack",
    "videoTrack": "RemoteVideoTrack | LocalVideoTrack",
    "audioTrack": "RemoteAudioTrack | LocalAudioTrack",
    "localVideoTrack": "LocalVideoTrack",
    "localAudioTrack": "LocalAudioTrack",
    "dataTrack": "LocalDataTrack",
    "localTracks": "LocalTrack[]",
}

_ACS: Final = {
    "call": "Call",
    "callAgent": "CallAgent",
    "callClient": "CallClient",
    "deviceManager": "DeviceManager",
    "incomingCall": "IncomingCall",
    "remoteParticipant": "RemoteParticipant",
    "remoteVideoStream": "RemoteVideoStream",
    "localVideoStream": "LocalVideoStream",
}

_VIDEOSDK: Final = {"meeting": "Meeting", "participant": "Participant"}

_RIVALS: Final = ((Api.TWILIO_VIDEO, _TWILIO), (Api.ACS_CALLING, _ACS), (Api.VIDEOSDK, _VIDEOSDK))

WHY: Final = "its name, in a program that uses the SDK"

_DISTINCTIVE: Final = {
    "Room.localParticipant",
    "Room.dominantSpeaker",
    "Room.participants",
    "Room#participantConnected",
    "Room#participantDisconnected",
    "Room#dominantSpeakerChanged",
    "Room#trackSubscribed",
    "RemoteParticipant#trackSubscribed",
    "RemoteParticipant#trackUnsubscribed",
    "RemoteParticipant#trackPublished",
    "RemoteParticipant#trackUnpublished",
    "LocalParticipant#trackPublished",
    "LocalParticipant#trackPublicationFailed",
    "LocalParticipant.publishTrack",
    "LocalParticipant.unpublishTrack",
    "LocalParticipant.videoTracks",
    "LocalParticipant.audioTracks",
    "RemoteParticipant.videoTracks",
    "RemoteParticipant.audioTracks",
    "Participant.networkQualityLevel",
    "Participant#networkQualityLevelChanged",
    "Participant.videoTracks",
    "Participant.audioTracks",
    "Participant.tracks",
    "Participant.identity",
    "TrackPublication.trackName",
    "TrackPublication.trackSid",
    "RemoteTrackPublication#subscribed",
    "RemoteTrackPublication#unsubscribed",
    "RemoteTrackPublication.isSubscribed",
    "MediaTrack.attach",
    "MediaTrack.detach",
    "MediaTrack.mediaStreamTrack",
    "RemoteVideoTrack.setPriority",
    "RemoteVideoTrack.isSwitchedOff",
    "Call.remoteParticipants",
    "Call.hangUp",
    "CallAgent.startCall",
    "Meeting.localParticipant",
}
"""Uses that other programs hardly have by accident; without one, a file's hints are dropped."""


@dataclass
class Hints:
    """The suggestions for each combination of APIs, made once."""

    _made: dict[tuple[Api, bool], Mapping[str, Value]] = field(default_factory=dict)

    def of(self, apis: set[Api], project: frozenset[Api]) -> Mapping[str, Value]:
        """The names that suggest something, in a file that imports `apis`."""
        own = [api for api, _ in _RIVALS if api in apis]
        others = [api for api, _ in _RIVALS if api in project]
        if len(own) == 1:
            return self._for(own[0], False)
        if not own and len(others) == 1:
            return self._for(others[0], True)
        return {}

    def _for(self, api: Api, is_elsewhere: bool) -> Mapping[str, Value]:
        key = (api, is_elsewhere)
        if key not in self._made:
            names = dict(_RIVALS)[api]
            level = Confidence.MANUAL if is_elsewhere else Confidence.LIKELY
            self._made[key] = {
                name: _hinted(value, level)
                for name, type_ in names.items()
                if (value := table(api).value_of(type_)) is not None
            }
        return self._made[key]


HINTS: Final = Hints()


def _hinted(value: Value, level: Confidence) -> Value:
    return replace(
        value,
        confidence=level,
        why=WHY,
        is_hint=True,
        items=tuple(_hinted(item, level) for item in value.items),
    )


def drop_weak_hints(analysis: Analysis, project: frozenset[Api]) -> list[Use]:
    """The uses in the order of the text, without guesses that nothing supports."""
    uses = sorted(analysis.uses.values(), key=lambda use: (use.span.start, use.span.end))
    is_sure = bool(analysis.apis & {api for api, _ in _RIVALS})
    if is_sure or not project:
        return uses
    if any(use.symbol in _DISTINCTIVE for use in uses):
        return uses
    return [use for use in uses if use.why != WHY or use.kind is UseKind.IMPORT]
