"""Every event of `acs_core`: its name, as the vendor spells it, and its payload.

Property events (`...Changed` without payload below) pass nothing: the property holds the new value
already. Collection events pass one `CollectionUpdate` with `added` and `removed`.

Source: @azure/communication-calling 2.0.0; enums marked "ours" have no counterpart there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeAlias, TypeVar

__all__ = [
    "AudioEffectsEvent",
    "AudioEffectsFeatureEvent",
    "CallAgentEvent",
    "CallEvent",
    "CallInfoEvent",
    "CapabilitiesChangedEventType",
    "CapabilitiesEvent",
    "CaptionLanguageChangedEventType",
    "CaptionsEvent",
    "CaptionsFeatureEvent",
    "CaptionsKindChangedEventType",
    "CaptionsPropertyChangedEventType",
    "CaptionsReceivedEventType",
    "CollectionUpdate",
    "DataChannelEvent",
    "DataChannelReceiverEvent",
    "DeviceManagerEvent",
    "DiagnosticsEvent",
    "DominantSpeakersEvent",
    "IncomingCallEvent",
    "LobbyEvent",
    "LocalAudioStreamEvent",
    "LocalRecordingEvent",
    "LocalVideoStreamEvent",
    "LoweredHandEventType",
    "MediaAccessEvent",
    "MediaStatsCollectorEvent",
    "NetworkQualityEvent",
    "OptimalVideoCountEvent",
    "RaiseHandEvent",
    "RaisedHandEventType",
    "ReactionEvent",
    "RealTimeTextEvent",
    "RealTimeTextReceivedEventType",
    "ReceivePolicyEvent",
    "ReconnectionEvent",
    "RecordingEvent",
    "RecordingInfoEvent",
    "RemoteParticipantEvent",
    "RemoteVideoStreamEvent",
    "SpokenLanguageChangedEventType",
    "SpotlightChangedEventType",
    "SpotlightEvent",
    "StreamsEvent",
    "TeamsCaptionsEvent",
    "TranscriptionEvent",
    "TranscriptionPropertyChangedEventType",
    "TransferAcceptedEventType",
    "TransferEvent",
    "TransferFeatureEvent",
    "VideoEffectsEvent",
    "VideoEffectsFeatureEvent",
    "VolumeEvent",
]

_Item = TypeVar("_Item", covariant=True)


@dataclass(frozen=True, slots=True)
class CollectionUpdate(Generic[_Item]):
    """What entered and what left a collection; the two are disjoint."""

    added: tuple[_Item, ...] = ()
    removed: tuple[_Item, ...] = ()


class CallAgentEvent(StrEnum):
    """Events of `CallAgent`."""

    CALLS_UPDATED = "callsUpdated"
    """(CollectionUpdate[Call])"""
    INCOMING_CALL = "incomingCall"
    """(IncomingCallEventArgs)"""
    CONNECTION_STATE_CHANGED = "connectionStateChanged"
    """(ConnectionStateChange)"""


class CallEvent(StrEnum):
    """Events of `Call`."""

    STATE_CHANGED = "stateChanged"
    ID_CHANGED = "idChanged"
    IS_MUTED_CHANGED = "isMutedChanged"
    IS_INCOMING_AUDIO_MUTED_CHANGED = "isIncomingAudioMutedChanged"
    IS_SCREEN_SHARING_ON_CHANGED = "isScreenSharingOnChanged"
    IS_LOCAL_VIDEO_STARTED_CHANGED = "isLocalVideoStartedChanged"
    REMOTE_PARTICIPANTS_UPDATED = "remoteParticipantsUpdated"
    """(CollectionUpdate[RemoteParticipant])"""
    LOCAL_VIDEO_STREAMS_UPDATED = "localVideoStreamsUpdated"
    """(CollectionUpdate[LocalVideoStream])"""
    LOCAL_AUDIO_STREAMS_UPDATED = "localAudioStreamsUpdated"
    """(CollectionUpdate[LocalAudioStream])"""
    REMOTE_AUDIO_STREAMS_UPDATED = "remoteAudioStreamsUpdated"
    """(CollectionUpdate[RemoteAudioStream])"""
    ROLE_CHANGED = "roleChanged"
    MUTED_BY_OTHERS = "mutedByOthers"
    CALLER_INFO_CHANGED = "callerInfoChanged"
    TRANSFEROR_INFO_CHANGED = "transferorInfoChanged"
    TOTAL_PARTICIPANT_COUNT_CHANGED = "totalParticipantCountChanged"


class CallInfoEvent(StrEnum):
    """Events of `CallInfo`."""

    CALL_INFO_CHANGED = "callInfoChanged"


class IncomingCallEvent(StrEnum):
    """Events of `IncomingCall`.

    ACS's `callerInfoChanged` and `transferorInfoChanged` are left out: who calls, and who sent
    them, is told with the call and stays as it is while it rings.
    """

    CALL_ENDED = "callEnded"
    """(CallEndedEventArgs)"""


class RemoteParticipantEvent(StrEnum):
    """Events of `RemoteParticipant`."""

    STATE_CHANGED = "stateChanged"
    IS_MUTED_CHANGED = "isMutedChanged"
    IS_SPEAKING_CHANGED = "isSpeakingChanged"
    ROLE_CHANGED = "roleChanged"
    DISPLAY_NAME_CHANGED = "displayNameChanged"
    """(DisplayNameChange)"""
    VIDEO_STREAMS_UPDATED = "videoStreamsUpdated"
    """(CollectionUpdate[RemoteVideoStream])"""


class RemoteVideoStreamEvent(StrEnum):
    """Events of `RemoteVideoStream`."""

    IS_AVAILABLE_CHANGED = "isAvailableChanged"
    IS_RECEIVING_CHANGED = "isReceivingChanged"
    SIZE_CHANGED = "sizeChanged"


class LocalVideoStreamEvent(StrEnum):
    """Events of `LocalVideoStream`."""

    VIDEO_SOURCE_CHANGED = "videoSourceChanged"
    """(LocalVideoStream)"""


class LocalAudioStreamEvent(StrEnum):
    """Events of `LocalAudioStream`."""

    AUDIO_SOURCE_CHANGED = "audioSourceChanged"
    """(LocalAudioStream)"""


class VolumeEvent(StrEnum):
    """Events of `Volume`."""

    LEVEL_CHANGED = "levelChanged"


class DeviceManagerEvent(StrEnum):
    """Events of `DeviceManager`."""

    VIDEO_DEVICES_UPDATED = "videoDevicesUpdated"
    """(CollectionUpdate[VideoDeviceInfo])"""
    AUDIO_DEVICES_UPDATED = "audioDevicesUpdated"
    """(CollectionUpdate[AudioDeviceInfo])"""
    SELECTED_MICROPHONE_CHANGED = "selectedMicrophoneChanged"
    SELECTED_SPEAKER_CHANGED = "selectedSpeakerChanged"


class DominantSpeakersEvent(StrEnum):
    """Events of `Features.DOMINANT_SPEAKERS`."""

    DOMINANT_SPEAKERS_CHANGED = "dominantSpeakersChanged"


class RaiseHandEvent(StrEnum):
    """Events of `Features.RAISE_HAND`."""

    RAISED_HAND_EVENT = "raisedHandEvent"
    """(RaisedHandChangedEvent)"""
    LOWERED_HAND_EVENT = "loweredHandEvent"
    """(RaisedHandChangedEvent)"""


RaisedHandEventType: TypeAlias = RaiseHandEvent
"""ACS's name."""


class SpotlightEvent(StrEnum):
    """Events of `Features.SPOTLIGHT`."""

    SPOTLIGHT_CHANGED = "spotlightChanged"
    """(CollectionUpdate[SpotlightedParticipant])"""


SpotlightChangedEventType: TypeAlias = SpotlightEvent
"""ACS's name."""


class ReactionEvent(StrEnum):
    """Events of `Features.REACTION`."""

    REACTION = "reaction"
    """(ReactionEventPayload)"""


class CapabilitiesEvent(StrEnum):
    """Events of `Features.CAPABILITIES`."""

    CAPABILITIES_CHANGED = "capabilitiesChanged"
    """(CapabilitiesChangeInfo)"""


CapabilitiesChangedEventType: TypeAlias = CapabilitiesEvent
"""ACS's name."""


class MediaAccessEvent(StrEnum):
    """Events of `Features.MEDIA_ACCESS`."""

    MEDIA_ACCESS_CHANGED = "mediaAccessChanged"
    """(MediaAccessChangedEvent)"""
    MEETING_MEDIA_ACCESS_CHANGED = "meetingMediaAccessChanged"
    """(MeetingMediaAccessChangedEvent)"""


class LobbyEvent(StrEnum):
    """Events of `Lobby`."""

    LOBBY_PARTICIPANTS_UPDATED = "lobbyParticipantsUpdated"
    """(CollectionUpdate[RemoteParticipant])"""


class MediaStatsCollectorEvent(StrEnum):
    """Events of `MediaStatsCollector`."""

    SAMPLE_REPORTED = "sampleReported"
    """(MediaStatsReportSample)"""
    SUMMARY_REPORTED = "summaryReported"
    """(MediaStatsReportSummary)"""


class DiagnosticsEvent(StrEnum):
    """Events of `NetworkDiagnostics` and `MediaDiagnostics`."""

    DIAGNOSTIC_CHANGED = "diagnosticChanged"
    """(DiagnosticChangedEventArgs)"""


class OptimalVideoCountEvent(StrEnum):
    """Events of `Features.OPTIMAL_VIDEO_COUNT`."""

    OPTIMAL_VIDEO_COUNT_CHANGED = "optimalVideoCountChanged"


class DataChannelEvent(StrEnum):
    """Events of `Features.DATA_CHANNEL`."""

    DATA_CHANNEL_RECEIVER_CREATED = "dataChannelReceiverCreated"
    """(DataChannelReceiver)"""


class DataChannelReceiverEvent(StrEnum):
    """Events of `DataChannelReceiver`."""

    MESSAGE_READY = "messageReady"
    CLOSE = "close"


class RealTimeTextEvent(StrEnum):
    """Events of `Features.REAL_TIME_TEXT`."""

    REAL_TIME_TEXT_RECEIVED = "realTimeTextReceived"
    """(RealTimeTextInfo): of others and, once the service took it, our own."""


class RecordingEvent(StrEnum):
    """Events of `Features.RECORDING`."""

    IS_RECORDING_ACTIVE_CHANGED = "isRecordingActiveChanged"
    RECORDINGS_UPDATED = "recordingsUpdated"
    """(CollectionUpdate[RecordingInfo])"""


class LocalRecordingEvent(StrEnum):
    """Events of `Features.LOCAL_RECORDING`."""

    IS_LOCAL_RECORDING_ACTIVE_CHANGED = "isLocalRecordingActiveChanged"
    LOCAL_RECORDINGS_UPDATED = "localRecordingsUpdated"
    """(CollectionUpdate[LocalRecordingInfo])"""


class RecordingInfoEvent(StrEnum):
    """Events of `RecordingInfo`."""

    RECORDING_STATE_CHANGED = "recordingStateChanged"


class TranscriptionEvent(StrEnum):
    """Events of `Features.TRANSCRIPTION`."""

    IS_TRANSCRIPTION_ACTIVE_CHANGED = "isTranscriptionActiveChanged"


class TransferFeatureEvent(StrEnum):
    """Events of `Features.TRANSFER`."""

    TRANSFER_ACCEPTED = "transferAccepted"
    """(TransferEventArgs): this call goes to another one."""
    TRANSFER_REQUESTED = "transferRequested"
    """(TransferRequestedEventArgs): of the API of 2020; who listens to it decides."""


class TransferEvent(StrEnum):
    """Events of `Transfer`."""

    STATE_CHANGED = "stateChanged"
    TRANSFER_STATE_CHANGED = "transferStateChanged"
    """The name of 2020."""


class CaptionsFeatureEvent(StrEnum):
    """Events of `Features.CAPTIONS`."""

    CAPTIONS_KIND_CHANGED = "CaptionsKindChanged"


class CaptionsEvent(StrEnum):
    """Events of `Captions`."""

    CAPTIONS_RECEIVED = "CaptionsReceived"
    """(CaptionsInfo)"""
    CAPTIONS_ACTIVE_CHANGED = "CaptionsActiveChanged"
    SPOKEN_LANGUAGE_CHANGED = "SpokenLanguageChanged"


class TeamsCaptionsEvent(StrEnum):
    """Events of `TeamsCaptions`."""

    CAPTIONS_RECEIVED = "CaptionsReceived"
    """(TeamsCaptionsInfo)"""
    CAPTIONS_ACTIVE_CHANGED = "CaptionsActiveChanged"
    SPOKEN_LANGUAGE_CHANGED = "SpokenLanguageChanged"
    CAPTION_LANGUAGE_CHANGED = "CaptionLanguageChanged"


class StreamsEvent(StrEnum):
    """Events of `Features.STREAMS` (ours)."""

    ENDPOINT_ADDED = "endpointAdded"
    """(RemoteEndpoint)"""
    ENDPOINT_REMOVED = "endpointRemoved"
    """(RemoteEndpoint, EndReason)"""
    ENDPOINT_STATE_CHANGED = "endpointStateChanged"
    """(RemoteEndpoint)"""
    PUBLICATION_ADDED = "publicationAdded"
    """(RemotePublication)"""
    PUBLICATION_REMOVED = "publicationRemoved"
    """(RemotePublication)"""
    PUBLICATION_CHANGED = "publicationChanged"
    """(RemotePublication, frozenset of "enabled" and "priority")"""
    SUBSCRIBED = "subscribed"
    """(RemotePublication)"""
    UNSUBSCRIBED = "unsubscribed"
    """(RemotePublication)"""
    DATA_RECEIVED = "dataReceived"
    """(RemotePublication, str | bytes)"""
    LOCAL_PUBLICATION_FAILED = "localPublicationFailed"
    """(LocalPublication, CallingError)"""
    RECORDING_CHANGED = "recordingChanged"
    RECORDED_MEDIA_CHANGED = "recordedMediaChanged"
    """(LocalPublication, bool): whether the recording gets no media of it"""


class ReceivePolicyEvent(StrEnum):
    """Events of `Features.RECEIVE_POLICY` (ours)."""

    POLICY_CHANGED = "policyChanged"
    FORWARDING_CHANGED = "forwardingChanged"
    """(tuple[Forwarding, ...]): what was switched off or on again, and why."""


class NetworkQualityEvent(StrEnum):
    """Events of `Features.NETWORK_QUALITY` (ours)."""

    LEVEL_CHANGED = "levelChanged"
    """(endpoint id or None for this client, QualityLevel)"""


class ReconnectionEvent(StrEnum):
    """Events of `Features.RECONNECTION` (ours)."""

    RECONNECTING = "reconnecting"
    """(CallingError)"""
    RECONNECTED = "reconnected"


class VideoEffectsEvent(StrEnum):
    """Events of `Features.VIDEO_EFFECTS`; effects are told by name, in a tuple."""

    EFFECTS_STARTED = "effectsStarted"
    """(tuple[str, ...])"""
    EFFECTS_STOPPED = "effectsStopped"
    """(tuple[str, ...])"""
    EFFECTS_ERROR = "effectsError"
    """(VideoEffectErrorPayload)"""
    FPS_WARNING_THRESHOLD_REACHED = "fpsWarningThresholdReached"
    """(tuple[str, ...])"""
    TIME_FOR_EFFECTS_WARNING_REACHED = "timeForEffectsWarningReached"
    """(tuple[str, ...])"""


class AudioEffectsEvent(StrEnum):
    """Events of `Features.AUDIO_EFFECTS`."""

    EFFECTS_STARTED = "effectsStarted"
    """(ActiveAudioEffects)"""
    EFFECTS_STOPPED = "effectsStopped"
    """(ActiveAudioEffects)"""
    EFFECTS_ERROR = "effectsError"
    """(CallingError)"""


# What ACS calls the names of single events, or of all events of one object.
AudioEffectsFeatureEvent: TypeAlias = AudioEffectsEvent
CaptionLanguageChangedEventType: TypeAlias = Literal[TeamsCaptionsEvent.CAPTION_LANGUAGE_CHANGED]
CaptionsKindChangedEventType: TypeAlias = CaptionsFeatureEvent
CaptionsPropertyChangedEventType: TypeAlias = Literal[
    CaptionsEvent.CAPTIONS_ACTIVE_CHANGED, TeamsCaptionsEvent.CAPTIONS_ACTIVE_CHANGED
]
CaptionsReceivedEventType: TypeAlias = Literal[
    CaptionsEvent.CAPTIONS_RECEIVED, TeamsCaptionsEvent.CAPTIONS_RECEIVED
]
LoweredHandEventType: TypeAlias = Literal[RaiseHandEvent.LOWERED_HAND_EVENT]
RealTimeTextReceivedEventType: TypeAlias = RealTimeTextEvent
SpokenLanguageChangedEventType: TypeAlias = Literal[
    CaptionsEvent.SPOKEN_LANGUAGE_CHANGED, TeamsCaptionsEvent.SPOKEN_LANGUAGE_CHANGED
]
TranscriptionPropertyChangedEventType: TypeAlias = TranscriptionEvent
TransferAcceptedEventType: TypeAlias = Literal[TransferFeatureEvent.TRANSFER_ACCEPTED]
VideoEffectsFeatureEvent: TypeAlias = VideoEffectsEvent
