"""The way into a call: the question, a wait in the lobby, and what arrives before the answer."""

from __future__ import annotations

import asyncio

from acs_core import wire
from acs_core.client.contained import tell
from acs_core.client.session_model import SessionObserver
from acs_core.client.signaling import SignalingConnection
from acs_core.core.roster import Roster
from acs_core.errors import ProtocolError, Stage

__all__ = ["Entry", "roster_of"]


class Entry:
    """One session's way in; used once.

    Args:
        connection: Carries the question.
        observer: Hears of the lobby.
    """

    def __init__(self, connection: SignalingConnection, observer: SessionObserver) -> None:
        self._connection = connection
        self._observer = observer
        self._admitted = asyncio.Event()
        self._early: list[wire.DeliveryBody] = []

    async def ask(self, join: wire.Join) -> wire.Joined:
        """Join, after a wait in the lobby if there is one; a task that is cancelled waits no more.

        Raises:
            CallingError: The service refuses, or cannot be reached.
        """
        while True:
            answer = await self._connection.request(join)
            match answer:
                case wire.Joined():
                    return answer
                case wire.InLobby():
                    tell(self._observer.on_lobby)
                    await self._admitted.wait()
                    self._admitted.clear()
                case _:
                    raise ProtocolError(
                        "The service did not answer the join.", stage=Stage.SIGNALING
                    )

    def delivered(self, body: wire.DeliveryBody) -> None:
        """Take what is said before the call was entered."""
        if isinstance(body, wire.Admitted):
            self._admitted.set()
        else:
            self._early.append(body)

    def take_early(self) -> list[wire.DeliveryBody]:
        """What was said meanwhile, in order; once."""
        early, self._early = self._early, []
        return early


def roster_of(joined: wire.Joined) -> Roster:
    """Who is in the call when it is entered."""
    return Roster.restore(
        joined.revision,
        joined.endpoints,
        joined.speakers,
        pending=joined.pending,
        is_recording=joined.is_recording,
        activity=joined.activity,
        media_access=joined.media_access,
        call_type=joined.call_type,
    )
