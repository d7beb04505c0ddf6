"""Joins calls on behalf of one identity.

The agent owns its calls: `dispose` ends them all, then the connection to the service, in 2 s or a
little more when the service is gone.

Source: `CallAgent` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.call import CLOSE_TIMEOUT, Call
from acs_core.client.devices import DeviceManager
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.options import JoinCallOptions
from acs_core.client.ports import ServiceLink
from acs_core.client.setup import CallSetup
from acs_core.errors import CallingError, InvalidStateError, TransportError
from acs_core.events import CallAgentEvent, CollectionUpdate
from acs_core.identifiers import CommunicationIdentifier
from acs_core.models import (
    CallAgentKind,
    CallLimits,
    ConnectionStateChange,
    GroupLocator,
    ServiceConnectionState,
    group_locator,
)

__all__ = ["CallAgent"]

DISPOSE_TIMEOUT: Final = 2.0
"""Seconds for the connection to the service to close; the calls have `CLOSE_TIMEOUT` before it."""


class CallAgent(Emitter):
    """Joins calls; made by `CallClient.create_call_agent`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CallAgentEvent)
    EVENT_SUB_CODE: ClassVar[int] = 40205

    def __init__(
        self,
        *,
        display_name: str,
        devices: DeviceManager,
        limits: CallLimits,
        logger: logging.Logger,
        on_disposed: Callable[[], None],
        sample_interval: float = 1.0,
    ) -> None:
        super().__init__(TaskOwner(logger))
        self._display_name = display_name
        self._devices = devices
        self._limits = limits
        self._logger = logger
        self._on_disposed = on_disposed
        self._sample_interval = sample_interval
        self._link: ServiceLink | None = None
        self._calls: list[Call] = []
        # Ended calls whose listeners may still run.
        self._ended: list[Call] = []
        self._state = ServiceConnectionState.DISCONNECTED
        self._is_disposed = False

    @property
    def calls(self) -> tuple[Call, ...]:
        """Calls that are not over, in the order of joining."""
        return tuple(self._calls)

    @property
    def display_name(self) -> str:
        """What the others see of us; may be empty."""
        return self._display_name

    @property
    def kind(self) -> CallAgentKind:
        """Always `CallAgent`."""
        return CallAgentKind.CALL_AGENT

    @property
    def connection_state(self) -> ServiceConnectionState:
        """Whether the service is reached; calls survive a short loss."""
        return self._state

    def connect(self, link: ServiceLink) -> None:
        """Use an opened connection; the call client does this."""
        self._link = link

    def on_connected(self, is_connected: bool, reason: str) -> None:
        """Take whether the service is reached; the connection says it."""
        state = ServiceConnectionState.DISCONNECTED
        if is_connected:
            state = ServiceConnectionState.CONNECTED
        before, self._state = self._state, state
        if before is not state:
            self._emit(
                CallAgentEvent.CONNECTION_STATE_CHANGED,
                ConnectionStateChange(state, before, reason),
            )

    def on_invited(self, invited: wire.Invited) -> None:
        """Take a call for this user; the connection says it."""

    def on_invitation_ended(self, ended: wire.InvitationEnded) -> None:
        """Take that it rings no longer; the connection says it."""

    def join(self, locator: GroupLocator, options: JoinCallOptions | None = None) -> Call:
        """Join a group call or a room; returns at once, events and `Call.connected` tell more.

        Args:
            locator: `GroupCallLocator` or {"groupId": ...}, `RoomCallLocator` or {"roomId": ...}.
            options: What to send and receive; by default the microphone, if there is one.

        Raises:
            InvalidArgumentError: 400/40209: no locator, or a group id that is no GUID; other codes
                for options that break a limit.
            InvalidStateError: 409/40203: the agent is disposed.
        """
        place = group_locator(locator)
        if self._link is None or self._is_disposed:
            raise InvalidStateError("The call agent is disposed.", code=409, sub_code=40203)
        call = Call(
            CallSetup(
                link=self._link,
                endpoint_id=uuid.uuid4().hex,
                locator=place,
                display_name=self._display_name,
                limits=self._limits,
                logger=self._logger,
                microphone=self._devices.default_microphone,
                screen=self._devices.default_screen,
                device_flags=self._devices.flags,
                on_over=self._over,
                sample_interval=self._sample_interval,
            )
        )
        call.start(options or JoinCallOptions())
        self._calls.append(call)
        self._emit(CallAgentEvent.CALLS_UPDATED, CollectionUpdate((call,)))
        return call

    def start_call(
        self, participants: Sequence[CommunicationIdentifier], options: object = None
    ) -> Call:
        """Call somebody; comes with a later version.

        Raises:
            CallingError: 501, always.
        """
        raise CallingError(
            f"Calling {len(participants)} participants directly is not in this version.",
            code=501,
            next_step="Agree on a group id and join it on both sides.",
        )

    async def dispose(self) -> None:
        """End all calls, their listeners' tasks and the connection. Safe to repeat."""
        if self._is_disposed:
            return
        self._is_disposed = True
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
        self.on_connected(False, "disposed")
        self._on_disposed()
        await self._owner.aclose()

    async def __aenter__(self) -> CallAgent:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.dispose()

    def _over(self, call: Call) -> None:
        if call in self._calls:
            self._calls.remove(call)
            self._ended.append(call)
            self._ended = [item for item in self._ended if item is call or item.has_tasks]
            self._emit(CallAgentEvent.CALLS_UPDATED, CollectionUpdate((), (call,)))
