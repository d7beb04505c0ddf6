"""How local tracks are sent: codecs in order of preference, and limits of bit rate.

Twilio's lists are preferences: what is not listed may be used when nothing else is shared. What
this SDK does not encode is passed over with a warning.

Source: twilio-video.js 2.36, `ConnectOptions` (`preferredAudioCodecs`, `preferredVideoCodecs`,
`maxAudioBitrate`, `maxVideoBitrate`) and `EncodingParameters`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from acs_core.client.ports import SendOptions
from twilio_compat.option_bags import NO_NAMES, flag, merge
from twilio_compat.option_types import AudioCodec, VideoCodec

__all__ = [
    "BitrateLimits",
    "CodecPreferences",
    "SendPreferences",
    "read_bitrates",
    "read_codecs",
    "read_encoding_parameters",
]

_log = logging.getLogger(__name__)

_AUTO: Final = "auto"
_SENT_VIDEO: Final = (VideoCodec.VP8, VideoCodec.H264)
"""What is encoded, the usual one first."""
_BITRATES: Final = frozenset({"max_audio_bitrate", "max_video_bitrate"})


@dataclass(frozen=True, slots=True)
class BitrateLimits:
    """Bits per second that each local track may use; None for the sender's own limit."""

    audio: int | None = None
    video: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecPreferences:
    """Codecs, read.

    Attributes:
        video: Encoding names in order; empty for the usual order.
        dtx: Send nearly nothing in silence.
        is_automatic: `preferredVideoCodecs` is "auto": the sender limits pictures by itself.
    """

    video: tuple[str, ...] = ()
    dtx: bool = True
    is_automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPreferences:
    """How a participant sends: what `connect` was told, and `set_parameters` since."""

    limits: BitrateLimits = BitrateLimits()
    codecs: CodecPreferences = field(default_factory=CodecPreferences)

    def encoding(self, kind: str) -> SendOptions:
        """The same as the calling SDK takes it, for tracks of one kind."""
        if kind == "audio":
            return SendOptions(max_bitrate_bps=self.limits.audio, dtx=self.codecs.dtx)
        return SendOptions(max_bitrate_bps=self.limits.video, codecs=self.codecs.video)


def read_bitrates(values: Mapping[str, Any], prefix: str = "") -> BitrateLimits:
    """Read `max_audio_bitrate` and `max_video_bitrate`; None and 0 are no limit.

    Args:
        values: What `merge` gave.
        prefix: Of the keys, in errors: "encodingParameters.".

    Raises:
        TypeError: Not a number.
        ValueError: Below zero.
    """
    return BitrateLimits(
        _bitrate(values.get("max_audio_bitrate"), f"{prefix}maxAudioBitrate"),
        _bitrate(values.get("max_video_bitrate"), f"{prefix}maxVideoBitrate"),
    )


def read_encoding_parameters(
    bag: object, keywords: Mapping[str, Any], before: SendPreferences
) -> SendPreferences:
    """What `set_parameters` makes of the preferences until then.

    A limit that is not given stays as it was; None, alone or as a value, takes it away.

    Raises:
        TypeError: No object, an unknown key, not a number, or a limit of pictures where
            `preferredVideoCodecs` is "auto".
        ValueError: Below zero.
    """
    if bag is None and not keywords:
        return replace(before, limits=BitrateLimits())
    values = merge("encodingParameters", bag, keywords, _BITRATES, NO_NAMES, NO_NAMES)
    read = read_bitrates(values, "encodingParameters.")
    if before.codecs.is_automatic and read.video is not None:
        raise _not_with_auto("setParameters", "encodingParameters.maxVideoBitrate")
    return replace(
        before,
        limits=BitrateLimits(
            audio=read.audio if "max_audio_bitrate" in values else before.limits.audio,
            video=read.video if "max_video_bitrate" in values else before.limits.video,
        ),
    )


def read_codecs(audio: object, video: object, limits: BitrateLimits) -> CodecPreferences:
    """Read `preferredAudioCodecs` and `preferredVideoCodecs`; None for either that is not given.

    Raises:
        TypeError: No list, an unknown key, or a limit of pictures beside "auto".
        ValueError: There is no such codec.
    """
    dtx = True
    for entry in _entries("preferredAudioCodecs", audio, AudioCodec, frozenset({"dtx"})):
        if entry.codec == AudioCodec.OPUS:
            dtx = flag(entry.settings, "dtx", default=True)
        else:
            _log.warning("preferredAudioCodecs: %s is not sent from here; opus is.", entry.codec)
    if video == _AUTO:
        if limits.video is not None:
            raise _not_with_auto("connect", 'ConnectOptions "maxVideoBitrate"')
        return CodecPreferences(dtx=dtx, is_automatic=True)
    wanted = tuple(_sent(video))
    order = (*wanted, *_SENT_VIDEO) if wanted else ()
    return CodecPreferences(video=tuple(dict.fromkeys(str(one) for one in order)), dtx=dtx)


@dataclass(frozen=True, slots=True)
class _Entry:
    codec: StrEnum
    settings: Mapping[str, Any]


def _sent(video: object) -> Iterator[StrEnum]:
    keys = frozenset({"simulcast"})
    for entry in _entries("preferredVideoCodecs", video, VideoCodec, keys):
        if flag(entry.settings, "simulcast", default=False):
            _log.warning("preferredVideoCodecs: one layer is sent from here, not several.")
        if entry.codec in _SENT_VIDEO:
            yield entry.codec
        else:
            _log.warning("preferredVideoCodecs: %s is not sent from here.", entry.codec)


def _entries(
    name: str, value: object, known: type[StrEnum], settings: frozenset[str]
) -> Iterator[_Entry]:
    """Each codec of a list: a name, or an object with the name as `codec`."""
    if value is None:
        return
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"options.{name} must be an Array")
    for item in value:
        bag = {"codec": item} if isinstance(item, str) else item
        values = merge(f"options.{name}", bag, {}, settings | {"codec"}, NO_NAMES, NO_NAMES)
        names = {member.lower(): member for member in known}
        codec = names.get(str(values.pop("codec", "")).lower())
        if codec is None:
            raise ValueError(f"options.{name} must be one of {', '.join(known)}")
        yield _Entry(codec, values)


def _bitrate(value: object, name: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{name} must be a number, null or undefined")
    if value < 0:
        raise ValueError(f"{name} must not be below zero")
    return int(value) or None


def _not_with_auto(function: str, option: str) -> TypeError:
    return TypeError(
        f'Illegal call to {function}: {option} is not compatible with "preferredVideoCodecs=auto"'
    )
