"""`Call.lobby`: who waits to be let into a meeting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from acs_core import wire
from acs_core.client.emitter import Emitter
from acs_core.client.features.base import CallContext, Joined, News, Over, RosterChanged
from acs_core.client.participants import RemoteParticipant
from acs_core.core.facts import PendingState
from acs_core.events import CollectionUpdate, LobbyEvent
from acs_core.identifiers import CommunicationIdentifier, identifier_from, raw_id

__all__ = [
    "AdmitAllOperationResult",
    "AdmitLobbyParticipantOptions",
    "Lobby",
    "RejectLobbyParticipantOptions",
]


@dataclass(frozen=True, slots=True)
class AdmitAllOperationResult:
    """How many were let in, and how many could not be."""

    success_count: int
    failure_count: int


@dataclass(frozen=True, slots=True)
class AdmitLobbyParticipantOptions:
    """Options of letting somebody in; ACS defines none."""


@dataclass(frozen=True, slots=True)
class RejectLobbyParticipantOptions:
    """Options of turning somebody away; ACS defines none."""


class Lobby(Emitter):
    """The lobby of a call, empty in calls without one.

    The methods raise:

    * InvalidStateError: The call is not connected.
    * InvalidArgumentError: 400/41803: the participant is in the call already; 400/41804: they are
      not in the lobby.
    * ServiceError: 400/41802: the call has no lobby; 403/41805: our role does not allow it.

    Source: `Lobby` of @azure/communication-calling 2.0.0.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset(LobbyEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41800

    def __init__(
        self, context: CallContext, find: Callable[[str], RemoteParticipant | None]
    ) -> None:
        """Show a lobby.

        Args:
            context: Of the call.
            find: Gives the remote participant of a raw id, also of who is not in the call yet.
        """
        super().__init__(context.listeners)
        self._context = context
        self._find = find
        self._participants: tuple[RemoteParticipant, ...] = ()

    @property
    def participants(self) -> tuple[RemoteParticipant, ...]:
        """Who waits, in order of arrival; their state is `InLobby`."""
        return self._participants

    async def admit(
        self,
        participant: CommunicationIdentifier,
        options: AdmitLobbyParticipantOptions | None = None,
    ) -> None:
        """Let somebody in."""
        await self._decide((raw_id(identifier_from(participant)),), is_admitted=True)

    async def reject(
        self,
        participant: CommunicationIdentifier,
        options: RejectLobbyParticipantOptions | None = None,
    ) -> None:
        """Turn somebody away; for them the call ends with 0/5854."""
        await self._decide((raw_id(identifier_from(participant)),), is_admitted=False)

    async def admit_all(
        self, options: AdmitLobbyParticipantOptions | None = None
    ) -> AdmitAllOperationResult:
        """Let everybody in who waits now: all of them, or nobody where an error is raised."""
        count = len(self._participants)
        await self._decide(None, is_admitted=True)
        return AdmitAllOperationResult(count, 0)

    def handle(self, news: News) -> None:
        """Take news, after the participants have taken it; called by the call."""
        match news:
            case Joined():
                self._participants = self._waiting()
            case RosterChanged():
                self._take(self._waiting())
            case Over():
                self._take(())
            case _:
                pass

    def _waiting(self) -> tuple[RemoteParticipant, ...]:
        # Not by their state: who was admitted stays `InLobby` until they are connected.
        pending = self._context.joined_session().roster.pending.values()
        waiting = (item.identity for item in pending if item.state is PendingState.IN_LOBBY)
        found = (self._find(identity) for identity in waiting)
        return tuple(participant for participant in found if participant is not None)

    def _take(self, after: tuple[RemoteParticipant, ...]) -> None:
        before, self._participants = self._participants, after
        added = tuple(item for item in after if item not in before)
        removed = tuple(item for item in before if item not in after)
        if added or removed:
            self._emit(LobbyEvent.LOBBY_PARTICIPANTS_UPDATED, CollectionUpdate(added, removed))

    async def _decide(self, identities: tuple[str, ...] | None, *, is_admitted: bool) -> None:
        session = self._context.joined_session()
        await session.ask(
            wire.DecideLobby(
                endpoint=self._context.endpoint_id, identities=identities, is_admitted=is_admitted
            )
        )
