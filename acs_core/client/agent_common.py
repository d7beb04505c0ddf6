"""What call agents of ACS users and of Teams users share: their calls, and what rings.

The agent owns its calls and what rings: `dispose` rejects and ends them all, then the connection to
the service, in 2 s or a little more when the service is gone.

A connection that is lost for good ends the calls on it, and what rang; until it is disposed the
agent opens another one in the background, so that whoever calls is heard (`SignalingLink`).

Source: `CallAgentCommon` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Generic, Self

from acs_core import wire
from acs_core.client.call import CLOSE_TIMEOUT, CallCommon
from acs_core.client.call_errors import reason_of
from acs_core.client.devices import DeviceManager
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.incoming_call import (
    CallT,
    IncomingCallCommon,
    IncomingCallEventArgs,
    callers_of,
)
from acs_core.client.options import AcceptCallOptions, JoinCallOptions
from acs_core.client.ports import ServiceLink
from acs_core.client.setup import CallSetup
from acs_core.core import endings
from acs_core.errors import (
    AuthenticationError,
    CallingError,
    InvalidStateError,
    ServiceError,
    TransportError,
)
from acs_core.events import CallAgentEvent, CollectionUpdate
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id
from acs_core.models import (
    CallAgentKind,
    CallClientOptions,
    CallerInfo,
    ConnectionStateChange,
    ConnectionStateChangedReason,
    ServiceConnectionState,
)

__all__ = ["AgentSetup", "CallAgentCommon"]

DISPOSE_TIMEOUT: Final = 2.0
"""Seconds for the connection to the service to close; the calls have `CLOSE_TIMEOUT` before it."""
REJECT_TIMEOUT: Final = 1.0
"""Seconds for the service to hear that what rings is rejected."""
_NOT_RINGING: Final = 41007


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """What a call client gives to its agent.

    Attributes:
        display_name: What the others see; may be empty.
        options: Of the client.
        on_disposed: Told when the agent is disposed.
    """

    display_name: str
    devices: DeviceManager
    options: CallClientOptions
    tasks: TaskOwner
    on_disposed: Callable[[], None]


class CallAgentCommon(Emitter, Generic[CallT]):
    """The calls of one user."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CallAgentEvent)
    EVENT_SUB_CODE: ClassVar[int] = 40205
    KIND: ClassVar[CallAgentKind]

    def __init__(self, setup: AgentSetup) -> None:
        super().__init__(setup.tasks)
        self._setup = setup
        self._logger = setup.tasks.logger
        self._identifier: CommunicationIdentifier | None = None
        self._link: ServiceLink | None = None
        self._calls: list[CallT] = []
        # Ended calls whose listeners may still run.
        self._ended: list[CallT] = []
        self._ringing: dict[str, IncomingCallCommon[CallT]] = {}
        self._state = ServiceConnectionState.DISCONNECTED
        self._is_disposed = False
        self._ending: asyncio.Task[None] | None = None

    @property
    def calls(self) -> tuple[CallT, ...]:
        """Calls that are not over, in the order of starting; what rings is none yet."""
        return tuple(self._calls)

    @property
    def display_name(self) -> str:
        """What the others see of us; may be empty."""
        return self._setup.display_name

    @property
    def kind(self) -> CallAgentKind:
        """Whose agent it is: an ACS user's or a Teams user's."""
        return self.KIND

    @property
    def connection_state(self) -> ServiceConnectionState:
        """Whether the service is reached; calls survive a short loss."""
        return self._state

    # ------------------------------------------------------------ what the connection says

    def connect(self, link: ServiceLink) -> None:
        """Use a connection; the call client does this."""
        self._link = link

    def identify(self, identifier: CommunicationIdentifier | None) -> None:
        """Take who we are, as the token says it; the call client does this.

        Raises:
            ServiceError: The token is not for this kind of agent.
        """
        self._check_identity(identifier)
        self._identifier = identifier

    def on_connected(self, is_connected: bool, error: CallingError | None = None) -> None:
        """Take whether the service is reached; the connection says it."""
        state = ServiceConnectionState.DISCONNECTED
        if is_connected:
            state = ServiceConnectionState.CONNECTED
        before, self._state = self._state, state
        reason = _reason_of_loss(error)
        # A token is refused while the connection is being restored: news, since only the
        # application can help.
        if before is not state or reason is ConnectionStateChangedReason.INVALID_TOKEN:
            self._emit(
                CallAgentEvent.CONNECTION_STATE_CHANGED,
                ConnectionStateChange(state, before, reason),
            )

    def on_closed(self, error: CallingError) -> None:
        """Take that the connection will not come back: what rang can be answered no longer."""
        for incoming in self._stop_ringing():
            incoming.end(reason_of(error))

    def on_invited(self, invited: wire.Invited) -> None:
        """Take a call for this user; the connection says it."""
        if self._is_disposed or invited.invitation in self._ringing:
            return
        incoming = self._new_incoming(invited)
        self._ringing[incoming.id] = incoming
        self._owner.spawn(self._say_ringing(incoming.id), "say that it rings")
        self._emit(CallAgentEvent.INCOMING_CALL, IncomingCallEventArgs(incoming))

    def on_invitation_ended(self, ended: wire.InvitationEnded) -> None:
        """Take that it rings no longer; the connection says it."""
        incoming = self._ringing.pop(ended.invitation, None)
        if incoming is not None:
            incoming.end(ended.reason)

    # ------------------------------------------------------------ end

    async def dispose(self) -> None:
        """Reject what rings, end all calls, their listeners' tasks and the connection.

        Safe to repeat. It goes on if whoever waits for it is cancelled; who repeats it then waits
        for the end.
        """
        if self._is_disposed:
            if self._ending is not None:
                await asyncio.wait({self._ending})
            return
        self._is_disposed = True
        try:
            await self._end()
        except asyncio.CancelledError:
            # Not a task from the start: a listener of ours may dispose us, and is spared for that.
            self._ending = asyncio.create_task(self._end(), name="dispose agent")
            raise

    async def _end(self) -> None:
        """What is done already is not done again."""
        await asyncio.gather(*map(self._reject, self._stop_ringing()))
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await asyncio.gather(*(call.aclose() for call in (*self._calls, *self._ended)))
        except TimeoutError:
            self._logger.warning("Not all calls ended within %s s", CLOSE_TIMEOUT)
        if self._link is not None:
            try:
                async with asyncio.timeout(DISPOSE_TIMEOUT):
                    await self._link.close()
            except (TransportError, TimeoutError) as error:
                self._logger.warning("Closing the connection failed: %s", error)
        self.on_connected(False)
        self._setup.on_disposed()
        await self._owner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.dispose()

    # ------------------------------------------------------------ inside

    @abstractmethod
    def _check_identity(self, identifier: CommunicationIdentifier | None) -> None:
        """Refuse tokens of users that this kind of agent is not for."""

    @abstractmethod
    def _new_call(self, setup: CallSetup) -> CallT:
        """A call of this agent's kind."""

    @abstractmethod
    def _new_incoming(self, invited: wire.Invited) -> IncomingCallCommon[CallT]:
        """An incoming call of this agent's kind."""

    def _check_usable(self) -> ServiceLink:
        if self._link is None or self._is_disposed:
            raise InvalidStateError("The call agent is disposed.", code=409, sub_code=40203)
        return self._link

    def _open(
        self,
        locator: wire.Locator,
        options: JoinCallOptions,
        *,
        endpoint_id: str = "",
        callers: tuple[CallerInfo | None, CallerInfo | None] = (None, None),
        callees: tuple[CommunicationIdentifier, ...] = (),
        thread_id: str = "",
    ) -> CallT:
        """Begin a call: join, start or accept it, as the locator says."""
        client, devices = self._setup.options, self._setup.devices
        call = self._new_call(
            CallSetup(
                link=self._check_usable(),
                endpoint_id=endpoint_id or uuid.uuid4().hex,
                locator=locator,
                display_name=self.display_name,
                limits=client.limits,
                logger=self._logger,
                microphone=devices.default_microphone,
                screen=devices.default_screen,
                device_flags=devices.flags,
                on_over=self._over,
                follow=self._follow,
                sample_interval=client.sample_interval,
                identifier=self._identifier,
                caller=callers[0],
                transferor=callers[1],
                callees=callees,
                thread_id=thread_id,
            )
        )
        call.start(options)
        self._calls.append(call)
        self._emit(CallAgentEvent.CALLS_UPDATED, CollectionUpdate((call,)))
        return call

    def _accept(self, invited: wire.Invited, options: AcceptCallOptions | None) -> CallT:
        call = self._open(
            wire.InvitationLocator(invitation=invited.invitation),
            options or AcceptCallOptions(),
            endpoint_id=invited.invitation,
            callers=callers_of(invited),
            thread_id=invited.thread_id,
        )
        self._ringing.pop(invited.invitation, None)
        return call

    def _follow(self, requested: wire.TransferRequested, options: JoinCallOptions) -> CallT:
        transferor = CallerInfo(parse_raw_id(requested.by), requested.by_name)
        locator = requested.locator
        if isinstance(locator, wire.InvitationLocator):
            return self._open(
                locator,
                options,
                endpoint_id=locator.invitation,
                callers=(transferor, transferor),
            )
        callees = (parse_raw_id(requested.target),)
        return self._open(locator, options, callers=(None, transferor), callees=callees)

    async def _reply(self, invitation: str, answer: wire.InvitationAnswer) -> None:
        # Also while the agent is being disposed, which rejects what rings.
        assert self._link is not None
        try:
            await self._link.ask(wire.ReplyToInvitation(invitation=invitation, answer=answer))
        except ServiceError as error:
            # It rings no longer, and nobody said so: an earlier answer of ours has arrived.
            is_repeated = error.sub_code == _NOT_RINGING and invitation in self._ringing
            if not is_repeated:
                raise
        if answer is not wire.InvitationAnswer.RINGING:
            self._ringing.pop(invitation, None)

    async def _say_ringing(self, invitation: str) -> None:
        try:
            await self._reply(invitation, wire.InvitationAnswer.RINGING)
        except CallingError as error:
            # It may have been answered or cancelled meanwhile; then that is told by itself.
            self._logger.debug("The service did not take that it rings: %s", error)

    async def _reject(self, incoming: IncomingCallCommon[CallT]) -> None:
        with contextlib.suppress(CallingError, TimeoutError):
            async with asyncio.timeout(REJECT_TIMEOUT):
                await incoming.reject()
        incoming.end(endings.DECLINED)

    def _stop_ringing(self) -> list[IncomingCallCommon[CallT]]:
        ringing = list(self._ringing.values())
        self._ringing.clear()
        return ringing

    def _over(self, call: CallCommon) -> None:
        for item in self._calls:
            if item is call:
                self._calls.remove(item)
                self._ended.append(item)
                self._ended = [other for other in self._ended if other is item or other.has_tasks]
                self._emit(CallAgentEvent.CALLS_UPDATED, CollectionUpdate((), (item,)))
                return


def _reason_of_loss(error: CallingError | None) -> ConnectionStateChangedReason | None:
    if error is None:
        return None
    if isinstance(error, AuthenticationError):
        return ConnectionStateChangedReason.INVALID_TOKEN
    return ConnectionStateChangedReason.CONNECTION_ISSUE
