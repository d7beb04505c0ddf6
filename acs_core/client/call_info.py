"""The ids of a call.

Source: `CallInfoCommon`, `CallInfo` and `TeamsCallInfo` of @azure/communication-calling 2.0.0;
`room` is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from acs_core import wire
from acs_core.client.emitter import Emitter, Listener, TaskOwner
from acs_core.client.features.base import News, Noticed
from acs_core.client.ports import Session
from acs_core.errors import InvalidStateError
from acs_core.events import CallInfoEvent

__all__ = ["CallInfo", "CallInfoCommon", "TeamsCallInfo"]


class CallInfoCommon(Emitter):
    """How others know the call."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CallInfoEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41042

    def __init__(
        self,
        owner: TaskOwner,
        endpoint_id: str,
        locator: wire.Locator,
        session: Callable[[], Session | None],
        *,
        thread_id: str = "",
        call_id: str = "",
    ) -> None:
        """Describe a call.

        Args:
            owner: Of the tasks of listeners.
            endpoint_id: The local endpoint.
            locator: How the call is joined.
            session: Gives its session, once there is one.
            thread_id: The chat of the call, when it is known from the start.
            call_id: The service's id of the call, when it is known from the start.
        """
        super().__init__(owner)
        self._endpoint_id = endpoint_id
        self._locator = locator
        self._session = session
        self._thread_id = thread_id
        self._call_id = call_id

    @property
    def participant_id(self) -> str:
        """Our endpoint; equals `Call.id`."""
        return self._endpoint_id

    @property
    def thread_id(self) -> str | None:
        """The chat that belongs to the call; None for a call without one."""
        session = self._session()
        return self._thread_id or (session.thread_id if session is not None else "") or None

    @property
    def room(self) -> wire.RoomInfo | None:
        """Id and name of the room, once connected; None for other calls (ours)."""
        session = self._session()
        return None if session is None else session.room

    async def get_server_call_id(self) -> str:
        """The service's id of the call, the same for everybody; 32 hex digits.

        Raises:
            InvalidStateError: 404/41063: the call was not connected yet.
        """
        session = self._session()
        call_id = (session.call_id if session is not None else "") or self._call_id
        if not call_id:
            raise InvalidStateError(
                "The service's call id is known once the call is connected.",
                code=404,
                sub_code=41063,
            )
        return call_id

    def on_call_info_changed(self, event: str, listener: Listener) -> None:
        """Call `listener` when the ids are known, or are others; see `on`."""
        self.on(event, listener)

    def off_call_info_changed(self, event: str, listener: Listener) -> None:
        """Take a listener back; see `off`."""
        self.off(event, listener)

    def set_thread(self, thread_id: str) -> None:
        """The call has a chat now; the call does this."""
        if thread_id != self.thread_id:
            self._thread_id = thread_id
            self.changed()

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Noticed(notice=wire.ThreadChanged(thread_id=thread_id)):
                self.set_thread(thread_id)
            case _:
                pass

    def changed(self) -> None:
        """Tell that more is known; the call does this."""
        self._emit(CallInfoEvent.CALL_INFO_CHANGED)


class CallInfo(CallInfoCommon):
    """How others know a call of an ACS user."""

    @property
    def group_id(self) -> str | None:
        """The GUID that was joined; None for other calls."""
        return self._locator.group_id if isinstance(self._locator, wire.GroupLocator) else None


class TeamsCallInfo(CallInfoCommon):
    """How others know a call of a Teams user."""
