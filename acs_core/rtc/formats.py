"""Which codecs, feedback and header extensions our two ends know, and how to choose among them.

The codecs of `NATIVE_CODECS` are those which our own client encodes and decodes, with the payload
types that it offers; the service forwards more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from acs_core.rtc.packet import Uri
from acs_core.rtc.sdp_model import Codec

__all__ = [
    "FEEDBACK",
    "NATIVE_CODECS",
    "NATIVE_EXTENSIONS",
    "VIDEO_FEEDBACK",
    "is_auxiliary",
    "retransmissions",
    "select",
]

VIDEO_FEEDBACK: Final = ("goog-remb", "ccm fir", "nack", "nack pli")
"""What our ends offer for video. Never transport-cc: a sender that is offered it waits for reports
which nobody writes, instead of using REMB."""

FEEDBACK: Final = frozenset(VIDEO_FEEDBACK)
"""What may stay of another end's feedback."""


def _h264(payload_type: int, profile_level_id: str) -> Codec:
    fmtp = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile_level_id}"
    return Codec(payload_type, "H264", 90000, fmtp=fmtp, feedback=VIDEO_FEEDBACK)


def _rtx(payload_type: int, apt: int) -> Codec:
    return Codec(payload_type, "rtx", 90000, fmtp=f"apt={apt}")


NATIVE_CODECS: Final[Mapping[str, tuple[Codec, ...]]] = {
    # RFC 7587 section 6.1: in-band FEC is what the receiver asks for. Numbers: those of Chromium.
    "audio": (Codec(111, "opus", 48000, 2, "minptime=10;useinbandfec=1", feedback=("nack",)),),
    "video": (
        Codec(96, "VP8", 90000, feedback=VIDEO_FEEDBACK),
        _rtx(97, 96),
        _h264(102, "42e01f"),
        _rtx(103, 102),
        _h264(104, "42001f"),
        _rtx(105, 104),
    ),
}

NATIVE_EXTENSIONS: Final[Mapping[str, Mapping[str, int]]] = {
    # One id space for the whole bundle (RFC 8843 section 15), all in the one-byte form.
    "audio": {Uri.MID: 1, Uri.AUDIO_LEVEL: 2, Uri.ABS_SEND_TIME: 3},
    "video": {Uri.MID: 1, Uri.ABS_SEND_TIME: 3},
}


def is_auxiliary(codec: Codec) -> bool:
    """Whether a payload type only accompanies another and cannot carry a stream alone."""
    return codec.name.lower() in {"rtx", "telephone-event"}


def select(codecs: Iterable[Codec], is_wanted: Callable[[Codec], bool]) -> tuple[Codec, ...]:
    """Keep the wanted codecs and the rtx of those, in their order; no rtx without its codec.

    `is_wanted` is not asked about rtx.
    """
    everything = tuple(codecs)
    wanted = {
        codec.payload_type
        for codec in everything
        if codec.name.lower() != "rtx" and is_wanted(codec)
    }
    return tuple(
        codec for codec in everything if codec.payload_type in wanted or codec.apt in wanted
    )


def retransmissions(codecs: Iterable[Codec]) -> dict[int, int]:
    """Map each payload type to that of its rtx, where there is one (RFC 4588 section 8.1)."""
    return {codec.apt: codec.payload_type for codec in codecs if codec.apt is not None}
