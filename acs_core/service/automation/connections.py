"""The ends that programs have of calls, and what they are told of them.

Theory of operation. A *connection* is a program's hold on one call. A program that calls people, or
answers for somebody, is in the call as an endpoint without media: people see it, and a call between
it and one other ends when either goes. A program that connects to a call that goes on is not in it:
nobody sees it. A connection is *connecting* until somebody answers, then connected; its program is
told so, then of every change of who is there, and at last that it is disconnected; after that
nothing is known of it.

Source: ACS, "Call Automation overview", "How to control and steer calls with Call Automation".
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    AttributesChanged,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.service.automation.bodies import TranscriptionOptions, identifier_json
from acs_core.service.automation.events import SUCCESS, EventOutlet, result_of
from acs_core.service.automation.refusals import not_found
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.server_call import ServerCall
from acs_core.service.timers import CallLater, Timer, call_later

__all__ = [
    "AppEnd",
    "CallConnectionState",
    "Connection",
    "Connections",
    "Origin",
    "participant_json",
    "participants_json",
]

_SEEN: Final = (
    EndpointJoined,
    EndpointLeft,
    AttributesChanged,
    PublicationAdded,
    PublicationChanged,
    PublicationRemoved,
)
"""Facts after which the list of participants may be another one."""


class CallConnectionState(StrEnum):
    """How far a connection is, in ACS's words."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    TRANSFERRING = "transferring"
    TRANSFER_ACCEPTED = "transferAccepted"
    DISCONNECTED = "disconnected"


class Origin(StrEnum):
    """How a program came by a connection; the value names the event of a failure."""

    CREATED = "CreateCallFailed"
    ANSWERED = "AnswerFailed"
    CONNECTED = "ConnectFailed"


@dataclass(slots=True, eq=False)
class Connection:
    """A program's hold on a call.

    Attributes:
        id: 32 hex digits.
        source: Raw id of the program, or of who it answers for.
        source_name: As people in the call see it.
        caller_id: Telephone number that telephones see; empty for none.
        targets: Raw ids of whom it called.
        operation_context: What it wants to be reminded of in the first event; None for nothing.
        endpoint: In the call; None where it only connected to it.
        transcription: What the program wants of the transcription; None for nothing.
        told: The participants that it was told of last.
        sequence: Of that.
    """

    call: ServerCall
    origin: Origin
    callback_uri: str
    source: str
    source_name: str = ""
    caller_id: str = ""
    targets: tuple[str, ...] = ()
    answered_by: str = ""
    operation_context: str | None = None
    endpoint: Endpoint | None = None
    transcription: TranscriptionOptions | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: CallConnectionState = CallConnectionState.CONNECTING
    told: list[dict[str, object]] = field(default_factory=list)
    sequence: int = 0
    timer: Timer | None = None

    @property
    def is_established(self) -> bool:
        """Whether somebody has answered, and nobody hung up."""
        return self.state not in (
            CallConnectionState.CONNECTING,
            CallConnectionState.DISCONNECTED,
        )

    def as_json(self) -> dict[str, object]:
        """As the REST interface shows it."""
        shown: dict[str, object] = {
            "callConnectionId": self.id,
            "serverCallId": self.call.id,
            "correlationId": correlation_of(self.call),
            "callConnectionState": self.state,
            "callbackUri": self.callback_uri,
            "source": identifier_json(self.source),
            "targets": [identifier_json(target) for target in self.targets],
        }
        if self.source_name:
            shown["sourceDisplayName"] = self.source_name
        if self.caller_id:
            shown["sourceCallerIdNumber"] = {"value": self.caller_id}
        if self.transcription is not None:
            is_active = self.call.roster.activity.is_transcribing
            shown["transcriptionSubscription"] = {
                "id": self.id,
                "state": "active" if is_active else "inactive",
                "locale": self.transcription.locale,
                "subscribedResultTypes": ["final"],
            }
        if self.answered_by:
            shown["answeredBy"] = {"id": self.answered_by}
        return shown


class AppEnd(EndpointObserver):
    """What a program's endpoint hears; give it its connection before it joins."""

    def __init__(self, connections: Connections) -> None:
        self.connection: Connection | None = None
        self._connections = connections

    def on_notice(self, notice: wire.Notice) -> None:
        """Pass on how a transfer goes; the rest is for people."""
        if self.connection is not None and isinstance(notice, wire.TransferChanged):
            self._connections.on_transfer(self.connection, notice)

    def on_ended(self, reason: EndReason) -> None:
        """The program is out of the call."""
        if self.connection is not None:
            self._connections.ended(self.connection, reason)


class Connections:
    """Every connection, and what its program is told.

    Attributes:
        on_transfer: Hears of the transfers of programs' endpoints.
        on_connected: Hears of connections that are connected, after their programs.
        on_ended: Hears of connections that are over.

    Args:
        outlet: Tells programs.
        later: The event loop's timers.
    """

    def __init__(self, outlet: EventOutlet, later: CallLater = call_later) -> None:
        self.on_transfer: Callable[[Connection, wire.TransferChanged], None] = lambda *_: None
        self.on_connected: Callable[[Connection], None] = lambda _: None
        self.on_ended: Callable[[Connection], None] = lambda _: None
        self._outlet = outlet
        self._later = later
        self._live: dict[str, Connection] = {}
        # Of each call, by its id: facts come often, and most calls have no program.
        self._in_call: dict[str, list[Connection]] = {}
        self._last_reason: dict[str, EndReason] = {}

    def find(self, connection_id: str) -> Connection:
        """A connection that is not over.

        Raises:
            ServiceError: 404/8522.
        """
        connection = self._live.get(connection_id)
        if connection is None:
            raise not_found("There is no such call connection, or the call has ended.")
        return connection

    def is_live(self, connection: Connection) -> bool:
        """Whether it is not over."""
        return connection.id in self._live

    def add(self, connection: Connection) -> None:
        """Know a connection; it is connected where somebody is there to talk to already."""
        self._live[connection.id] = connection
        self._in_call.setdefault(connection.call.id, []).append(connection)
        if connection.origin is not Origin.CREATED:
            self._connected(connection)

    def end(self, connection: Connection) -> None:
        """Take a program out of its call, as it wants."""
        if connection.endpoint is not None:
            connection.endpoint.leave()
        self.ended(connection, endings.HUNG_UP)

    def ended(self, connection: Connection, reason: EndReason) -> None:
        """A program is out of its call; does nothing when that is known."""
        if self._live.pop(connection.id, None) is None:
            return
        others = self._in_call[connection.call.id]
        others.remove(connection)
        if not others:
            del self._in_call[connection.call.id]
        _stop_timer(connection)
        self.on_ended(connection)
        result = result_of(reason)
        context = connection.operation_context
        if connection.state is CallConnectionState.CONNECTING:
            failed = connection.origin.value
            self.tell(connection, failed, operationContext=context, resultInformation=result)
        connection.state = CallConnectionState.DISCONNECTED
        self.tell(
            connection, "CallDisconnected", operationContext=context, resultInformation=result
        )

    def tell(
        self, connection: Connection, kind: str, *, url: str | None = None, **data: object
    ) -> None:
        """Tell a program something about its call.

        Args:
            connection: Whose.
            kind: As ``PlayCompleted``.
            url: Where to, in place of the usual callback.
            **data: Fields of the event besides those of the call.
        """
        self._outlet.send(
            url or connection.callback_uri,
            connection.call.id,
            f"calling/callConnections/{connection.id}",
            kind,
            callConnectionId=connection.id,
            serverCallId=connection.call.id,
            correlationId=correlation_of(connection.call),
            **data,
        )

    # ------------------------------------------------------------ what calls say

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Look whether that is news for somebody."""
        if isinstance(fact, EndpointLeft):
            self._last_reason[call.id] = fact.reason
        if not isinstance(fact, _SEEN):
            return
        for connection in tuple(self._in_call.get(call.id, ())):
            if isinstance(fact, EndpointJoined):
                own = connection.endpoint
                is_other = own is None or fact.endpoint.id != own.id
                if is_other and connection.state is CallConnectionState.CONNECTING:
                    self._connected(connection)
            self._look_soon(connection)

    def call_ended(self, call: ServerCall) -> None:
        """Nobody has a hold on this call any more."""
        reason = self._last_reason.pop(call.id, endings.ENDED_FOR_EVERYONE)
        for connection in tuple(self._in_call.get(call.id, ())):
            self.ended(connection, reason)

    def close(self) -> None:
        """Forget everything: the service stops."""
        for connection in self._live.values():
            _stop_timer(connection)
        self._live.clear()
        self._in_call.clear()

    def _connected(self, connection: Connection) -> None:
        connection.state = CallConnectionState.CONNECTED
        self.tell(
            connection,
            "CallConnected",
            operationContext=connection.operation_context,
            resultInformation=SUCCESS,
        )
        self.on_connected(connection)
        self._look_soon(connection)

    def _look_soon(self, connection: Connection) -> None:
        """Compare the participants, once after all that happens now."""
        if connection.timer is None and connection.is_established:
            connection.timer = self._later(0.0, partial(self._look, connection))

    def _look(self, connection: Connection) -> None:
        connection.timer = None
        present = participants_json(connection.call)
        if present != connection.told:
            connection.told = present
            connection.sequence += 1
            self.tell(
                connection,
                "ParticipantsUpdated",
                sequenceNumber=connection.sequence,
                participants=present,
                resultInformation=SUCCESS,
            )


def correlation_of(call: ServerCall) -> str:
    """The GUID by which events of one call are known to belong together."""
    return str(uuid.UUID(call.id))


def participants_json(call: ServerCall) -> list[dict[str, object]]:
    """Everybody in a call as ACS writes them, in order of arrival; each user once."""
    by_user: dict[str, list[Endpoint]] = {}
    for endpoint in call.endpoints.values():
        by_user.setdefault(endpoint.principal.raw_id, []).append(endpoint)
    return [participant_json(raw_id, endpoints) for raw_id, endpoints in by_user.items()]


def participant_json(raw_id: str, endpoints: Iterable[Endpoint]) -> dict[str, object]:
    """Somebody with these endpoints in a call; with none, somebody on the way there.

    Muted is who sends no sound, on hold who holds the call with every client.
    """
    present = list(endpoints)
    sounds = [
        publication.info
        for endpoint in present
        for publication in endpoint.publications.values()
        if publication.info.kind is PublicationKind.AUDIO
    ]
    return {
        "identifier": identifier_json(raw_id),
        "isMuted": bool(present) and not any(info.enabled for info in sounds),
        "isOnHold": bool(present) and all(item.attributes.is_on_hold for item in present),
    }


def _stop_timer(connection: Connection) -> None:
    if connection.timer is not None:
        connection.timer.cancel()
        connection.timer = None
