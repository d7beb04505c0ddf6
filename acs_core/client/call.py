"""One call, as an ACS application sees it.

Theory of operation. `CallCore` holds the state; this shell performs its effects. A call hears its
session through a `NewsDesk`, which turns what it says into news for the features, and owns two
groups of tasks: *work* (joining, operations, sampling), which ends with the call, and *listeners*,
which the agent ends. While the call is connecting, the features hear nothing; at `Joined` they read
the whole state, and messages that came meanwhile follow. Who calls others has joined the session
long before the call is connected: `core/dialing.py` says how far it is.

Source: `CallCommon` and `Call` of @azure/communication-calling 2.0.0. `connected`, `ended`,
`error`, `endpoint_id` and `room` are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import ClassVar, Final, Self

from acs_core.client.call_errors import error_of, reason_of
from acs_core.client.call_info import CallInfo, CallInfoCommon
from acs_core.client.call_media import CallMedia
from acs_core.client.callers import Callers
from acs_core.client.features.base import Joined, Observed, Over, Sampled
from acs_core.client.features.reconnection import ReconnectionFeature
from acs_core.client.holding import Holding
from acs_core.client.lobby import Lobby
from acs_core.client.news_desk import NewsDesk
from acs_core.client.options import JoinCallOptions
from acs_core.client.participants import Participants, RemoteParticipant
from acs_core.client.people import People, caller_number
from acs_core.client.ports import RosterChange, Session
from acs_core.client.publications import LocalPublication
from acs_core.client.setup import CallSetup
from acs_core.core import endings
from acs_core.core.call import (
    Admitted,
    CallCore,
    CallState,
    CloseCall,
    Ended,
    HangUpRequested,
    Input,
    LeaveSession,
    LobbyEntered,
    StartSession,
    StateChanged,
)
from acs_core.core.dialing import progress
from acs_core.core.facts import EndReason, ParticipantRole
from acs_core.errors import CallingError, ServiceError
from acs_core.events import CallEvent, CollectionUpdate
from acs_core.identifiers import CommunicationIdentifier
from acs_core.models import (
    AddPhoneNumberOptions,
    CallDirection,
    CallerInfo,
    CallKind,
    CallLimits,
    DtmfTone,
    HangUpOptions,
)

__all__ = ["Call", "CallCommon"]

LEAVE_TIMEOUT: Final = 2.5
HANG_UP_TIMEOUT: Final = LEAVE_TIMEOUT + 0.5
CLOSE_TIMEOUT: Final = HANG_UP_TIMEOUT + 3.0
"""Seconds that `Call.aclose` takes at most: hanging up, then the ends of two groups of tasks."""


class CallCommon(CallMedia):
    """What calls of ACS users and of Teams users share."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CallEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41042
    KIND: ClassVar[CallKind]
    INFO: ClassVar[type[CallInfoCommon]]
    PARTICIPANT: ClassVar[type[RemoteParticipant]] = RemoteParticipant

    def __init__(self, setup: CallSetup) -> None:
        self._desk = NewsDesk(self._session_ended, self._lobby_entered, self._early_facts)
        super().__init__(setup, self._desk.publish)
        self._core = CallCore()
        self._people = People(
            self._context, lambda: self._participants, self._emit, self._media.muted_by_others
        )
        self._participants = Participants(
            self._context,
            self._streams,
            setup.limits,
            self._participants_updated,
            self._people.mute,
            self.PARTICIPANT,
        )
        self._context.participant_of = self._participants.by_endpoint
        self._holding = Holding(
            self._context,
            self._core,
            self._streams,
            lambda: self._people.is_one_to_one,
            self._handle,
        )
        self._info = self.INFO(
            self._owner,
            setup.endpoint_id,
            setup.locator,
            lambda: self._session,
            thread_id=setup.thread_id,
        )
        caller = setup.caller or CallerInfo(setup.identifier, setup.display_name)
        self._callers = Callers(caller, setup.transferor, self._emit)
        self._lobby = Lobby(self._context, self._participants.by_identity)
        others = [item for item in self._features.values() if item is not self._streams]
        first = (self._streams, self._participants, self._lobby, self._callers, self._info)
        self._desk.deliver_to([*first, self._people, self._media, self._holding, *others])
        self._published: Sequence[LocalPublication] | None = None
        self._session: Session | None = None
        self._joining: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._refusal: ServiceError | None = None
        self._error: CallingError | None = None
        self._settled = asyncio.Event()
        self._over = asyncio.Event()

    # ------------------------------------------------------------ properties

    @property
    def id(self) -> str:
        """32 hex digits, known at once and the same for ever."""
        return self._setup.endpoint_id

    @property
    def kind(self) -> CallKind:
        """Whether it is a call of an ACS user or of a Teams user."""
        return self.KIND

    @property
    def state(self) -> CallState:
        """Where the call is in its life; a lost network that may come back does not show."""
        return self._core.state

    @property
    def call_end_reason(self) -> EndReason | None:
        """Why the call is over, or None while it is not; code 0 for our own hang-up."""
        return self._core.end_reason

    @property
    def error(self) -> CallingError | None:
        """What made the call end, with stage and next step; None without an error (ours)."""
        return self._error

    @property
    def direction(self) -> CallDirection:
        """Whether we were called; joined calls count as outgoing."""
        return self._setup.direction

    @property
    def caller_info(self) -> CallerInfo:
        """Who started the call; this client unless the call is incoming."""
        return self._callers.caller

    @property
    def transferor_info(self) -> CallerInfo | None:
        """Who transferred the call, or sent somebody here in their place; None for nobody."""
        return self._callers.transferor

    @property
    def role(self) -> ParticipantRole:
        """What we may do in the call; `Unknown` until it is connected."""
        return self._people.role

    @property
    def limits(self) -> CallLimits:
        """How many streams this call takes (ours)."""
        return self._setup.limits

    @property
    def remote_participants(self) -> tuple[RemoteParticipant, ...]:
        """Everybody else, who is called or waits in the lobby included."""
        return self._participants.all

    @property
    def total_participant_count(self) -> int:
        """How many users are in the call, ourselves included; 0 before it is connected.

        Who is called or waits in the lobby is not in the call yet, and does not count; a user with
        several clients counts once. When the call is over it stays what it was.
        """
        return self._people.count

    @property
    def lobby(self) -> Lobby:
        """Who waits to be let in; empty in calls without a lobby."""
        return self._lobby

    @property
    def has_tasks(self) -> bool:
        """Whether listeners or operations of this call still run (ours)."""
        return self._work.is_busy or self._owner.is_busy

    # ------------------------------------------------------------ actions

    def start(self, options: JoinCallOptions) -> None:
        """Begin to join, to call or to accept, as the setup says; the call agent does this.

        Raises:
            InvalidArgumentError: The options break a limit.
        """
        self._media.plan(options)
        self._setup.plan(self._features, options)
        self._participants.dial(self._setup.callees)
        self._handle(self._setup.first_input)

    async def connected(self) -> Self:
        """Wait until the call is connected, and return it (ours).

        Raises:
            CallingError: It ended before; the error says why.
        """
        await self._settled.wait()
        if self._error is not None:
            raise self._error
        return self

    async def ended(self) -> EndReason:
        """Wait until the call is over, and return why (ours)."""
        await self._over.wait()
        return self._core.end_reason or endings.HUNG_UP

    async def hang_up(self, options: HangUpOptions | None = None) -> None:
        """Leave the call, in at most 2.5 s; ending it again does nothing.

        Args:
            options: `for_everyone` ends the call for all.

        Raises:
            ServiceError: We have left, but may not end the call for everyone.
        """
        for_everyone = options is not None and options.for_everyone
        if self._core.accepts(HangUpRequested):
            self._handle(HangUpRequested(for_everyone))
        await self._over.wait()
        if for_everyone and self._leaving is not None:
            await asyncio.wait({self._leaving})
            if self._refusal is not None:
                raise self._refusal

    async def hold(self) -> None:
        """Send and receive nothing until `resume`; the others see it. On hold it does nothing.

        Raises:
            InvalidStateError: 500/41033: the call is not connected.
            CallingError: The service could not be told; nothing has changed.
        """
        await self._holding.hold()

    async def resume(self) -> None:
        """Go on with a call that we hold; in a call that nobody holds it does nothing.

        The call is `Connected` then, or `RemoteHold` while the other side of a call between two
        holds it, too.

        Raises:
            InvalidStateError: 500/41034: we do not hold it.
            CallingError: The service could not be told; nothing has changed.
        """
        await self._holding.resume()

    async def mute_all_remote_participants(self) -> None:
        """Mute everybody else; they see it, and may unmute.

        Raises:
            InvalidStateError: 412/41087: the call is not connected; 405/41086: there are only
                telephones; 405/41092: nobody else is there; 405/41093: it is a call between two.
            ServiceError: 403/41018: our role does not allow it.
        """
        await self._people.mute_all()

    async def send_dtmf(self, dtmf_tone: DtmfTone | str) -> None:
        """Press a key for the telephones in the call.

        Raises:
            InvalidArgumentError: 422/41023: there is no such tone.
            InvalidStateError: 412/41022: the call is not connected; 400/41022: no telephone is in
                the call.
        """
        await self._people.send_tone(dtmf_tone)

    async def remove_participant(self, identifier: CommunicationIdentifier) -> None:
        """Take somebody out of the call, or call them no longer; returns when they are gone.

        Raises:
            InvalidArgumentError: 400/41054: they are not in the call.
            InvalidStateError: 412/41090: the call is not connected.
            ServiceError: Our role does not allow it.
        """
        await self._people.remove(identifier)

    async def aclose(self) -> None:
        """Hang up and end all tasks; the agent does this when it is disposed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_TIMEOUT):
                await self.hang_up()
        await self._work.aclose()
        await self._owner.aclose()

    # ------------------------------------------------------------ inside

    def _session_ended(self, reason: EndReason) -> None:
        is_joining = self._joining is not None and not self._joining.done()
        is_own = reason == endings.HUNG_UP
        if is_joining and is_own and self.state is not CallState.DISCONNECTING:
            # A session that fails to join leaves before it raises; the error knows more.
            return
        self._end(reason)

    def _lobby_entered(self) -> None:
        if self._core.accepts(LobbyEntered):
            self._handle(LobbyEntered())

    def _early_facts(self, changes: tuple[RosterChange, ...]) -> None:
        if self._setup.is_dialed:
            self._participants.anticipate(changes)
            self._advance()

    def _handle(self, input_: Input) -> None:
        for effect in self._core.handle(input_):
            match effect:
                case StateChanged(state=state):
                    if state in (CallState.CONNECTED, CallState.DISCONNECTED):
                        self._enter(state)
                    self._emit(CallEvent.STATE_CHANGED)
                case StartSession():
                    self._session = self._setup.open_session(self._desk)
                    self._context.start(self._session)
                    self._joining = self._work.start(self._join(self._session), "join call")
                case LeaveSession(for_everyone=for_everyone):
                    # Not as work: the call is over before it is known what the service said.
                    self._leaving = self._owner.spawn(self._leave(for_everyone), "leave call")
                    # Also when the program ends and its tasks are cancelled: who waits for the
                    # end of the call must not wait for ever.
                    self._leaving.add_done_callback(lambda _: self._end(endings.HUNG_UP))
                case CloseCall(reason=reason):
                    self._close(reason)

    async def _join(self, session: Session) -> None:
        try:
            async with AsyncExitStack() as holder:
                planned = await self._media.prepare(holder)
                streams = await session.join(planned)
            publications = [self._streams.adopt(stream) for stream in streams]
        except CallingError as error:
            await self._join_failed(session, error)
            return
        except Exception as cause:
            self._setup.logger.exception("Joining call %s failed", self.id)
            failure = CallingError(
                f"Joining failed: {cause}", next_step="Look at __cause__ for what raised it."
            )
            failure.__cause__ = cause
            await self._join_failed(session, failure)
            return
        self._published = publications
        if self._setup.is_dialed:
            self._participants.anticipate()
        self._advance()

    def _advance(self) -> None:
        """Go on as far as the roster allows, once we are in the session."""
        session, published = self._session, self._published
        if session is None or published is None:
            return
        step = progress(session.roster, self.id) if self._setup.is_dialed else Admitted()
        if step is None or not self._core.accepts(type(step)):
            return
        self._handle(step)
        if isinstance(step, Admitted):
            self._begin(session, published)

    def _begin(self, session: Session, published: Sequence[LocalPublication]) -> None:
        """The call is connected: say what came of the plans for it."""
        self._media.joined(published)
        self._tell_device_flags()
        self._desk.catch_up()
        self._holding.look()
        own = session.roster.endpoints.get(self.id)
        if own is not None:
            self._callers.identified(own.identity)
        self._info.changed()
        self._work.start(self._sample(), "sample call")

    async def _join_failed(self, session: Session, error: CallingError) -> None:
        if self.state is CallState.DISCONNECTING:
            return
        self._error = self._error or error
        await self._leave_session(session, for_everyone=False)
        self._end(reason_of(error))

    async def _leave(self, for_everyone: bool) -> None:
        if self._joining is not None and not self._joining.done():
            self._joining.cancel()
        if self._session is not None:
            await self._leave_session(self._session, for_everyone=for_everyone)

    async def _leave_session(self, session: Session, *, for_everyone: bool) -> None:
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await session.leave(for_everyone=for_everyone)
        except (CallingError, TimeoutError) as error:
            self._setup.logger.warning("Leaving call %s failed: %s", self.id, error)
            if for_everyone and isinstance(error, ServiceError):
                self._refusal = error

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._setup.sample_interval)
            self._tell_device_flags()
            self._desk.publish(Sampled(loop.time()))

    def _tell_device_flags(self) -> None:
        for name, value in self._setup.device_flags().items():
            self._desk.publish(Observed(name, value))

    def _enter(self, state: CallState) -> None:
        """Make true what listeners of the new state may rely on."""
        is_connected = state is CallState.CONNECTED
        if is_connected and self._context.is_joined:
            return  # Back from hold.
        self._context.set_joined(is_connected)
        if is_connected:
            self._desk.open(Joined())
            self._settled.set()

    def _end(self, reason: EndReason) -> None:
        if self._core.accepts(Ended):
            if reason.code != 0 and self._error is None:
                self._error = error_of(reason)
                self._error.__cause__ = self._feature(ReconnectionFeature).cause
            self._handle(Ended(reason))

    def _close(self, reason: EndReason) -> None:
        if self._error is None and not self._settled.is_set():
            self._error = error_of(reason)
        self._desk.close(Over(reason))
        self._media.end()
        self._settled.set()
        self._over.set()
        self._work.cancel()
        self._setup.on_over(self)

    def _participants_updated(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        self._emit(CallEvent.REMOTE_PARTICIPANTS_UPDATED, update)


class Call(CallCommon):
    """A call of an ACS user; made by `CallAgent` and `IncomingCall`."""

    KIND: ClassVar[CallKind] = CallKind.CALL
    INFO: ClassVar[type[CallInfoCommon]] = CallInfo

    @property
    def info(self) -> CallInfo:
        """The call's ids."""
        assert isinstance(self._info, CallInfo)
        return self._info

    def add_participant(
        self, identifier: CommunicationIdentifier, options: AddPhoneNumberOptions | None = None
    ) -> RemoteParticipant:
        """Call somebody into the call; returns at once, the participant's events tell more.

        Args:
            identifier: A user or a telephone.
            options: For a telephone, which number it sees.

        Raises:
            InvalidArgumentError: 400/41052: it is not known how to call them; 400/41053: they are
                in the call or called already; 400: a telephone without an alternate caller id.
            InvalidStateError: 412/41089: the call is not connected.
        """
        number = caller_number(None if options is None else options.alternate_caller_id)
        return self._people.add(identifier, number)
