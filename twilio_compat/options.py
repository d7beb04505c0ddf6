"""Option bags, read once at the door.

Every function that takes options takes them twice: as a bag in Twilio's spelling, so that
JavaScript can be pasted (`connect(token, {"dominantSpeaker": True})`), or as snake_case keywords.
Both become one of the frozen records below; nothing behind them sees a bag. An unknown key is an
error. Keys that only mean something in a browser are accepted and ignored; keys of features that
this version does not have are accepted with a warning, so that pasted code runs.

Source: twilio-video.js 2.36, `ConnectOptions` and neighbors; texts of the errors from
`lib/util/constants.js`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from acs_core.client.devices import DeviceManager
from acs_core.client.ports import SendOptions
from twilio_compat.bandwidth import BandwidthOptions, read_bandwidth_profile
from twilio_compat.noise_cancellation import NoiseCancellationOptions, read_noise_cancellation
from twilio_compat.option_bags import NO_NAMES, OptionBag, constraint, flag, merge, optional

if TYPE_CHECKING:
    from acs_core.media.sources import MediaSource
    from twilio_compat.local_track import LocalTrack

__all__ = [
    "BitrateLimits",
    "ConnectKeywords",
    "ConnectOptions",
    "DataTrackKeywords",
    "NetworkQualityConfiguration",
    "OptionBag",
    "TrackKeywords",
    "TrackOptions",
    "TrackPriority",
    "priority_from",
    "read_connect_options",
    "read_data_track_options",
    "read_network_quality",
    "read_publish_options",
    "read_track_options",
]


class TrackPriority(StrEnum):
    """How much a track matters when not everything can be sent."""

    LOW = "low"
    STANDARD = "standard"
    HIGH = "high"


class TrackKeywords(TypedDict, total=False):
    """Keywords of `create_local_audio_track` and `create_local_video_track`."""

    source: str | os.PathLike[str] | MediaSource
    name: str
    device_id: str
    devices: DeviceManager
    default_device_capture_mode: Literal["auto", "manual"]
    width: int
    height: int
    frame_rate: float
    loop: bool
    color: tuple[int, int, int]
    frequency: float
    channels: int
    noise_cancellation_options: OptionBag


class DataTrackKeywords(TypedDict, total=False):
    """Keywords of `LocalDataTrack`."""

    name: str
    ordered: bool
    max_retransmits: int | None
    max_packet_life_time: int | None


class ConnectKeywords(TypedDict, total=False):
    """Keywords of `connect`."""

    name: str | None
    audio: bool | OptionBag
    video: bool | OptionBag
    tracks: Sequence[LocalTrack | MediaSource]
    automatic_subscription: bool
    dominant_speaker: bool
    network_quality: bool | OptionBag
    max_audio_bitrate: int | None
    max_video_bitrate: int | None
    bandwidth_profile: OptionBag | None
    receive_transcriptions: bool
    service_url: str | None


@dataclass(frozen=True, slots=True)
class BitrateLimits:
    """Bits per second that local tracks may use; None for the sender's own limit."""

    audio: int | None = None
    video: int | None = None

    def encoding(self, kind: str) -> SendOptions:
        """The limit of one kind, as the calling SDK takes it."""
        return SendOptions(max_bitrate_bps=self.audio if kind == "audio" else self.video)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions:
    """Where a local track comes from, and its name.

    Attributes:
        source: "camera", "screen", "pattern", "microphone", "tone", "silence", "program", a path,
            a `MediaSource`, or None for the default device.
        name: None for a random one.
        device_id: The `id` of a device of the `DeviceManager`; "default" or None for its default.
        devices: Ours: where devices are looked up and permitted; None for the computer's own.
        default_device_capture_mode: "auto": a track of the default microphone goes over to another
            one when that becomes the default; "manual": it does not.
        width: Pixels.
        height: Pixels.
        frame_rate: Frames per second.
        loop: A file starts again at its end.
        color: Red, green, blue of "pattern".
        frequency: Hz of "tone".
        channels: Of "tone", "silence" and "program" sound.
        noise_cancellation_options: Whose noise cancellation an audio track has; None for none.
    """

    source: str | os.PathLike[str] | MediaSource | None = None
    name: str | None = None
    device_id: str | None = None
    devices: DeviceManager | None = None
    default_device_capture_mode: str = "auto"
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    loop: bool = False
    color: tuple[int, int, int] | None = None
    frequency: float | None = None
    channels: int = 1
    noise_cancellation_options: NoiseCancellationOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkQualityConfiguration:
    """How much to report about the network: 0 nothing, 1 levels, 2 parts, 3 measurements.

    Attributes:
        local: 1 to 3.
        remote: 0 to 3.
    """

    local: int = 1
    remote: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTrackOptions:
    """How hard a data track tries; at most one limit may be set."""

    name: str | None = None
    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """What `connect` was asked to do.

    Attributes:
        name: The room; None for the room of the token, or a new one.
        audio: How to make an audio track; None for none.
        video: How to make a video track; None for none.
        tracks: Publish these and make none.
        automatic_subscription: Receive everything that is published.
        dominant_speaker: Report the dominant speaker.
        network_quality: What to report; None for nothing.
        bitrates: `maxAudioBitrate` and `maxVideoBitrate`.
        bandwidth_profile: How received videos share the downlink; None switches none off.
        receive_transcriptions: Tell what is said as text.
        service_url: Ours: where the calling service is; None for `CALLING_SERVICE_URL`.
    """

    name: str | None = None
    audio: TrackOptions | None = None
    video: TrackOptions | None = None
    tracks: tuple[LocalTrack | MediaSource, ...] | None = None
    automatic_subscription: bool = True
    dominant_speaker: bool = False
    network_quality: NetworkQualityConfiguration | None = None
    bitrates: BitrateLimits = BitrateLimits()
    bandwidth_profile: BandwidthOptions | None = None
    receive_transcriptions: bool = False
    service_url: str | None = None


# Browser-only or deprecated: what they ask for is the case here, or has no meaning here.
_CONNECT_IGNORED: Final = frozenset(
    {
        "RTCPeerConnection", "rtc_configuration", "dscp_tagging", "enable_dscp", "event_listener",
        "insights", "log_level", "logger_name", "region", "get_user_media", "enumerate_devices",
        "MediaStream", "map_media_element", "dispose_media_element",
    }
)  # fmt: skip
# Known, and without effect in this version.
_CONNECT_LATER: Final = frozenset(
    {
        "ice_servers", "ice_transport_policy", "notify_warnings",
        "preferred_audio_codecs", "preferred_video_codecs",
    }
)  # fmt: skip
_TRACK_IGNORED: Final = frozenset(
    {
        "aspect_ratio", "auto_gain_control", "channel_count", "echo_cancellation",
        "facing_mode", "group_id", "latency", "log_level", "logger_name",
        "noise_suppression", "sample_rate", "sample_size",
        "workaround_web_kit_bug180748", "workaround_web_kit_bug1208516", "get_user_media",
    }
)  # fmt: skip


def read_connect_options(bag: object, keywords: Mapping[str, Any]) -> ConnectOptions:
    """Read the options of `connect`.

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
        ValueError: Not one of the values that there are.
    """
    known = frozenset(ConnectOptions.__dataclass_fields__)
    values = merge("options", bag, keywords, known, _CONNECT_IGNORED, _CONNECT_LATER)
    tracks = values.get("tracks")
    if tracks is not None and (isinstance(tracks, str) or not isinstance(tracks, Sequence)):
        raise TypeError("options.tracks must be an Array")
    return ConnectOptions(
        name=optional(values, "name", str),
        audio=_track_option(values, "audio"),
        video=_track_option(values, "video"),
        tracks=None if tracks is None else tuple(tracks),
        automatic_subscription=flag(values, "automatic_subscription", default=True),
        dominant_speaker=flag(values, "dominant_speaker", default=False),
        network_quality=read_network_quality(values.get("network_quality", False)),
        bitrates=BitrateLimits(
            optional(values, "max_audio_bitrate", int), optional(values, "max_video_bitrate", int)
        ),
        bandwidth_profile=read_bandwidth_profile(values.get("bandwidth_profile")),
        receive_transcriptions=flag(values, "receive_transcriptions", default=False),
        service_url=optional(values, "service_url", str),
    )


def read_track_options(bag: object, keywords: Mapping[str, Any]) -> TrackOptions:
    """Read the options of a local audio or video track.

    A media constraint may be a value or `{"exact": value}` / `{"ideal": value}`.

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
        ValueError: Not one of the values that there are.
    """
    known = frozenset(TrackOptions.__dataclass_fields__)
    values = merge("options", bag, keywords, known, _TRACK_IGNORED, NO_NAMES)
    color = values.get("color")
    mode = values.get("default_device_capture_mode", "auto")
    if mode not in ("auto", "manual"):
        raise ValueError("defaultDeviceCaptureMode must be one of auto, manual")
    return TrackOptions(
        source=values.get("source"),
        name=optional(values, "name", str),
        device_id=constraint(values, "device_id", str),
        devices=optional(values, "devices", DeviceManager),
        default_device_capture_mode=mode,
        width=constraint(values, "width", int),
        height=constraint(values, "height", int),
        frame_rate=constraint(values, "frame_rate", float),
        loop=flag(values, "loop", default=False),
        color=None if color is None else (int(color[0]), int(color[1]), int(color[2])),
        frequency=constraint(values, "frequency", float),
        channels=constraint(values, "channels", int) or 1,
        noise_cancellation_options=read_noise_cancellation(
            values.get("noise_cancellation_options")
        ),
    )


def read_data_track_options(bag: object, keywords: Mapping[str, Any]) -> DataTrackOptions:
    """Read the options of a `LocalDataTrack`.

    Raises:
        TypeError: Unknown key, wrong type, or both limits at once.
    """
    known = frozenset(DataTrackOptions.__dataclass_fields__)
    ignored = frozenset({"log_level", "workaround_web_kit_bug1208516"})
    values = merge("options", bag, keywords, known, ignored, NO_NAMES)
    options = DataTrackOptions(
        name=optional(values, "name", str),
        ordered=flag(values, "ordered", default=True),
        max_retransmits=optional(values, "max_retransmits", int),
        max_packet_life_time=optional(values, "max_packet_life_time", int),
    )
    if options.max_retransmits is not None and options.max_packet_life_time is not None:
        raise TypeError("maxRetransmits and maxPacketLifeTime must not both be specified")
    return options


def read_publish_options(bag: object, priority: str | None) -> TrackPriority:
    """Read the options of `publish_track`: the priority.

    Raises:
        TypeError: Unknown key.
        ValueError: No such priority.
    """
    given = {} if priority is None else {"priority": priority}
    known = frozenset({"priority"})
    values = merge("LocalTrackPublishOptions", bag, given, known, NO_NAMES, NO_NAMES)
    return priority_from(values.get("priority", TrackPriority.STANDARD))


def priority_from(value: object) -> TrackPriority:
    """A priority by its name.

    Raises:
        ValueError: There is no such priority.
    """
    if isinstance(value, str) and value in set(TrackPriority):
        return TrackPriority(value)
    raise ValueError(f"priority must be one of {', '.join(TrackPriority)}")


def read_network_quality(value: object) -> NetworkQualityConfiguration | None:
    """Read a network quality option; out-of-range parts fall back to their minimum, as Twilio's.

    Raises:
        TypeError: Neither a boolean nor an object.
    """
    if value is False or value is None:
        return None
    if value is True:
        return NetworkQualityConfiguration()
    if isinstance(value, NetworkQualityConfiguration):
        value = {"local": value.local, "remote": value.remote}
    known = frozenset({"local", "remote"})
    values = merge("networkQuality", value, {}, known, NO_NAMES, NO_NAMES)
    local, remote = values.get("local", 1), values.get("remote", 0)
    return NetworkQualityConfiguration(
        local=local if local in (1, 2, 3) else 1, remote=remote if remote in (0, 1, 2, 3) else 0
    )


def _track_option(values: Mapping[str, Any], key: Literal["audio", "video"]) -> TrackOptions | None:
    value = values.get(key, True)
    if isinstance(value, bool):
        return TrackOptions() if value else None
    if isinstance(value, TrackOptions):
        return value
    return read_track_options(value, {})
