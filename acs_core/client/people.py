"""Who else is in a call: adding, removing and muting them; and what others do to us.

Theory of operation. Added people are shown at once; the service then says how they fare, by facts.
What may be done is decided by the service (`core/capabilities.py`); here only what can be known
without it is refused, with ACS's codes.

Source: `Call` and `RemoteParticipant` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from acs_core import wire
from acs_core.client.call_errors import reason_of
from acs_core.client.features.base import CallContext, Joined, News, Noticed, RosterChanged
from acs_core.client.participants import Participants, RemoteParticipant
from acs_core.client.ports import Session
from acs_core.core.facts import CallType, ParticipantRole
from acs_core.core.participant import RemoteParticipantState
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, ServiceError
from acs_core.events import CallEvent
from acs_core.identifiers import (
    CommunicationIdentifier,
    PhoneNumberIdentifier,
    UnknownIdentifier,
    identifier_from,
    raw_id,
)
from acs_core.models import DtmfTone

__all__ = ["People", "caller_number", "needs_caller_id"]

_PRESENT: Final = frozenset({RemoteParticipantState.CONNECTED, RemoteParticipantState.HOLD})
_FORBIDDEN: Final = 403


class People:
    """What a call does to its participants, and they to it."""

    def __init__(
        self,
        context: CallContext,
        participants: Callable[[], Participants],
        tell: Callable[[CallEvent], None],
        on_muted: Callable[[], None],
    ) -> None:
        """Prepare; nothing can be done before the call is connected.

        Args:
            context: Of the call.
            participants: Its participants.
            tell: Emits an event of the call.
            on_muted: Told when somebody else muted our microphone.
        """
        self._context = context
        self._participants = participants
        self._tell = tell
        self._on_muted = on_muted
        self._role = ParticipantRole.UNKNOWN
        self._count = 0

    @property
    def count(self) -> int:
        """How many users are in the call, ourselves included; 0 before it is connected."""
        return self._count

    @property
    def role(self) -> ParticipantRole:
        """What we may do in the call; `Unknown` until it is connected."""
        return self._role

    @property
    def is_one_to_one(self) -> bool:
        """Whether it is a call between two."""
        session = self._context.session
        return session is not None and session.roster.call_type is CallType.ONE_TO_ONE

    def add(
        self,
        identifier: CommunicationIdentifier,
        alternate_caller_id: str = "",
        *,
        needs_number: bool = True,
        thread_id: str = "",
    ) -> RemoteParticipant:
        """Call somebody into the call; see `Call.add_participant`.

        Args:
            identifier: Whom.
            alternate_caller_id: The number that a telephone sees.
            needs_number: Whether a telephone is refused without one.
            thread_id: The chat that the call has from now on; empty leaves it as it is.
        """
        session = self._session("Nobody can be added", 41089)
        target = identifier_from(identifier)
        if isinstance(target, UnknownIdentifier):
            raise InvalidArgumentError("It is not known how to call them.", sub_code=41052)
        own = session.roster.endpoints.get(self._context.endpoint_id)
        identity = raw_id(target)
        participant = self._participants().by_identity(identity)
        if participant is not None or (own is not None and own.identity == identity):
            raise InvalidArgumentError("They are in the call, or called, already.", sub_code=41053)
        is_telephone = isinstance(target, PhoneNumberIdentifier)
        if is_telephone and needs_number and not alternate_caller_id:
            raise needs_caller_id()
        added = self._participants().expect(target)
        request = wire.Invite(
            endpoint=self._context.endpoint_id,
            callee=identity,
            alternate_caller_id=alternate_caller_id,
            thread_id=thread_id,
        )
        self._context.work.start(self._invite(session, request), "add participant")
        return added

    async def remove(self, identifier: CommunicationIdentifier) -> None:
        """Take somebody out of the call; see `Call.remove_participant`."""
        session = self._session("Nobody can be removed", 41090)
        identity = raw_id(identifier_from(identifier))
        if self._participants().by_identity(identity) is None:
            raise InvalidArgumentError("They are not in the call.", sub_code=41054)
        await session.ask(
            wire.RemoveParticipant(endpoint=self._context.endpoint_id, identity=identity)
        )

    async def mute_all(self) -> None:
        """Mute everybody else; see `Call.mute_all_remote_participants`."""
        session = self._session("Nobody can be muted", 41087)
        if self.is_one_to_one:
            raise InvalidStateError(
                "In a call between two nobody mutes the other.", code=405, sub_code=41093
            )
        present = [item for item in self._participants().all if item.state in _PRESENT]
        if not present:
            raise InvalidStateError("Nobody else is in the call.", code=405, sub_code=41092)
        if all(isinstance(item.identifier, PhoneNumberIdentifier) for item in present):
            raise InvalidStateError("Telephones cannot be muted.", code=405, sub_code=41086)
        request = wire.MuteParticipants(endpoint=self._context.endpoint_id)
        await self._ask_allowed(session, request, 41018)

    async def mute(self, participant: RemoteParticipant) -> None:
        """Mute one of them; see `RemoteParticipant.mute`."""
        if not self._context.is_joined or participant.state not in _PRESENT:
            raise InvalidStateError("They are not in the call.", code=405, sub_code=42005)
        if isinstance(participant.identifier, PhoneNumberIdentifier):
            raise InvalidStateError("Telephones cannot be muted.", code=405, sub_code=42004)
        if self.is_one_to_one:
            raise InvalidStateError(
                "In a call between two nobody mutes the other.", code=405, sub_code=42006
            )
        request = wire.MuteParticipants(
            endpoint=self._context.endpoint_id, identities=(raw_id(participant.identifier),)
        )
        await self._ask_allowed(self._context.joined_session(), request, 42000)

    async def send_tone(self, tone: DtmfTone | str) -> None:
        """Press a key for the telephones in the call; see `Call.send_dtmf`."""
        try:
            chosen = DtmfTone(tone)
        except ValueError as error:
            raise InvalidArgumentError(
                f"There is no tone {tone!r}.",
                code=422,
                sub_code=41023,
                next_step="Use a member of DtmfTone.",
            ) from error
        session = self._session("No tone can be sent", 41022)
        present = (item for item in self._participants().all if item.state in _PRESENT)
        if not any(isinstance(item.identifier, PhoneNumberIdentifier) for item in present):
            raise InvalidStateError(
                "There is no telephone in the call that could hear a tone.",
                code=400,
                sub_code=41022,
            )
        await session.ask(wire.SendTone(endpoint=self._context.endpoint_id, tone=chosen))

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Joined():
                self._role = self._own_role()
                self._count = self._counted()
            case RosterChanged():
                before, self._count = self._count, self._counted()
                if before != self._count:
                    self._tell(CallEvent.TOTAL_PARTICIPANT_COUNT_CHANGED)
                role = self._own_role()
                changed, self._role = role is not self._role, role
                if changed:
                    self._tell(CallEvent.ROLE_CHANGED)
            case Noticed(notice=wire.MutedByOthers()):
                self._on_muted()
                self._tell(CallEvent.MUTED_BY_OTHERS)
            case _:
                pass

    def _counted(self) -> int:
        roster = self._context.joined_session().roster
        return len({info.identity for info in roster.endpoints.values()})

    def _own_role(self) -> ParticipantRole:
        session = self._context.session
        own = None if session is None else session.roster.endpoints.get(self._context.endpoint_id)
        return self._role if own is None else own.attributes.role

    async def _invite(self, session: Session, request: wire.Invite) -> None:
        try:
            await session.ask(request)
        except CallingError as error:
            self._participants().give_up(request.callee, reason_of(error))

    async def _ask_allowed(
        self, session: Session, request: wire.MuteParticipants, refused: int
    ) -> None:
        try:
            await session.ask(request)
        except ServiceError as error:
            if error.code != _FORBIDDEN:
                raise
            raise ServiceError(
                error.message, sub_code=refused, stage=error.stage, next_step=error.advice
            ) from error

    def _session(self, what: str, sub_code: int) -> Session:
        if not self._context.is_joined:
            raise InvalidStateError(
                f"{what}: the call is not connected.",
                sub_code=sub_code,
                next_step="Wait until its state is Connected.",
            )
        return self._context.joined_session()


def caller_number(identifier: PhoneNumberIdentifier | None) -> str:
    """The number that telephones see, as it travels; empty for none.

    Raises:
        InvalidArgumentError: It is not a telephone's.
    """
    if identifier is None:
        return ""
    target = identifier_from(identifier)
    if not isinstance(target, PhoneNumberIdentifier):
        raise InvalidArgumentError("alternate_caller_id is a PhoneNumberIdentifier.")
    return target.phone_number


def needs_caller_id() -> InvalidArgumentError:
    """A telephone cannot be called without saying which number calls."""
    return InvalidArgumentError(
        "A telephone is called with an alternate caller id.",
        next_step="Give alternate_caller_id: a number that this service owns.",
    )
