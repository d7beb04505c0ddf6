"""The features that calls have; `call.feature(Features.STREAMS)` is typed by its key."""

from __future__ import annotations

from typing import Any, Final

from acs_core.client.features.base import FeatureKey
from acs_core.client.features.data_channel import DataChannelFeature
from acs_core.client.features.diagnostics import UserFacingDiagnosticsFeature
from acs_core.client.features.dominant_speakers import DominantSpeakersFeature
from acs_core.client.features.media_stats import MediaStatsFeature
from acs_core.client.features.network_quality import NetworkQualityFeature
from acs_core.client.features.real_time_text import RealTimeTextFeature
from acs_core.client.features.receive_policy import ReceivePolicyFeature
from acs_core.client.features.reconnection import ReconnectionFeature
from acs_core.client.features.streams import StreamsFeature

__all__ = ["ALL_FEATURES", "Features"]


class Features:
    """Keys of the extensions of a call.

    Source: `Features` of @azure/communication-calling 2.0.0; STREAMS, RECEIVE_POLICY,
    NETWORK_QUALITY and RECONNECTION are ours.
    """

    DOMINANT_SPEAKERS: Final = FeatureKey("DominantSpeakers", DominantSpeakersFeature)
    CALL_DOMINANT_SPEAKERS: Final = DOMINANT_SPEAKERS
    """The name that some of Microsoft's documents use for DOMINANT_SPEAKERS."""
    MEDIA_STATS: Final = FeatureKey("MediaStats", MediaStatsFeature)
    USER_FACING_DIAGNOSTICS: Final = FeatureKey(
        "UserFacingDiagnostics", UserFacingDiagnosticsFeature
    )
    DATA_CHANNEL: Final = FeatureKey("DataChannel", DataChannelFeature)
    REAL_TIME_TEXT: Final = FeatureKey("RealTimeText", RealTimeTextFeature)
    STREAMS: Final = FeatureKey("Streams", StreamsFeature)
    RECEIVE_POLICY: Final = FeatureKey("ReceivePolicy", ReceivePolicyFeature)
    NETWORK_QUALITY: Final = FeatureKey("NetworkQuality", NetworkQualityFeature)
    RECONNECTION: Final = FeatureKey("Reconnection", ReconnectionFeature)


ALL_FEATURES: Final[tuple[FeatureKey[Any], ...]] = (
    Features.STREAMS,
    Features.RECEIVE_POLICY,
    Features.RECONNECTION,
    Features.NETWORK_QUALITY,
    Features.DOMINANT_SPEAKERS,
    Features.DATA_CHANNEL,
    Features.REAL_TIME_TEXT,
    Features.USER_FACING_DIAGNOSTICS,
    Features.MEDIA_STATS,
)
"""In the order in which they hear news."""
