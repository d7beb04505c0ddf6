"""What is said over the media signaling channels: JSON texts to values, values to JSON objects.

Each feature has a data channel of its own, and each message names its type. What a client says is
read here, strictly; `decode` gives None for everything else, so that the caller can pass over it.

Source: twilio-video.js 2.36, `lib/signaling/v2/*signaling.js` and `lib/stats/networkquality*.js`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct, field, structs

from acs_core import wire
from acs_core.core.facts import Priority
from acs_core.core.receiving import LARGEST_SIDE, Dimensions
from acs_core.service.sfu.quality import BEST, BROKEN, ClientReport
from acs_core.service.transcription import Transcription
from twilio_compat.gateway.messages import participant_sid, track_sid

__all__ = [
    "MESSAGE_LIMIT",
    "Channel",
    "ClientMessage",
    "ClientReset",
    "HintResult",
    "PublisherHintResults",
    "QualityReport",
    "Ready",
    "RenderHint",
    "RenderHints",
    "TrackPriority",
    "active_speaker",
    "decode",
    "network_quality",
    "publisher_hints",
    "read_hint",
    "render_hints",
    "track_switch_off",
    "transcription",
]

MESSAGE_LIMIT: Final = 64 * 1024
"""Characters of a client's message; a page with a thousand videos needs less."""

LONGEST_ROUND_TRIP: Final = 60.0


class Channel(StrEnum):
    """The features that have a channel, in the spelling of `media_signaling`."""

    ACTIVE_SPEAKER = "active_speaker"
    NETWORK_QUALITY = "network_quality"
    TRACK_PRIORITY = "track_priority"
    TRACK_SWITCH_OFF = "track_switch_off"
    RENDER_HINTS = "render_hints"
    PUBLISHER_HINTS = "publisher_hints"
    TRANSCRIPTIONS = "extension_transcriptions"


class HintResult(StrEnum):
    """What became of a hint, either way."""

    OK = "OK"
    UNKNOWN_TRACK = "UNKNOWN_TRACK"
    COULD_NOT_APPLY = "COULD_NOT_APPLY_HINT"
    INVALID = "INVALID_HINT"
    SKIPPED = "REQUEST_SKIPPED"


# ---------------------------------------------------------------- what the client says


class Ready(Struct, frozen=True, tag_field="type", tag="ready"):
    """The client listens to the channel from now on."""


class _Ice(Struct, frozen=True):
    """Of the selected candidate pair: bits per second and seconds."""

    available_send: float | None = field(default=None, name="availableSend")
    rtt: float | None = None


class QualityReport(Struct, frozen=True, tag_field="type", tag="network_quality"):
    """The client's own measurements, and how much it wants to hear: verbosities 0 to 3.

    Its figures per kind are left out: they are zero in current browsers.
    """

    ice: _Ice | None = None
    report_level: int = field(default=1, name="reportLevel")
    remote_report_level: int = field(default=0, name="remoteReportLevel")

    @property
    def measured(self) -> ClientReport:
        """What the client measured, as far as it makes sense."""
        ice = self.ice or _Ice()
        available, round_trip = ice.available_send, ice.rtt
        return ClientReport(
            available_send_bps=available if available is not None and available > 0 else None,
            round_trip=(
                round_trip
                if round_trip is not None and 0 < round_trip <= LONGEST_ROUND_TRIP
                else None
            ),
        )

    def without_remote_details(self) -> QualityReport:
        """The same, as if it asked for no more than the levels of the others."""
        remote = min(self.remote_report_level, 1)
        return structs.replace(self, remote_report_level=remote)


class TrackPriority(Struct, frozen=True, tag_field="type", tag="track_priority"):
    """The client's own priority of a track; None to take the publisher's again."""

    track: str
    subscribe: Priority | None = None


class _Subscriber(Struct, frozen=True):
    id: int
    hints: list[Any]


class RenderHints(Struct, frozen=True, tag_field="type", tag="render_hints"):
    """What the client does with videos; each hint is read with `read_hint`."""

    subscriber: _Subscriber


class _Result(Struct, frozen=True):
    track: str
    result: str


class PublisherHintResults(Struct, frozen=True, tag_field="type", tag="publisher_hints"):
    """What became of the hints with this id."""

    id: int
    hints: list[_Result]


class ClientReset(Struct, frozen=True, tag_field="type", tag="client_reset"):
    """The track's source was replaced, so what was said about its layers is forgotten."""

    track: str
    id: int = 0


ClientMessage: TypeAlias = (
    Ready | QualityReport | TrackPriority | RenderHints | PublisherHintResults | ClientReset
)

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


def decode(data: str | bytes) -> ClientMessage | None:
    """Read what a client said; None when it is no text, too long or none of the messages."""
    if isinstance(data, bytes) or len(data) > MESSAGE_LIMIT:
        return None
    try:
        # Deep nesting ends in the decoder's own guard against recursion, a RecursionError.
        return _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


class _Size(Struct, frozen=True):
    width: float
    height: float


class _RawHint(Struct, frozen=True):
    track: str
    enabled: bool | None = None
    render_dimensions: _Size | None = None


class RenderHint(Struct, frozen=True):
    """One hint; `enabled` and `size` are None when it does not speak of them."""

    track: str
    enabled: bool | None
    size: Dimensions | None


def read_hint(value: object) -> RenderHint | None:
    """Read one entry of `RenderHints`; None when it is none."""
    try:
        raw = msgspec.convert(value, _RawHint)
    except msgspec.ValidationError:
        return None
    size = raw.render_dimensions
    if size is None:
        return RenderHint(raw.track, raw.enabled, None)
    if min(size.width, size.height) < 0:
        return None
    return RenderHint(
        raw.track,
        raw.enabled,
        Dimensions(width=_side(size.width), height=_side(size.height)),
    )


def _side(pixels: float) -> int:
    """Whole pixels; an element that is laid out with no size at all counts as one pixel."""
    return min(max(1, math.ceil(min(pixels, LARGEST_SIDE))), LARGEST_SIDE)


# ---------------------------------------------------------------- what we say


def active_speaker(endpoint: str | None) -> dict[str, object]:
    """Who dominates; None for nobody."""
    return {
        "type": Channel.ACTIVE_SPEAKER,
        "participant": None if endpoint is None else participant_sid(endpoint),
    }


def track_switch_off(off: Iterable[str], on: Iterable[str]) -> dict[str, object]:
    """Which publications are forwarded no longer, and which again."""
    return {"type": Channel.TRACK_SWITCH_OFF, "off": _sids(off), "on": _sids(on)}


def render_hints(number: int, results: Iterable[tuple[str, HintResult]]) -> dict[str, object]:
    """The answer to `RenderHints`, by track SID as the client wrote it."""
    hints = [{"track": track, "result": result} for track, result in results]
    return {"type": Channel.RENDER_HINTS, "subscriber": {"id": number, "hints": hints}}


def publisher_hints(number: int, demands: Mapping[str, tuple[bool, ...]]) -> dict[str, object]:
    """Which layers of the client's own publications are needed, smallest first.

    Args:
        number: Comes back with the result; not 0, which the client takes for none.
        demands: By publication id.
    """
    hints = [
        {
            "track": track_sid(publication),
            "encodings": [
                {"layer_index": index, "enabled": is_needed}
                for index, is_needed in enumerate(layers)
            ],
        }
        for publication, layers in demands.items()
    ]
    return {"type": Channel.PUBLISHER_HINTS, "publisher": {"id": number, "hints": hints}}


def transcription(said: Transcription) -> dict[str, object]:
    """What somebody said; the client hands it to the application as it is."""
    at = said.timestamp.astimezone(UTC).isoformat(timespec="milliseconds")
    message: dict[str, object] = {
        "type": Channel.TRANSCRIPTIONS,
        "participant": participant_sid(said.endpoint),
        "track": track_sid(said.publication),
        "transcription": said.text,
        "partial_results": said.is_partial,
        "language_code": said.language_code,
        "timestamp": at.replace("+00:00", "Z"),
        "sequence_number": said.sequence_number,
    }
    if said.stability is not None:
        message["stability"] = said.stability
    return message


def network_quality(
    own: str, levels: Iterable[wire.QualityLevel], report: QualityReport
) -> dict[str, object]:
    """The answer to a report: levels, with as much detail as the report asks for.

    What is not known yet is left out, and the client asks again. It keeps the details that came
    with a level until the level changes, so a level never goes without the details asked for.

    Args:
        own: The client's endpoint.
        levels: Of everybody in the call, as far as they are known.
        report: The client's.
    """
    message: dict[str, object] = {"type": Channel.NETWORK_QUALITY}
    remotes: list[dict[str, object]] = []
    for level in levels:
        is_own = level.endpoint == own
        verbosity = report.report_level if is_own else report.remote_report_level
        if verbosity > 2 and level.details is None:
            continue
        if is_own:
            message["local"] = level.level if verbosity <= 1 else _detailed(level, verbosity)
        elif verbosity > 0:
            remotes.append({"sid": participant_sid(level.endpoint), **_detailed(level, verbosity)})
    if report.remote_report_level > 0:
        message["remotes"] = remotes
    return message


def _detailed(level: wire.QualityLevel, verbosity: int) -> dict[str, object]:
    answer: dict[str, object] = {"level": level.level}
    if verbosity <= 1:
        return answer
    # Where nothing flows nothing is wrong; Twilio's types have no "not measured" here.
    otherwise = BEST if level.level > BROKEN else BROKEN
    details = level.details if verbosity > 2 else None
    for kind in ("audio", "video"):
        is_audio = kind == "audio"
        send = level.audio_send if is_audio else level.video_send
        receive = level.audio_receive if is_audio else level.video_receive
        part: dict[str, object] = {
            "send": otherwise if send is None else send,
            "recv": otherwise if receive is None else receive,
        }
        if details is not None:
            sent = details.audio_send if is_audio else details.video_send
            received = details.audio_receive if is_audio else details.video_receive
            part["sendStats"] = _stats(sent, otherwise)
            part["recvStats"] = _stats(received, otherwise)
        answer[kind] = part
    return answer


def _stats(stream: wire.StreamQuality | None, otherwise: int) -> dict[str, object]:
    stream = stream or wire.StreamQuality(bandwidth=otherwise, latency=otherwise, loss=otherwise)
    return {
        "bandwidth": {
            "actual": stream.actual_bps,
            "available": stream.available_bps,
            "level": stream.bandwidth,
        },
        "latency": {
            "jitter": stream.jitter,
            "rtt": stream.round_trip,
            "level": stream.latency,
        },
        "fractionLost": {"fractionLost": stream.fraction_lost, "level": stream.loss},
    }


def _sids(publications: Iterable[str]) -> list[str]:
    return [track_sid(publication) for publication in publications]
