"""What diagnostics are called, what raises them, and their latest values.

Each member of the enums says its cause. A diagnostic goes back to good (`DiagnosticQuality.GOOD` or
False) when the cause is gone.

Source: the user facing diagnostics of @azure/communication-calling 2.0.0; causes and limits are
ours, because they depend on the platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.events import DiagnosticsEvent
from acs_core.models import DiagnosticQuality

__all__ = [
    "DiagnosticChangedEventArgs",
    "DiagnosticValue",
    "DiagnosticValueType",
    "Diagnostics",
    "LatestDiagnosticValue",
    "LatestDiagnostics",
    "LatestMediaDiagnostics",
    "LatestNetworkDiagnostics",
    "MediaDiagnosticType",
    "MediaDiagnostics",
    "NetworkDiagnosticType",
    "NetworkDiagnostics",
    "ServerDiagnosticType",
    "value_type_of",
]

DiagnosticValue: TypeAlias = DiagnosticQuality | bool
"""A quality, or for a flag whether there is trouble."""


class DiagnosticValueType(StrEnum):
    """What kind of value a diagnostic has."""

    QUALITY = "DiagnosticQuality"
    FLAG = "DiagnosticFlag"


class NetworkDiagnosticType(StrEnum):
    """Diagnostics of the network."""

    NETWORK_RECONNECT = "networkReconnect"
    """The connection to the service: Bad while it is lost and being restored, Good again after."""
    NETWORK_RECEIVE_QUALITY = "networkReceiveQuality"
    """Loss of what we receive: Poor above 5 %, Bad above 15 %, for two looks."""
    NETWORK_SEND_QUALITY = "networkSendQuality"
    """Loss of what we send, as the service reports it; limits as for receiving."""
    NO_NETWORK = "noNetwork"
    """Signaling cannot reach the service."""
    NETWORK_RELAYS_NOT_REACHABLE = "networkRelaysNotReachable"
    """TURN servers were named, and none of them gave us an address."""


class MediaDiagnosticType(StrEnum):
    """Diagnostics of devices."""

    SPEAKING_WHILE_MICROPHONE_IS_MUTED = "speakingWhileMicrophoneIsMuted"
    """The muted microphone hears speech; told at most every 180 s."""
    NO_SPEAKER_DEVICES_ENUMERATED = "noSpeakerDevicesEnumerated"
    """The device manager found no speaker."""
    NO_MICROPHONE_DEVICES_ENUMERATED = "noMicrophoneDevicesEnumerated"
    """The device manager found no microphone, real or virtual."""
    CAMERA_FREEZE = "cameraFreeze"
    """The camera gives no pictures, for two looks."""
    CAMERA_START_FAILED = "cameraStartFailed"
    """The camera cannot be opened: it is busy, unplugged or of no use."""
    CAMERA_START_TIMED_OUT = "cameraStartTimedOut"
    """The camera did not open within `CallLimits.device_start` seconds."""
    CAPTURER_START_FAILED = "capturerStartFailed"
    """The screen cannot be captured."""
    MICROPHONE_NOT_FUNCTIONING = "microphoneNotFunctioning"
    """The microphone cannot be opened in time, or gives no sound for two looks."""
    MICROPHONE_MUTE_UNEXPECTEDLY = "microphoneMuteUnexpectedly"
    """The microphone failed in the call, so that nothing is heard of us."""
    CAMERA_STOPPED_UNEXPECTEDLY = "cameraStoppedUnexpectedly"
    """The camera failed in the call."""
    CAPTURER_STOPPED_UNEXPECTEDLY = "capturerStoppedUnexpectedly"
    """Capturing the screen failed in the call."""
    SCREENSHARE_RECORDING_DISABLED = "screenshareRecordingDisabled"
    """Capturing the screen is not permitted, by policy or by the system."""
    MICROPHONE_PERMISSION_DENIED = "microphonePermissionDenied"
    """The microphone must not be used, by policy or by the system."""
    CAMERA_PERMISSION_DENIED = "cameraPermissionDenied"
    """The camera must not be used, by policy or by the system."""
    MICROPHONE_NOT_MUTE_BUT_SILENT = "microphoneNotMuteButSilent"
    """The unmuted microphone gives nothing but digital silence for 5 s."""


class ServerDiagnosticType(StrEnum):
    """Diagnostics that the service makes of participants."""

    SERVER_CONNECTION = "serverConnection"
    """The service has lost a participant, and waits for them: Bad; Good when they are back."""


@dataclass(frozen=True, slots=True)
class LatestDiagnosticValue:
    """What a diagnostic said last."""

    value: DiagnosticValue
    value_type: DiagnosticValueType


@dataclass(frozen=True, slots=True)
class DiagnosticChangedEventArgs:
    """What a diagnostic says from now on.

    Attributes:
        diagnostic: Its name, as ACS spells it.
    """

    diagnostic: str
    value: DiagnosticValue
    value_type: DiagnosticValueType


def value_type_of(value: DiagnosticValue) -> DiagnosticValueType:
    """The kind of a value."""
    is_quality = isinstance(value, DiagnosticQuality)
    return DiagnosticValueType.QUALITY if is_quality else DiagnosticValueType.FLAG


class LatestDiagnostics(Mapping[str, LatestDiagnosticValue]):
    """Values that were judged so far, by name as ACS spells it; a live, read-only view."""

    def __init__(self, values: Mapping[str, LatestDiagnosticValue]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> LatestDiagnosticValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class LatestNetworkDiagnostics(LatestDiagnostics):
    """Latest values of `NetworkDiagnosticType`; None before the first look."""

    @property
    def network_reconnect(self) -> LatestDiagnosticValue | None:
        """The newest value of `NetworkDiagnosticType.NETWORK_RECONNECT`."""
        return self.get(NetworkDiagnosticType.NETWORK_RECONNECT)

    @property
    def network_receive_quality(self) -> LatestDiagnosticValue | None:
        """The newest value of `NetworkDiagnosticType.NETWORK_RECEIVE_QUALITY`."""
        return self.get(NetworkDiagnosticType.NETWORK_RECEIVE_QUALITY)

    @property
    def network_send_quality(self) -> LatestDiagnosticValue | None:
        """The newest value of `NetworkDiagnosticType.NETWORK_SEND_QUALITY`."""
        return self.get(NetworkDiagnosticType.NETWORK_SEND_QUALITY)

    @property
    def no_network(self) -> LatestDiagnosticValue | None:
        """The newest value of `NetworkDiagnosticType.NO_NETWORK`."""
        return self.get(NetworkDiagnosticType.NO_NETWORK)

    @property
    def network_relays_not_reachable(self) -> LatestDiagnosticValue | None:
        """The newest value of `NetworkDiagnosticType.NETWORK_RELAYS_NOT_REACHABLE`."""
        return self.get(NetworkDiagnosticType.NETWORK_RELAYS_NOT_REACHABLE)


class LatestMediaDiagnostics(LatestDiagnostics):
    """Latest values of `MediaDiagnosticType`; None before the first look."""

    @property
    def speaking_while_microphone_is_muted(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.SPEAKING_WHILE_MICROPHONE_IS_MUTED`."""
        return self.get(MediaDiagnosticType.SPEAKING_WHILE_MICROPHONE_IS_MUTED)

    @property
    def no_speaker_devices_enumerated(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.NO_SPEAKER_DEVICES_ENUMERATED`."""
        return self.get(MediaDiagnosticType.NO_SPEAKER_DEVICES_ENUMERATED)

    @property
    def no_microphone_devices_enumerated(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.NO_MICROPHONE_DEVICES_ENUMERATED`."""
        return self.get(MediaDiagnosticType.NO_MICROPHONE_DEVICES_ENUMERATED)

    @property
    def camera_freeze(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAMERA_FREEZE`."""
        return self.get(MediaDiagnosticType.CAMERA_FREEZE)

    @property
    def camera_start_failed(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAMERA_START_FAILED`."""
        return self.get(MediaDiagnosticType.CAMERA_START_FAILED)

    @property
    def camera_start_timed_out(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAMERA_START_TIMED_OUT`."""
        return self.get(MediaDiagnosticType.CAMERA_START_TIMED_OUT)

    @property
    def capturer_start_failed(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAPTURER_START_FAILED`."""
        return self.get(MediaDiagnosticType.CAPTURER_START_FAILED)

    @property
    def microphone_not_functioning(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.MICROPHONE_NOT_FUNCTIONING`."""
        return self.get(MediaDiagnosticType.MICROPHONE_NOT_FUNCTIONING)

    @property
    def microphone_mute_unexpectedly(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.MICROPHONE_MUTE_UNEXPECTEDLY`."""
        return self.get(MediaDiagnosticType.MICROPHONE_MUTE_UNEXPECTEDLY)

    @property
    def camera_stopped_unexpectedly(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAMERA_STOPPED_UNEXPECTEDLY`."""
        return self.get(MediaDiagnosticType.CAMERA_STOPPED_UNEXPECTEDLY)

    @property
    def capturer_stopped_unexpectedly(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAPTURER_STOPPED_UNEXPECTEDLY`."""
        return self.get(MediaDiagnosticType.CAPTURER_STOPPED_UNEXPECTEDLY)

    @property
    def screenshare_recording_disabled(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.SCREENSHARE_RECORDING_DISABLED`."""
        return self.get(MediaDiagnosticType.SCREENSHARE_RECORDING_DISABLED)

    @property
    def microphone_permission_denied(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.MICROPHONE_PERMISSION_DENIED`."""
        return self.get(MediaDiagnosticType.MICROPHONE_PERMISSION_DENIED)

    @property
    def camera_permission_denied(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.CAMERA_PERMISSION_DENIED`."""
        return self.get(MediaDiagnosticType.CAMERA_PERMISSION_DENIED)

    @property
    def microphone_not_mute_but_silent(self) -> LatestDiagnosticValue | None:
        """The newest value of `MediaDiagnosticType.MICROPHONE_NOT_MUTE_BUT_SILENT`."""
        return self.get(MediaDiagnosticType.MICROPHONE_NOT_MUTE_BUT_SILENT)


class Diagnostics(Emitter):
    """The latest values of some diagnostics."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DiagnosticsEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45401

    def __init__(self, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._latest: dict[str, LatestDiagnosticValue] = {}

    def take(self, diagnostic: str, value: DiagnosticValue) -> None:
        """Take a judgment; good news about what was never bad are no event."""
        value_type = value_type_of(value)
        before = self._latest.get(diagnostic)
        self._latest[diagnostic] = LatestDiagnosticValue(value, value_type)
        is_good = value is DiagnosticQuality.GOOD or value is False
        if (before is None and is_good) or (before is not None and before.value == value):
            return
        self._emit(
            DiagnosticsEvent.DIAGNOSTIC_CHANGED,
            DiagnosticChangedEventArgs(diagnostic, value, value_type),
        )


class NetworkDiagnostics(Diagnostics):
    """Diagnostics of the network."""

    def get_latest(self) -> LatestNetworkDiagnostics:
        """What is known; a live, read-only view."""
        return LatestNetworkDiagnostics(self._latest)


class MediaDiagnostics(Diagnostics):
    """Diagnostics of devices."""

    def get_latest(self) -> LatestMediaDiagnostics:
        """What is known; a live, read-only view."""
        return LatestMediaDiagnostics(self._latest)
