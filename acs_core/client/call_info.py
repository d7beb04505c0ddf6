"""The ids of a call."""

from __future__ import annotations

from collections.abc import Callable

from acs_core.client.ports import Session
from acs_core.errors import InvalidStateError
from acs_core.identifiers import parse_raw_id
from acs_core.models import CallerInfo, GroupCallLocator, RoomCallLocator
from acs_core.wire import RoomInfo

__all__ = ["CallInfo"]


class CallInfo:
    """How others know the call.

    Source: `CallInfo` of @azure/communication-calling 2.0.0; `room` is ours.
    """

    def __init__(
        self,
        endpoint_id: str,
        locator: GroupCallLocator | RoomCallLocator,
        session: Callable[[], Session | None],
    ) -> None:
        self._endpoint_id = endpoint_id
        self._locator = locator
        self._session = session

    @property
    def participant_id(self) -> str:
        """Our endpoint; equals `Call.id`."""
        return self._endpoint_id

    @property
    def group_id(self) -> str | None:
        """The GUID that was joined; None for a room."""
        return self._locator.group_id if isinstance(self._locator, GroupCallLocator) else None

    @property
    def room(self) -> RoomInfo | None:
        """Id and name of the room, once connected; None for a group call (ours)."""
        session = self._session()
        return None if session is None else session.room

    async def get_server_call_id(self) -> str:
        """The service's id of the call, the same for everybody; 32 hex digits.

        Raises:
            InvalidStateError: 404/41063: the call was not connected yet.
        """
        session = self._session()
        if session is None or not session.call_id:
            raise InvalidStateError(
                "The service's call id is known once the call is connected.",
                code=404,
                sub_code=41063,
            )
        return session.call_id

    def caller(self, display_name: str) -> CallerInfo:
        """This client as the one who started the call."""
        session = self._session()
        own = None if session is None else session.roster.endpoints.get(self._endpoint_id)
        return CallerInfo(None if own is None else parse_raw_id(own.identity), display_name)
