"""Diagnostics of the others: who has trouble, and telling them of ours.

Theory of operation. A client that wants it tells its own changes to the service, which passes them
on to everybody else in the call; at each look at statistics all that changed meanwhile goes as one
message, three times a minute at most, and not in large calls. What the others told is kept until
they leave. That the service has lost somebody is known from the roster.

Source: `RemoteDiagnostics` of @azure/communication-calling 2.0.0 and its documented limits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from acs_core import wire
from acs_core.client.emitter import Emitter
from acs_core.client.features.base import CallContext, News, Noticed, RosterChanged, Sampled
from acs_core.client.features.diagnostic_values import (
    DiagnosticChangedEventArgs,
    DiagnosticValue,
    DiagnosticValueType,
    MediaDiagnostics,
    MediaDiagnosticType,
    NetworkDiagnostics,
    NetworkDiagnosticType,
    ServerDiagnosticType,
    value_type_of,
)
from acs_core.client.ports import RosterChange
from acs_core.core.facts import ConnectionState, EndpointChanged, EndpointInfo, EndpointLeft
from acs_core.events import DiagnosticsEvent
from acs_core.models import DiagnosticQuality

if TYPE_CHECKING:
    from acs_core.client.participants import RemoteParticipant

__all__ = ["RemoteDiagnostic", "RemoteDiagnostics", "RemoteParticipantDiagnosticsData"]

MESSAGES_PER_MINUTE: Final = 3
LARGEST_CALL: Final = 20
_QUALITIES: Final = frozenset(
    {
        NetworkDiagnosticType.NETWORK_RECONNECT,
        NetworkDiagnosticType.NETWORK_RECEIVE_QUALITY,
        NetworkDiagnosticType.NETWORK_SEND_QUALITY,
    }
)
_NAMES: Final = frozenset(NetworkDiagnosticType) | frozenset(MediaDiagnosticType)


@dataclass(frozen=True, slots=True)
class RemoteDiagnostic:
    """What a diagnostic of somebody else says.

    Attributes:
        participant_id: Their endpoint.
        raw_id: Who they are.
        remote_participant: The same as an object; None when they have just left.
        diagnostic: A `NetworkDiagnosticType`, `MediaDiagnosticType` or `ServerDiagnosticType`.
    """

    participant_id: str
    raw_id: str
    diagnostic: str
    value: DiagnosticValue
    value_type: DiagnosticValueType
    remote_participant: RemoteParticipant | None = None


@dataclass(frozen=True, slots=True)
class RemoteParticipantDiagnosticsData:
    """Diagnostics of some participants."""

    diagnostics: tuple[RemoteDiagnostic, ...]


class RemoteDiagnostics(Emitter):
    """Diagnostics of the others in a call."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DiagnosticsEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45401

    def __init__(
        self, context: CallContext, network: NetworkDiagnostics, media: MediaDiagnostics
    ) -> None:
        super().__init__(context.listeners)
        self._context = context
        self._own = (network, media)
        self._is_sending = False
        self._pending: dict[str, DiagnosticValue] = {}
        self._sent: deque[float] = deque(maxlen=MESSAGES_PER_MINUTE)
        self._latest: dict[tuple[str, str], RemoteDiagnostic] = {}

    @property
    def is_sending_diagnostics_enabled(self) -> bool:
        """Whether the others are told of ours; False at first."""
        return self._is_sending

    def start_sending_diagnostics(self) -> None:
        """Tell the others of our diagnostics, first of those that are bad now."""
        if self._is_sending:
            return
        self._is_sending = True
        for own in self._own:
            for name, latest in own.get_latest().items():
                if latest.value is not False and latest.value is not DiagnosticQuality.GOOD:
                    self._pending[name] = latest.value
            own.on(DiagnosticsEvent.DIAGNOSTIC_CHANGED, self._changed)

    def stop_sending_diagnostics(self) -> None:
        """Tell the others nothing more."""
        self._is_sending = False
        self._pending.clear()
        for own in self._own:
            own.off(DiagnosticsEvent.DIAGNOSTIC_CHANGED, self._changed)

    def get_latest(self) -> RemoteParticipantDiagnosticsData:
        """What those told who are in the call; only what ever was bad."""
        return RemoteParticipantDiagnosticsData(tuple(self._latest.values()))

    def handle(self, news: News) -> None:
        """Take news; the feature passes them on."""
        match news:
            case Sampled(now=now):
                self._send(now)
            case Noticed(notice=wire.DiagnosticsReported(sender=sender, reports=reports)):
                endpoint = self._context.joined_session().roster.endpoints.get(sender)
                values = {item.diagnostic: _value(item) for item in reports}
                known = {name: value for name, value in values.items() if value is not None}
                if endpoint is not None:
                    self._take(endpoint, known)
            case RosterChanged(changes=changes):
                for change in changes:
                    self._follow(change)
            case _:
                pass

    # ------------------------------------------------------------ inside

    def _changed(self, change: DiagnosticChangedEventArgs) -> None:
        self._pending[change.diagnostic] = change.value

    def _send(self, now: float) -> None:
        session = self._context.joined_session()
        is_free = len(self._sent) < MESSAGES_PER_MINUTE or now - self._sent[0] >= 60.0
        if not self._pending or not is_free or len(session.roster.endpoints) > LARGEST_CALL:
            return
        self._sent.append(now)
        pending, self._pending = self._pending, {}
        reports = tuple(
            wire.DiagnosticReport(
                diagnostic=str(name), value=value if isinstance(value, bool) else int(value)
            )
            for name, value in pending.items()
        )
        request = wire.ReportDiagnostics(endpoint=self._context.endpoint_id, reports=reports)
        self._context.work.spawn(session.ask(request), "report diagnostics")

    def _follow(self, change: RosterChange) -> None:
        endpoint = change.endpoint
        if endpoint is None or endpoint.id == self._context.endpoint_id:
            return
        if isinstance(change.fact, EndpointLeft):
            gone = [key for key in self._latest if key[0] == endpoint.id]
            for key in gone:
                del self._latest[key]
        elif isinstance(change.fact, EndpointChanged):
            is_lost = endpoint.state is ConnectionState.RECONNECTING
            value = DiagnosticQuality.BAD if is_lost else DiagnosticQuality.GOOD
            self._take(endpoint, {ServerDiagnosticType.SERVER_CONNECTION: value})

    def _take(self, endpoint: EndpointInfo, values: dict[str, DiagnosticValue]) -> None:
        changed = []
        for name, value in values.items():
            before = self._latest.get((endpoint.id, name))
            is_good = value is False or value is DiagnosticQuality.GOOD
            if (before is None and is_good) or (before is not None and before.value == value):
                continue
            diagnostic = RemoteDiagnostic(
                participant_id=endpoint.id,
                raw_id=endpoint.identity,
                diagnostic=name,
                value=value,
                value_type=value_type_of(value),
                remote_participant=self._context.participant_of(endpoint.id),
            )
            self._latest[endpoint.id, name] = diagnostic
            changed.append(diagnostic)
        if changed:
            self._emit(
                DiagnosticsEvent.DIAGNOSTIC_CHANGED,
                RemoteParticipantDiagnosticsData(tuple(changed)),
            )


def _value(report: wire.DiagnosticReport) -> DiagnosticValue | None:
    """Read what somebody else's client says; None for what makes no sense here."""
    value = report.value
    if report.diagnostic not in _NAMES:
        return None
    if report.diagnostic not in _QUALITIES:
        return value if isinstance(value, bool) else None
    is_quality = not isinstance(value, bool) and value in list(DiagnosticQuality)
    return DiagnosticQuality(value) if is_quality else None
