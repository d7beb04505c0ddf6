"""The features that calls, call clients and local streams have.

`call.feature(Features.STREAMS)`, `client.feature(Features.PRE_CALL_DIAGNOSTICS)` and
`stream.feature(Features.VIDEO_EFFECTS)` are typed by their keys.
"""

from __future__ import annotations

from typing import Any, Final

from acs_core.client.features.audio_effects import AudioEffectsFeature
from acs_core.client.features.base import FeatureKey, StreamFeatureKey
from acs_core.client.features.call_survey import CallSurveyFeature
from acs_core.client.features.capabilities import CapabilitiesFeature
from acs_core.client.features.captions import CaptionsCallFeature
from acs_core.client.features.client_base import ClientFeatureKey
from acs_core.client.features.data_channel import DataChannelCallFeature
from acs_core.client.features.debug_info import DebugInfoCallClientFeature
from acs_core.client.features.diagnostics import UserFacingDiagnosticsFeature
from acs_core.client.features.dominant_speakers import DominantSpeakersCallFeature
from acs_core.client.features.local_recording import LocalRecordingCallFeature
from acs_core.client.features.media_access import MediaAccessCallFeature
from acs_core.client.features.media_stats import MediaStatsCallFeature
from acs_core.client.features.network_quality import NetworkQualityFeature
from acs_core.client.features.optimal_video_count import OptimalVideoCountCallFeature
from acs_core.client.features.pre_call import PreCallDiagnosticsFeature
from acs_core.client.features.raise_hand import RaiseHandCallFeature
from acs_core.client.features.reactions import ReactionCallFeature
from acs_core.client.features.real_time_text import RealTimeTextFeature
from acs_core.client.features.receive_policy import ReceivePolicyFeature
from acs_core.client.features.reconnection import ReconnectionFeature
from acs_core.client.features.recording import RecordingCallFeature
from acs_core.client.features.spotlight import SpotlightCallFeature
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.features.transcription import TranscriptionCallFeature
from acs_core.client.features.transfer import TransferCallFeature
from acs_core.client.features.video_effects import VideoEffectsFeature

__all__ = ["ALL_FEATURES", "CLIENT_FEATURES", "Features"]


class Features:
    """Keys of the extensions of calls, of call clients and of local streams.

    Source: `Features` of @azure/communication-calling 2.0.0; STREAMS, RECEIVE_POLICY,
    NETWORK_QUALITY and RECONNECTION are ours.
    """

    DOMINANT_SPEAKERS: Final = FeatureKey(DominantSpeakersCallFeature)
    CALL_DOMINANT_SPEAKERS: Final = DOMINANT_SPEAKERS
    """The name that some of Microsoft's documents use for DOMINANT_SPEAKERS."""
    MEDIA_STATS: Final = FeatureKey(MediaStatsCallFeature)
    USER_FACING_DIAGNOSTICS: Final = FeatureKey(UserFacingDiagnosticsFeature)
    REAL_TIME_TEXT: Final = FeatureKey(RealTimeTextFeature)
    DATA_CHANNEL: Final = FeatureKey(DataChannelCallFeature)
    RECORDING: Final = FeatureKey(RecordingCallFeature)
    LOCAL_RECORDING: Final = FeatureKey(LocalRecordingCallFeature)
    """Of the beta 1.36."""
    TRANSCRIPTION: Final = FeatureKey(TranscriptionCallFeature)
    CAPTIONS: Final = FeatureKey(CaptionsCallFeature)
    TRANSFER: Final = FeatureKey(TransferCallFeature)
    CALL_SURVEY: Final = FeatureKey(CallSurveyFeature)
    DEBUG_INFO: Final = ClientFeatureKey(DebugInfoCallClientFeature)
    OPTIMAL_VIDEO_COUNT: Final = FeatureKey(OptimalVideoCountCallFeature)
    CAPABILITIES: Final = FeatureKey(CapabilitiesFeature)
    RAISE_HAND: Final = FeatureKey(RaiseHandCallFeature)
    SPOTLIGHT: Final = FeatureKey(SpotlightCallFeature)
    REACTION: Final = FeatureKey(ReactionCallFeature)
    MEDIA_ACCESS: Final = FeatureKey(MediaAccessCallFeature)
    STREAMS: Final = FeatureKey(StreamsFeature)
    RECEIVE_POLICY: Final = FeatureKey(ReceivePolicyFeature)
    NETWORK_QUALITY: Final = FeatureKey(NetworkQualityFeature)
    RECONNECTION: Final = FeatureKey(ReconnectionFeature)
    PRE_CALL_DIAGNOSTICS: Final = ClientFeatureKey(PreCallDiagnosticsFeature)

    VIDEO_EFFECTS: Final = StreamFeatureKey(VideoEffectsFeature)
    """Of `LocalVideoStream`."""
    AUDIO_EFFECTS: Final = StreamFeatureKey(AudioEffectsFeature)
    """Of `LocalAudioStream`."""


ALL_FEATURES: Final[tuple[FeatureKey[Any], ...]] = (
    Features.STREAMS,
    Features.RECEIVE_POLICY,
    Features.RECONNECTION,
    Features.NETWORK_QUALITY,
    Features.DOMINANT_SPEAKERS,
    Features.CAPABILITIES,
    Features.RAISE_HAND,
    Features.SPOTLIGHT,
    Features.REACTION,
    Features.MEDIA_ACCESS,
    Features.DATA_CHANNEL,
    Features.REAL_TIME_TEXT,
    Features.USER_FACING_DIAGNOSTICS,
    Features.MEDIA_STATS,
    Features.RECORDING,
    Features.LOCAL_RECORDING,
    Features.TRANSCRIPTION,
    Features.CAPTIONS,
    Features.CALL_SURVEY,
    Features.TRANSFER,
    Features.OPTIMAL_VIDEO_COUNT,
)
"""In the order in which they hear news."""

CLIENT_FEATURES: Final[tuple[ClientFeatureKey[Any], ...]] = (
    Features.DEBUG_INFO,
    Features.PRE_CALL_DIAGNOSTICS,
)
"""Features of call clients, in the order in which they are made."""
