"""Limits on what a call sends: `CallConstraints`, and what they mean to an encoder.

They hold for the camera. A shared screen is left as it is, because text that is made smaller
cannot be read. A limit that is not given stays what it was, and 0 takes it back.

Source: `CallConstraints` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

from acs_core.errors import InvalidArgumentError
from acs_core.media.sender import SendOptions

__all__ = [
    "CallConstraints",
    "MediaConstraintRange",
    "VideoConstraints",
    "VideoSendConstraints",
    "check",
    "constrained",
    "merged",
]

SMALLEST_HEIGHT: Final = 2
"""Pixels; the chroma of a picture is shared by pairs of lines."""


@dataclass(frozen=True, slots=True)
class MediaConstraintRange:
    """A limit; 0 takes an earlier one back, None leaves it."""

    max: float | None = None


@dataclass(frozen=True, slots=True)
class VideoSendConstraints:
    """Limits of the pictures that are sent.

    Attributes:
        frame_height: Pixels, 0 or from 2 on; the width follows, the shape of the picture stays.
        frame_rate: Pictures per second.
        bitrate: Bits per second; encoders cannot go below about 60 kb/s.
    """

    frame_height: MediaConstraintRange | None = None
    frame_rate: MediaConstraintRange | None = None
    bitrate: MediaConstraintRange | None = None


@dataclass(frozen=True, slots=True)
class VideoConstraints:
    """Limits of video."""

    send: VideoSendConstraints | None = None


@dataclass(frozen=True, slots=True)
class CallConstraints:
    """Limits of a call's media."""

    video: VideoConstraints | None = None


def check(constraints: VideoConstraints | None, sub_code: int) -> None:
    """Refuse limits that nothing could keep.

    Raises:
        InvalidArgumentError: 500 and `sub_code`: a limit that is no number, or negative.
    """
    send = None if constraints is None else constraints.send
    if send is None:
        return
    for name, least in (("frame_height", SMALLEST_HEIGHT), ("frame_rate", 0), ("bitrate", 0)):
        limit: MediaConstraintRange | None = getattr(send, name)
        value = None if limit is None else limit.max
        if value is None or (value == 0 and value is not False):
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < least:
            raise InvalidArgumentError(
                f"A maximum of {value!r} for {name} cannot be kept.",
                # Not 400: the vendor counts these as failures of the client.
                code=500,
                sub_code=sub_code,
                next_step="Give a positive number, or 0 for no limit.",
            )


def merged(old: VideoConstraints | None, new: VideoConstraints | None) -> VideoConstraints | None:
    """What holds after `new` was said: each limit that it names takes the place of the old one."""
    if old is None or old.send is None or new is None or new.send is None:
        return new if new is not None and new.send is not None else old
    return VideoConstraints(
        VideoSendConstraints(
            _newer(old.send.frame_height, new.send.frame_height),
            _newer(old.send.frame_rate, new.send.frame_rate),
            _newer(old.send.bitrate, new.send.bitrate),
        )
    )


def constrained(base: SendOptions, constraints: VideoConstraints | None) -> SendOptions:
    """What a camera is sent with: the stricter of `base` and checked constraints."""
    send = None if constraints is None else constraints.send
    if send is None:
        return base
    height = _stricter(base.max_frame_height, send.frame_height)
    rate = _stricter(base.max_frame_rate, send.frame_rate)
    bitrate = _stricter(base.max_bitrate_bps, send.bitrate)
    return dataclasses.replace(
        base,
        max_frame_height=None if height is None else int(height),
        max_frame_rate=base.max_frame_rate if rate is None else rate,
        max_bitrate_bps=None if bitrate is None else max(1, int(bitrate)),
    )


def _stricter(base: float | None, limit: MediaConstraintRange | None) -> float | None:
    values = [] if base is None else [base]
    if limit is not None and limit.max:
        values.append(limit.max)
    return min(values, default=None)


def _newer(
    old: MediaConstraintRange | None, new: MediaConstraintRange | None
) -> MediaConstraintRange | None:
    return old if new is None or new.max is None else new
