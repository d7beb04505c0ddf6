"""`Features.USER_FACING_DIAGNOSTICS`: what a user should be told about network and devices.

Theory of operation. The call's news say what is lost, what could not be opened and when to look at
statistics; pure functions judge the statistics. A judgment must hold for two looks before it is
told, so one bad second is no news. Diagnostics appear in `get_latest` once they were judged.

Source: the user facing diagnostics of @azure/communication-calling 2.0.0; the thresholds are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    LinkLost,
    LinkRestored,
    News,
    Observed,
    Sampled,
)
from acs_core.client.ports import SessionStats
from acs_core.errors import Stage
from acs_core.events import DiagnosticsEvent
from acs_core.media.stats import ReceiverStats, SenderStats
from acs_core.models import DiagnosticQuality

__all__ = [
    "MEDIA_DIAGNOSTICS",
    "NETWORK_DIAGNOSTICS",
    "DiagnosticChange",
    "Diagnostics",
    "LatestDiagnosticValue",
    "MediaDiagnostics",
    "NetworkDiagnostics",
    "UserFacingDiagnosticsFeature",
    "judge_loss",
]

DiagnosticValue: TypeAlias = DiagnosticQuality | bool

NETWORK_DIAGNOSTICS: Final = frozenset(
    {"networkReconnect", "networkReceiveQuality", "networkSendQuality", "noNetwork"}
)
MEDIA_DIAGNOSTICS: Final = frozenset(
    {
        "speakingWhileMicrophoneIsMuted",
        "cameraStartFailed",
        "cameraFreeze",
        "capturerStartFailed",
        "microphoneNotFunctioning",
        "noSpeakerDevicesEnumerated",
        "noMicrophoneDevicesEnumerated",
    }
)
_POOR_LOSS: Final = 0.05
_BAD_LOSS: Final = 0.15
_ENOUGH_PACKETS: Final = 10
_SPEECH_LEVEL: Final = 45
"""RFC 6464: louder than -45 dBov is taken for speech."""


@dataclass(frozen=True, slots=True)
class LatestDiagnosticValue:
    """What a diagnostic said last."""

    value: DiagnosticValue
    value_type: str


@dataclass(frozen=True, slots=True)
class DiagnosticChange:
    """What a diagnostic says from now on.

    Attributes:
        diagnostic: Its name, as ACS spells it.
        value_type: "DiagnosticQuality" or "DiagnosticFlag".
    """

    diagnostic: str
    value: DiagnosticValue
    value_type: str


class Diagnostics(Emitter):
    """The latest values of some diagnostics."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DiagnosticsEvent)

    def __init__(self, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._latest: dict[str, LatestDiagnosticValue] = {}

    def get_latest(self) -> Mapping[str, LatestDiagnosticValue]:
        """What is known, by name; a live, read-only view."""
        return MappingProxyType(self._latest)

    def take(self, diagnostic: str, value: DiagnosticValue) -> None:
        """Take a judgment; good news about what was never bad are no event."""
        value_type = "DiagnosticQuality"
        if not isinstance(value, DiagnosticQuality):
            value_type = "DiagnosticFlag"
        before = self._latest.get(diagnostic)
        self._latest[diagnostic] = LatestDiagnosticValue(value, value_type)
        is_good = value is DiagnosticQuality.GOOD or value is False
        if (before is None and is_good) or (before is not None and before.value == value):
            return
        self._emit(
            DiagnosticsEvent.DIAGNOSTIC_CHANGED, DiagnosticChange(diagnostic, value, value_type)
        )


class NetworkDiagnostics(Diagnostics):
    """Diagnostics of the network."""


class MediaDiagnostics(Diagnostics):
    """Diagnostics of devices."""


def judge_loss(lost: int, arrived: int) -> DiagnosticQuality | None:
    """What losing packets means to a listener or viewer; None when too few were sent.

    Args:
        lost: Packets of an interval that did not arrive.
        arrived: Packets of the same interval that did.
    """
    if lost + arrived < _ENOUGH_PACKETS:
        return None
    fraction = max(0, lost) / (lost + arrived)
    if fraction > _BAD_LOSS:
        return DiagnosticQuality.BAD
    return DiagnosticQuality.POOR if fraction > _POOR_LOSS else DiagnosticQuality.GOOD


class _Confirmed:
    """Lets a value through when it was seen twice in a row."""

    def __init__(self) -> None:
        self._candidates: dict[str, DiagnosticValue] = {}

    def see(self, diagnostic: str, value: DiagnosticValue) -> bool:
        before = self._candidates.get(diagnostic)
        self._candidates[diagnostic] = value
        return before == value


class UserFacingDiagnosticsFeature(CallFeature):
    """Diagnostics of a call, for its user."""

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._network = NetworkDiagnostics(context.listeners)
        self._media = MediaDiagnostics(context.listeners)
        self._confirmed = _Confirmed()
        self._received = (0, 0)
        self._senders: dict[str, SenderStats] = {}

    @property
    def network(self) -> NetworkDiagnostics:
        """networkReconnect, noNetwork, networkReceiveQuality, networkSendQuality."""
        return self._network

    @property
    def media(self) -> MediaDiagnostics:
        """Camera, microphone and speaker."""
        return self._media

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case LinkLost(error=error):
                self._network.take("networkReconnect", DiagnosticQuality.BAD)
                self._network.take("noNetwork", error.stage is Stage.SIGNALING)
            case LinkRestored():
                self._network.take("networkReconnect", DiagnosticQuality.GOOD)
                self._network.take("noNetwork", False)
            case Observed(diagnostic=diagnostic, value=value):
                self._media.take(diagnostic, value)
            case Sampled():
                self._look(self._context.joined_session().stats())
            case _:
                pass

    def _look(self, stats: SessionStats) -> None:
        if stats.subscribe is not None:
            self._judge_receiving(list(stats.subscribe.receivers.values()))
        senders = {} if stats.publish is None else dict(stats.publish.senders)
        self._judge_sending(senders)
        for key, sender in senders.items():
            before = self._senders.get(key)
            if before is not None:
                self._judge_device(before, sender)
        self._senders = senders

    def _judge_receiving(self, receivers: list[ReceiverStats]) -> None:
        lost = sum(item.packets_lost for item in receivers)
        arrived = sum(item.packets_received for item in receivers)
        old_lost, old_arrived = self._received
        self._received = lost, arrived
        # A stream that ended takes its counts along: the sum falls, and this interval says nothing.
        if arrived >= old_arrived:
            self._tell_quality(
                "networkReceiveQuality", judge_loss(lost - old_lost, arrived - old_arrived)
            )

    def _judge_sending(self, senders: Mapping[str, SenderStats]) -> None:
        sent = lost = 0.0
        for key, sender in senders.items():
            before = self._senders.get(key)
            packets = sender.packets_sent - (before.packets_sent if before else 0)
            sent += packets
            lost += packets * sender.fraction_lost
        self._tell_quality("networkSendQuality", judge_loss(round(lost), round(sent - lost)))

    def _judge_device(self, before: SenderStats, sender: SenderStats) -> None:
        both_enabled = before.is_enabled and sender.is_enabled
        stands = both_enabled and sender.frames_encoded == before.frames_encoded
        if sender.kind == "video":
            self._tell_flag("cameraFreeze", stands)
            return
        self._tell_flag("microphoneNotFunctioning", stands)
        level = sender.audio_level
        speaks = level is not None and level < _SPEECH_LEVEL
        self._tell_flag("speakingWhileMicrophoneIsMuted", speaks and not sender.is_enabled)

    def _tell_quality(self, diagnostic: str, value: DiagnosticQuality | None) -> None:
        if value is not None and self._confirmed.see(diagnostic, value):
            self._network.take(diagnostic, value)

    def _tell_flag(self, diagnostic: str, value: bool) -> None:
        if self._confirmed.see(diagnostic, value):
            self._media.take(diagnostic, value)
