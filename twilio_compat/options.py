"""Option bags, read once at the door.

Every function that takes options takes them twice: as a bag in Twilio's spelling, so that
JavaScript can be pasted (`connect(token, {"dominantSpeaker": True})`), or as snake_case keywords.
Both become one of the frozen records below; nothing behind them sees a bag. An unknown key is an
error. Keys that only mean something in a browser are accepted with a warning, so that pasted code
runs. Which keys there are is in `option_types.py`; those of `connect` are read in
`connect_options.py`.

Source: twilio-video.js 2.36, `CreateLocalTrackOptions` and neighbors; texts of the errors from
`lib/util/constants.js`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from acs_core.client.devices import DeviceManager
from twilio_compat.logs import apply_log_levels
from twilio_compat.noise_cancellation import NoiseCancellationOptions, read_noise_cancellation
from twilio_compat.option_bags import NO_NAMES, OptionBag, constraint, flag, merge, optional
from twilio_compat.option_types import (
    CreateLocalAudioTrackOptions,
    DefaultDeviceCaptureMode,
    LocalDataTrackOptions,
)

if TYPE_CHECKING:
    from acs_core.media.sources import MediaSource

__all__ = [
    "DataTrackKeywords",
    "DataTrackOptions",
    "NetworkQualityConfiguration",
    "OptionBag",
    "PublishOptions",
    "TrackKeywords",
    "TrackOptions",
    "TrackPriority",
    "priority_from",
    "read_data_track_options",
    "read_network_quality",
    "read_publish_options",
    "read_track_options",
]

TrackKeywords: TypeAlias = CreateLocalAudioTrackOptions
"""What may be said as keywords where a local audio or video track is made."""

DataTrackKeywords: TypeAlias = LocalDataTrackOptions
"""What may be said as keywords where a `LocalDataTrack` is made."""


class TrackPriority(StrEnum):
    """How much a track matters when not everything can be sent."""

    LOW = "low"
    STANDARD = "standard"
    HIGH = "high"


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
class PublishOptions:
    """How a track is published.

    Attributes:
        priority: Of the publication.
        name: Of the track that is made of a `MediaSource`; None for a random one.
    """

    priority: TrackPriority = TrackPriority.STANDARD
    name: str | None = None


_USE_SOURCE: Final = "Say with `source` where a track comes from."
_AS_CAPTURED: Final = "What is captured is taken as it comes."
_TRACK_UNUSED: Final = {
    **dict.fromkeys(("get_user_media", "enumerate_devices"), _USE_SOURCE),
    **dict.fromkeys(("MediaStream", "media_stream", "map_media_element"), _USE_SOURCE),
    **dict.fromkeys(("dispose_media_element", "facing_mode", "group_id"), _USE_SOURCE),
    **dict.fromkeys(("aspect_ratio", "auto_gain_control", "echo_cancellation"), _AS_CAPTURED),
    **dict.fromkeys(("channel_count", "latency", "noise_suppression"), _AS_CAPTURED),
    **dict.fromkeys(("sample_rate", "sample_size"), _AS_CAPTURED),
}
# Of browsers that are not here.
_WORKAROUNDS: Final = frozenset({"workaround_web_kit_bug180748", "workaround_web_kit_bug1208516"})
_LOG_KEYS: Final = frozenset({"log_level", "logger_name"})


def read_track_options(bag: object, keywords: Mapping[str, Any]) -> TrackOptions:
    """Read the options of a local audio or video track.

    A media constraint may be a value or `{"exact": value}` / `{"ideal": value}`.

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
        ValueError: Not one of the values that there are.
    """
    known = frozenset(TrackOptions.__dataclass_fields__) | _LOG_KEYS
    values = merge("options", bag, keywords, known, _WORKAROUNDS, _TRACK_UNUSED)
    apply_log_levels(values.get("log_level"), optional(values, "logger_name", str))
    mode = values.get("default_device_capture_mode", "auto")
    if mode not in set(DefaultDeviceCaptureMode):
        raise ValueError("defaultDeviceCaptureMode must be one of auto, manual")
    return TrackOptions(
        source=values.get("source"),
        name=optional(values, "name", str),
        device_id=constraint(values, "device_id", str),
        devices=optional(values, "devices", DeviceManager),
        default_device_capture_mode=str(mode),
        width=constraint(values, "width", int),
        height=constraint(values, "height", int),
        frame_rate=constraint(values, "frame_rate", float),
        loop=flag(values, "loop", default=False),
        color=_color(values.get("color")),
        frequency=constraint(values, "frequency", float),
        channels=constraint(values, "channels", int) or 1,
        noise_cancellation_options=read_noise_cancellation(
            values.get("noise_cancellation_options")
        ),
    )


def _color(value: object) -> tuple[int, int, int] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
        raise TypeError("color must be three integers")
    red, green, blue = value
    for part in value:
        if isinstance(part, bool) or not isinstance(part, int):
            raise TypeError("color must be three integers")
        if not 0 <= part <= 255:
            raise ValueError("color must be of integers from 0 to 255")
    return red, green, blue


def read_data_track_options(bag: object, keywords: Mapping[str, Any]) -> DataTrackOptions:
    """Read the options of a `LocalDataTrack`.

    Raises:
        TypeError: Unknown key, wrong type, or both limits at once.
    """
    known = frozenset(DataTrackOptions.__dataclass_fields__) | _LOG_KEYS
    values = merge("options", bag, keywords, known, _WORKAROUNDS, NO_NAMES)
    apply_log_levels(values.get("log_level"), optional(values, "logger_name", str))
    options = DataTrackOptions(
        name=optional(values, "name", str),
        ordered=flag(values, "ordered", default=True),
        max_retransmits=optional(values, "max_retransmits", int),
        max_packet_life_time=optional(values, "max_packet_life_time", int),
    )
    if options.max_retransmits is not None and options.max_packet_life_time is not None:
        raise TypeError("maxRetransmits and maxPacketLifeTime must not both be specified")
    return options


def read_publish_options(bag: object, keywords: Mapping[str, Any]) -> PublishOptions:
    """Read the options of `publish_track`.

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
        ValueError: No such priority.
    """
    known = frozenset({"priority", "name"}) | _LOG_KEYS
    values = merge("LocalTrackPublishOptions", bag, keywords, known, _WORKAROUNDS, NO_NAMES)
    apply_log_levels(values.get("log_level"), optional(values, "logger_name", str))
    priority = values.get("priority")
    return PublishOptions(
        priority=TrackPriority.STANDARD if priority is None else priority_from(priority),
        name=optional(values, "name", str),
    )


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
