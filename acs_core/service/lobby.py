"""The lobby of one meeting: who waits to be let in.

Theory of operation. A client that must wait is a `Guest`. It waits until somebody decides, its time
is over, or it goes; who is admitted joins again, and then is a guest no longer. A guest that comes
by another session of the same user takes the place of the earlier one, admission included, and the
earlier one hears that its wait is over: one endpoint id is one client. The others see
people, not clients: one pending participant per identity, `IN_LOBBY` while one of its clients
waits, `CONNECTING` while those that are left were admitted. Whatever happens, `_tell` compares what
they should see with the roster and commits the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acs_core.core import endings
from acs_core.core.facts import (
    EndReason,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
)
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.service.admission import NameOf, check_name
from acs_core.service.meetings import MeetingRecord

if TYPE_CHECKING:
    from acs_core.service.endpoints import Endpoint
    from acs_core.service.server_call import ServerCall
    from acs_core.service.timers import CallLater, Timer

__all__ = ["Guest", "Lobby"]

NOT_IN_LOBBY: Final = 41804
MOST_GUESTS: Final = 250


@dataclass(eq=False, slots=True)
class Guest:
    """One client that must be let in.

    Attributes:
        endpoint: The endpoint id that it wants to have in the call.
        identity: Raw id.
        name: Display name.
        on_admitted: Hears that it may join.
        on_ended: Hears that it may not; the last thing it hears.
        holder: The session that it waits by.
    """

    endpoint: str
    identity: str
    name: str
    on_admitted: Callable[[], None]
    on_ended: Callable[[EndReason], None]
    holder: object = None
    is_admitted: bool = False
    timer: Timer | None = field(default=None, repr=False)


class Lobby:
    """Everybody who waits to enter one call."""

    def __init__(self, call: ServerCall, meeting: MeetingRecord, later: CallLater) -> None:
        self._call = call
        self._meeting = meeting
        self._later = later
        self._guests: dict[str, Guest] = {}
        self._told: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits, or was admitted and has not joined yet."""
        return not self._guests

    def must_wait(self, endpoint_id: str, raw_id: str) -> bool:
        """Whether a client may not join yet."""
        guest = self._guests.get(endpoint_id)
        is_admitted = guest is not None and guest.is_admitted and guest.identity == raw_id
        return not is_admitted and not self._meeting.bypasses_lobby(raw_id)

    def waits_elsewhere(self, endpoint_id: str, holder: object) -> bool:
        """Whether this endpoint is a guest by another session than this one."""
        guest = self._guests.get(endpoint_id)
        return guest is not None and guest.holder is not holder

    def enter(self, guest: Guest) -> None:
        """Let a client wait; one that waits already goes on waiting.

        One that waits by another session gives way to this one, and hears 409/53205.

        Raises:
            InvalidArgumentError: The endpoint id is somebody else's, or the name is unusable.
            ServiceError: The lobby is full.
        """
        known = self._guests.get(guest.endpoint)
        if known is not None:
            if known.identity != guest.identity:
                raise InvalidArgumentError(f"Endpoint id {guest.endpoint} is taken.", code=409)
            if known.holder is guest.holder:
                return
        elif len(self._guests) >= MOST_GUESTS:
            raise ServiceError(
                "The lobby is full.",
                code=429,
                stage=Stage.ADMISSION,
                next_step="Try again once others were let in or turned away.",
            )
        # Those inside see it before it is checked at the door of the call.
        check_name(NameOf.PARTICIPANT, guest.name, self._call.limits.name_length)
        if known is not None:
            guest.is_admitted = known.is_admitted
            self._end(known, endings.DUPLICATE_IDENTITY)
        self._guests[guest.endpoint] = guest
        self._watch(guest)
        self._tell(guest.identity)

    def decide(self, identities: Collection[str] | None, *, is_admitted: bool) -> None:
        """Let people in, or turn them away.

        Args:
            identities: Raw ids; None for everybody who waits.
            is_admitted: Whether they may join.

        Raises:
            InvalidArgumentError: 400/41804: one of them is not in the lobby; nothing has changed.
        """
        waiting = dict.fromkeys(guest.identity for guest in self._waiting())
        chosen = tuple(waiting) if identities is None else tuple(dict.fromkeys(identities))
        for identity in chosen:
            if identity not in waiting:
                raise InvalidArgumentError(
                    f"{identity} is not in the lobby.",
                    sub_code=NOT_IN_LOBBY,
                    stage=Stage.SIGNALING,
                    next_step="Look at the participants of Call.lobby.",
                )
        for guest in [guest for guest in self._waiting() if guest.identity in chosen]:
            if is_admitted:
                guest.is_admitted = True
                self._watch(guest)
                guest.on_admitted()
            else:
                self._end(guest, endings.LOBBY_REJECTED)
        for identity in chosen:
            self._tell(identity, endings.LOBBY_REJECTED)
        self._call.end_if_deserted(endings.LOBBY_REJECTED)

    def entered(self, endpoint: Endpoint) -> None:
        """An endpoint is in the call now; it need not have been here, and gets a snapshot."""
        guest = self._guests.pop(endpoint.id, None)
        if guest is not None:
            self._unwatch(guest)
            self._tell(guest.identity, silent_for=endpoint)

    def called_no_longer(self, identity: str, *, silent_for: Endpoint | None = None) -> None:
        """The switchboard does not tell of somebody any more, who may have clients here."""
        self._tell(identity, silent_for=silent_for)

    def leave(self, endpoint_id: str, reason: EndReason) -> None:
        """A client waits no longer; it knows."""
        guest = self._guests.pop(endpoint_id, None)
        if guest is not None:
            self._unwatch(guest)
            self._tell(guest.identity, reason)
            self._call.end_if_deserted(reason)

    def close(self, reason: EndReason) -> None:
        """The call is over: nobody waits any longer."""
        for guest in list(self._guests.values()):
            self._end(guest, reason)

    # ------------------------------------------------------------ inside

    def _waiting(self) -> list[Guest]:
        return [guest for guest in self._guests.values() if not guest.is_admitted]

    def _watch(self, guest: Guest) -> None:
        self._unwatch(guest)
        guest.timer = self._later(self._meeting.lobby_timeout, lambda: self._expire(guest))

    def _unwatch(self, guest: Guest) -> None:
        if guest.timer is not None:
            guest.timer.cancel()
            guest.timer = None

    def _expire(self, guest: Guest) -> None:
        guest.timer = None
        self._end(guest, endings.LOBBY_TIMEOUT)
        self._tell(guest.identity, endings.LOBBY_TIMEOUT)
        self._call.end_if_deserted(endings.LOBBY_TIMEOUT)

    def _end(self, guest: Guest, reason: EndReason) -> None:
        self._unwatch(guest)
        del self._guests[guest.endpoint]
        guest.on_ended(reason)

    def _tell(
        self,
        identity: str,
        reason: EndReason | None = None,
        *,
        silent_for: Endpoint | None = None,
    ) -> None:
        """Make the roster say what is true of somebody; `reason` is why nobody is left of them."""
        here = [guest for guest in self._guests.values() if guest.identity == identity]
        known = self._call.roster.pending.get(identity)
        if known is not None and identity not in self._told:
            return  # They are called into the meeting as well: the switchboard tells of that.
        if not here:
            self._told.discard(identity)
            if known is not None:
                self._call.commit(
                    PendingGone(identity=identity, reason=reason), silent_for=silent_for
                )
            return
        self._told.add(identity)
        is_waiting = any(not guest.is_admitted for guest in here)
        state = PendingState.IN_LOBBY if is_waiting else PendingState.CONNECTING
        fresh = PendingParticipant(identity=identity, name=here[-1].name, state=state)
        if fresh != known:
            self._call.commit(PendingChanged(participant=fresh), silent_for=silent_for)
