"""Carries changes of a room's members over to the call that runs in it."""

from __future__ import annotations

from acs_core.core import endings
from acs_core.service.calls import Calls
from acs_core.service.roles import set_role
from acs_core.service.rooms import RoomRecord

__all__ = ["Membership"]


class Membership:
    """Keeps calls in line with the members of their rooms, at once.

    Args:
        calls: Its rooms are listened to from now on.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        calls.rooms.on_members_changed = self.apply

    def apply(self, room: RoomRecord) -> None:
        """Give everybody in the room's call the role they have now; remove who has none."""
        call = self._calls.find_room(room.id)
        if call is None or room.members is None:
            return
        for endpoint in list(call.endpoints.values()):
            role = room.members.get(endpoint.principal.raw_id)
            if role is None:
                call.remove(endpoint, endings.UNINVITED)
            else:
                set_role(endpoint, role)
