"""The option `bandwidthProfile`: how the videos that are received share the downlink.

Source: twilio-video.js 2.36, `BandwidthProfileOptions` of `lib/connect.js`; what is refused, and
the texts of the errors, from `lib/util/validate.js`. Its RangeError is ValueError here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from acs_core.core.facts import Priority
from acs_core.core.receiving import BandwidthMode, BandwidthProfile, Dimensions, SwitchOffMode
from twilio_compat.option_bags import NO_NAMES, merge

__all__ = ["BandwidthOptions", "ControlMode", "read_bandwidth_profile", "read_render_dimensions"]

_Member = TypeVar("_Member", bound=StrEnum)

_VIDEO: Final = "options.bandwidthProfile.video"
_VIDEO_KEYS: Final = frozenset(
    {
        "client_track_switch_off_control", "content_preferences_mode", "dominant_speaker_priority",
        "max_subscription_bitrate", "max_tracks", "mode", "render_dimensions",
        "track_switch_off_mode",
    }
)  # fmt: skip


class ControlMode(StrEnum):
    """Who says what is done with a received video."""

    AUTO = "auto"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthOptions:
    """The option, read.

    Attributes:
        profile: In the words of the service.
        switch_off: AUTO switches videos off that nobody reads, MANUAL those of `switchOff()`; None
            (with `maxTracks`) leaves it to the profile.
        content: MANUAL allows `setContentPreferences`; AUTO and None do nothing here, because
            frames have no size on a screen.
    """

    profile: BandwidthProfile = field(default_factory=BandwidthProfile)
    switch_off: ControlMode | None = ControlMode.AUTO
    content: ControlMode | None = ControlMode.AUTO


def read_bandwidth_profile(value: object) -> BandwidthOptions | None:
    """Read the option; None when it is not given.

    Raises:
        TypeError: Of the wrong type, an unknown key, or keys that exclude each other.
        ValueError: Not one of the values that there are.
    """
    if value is None or isinstance(value, BandwidthOptions):
        return value
    bag = merge("options.bandwidthProfile", value, {}, frozenset({"video"}), NO_NAMES, NO_NAMES)
    video = merge(_VIDEO, bag.get("video"), {}, _VIDEO_KEYS, NO_NAMES, NO_NAMES)
    given = {key: item for key, item in video.items() if item is not None}
    _exclude(given, "max_tracks", "client_track_switch_off_control")
    _exclude(given, "render_dimensions", "content_preferences_mode")
    return BandwidthOptions(
        profile=BandwidthProfile(
            mode=_member(given, "mode", BandwidthMode, BandwidthMode.GRID),
            max_bitrate_bps=_limit(given, "max_subscription_bitrate"),
            max_tracks=_limit(given, "max_tracks"),
            speaker_priority=_member(
                given, "dominant_speaker_priority", Priority, Priority.STANDARD
            ),
            switch_off=_member(
                given, "track_switch_off_mode", SwitchOffMode, SwitchOffMode.PREDICTED
            ),
            sizes=_sizes(given.get("render_dimensions")),
        ),
        switch_off=_control(given, "client_track_switch_off_control", "max_tracks"),
        content=_control(given, "content_preferences_mode", "render_dimensions"),
    )


def read_render_dimensions(name: str, value: object) -> Dimensions | None:
    """Read a `{"width": ..., "height": ...}`; None when one of them is not given.

    Twilio gives the lowest resolution for zero and less, so they become one pixel.

    Raises:
        TypeError: No object, an unknown key, or not numbers.
        ValueError: Larger than any picture.
    """
    bag = merge(name, value, {}, frozenset({"width", "height"}), NO_NAMES, NO_NAMES)
    width, height = (_number(bag, name, key) for key in ("width", "height"))
    if width is None or height is None:
        return None
    return Dimensions(width=max(1, int(width)), height=max(1, int(height)))


def _sizes(value: object) -> dict[Priority, Dimensions]:
    name = f"{_VIDEO}.renderDimensions"
    bag = merge(name, value, {}, frozenset(Priority), NO_NAMES, NO_NAMES)
    read = {
        Priority(key): read_render_dimensions(f"{name}.{key}", item) for key, item in bag.items()
    }
    return {priority: size for priority, size in read.items() if size is not None}


def _control(given: Mapping[str, Any], key: str, excluded_by: str) -> ControlMode | None:
    if excluded_by in given:
        return None
    return _member(given, key, ControlMode, ControlMode.AUTO)


def _exclude(given: Mapping[str, Any], deprecated: str, key: str) -> None:
    if deprecated in given and key in given:
        raise TypeError(
            f"{_VIDEO}.{_camel_case(deprecated)} is deprecated. Use {_VIDEO}.{_camel_case(key)} "
            "instead."
        )


def _limit(given: Mapping[str, Any], key: str) -> int | None:
    """A limit; Twilio takes zero and less for none."""
    number = _number(given, _VIDEO, key)
    return None if number is None or number <= 0 else max(1, int(number))


def _number(given: Mapping[str, Any], name: str, key: str) -> float | None:
    value = given.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise TypeError(f"{name}.{_camel_case(key)} must be a number")
    return float(value)


def _member(given: Mapping[str, Any], key: str, kind: type[_Member], default: _Member) -> _Member:
    value = given.get(key, default)
    members: Iterable[_Member] = kind
    for member in members:
        if value == member:
            return member
    names = ", ".join(kind)
    raise ValueError(f"{_VIDEO}.{_camel_case(key)} must be one of {names}")


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
