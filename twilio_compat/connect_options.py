"""The options of `connect`, read once: what was asked for, checked, with Twilio's defaults.

Every option does what it says, or a warning says that it does not and why; see `_UNUSED` for those
that only mean something in a browser.

Source: twilio-video.js 2.36, `ConnectOptions` of `lib/connect.js`; texts of the errors from
`lib/util/constants.js`. Its RangeError is ValueError here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from acs_core.models import NetworkConfiguration
from twilio_compat.bandwidth import BandwidthOptions, read_bandwidth_profile
from twilio_compat.ice_options import read_network
from twilio_compat.lifecycle import LifecycleListener, check_listener
from twilio_compat.logs import apply_log_levels
from twilio_compat.option_bags import NO_NAMES, flag, merge, optional
from twilio_compat.option_types import NotifyWarning
from twilio_compat.options import (
    NetworkQualityConfiguration,
    TrackOptions,
    read_network_quality,
    read_track_options,
)
from twilio_compat.sending import SendPreferences, read_bitrates, read_codecs

if TYPE_CHECKING:
    from acs_core.media.sources import MediaSource
    from twilio_compat.local_track import LocalTrack

__all__ = [
    "ConnectRequest",
    "TracksRequest",
    "check_region",
    "read_connect_options",
    "read_tracks_options",
]

_log = logging.getLogger(__name__)

ANY_REGION: Final = "gll"
"""Twilio's word for the data center that is nearest."""

_USE_SOURCE: Final = "Say with `source` in the options audio and video where tracks come from."
_MEDIA_IMPLEMENTATION: Final = dict.fromkeys(
    (
        "get_user_media", "enumerate_devices", "MediaStream", "media_stream",
        "map_media_element", "dispose_media_element",
    ),
    _USE_SOURCE,
)  # fmt: skip
_UNUSED: Final = {
    **_MEDIA_IMPLEMENTATION,
    "RTCPeerConnection": "Media connections are made by this library.",
    "rtc_peer_connection": "Media connections are made by this library.",
}
_KNOWN: Final = frozenset(
    {
        "audio", "automatic_subscription", "bandwidth_profile", "dominant_speaker", "dscp_tagging",
        "enable_dscp", "event_listener", "ice_servers", "ice_transport_policy", "insights",
        "log_level", "logger_name", "max_audio_bitrate", "max_video_bitrate", "name",
        "network_quality", "notify_warnings", "preferred_audio_codecs", "preferred_video_codecs",
        "receive_transcriptions", "region", "rtc_configuration", "service_url", "tracks", "video",
    }
)  # fmt: skip
_TRACKS_KNOWN: Final = frozenset({"audio", "video", "tracks", "log_level", "logger_name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TracksRequest:
    """Which tracks to make, or to take.

    Attributes:
        audio: How to make an audio track; None for none.
        video: How to make a video track; None for none.
        tracks: Take these and make none.
    """

    audio: TrackOptions | None = None
    video: TrackOptions | None = None
    tracks: tuple[LocalTrack | MediaSource, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """What `connect` was asked to do.

    Attributes:
        name: The room; None for the room of the token, or a new one.
        media: What to publish.
        automatic_subscription: Receive everything that is published.
        dominant_speaker: Report the dominant speaker.
        network_quality: What to report; None for nothing.
        sending: Codecs and limits of what is published.
        bandwidth_profile: How received videos share the downlink; None switches none off.
        network: STUN and TURN servers, whether to relay, and whether to mark packets.
        warnings: What to be warned of.
        receive_transcriptions: Tell what is said, if the service can write it down.
        logger_name: Where the calling SDK reports; None for its own logger.
        event_listener: Told of the connection's life; None for nobody.
        service_url: Ours: where the calling service is; None for `CALLING_SERVICE_URL`.
    """

    name: str | None = None
    media: TracksRequest = TracksRequest()
    automatic_subscription: bool = True
    dominant_speaker: bool = False
    network_quality: NetworkQualityConfiguration | None = None
    sending: SendPreferences = field(default_factory=SendPreferences)
    bandwidth_profile: BandwidthOptions | None = None
    network: NetworkConfiguration = field(default_factory=NetworkConfiguration)
    warnings: frozenset[NotifyWarning] = frozenset()
    receive_transcriptions: bool = False
    logger_name: str | None = None
    event_listener: LifecycleListener | None = None
    service_url: str | None = None


def read_connect_options(bag: object, keywords: Mapping[str, Any]) -> ConnectRequest:
    """Read the options of `connect`.

    Raises:
        TypeError: Unknown key, given twice, of the wrong type, or keys that exclude each other.
        ValueError: Not one of the values that there are.
    """
    values = merge("options", bag, keywords, _KNOWN, NO_NAMES, _UNUSED)
    flag(values, "insights", default=True)  # The service decides what it keeps.
    logger_name = optional(values, "logger_name", str)
    apply_log_levels(values.get("log_level"), logger_name)
    check_region(values)
    limits = read_bitrates(values)
    codecs = read_codecs(
        values.get("preferred_audio_codecs"), values.get("preferred_video_codecs"), limits
    )
    return ConnectRequest(
        name=optional(values, "name", str),
        media=_tracks_request(values),
        automatic_subscription=flag(values, "automatic_subscription", default=True),
        dominant_speaker=flag(values, "dominant_speaker", default=False),
        network_quality=read_network_quality(values.get("network_quality", False)),
        sending=SendPreferences(limits=limits, codecs=codecs),
        bandwidth_profile=read_bandwidth_profile(values.get("bandwidth_profile")),
        network=read_network(values),
        warnings=_warnings(values.get("notify_warnings")),
        receive_transcriptions=flag(values, "receive_transcriptions", default=False),
        logger_name=logger_name,
        event_listener=check_listener(values.get("event_listener")),
        service_url=optional(values, "service_url", str),
    )


def read_tracks_options(bag: object, keywords: Mapping[str, Any]) -> TracksRequest:
    """Read the options of `create_local_tracks`; raises as `read_connect_options`."""
    values = merge("options", bag, keywords, _TRACKS_KNOWN, NO_NAMES, _MEDIA_IMPLEMENTATION)
    apply_log_levels(values.get("log_level"), optional(values, "logger_name", str))
    return _tracks_request(values)


def _tracks_request(values: Mapping[str, Any]) -> TracksRequest:
    tracks = values.get("tracks")
    if tracks is not None and (isinstance(tracks, str) or not isinstance(tracks, Sequence)):
        raise TypeError("options.tracks must be an Array")
    return TracksRequest(
        audio=_track_option(values, "audio"),
        video=_track_option(values, "video"),
        tracks=None if tracks is None else tuple(tracks),
    )


def _track_option(values: Mapping[str, Any], key: Literal["audio", "video"]) -> TrackOptions | None:
    value = values.get(key, True)
    if isinstance(value, bool):
        return TrackOptions() if value else None
    if isinstance(value, TrackOptions):
        return value
    return read_track_options(value, {})


def _warnings(value: object) -> frozenset[NotifyWarning]:
    if value is None:
        return frozenset()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError("options.notifyWarnings must be an Array")
    known = set(NotifyWarning)
    if any(one not in known for one in value):
        raise ValueError(f"options.notifyWarnings must be one of {', '.join(NotifyWarning)}")
    return frozenset(NotifyWarning(one) for one in value)


def check_region(values: Mapping[str, Any]) -> None:
    """Read the option `region`; there is one place here, which a warning says.

    Raises:
        TypeError: No text.
    """
    region = optional(values, "region", str)
    if region not in (None, ANY_REGION):
        _log.warning("options.region: there is one place here, the service; not %r.", region)
