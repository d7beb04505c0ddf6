"""How good the network is: Twilio's levels 0 to 5 and ACS's three grades, from one model.

Each measure of a direction (bandwidth, latency, loss) gets a level by a table of limits; the
direction's is the worst of them, the participant's the worst of its directions. A level falls
at once and rises step by step, so that an application does not flicker.

Source: Twilio Video's Network Quality API names the measures and says that 0 is a broken
connection and 5 the best; its limits are not published, ours are below. ITU-T G.114 for the
delay (150 ms is good, 400 ms the end), G.113 appendix I for the loss that Opus-like codecs hide.
ACS: `DiagnosticQuality`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

__all__ = [
    "BEST",
    "BROKEN",
    "ClientReport",
    "DiagnosticQuality",
    "DirectionQuality",
    "LevelFilter",
    "Measured",
    "QualityInput",
    "QualityModel",
    "QualityReport",
    "diagnostic_quality",
    "grade",
]

BROKEN: Final = 0
BEST: Final = 5


class DiagnosticQuality(IntEnum):
    """The grades of ACS's network diagnostics."""

    GOOD = 1
    POOR = 2
    BAD = 3


class Measured(StrEnum):
    """The four streams of measurements of one participant."""

    AUDIO_SEND = "audioSend"
    AUDIO_RECEIVE = "audioReceive"
    VIDEO_SEND = "videoSend"
    VIDEO_RECEIVE = "videoReceive"


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What a client measured itself, of all its media together; None for what it did not say.

    Attributes:
        available_send_bps: What its congestion control thinks that it could send.
        round_trip: Seconds to the service and back.
    """

    available_send_bps: float | None = None
    round_trip: float | None = None


@dataclass(frozen=True, slots=True)
class QualityInput:
    """What was measured of one kind in one direction, about once a second.

    Attributes:
        fraction_lost: Packets lost, 0..1, before any were repaired.
        jitter: Seconds.
        round_trip: Seconds; None when not known yet.
        bitrate_bps: What arrived.
        expected_bps: What should have, by the sender's count or the allocation; 0 for nothing.
        available_bps: What the network could carry, of all media together; None when not known.
    """

    fraction_lost: float = 0.0
    jitter: float = 0.0
    round_trip: float | None = None
    bitrate_bps: float = 0.0
    expected_bps: float = 0.0
    available_bps: float | None = None


@dataclass(frozen=True, slots=True)
class DirectionQuality:
    """The levels, 1..5, of one kind in one direction, and the measurement behind them."""

    bandwidth: int
    latency: int
    loss: int
    measured: QualityInput

    @property
    def level(self) -> int:
        """The worst of the three."""
        return min(self.bandwidth, self.latency, self.loss)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The quality of one participant's network.

    Attributes:
        level: 0..5, smoothed; 0 only while the connection is broken.
        directions: What was measured, as it is now; absent where nothing flows.
        send: Grade of what the participant sends, smoothed.
        receive: Grade of what it receives, smoothed.
    """

    level: int
    directions: Mapping[Measured, DirectionQuality]
    send: DiagnosticQuality
    receive: DiagnosticQuality


# For each measure, the limits up to which it is worth 5, 4, 3, 2; beyond the last it is 1.
_AUDIO_LOSS: Final = (0.01, 0.05, 0.10, 0.20)  # in-band FEC hides some 10 %
_VIDEO_LOSS: Final = (0.01, 0.03, 0.07, 0.15)  # each loss costs a round trip
_JITTER: Final = (0.030, 0.050, 0.100, 0.200)
_ROUND_TRIP: Final = (0.150, 0.300, 0.500, 0.800)
_SHORTFALL: Final = (0.10, 0.25, 0.50, 0.75)  # part of the expected bit rate that is missing

_AUDIO: Final = frozenset({Measured.AUDIO_SEND, Measured.AUDIO_RECEIVE})
_SENT: Final = frozenset({Measured.AUDIO_SEND, Measured.VIDEO_SEND})


def _level(value: float, limits: tuple[float, ...]) -> int:
    return BEST - sum(value > limit for limit in limits)


def grade(measured: Measured, values: QualityInput) -> DirectionQuality:
    """Grade one kind in one direction; worse values never give a better level."""
    missing = 0.0
    if values.expected_bps > 0:
        missing = 1 - values.bitrate_bps / values.expected_bps
    return DirectionQuality(
        bandwidth=_level(missing, _SHORTFALL),
        latency=min(_level(values.jitter, _JITTER), _level(values.round_trip or 0.0, _ROUND_TRIP)),
        loss=_level(values.fraction_lost, _AUDIO_LOSS if measured in _AUDIO else _VIDEO_LOSS),
        measured=values,
    )


def diagnostic_quality(level: int) -> DiagnosticQuality:
    """Return ACS's grade of a level: 4 and 5 are good, 2 and 3 poor, less is bad."""
    if level >= 4:
        return DiagnosticQuality.GOOD
    return DiagnosticQuality.POOR if level >= 2 else DiagnosticQuality.BAD


class LevelFilter:
    """Lets a level fall at once and rise by one step for each `rise_after` seconds it is better.

    The first value is taken as it is, and so is the first after a broken connection: what was
    measured before the break says nothing about the network after it.
    """

    __slots__ = ("_level", "_rise_after", "_since")

    def __init__(self, *, rise_after: float = 3.0) -> None:
        self._rise_after = rise_after
        self._level: int | None = None
        self._since = 0.0  # since when it has been better

    def update(self, level: int, now: float) -> int:
        """Take a new level in and return the one to show."""
        if self._level is None or self._level == BROKEN or level <= self._level:
            self._level = level
            self._since = now
        elif now - self._since >= self._rise_after:
            self._level += 1
            self._since = now
        return self._level


class QualityModel:
    """The network quality of one participant.

    Args:
        rise_after: Seconds of better measurements before a level rises by one.
    """

    __slots__ = ("_overall", "_receive", "_send")

    def __init__(self, *, rise_after: float = 3.0) -> None:
        self._overall = LevelFilter(rise_after=rise_after)
        self._send = LevelFilter(rise_after=rise_after)
        self._receive = LevelFilter(rise_after=rise_after)

    def update(
        self, inputs: Mapping[Measured, QualityInput], now: float, *, is_connected: bool = True
    ) -> QualityReport:
        """Judge a round of measurements; leave out what does not flow.

        While `is_connected` is False everything is broken, whatever was measured.
        """
        directions = {key: grade(key, values) for key, values in inputs.items()}
        sent = _worst(directions[key].level for key in directions if key in _SENT)
        received = _worst(directions[key].level for key in directions if key not in _SENT)
        if not is_connected:
            sent = received = BROKEN
        return QualityReport(
            level=self._overall.update(min(sent, received), now),
            directions=directions,
            send=diagnostic_quality(self._send.update(sent, now)),
            receive=diagnostic_quality(self._receive.update(received, now)),
        )


def _worst(levels: Iterable[int]) -> int:
    return min(levels, default=BEST)
