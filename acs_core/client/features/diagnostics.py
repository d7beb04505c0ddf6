"""`Features.USER_FACING_DIAGNOSTICS`: what a user should be told about network and devices.

Theory of operation. The call's news say what is lost, what could not be opened and when to look at
statistics; pure functions judge the statistics. A judgment must hold for two looks before it is
told, so one bad second is no news. Diagnostics appear in `get_latest` once they were judged.

Source: the user facing diagnostics of @azure/communication-calling 2.0.0; the thresholds are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final

from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    LinkLost,
    LinkRestored,
    News,
    Observed,
    Sampled,
)
from acs_core.client.features.diagnostic_values import (
    DiagnosticValue,
    MediaDiagnostics,
    MediaDiagnosticType,
    NetworkDiagnostics,
    NetworkDiagnosticType,
)
from acs_core.client.features.remote_diagnostics import RemoteDiagnostics
from acs_core.client.ports import Session, SessionStats
from acs_core.core.facts import PublicationKind
from acs_core.errors import Stage
from acs_core.media.stats import ReceiverStats, SenderStats
from acs_core.models import DiagnosticQuality

__all__ = ["SilenceWatch", "SpeechThrottle", "UserFacingDiagnosticsFeature", "judge_loss"]

_POOR_LOSS: Final = 0.05
_BAD_LOSS: Final = 0.15
_ENOUGH_PACKETS: Final = 10
_SPEECH_LEVEL: Final = 45
"""RFC 6464: louder than -45 dBov is taken for speech."""
_SILENT_LEVEL: Final = 127
"""RFC 6464: digital silence, which no working microphone gives."""
SPEAKING_INTERVAL: Final = 180.0
SILENCE_WINDOW: Final = 5.0


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


class SpeechThrottle:
    """Tells of speech into a muted microphone now and then, not all the time.

    Attributes:
        interval: Seconds from one telling to the next.

    Source: `speakingWhileMutedThrottleMs` of @azure/communication-calling 2.0.0 is 180 000.
    """

    def __init__(self, interval: float = SPEAKING_INTERVAL) -> None:
        self.interval = interval
        self._told: float | None = None
        self._is_on = False

    def see(self, speaks: bool, now: float) -> bool:
        """Take what is true at `now`; return what to tell of it."""
        if not speaks:
            self._is_on = False
        elif not self._is_on and (self._told is None or now - self._told >= self.interval):
            self._is_on = True
            self._told = now
        return self._is_on


class SilenceWatch:
    """Tells a microphone that is dead from one into which nobody speaks.

    Attributes:
        window: Seconds of digital silence that make it dead.
    """

    def __init__(self, window: float = SILENCE_WINDOW) -> None:
        self.window = window
        self._since: float | None = None

    def see(self, is_silent: bool, now: float) -> bool:
        """Take what is true at `now`; return whether it was for long."""
        if not is_silent:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= self.window


class UserFacingDiagnosticsFeature(CallFeature):
    """Diagnostics of a call, for its user.

    Attributes:
        speech: How often speech into a muted microphone is told (ours).
        silence: How long an unmuted microphone may be silent (ours).
    """

    NAME: ClassVar[str] = "UserFacingDiagnostics"

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self.speech = SpeechThrottle()
        self.silence = SilenceWatch()
        self._network = NetworkDiagnostics(context.listeners)
        self._media = MediaDiagnostics(context.listeners)
        self._remote = RemoteDiagnostics(context, self._network, self._media)
        self._confirmed = _Confirmed()
        self._received = (0, 0)
        self._senders: dict[str, SenderStats] = {}

    @property
    def network(self) -> NetworkDiagnostics:
        """The diagnostics of `NetworkDiagnosticType`."""
        return self._network

    @property
    def media(self) -> MediaDiagnostics:
        """The diagnostics of `MediaDiagnosticType`."""
        return self._media

    @property
    def remote(self) -> RemoteDiagnostics:
        """Diagnostics of the others, and whether they are told of ours."""
        return self._remote

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        self._judge(news)
        self._remote.handle(news)

    def _judge(self, news: News) -> None:
        match news:
            case LinkLost(error=error):
                self._network.take(NetworkDiagnosticType.NETWORK_RECONNECT, DiagnosticQuality.BAD)
                self._network.take(NetworkDiagnosticType.NO_NETWORK, error.stage is Stage.SIGNALING)
            case LinkRestored():
                self._network.take(NetworkDiagnosticType.NETWORK_RECONNECT, DiagnosticQuality.GOOD)
                self._network.take(NetworkDiagnosticType.NO_NETWORK, False)
            case Observed(diagnostic=diagnostic, value=value):
                self._media.take(diagnostic, value)
            case Sampled(now=now):
                self._look(self._context.joined_session(), now)
            case _:
                pass

    def _look(self, session: Session, now: float) -> None:
        stats = session.stats()
        if stats.subscribe is not None:
            self._judge_receiving(list(stats.subscribe.receivers.values()))
        self._judge_relays(stats)
        senders = {} if stats.publish is None else dict(stats.publish.senders)
        self._judge_sending(senders)
        kinds = {stream.key: stream.kind for stream in session.streams.values()}
        self._judge_cameras(
            item
            for key, item in senders.items()
            if item.kind == "video" and kinds.get(key) is not PublicationKind.SCREEN
        )
        self._judge_microphones([item for item in senders.values() if item.kind == "audio"], now)
        self._senders = senders

    def _judge_relays(self, stats: SessionStats) -> None:
        peers = [peer for peer in (stats.publish, stats.subscribe) if peer is not None]
        if peers:
            self._network.take(
                NetworkDiagnosticType.NETWORK_RELAYS_NOT_REACHABLE,
                any(peer.has_relay_failed for peer in peers),
            )

    def _judge_receiving(self, receivers: list[ReceiverStats]) -> None:
        lost = sum(item.packets_lost for item in receivers)
        arrived = sum(item.packets_received for item in receivers)
        old_lost, old_arrived = self._received
        self._received = lost, arrived
        # A stream that ended takes its counts along: the sum falls, and this interval says nothing.
        if arrived >= old_arrived:
            self._tell_quality(
                NetworkDiagnosticType.NETWORK_RECEIVE_QUALITY,
                judge_loss(lost - old_lost, arrived - old_arrived),
            )

    def _judge_sending(self, senders: Mapping[str, SenderStats]) -> None:
        sent = lost = 0.0
        for key, sender in senders.items():
            before = self._senders.get(key)
            packets = sender.packets_sent - (before.packets_sent if before else 0)
            sent += packets
            lost += packets * sender.fraction_lost
        self._tell_quality(
            NetworkDiagnosticType.NETWORK_SEND_QUALITY, judge_loss(round(lost), round(sent - lost))
        )

    def _judge_cameras(self, cameras: Iterable[SenderStats]) -> None:
        stands = any(item.is_enabled and item.input_frames_per_second == 0 for item in cameras)
        self._tell_flag(MediaDiagnosticType.CAMERA_FREEZE, stands)

    def _judge_microphones(self, microphones: Sequence[SenderStats], now: float) -> None:
        open_ = [item for item in microphones if item.is_enabled]
        muted = [item for item in microphones if not item.is_enabled]
        if microphones or any(item.kind == "audio" for item in self._senders.values()):
            # Without one it is not judged: that it could not be opened is told by the call.
            self._tell_flag(
                MediaDiagnosticType.MICROPHONE_NOT_FUNCTIONING,
                any(item.input_frames_per_second == 0 for item in open_),
            )
        speaks = any(_is_speech(item.audio_level) for item in muted)
        self._media.take(
            MediaDiagnosticType.SPEAKING_WHILE_MICROPHONE_IS_MUTED,
            self.speech.see(speaks, now),
        )
        is_silent = bool(open_) and all(item.audio_level == _SILENT_LEVEL for item in open_)
        self._media.take(
            MediaDiagnosticType.MICROPHONE_NOT_MUTE_BUT_SILENT,
            self.silence.see(is_silent, now),
        )

    def _tell_quality(self, diagnostic: str, value: DiagnosticQuality | None) -> None:
        if value is not None and self._confirmed.see(diagnostic, value):
            self._network.take(diagnostic, value)

    def _tell_flag(self, diagnostic: str, value: bool) -> None:
        if self._confirmed.see(diagnostic, value):
            self._media.take(diagnostic, value)


def _is_speech(level: int | None) -> bool:
    return level is not None and level < _SPEECH_LEVEL
