"""Carries changes of a room's members over to the call that runs in it."""

from __future__ import annotations

from acs_core.core import endings
from acs_core.service.callees import number_of
from acs_core.service.calls import Calls
from acs_core.service.identity import PrincipalKind
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
        """Give everybody in the room's call the role they have now; remove who has none.

        Who is no member any more is not called into it any longer, either. Telephones are no
        members: they are there because somebody called them.
        """
        call = self._calls.find_room(room.id)
        if call is None or room.members is None:
            return
        for identity in list(call.roster.pending):
            if identity not in room.members and not number_of(identity):
                self._calls.switchboard.call_off(call, identity, endings.UNINVITED)
        for endpoint in list(call.endpoints.values()):
            role = room.members.get(endpoint.principal.raw_id)
            if role is not None:
                set_role(endpoint, role)
            elif endpoint.principal.kind is not PrincipalKind.TELEPHONE:
                call.remove(endpoint, endings.UNINVITED)
