"""What a test before a call finds out, and how figures become grades. Pure.

Source: `PreCallDiagnosticsResult` of @azure/communication-calling 1.36.1-beta.1; the limits of the
grades are ours, after what ITU-T G.114 says of delay and what users notice of loss and jitter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from acs_core.client.environment import EnvironmentInfo
from acs_core.client.features.media_records import (
    IncomingAudioMediaStats,
    IncomingVideoMediaStats,
    MediaStatsReportSample,
)
from acs_core.client.features.media_stats import MediaStatsCallFeature
from acs_core.models import DeviceAccess

__all__ = [
    "AudioInCallDiagnostics",
    "CallDiagnostics",
    "DeviceAvailabilityGrade",
    "DeviceCompatibility",
    "DeviceEnumeration",
    "DeviceSupportGrade",
    "InCallDiagnostics",
    "PreCallDiagnosticsResult",
    "QualityGrade",
    "RunOptions",
    "VideoInCallDiagnostics",
    "compatibility_of",
    "grade_bandwidth",
    "grade_streams",
]

_JITTER_MS: Final = (30.0, 60.0)
_TRIP_MS: Final = (150.0, 400.0)
_LOSS: Final = (0.01, 0.05)
_BANDWIDTH_BPS: Final = (1_000_000, 300_000)


class QualityGrade(StrEnum):
    """How good something is."""

    GOOD = "Good"
    AVERAGE = "Average"
    BAD = "Bad"
    UNKNOWN = "Unknown"


class DeviceSupportGrade(StrEnum):
    """Whether the SDK is made for something."""

    SUPPORTED = "Supported"
    NOT_SUPPORTED = "NotSupported"
    UNKNOWN = "Unknown"


class DeviceAvailabilityGrade(StrEnum):
    """Whether a device was found."""

    AVAILABLE = "Available"
    NOT_AVAILABLE = "NotAvailable"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to test."""

    device_access: bool = True
    device_enumeration: bool = True
    in_call_diagnostics: bool = True
    browser_support: bool = True
    call_media_statistics: bool = True


@dataclass(frozen=True, slots=True)
class DeviceCompatibility:
    """Whether the SDK is made for this computer; `browser` is the Python interpreter."""

    browser: DeviceSupportGrade
    os: DeviceSupportGrade


@dataclass(frozen=True, slots=True)
class DeviceEnumeration:
    """Which devices were found, real or of the program."""

    microphone: DeviceAvailabilityGrade
    camera: DeviceAvailabilityGrade
    speaker: DeviceAvailabilityGrade


@dataclass(frozen=True, slots=True)
class AudioInCallDiagnostics:
    """How sound went in the test call."""

    jitter: QualityGrade
    packet_loss: QualityGrade
    rtt: QualityGrade


@dataclass(frozen=True, slots=True)
class VideoInCallDiagnostics:
    """How pictures went in the test call."""

    jitter: QualityGrade
    packet_loss: QualityGrade
    rtt: QualityGrade


@dataclass(frozen=True, slots=True)
class CallDiagnostics:
    """How the media of the test call went."""

    audio: AudioInCallDiagnostics
    video: VideoInCallDiagnostics


@dataclass(frozen=True, slots=True)
class InCallDiagnostics:
    """How the test call went.

    Attributes:
        connected: Always True: a call that cannot be connected is an error.
        band_width: Of the smaller direction.
        raised: Names of the user facing diagnostics of the network that were bad at the end (ours).
    """

    connected: bool
    diagnostics: CallDiagnostics
    band_width: QualityGrade
    raised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PreCallDiagnosticsResult:
    """The parts of a test; each is awaited by itself, and None when it was not asked for.

    Attributes:
        id: 32 hex digits.
        call_media_statistics: The statistics of the test call, once it is connected.
    """

    id: str
    device_access: Awaitable[DeviceAccess] | None = None
    device_enumeration: Awaitable[DeviceEnumeration] | None = None
    in_call_diagnostics: Awaitable[InCallDiagnostics] | None = None
    browser_support: Awaitable[DeviceCompatibility] | None = None
    call_media_statistics: Awaitable[MediaStatsCallFeature] | None = None


def compatibility_of(info: EnvironmentInfo) -> DeviceCompatibility:
    """What an environment means to an application."""

    def grade(is_supported: bool) -> DeviceSupportGrade:
        return DeviceSupportGrade.SUPPORTED if is_supported else DeviceSupportGrade.NOT_SUPPORTED

    return DeviceCompatibility(
        browser=grade(info.is_supported_browser_version), os=grade(info.is_supported_platform)
    )


def grade_streams(
    streams: Sequence[IncomingAudioMediaStats[float, str] | IncomingVideoMediaStats[float, str]],
) -> tuple[QualityGrade, QualityGrade, QualityGrade]:
    """Grade jitter, loss and round trip of one stream over some samples, oldest first."""
    if not streams:
        return QualityGrade.UNKNOWN, QualityGrade.UNKNOWN, QualityGrade.UNKNOWN
    packets, lost = streams[-1].packets or 0, max(0, streams[-1].packets_lost or 0)
    loss = lost / (packets + lost) if packets + lost > 0 else None
    return (
        _grade(_mean(item.jitter_in_ms for item in streams), _JITTER_MS),
        _grade(loss, _LOSS),
        _grade(_mean(item.rtt_in_ms for item in streams), _TRIP_MS),
    )


def grade_bandwidth(
    sent: Sequence[MediaStatsReportSample], received: Sequence[MediaStatsReportSample]
) -> QualityGrade:
    """Grade the newest estimates of both directions; the smaller one counts."""
    outgoing = [item.available_outgoing_bitrate for one in sent[-1:] for item in one.transports]
    incoming = [item.available_incoming_bitrate for one in received[-1:] for item in one.transports]
    known = [value for value in (*outgoing, *incoming) if value is not None]
    if not known:
        return QualityGrade.UNKNOWN
    good, average = _BANDWIDTH_BPS
    if min(known) >= good:
        return QualityGrade.GOOD
    return QualityGrade.AVERAGE if min(known) >= average else QualityGrade.BAD


def _grade(value: float | None, limits: tuple[float, float]) -> QualityGrade:
    if value is None:
        return QualityGrade.UNKNOWN
    good, average = limits
    if value <= good:
        return QualityGrade.GOOD
    return QualityGrade.AVERAGE if value <= average else QualityGrade.BAD


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
