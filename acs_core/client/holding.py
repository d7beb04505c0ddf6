"""Holding a call: nothing is sent or received until it is resumed.

Theory of operation. Our hold is asked of the service, which tells everybody, us included, and
forwards nothing to us or from us. One change follows the other, each to its end, so that a resume
undoes also a hold that its caller did not wait for. Our senders rest meanwhile, and their
publications stay as they are. We follow what the roster says of us, not the answer: also of a hold
whose answer was lost or not waited for, both sides know the same. In a call between two the other
side's hold is a state of ours, too; in larger calls it shows only as the state of a participant.

Source: `hold` and `resume` of `Call`, @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from acs_core import wire
from acs_core.client.features.base import CallContext, News, RosterChanged
from acs_core.client.features.streams import StreamsFeature
from acs_core.core.call import (
    CallCore,
    CallState,
    HeldLocally,
    HeldRemotely,
    Input,
    ReleasedLocally,
    ReleasedRemotely,
    ReleasedWhileHeldRemotely,
)
from acs_core.errors import InvalidStateError

__all__ = ["Holding"]

_HOLD_CALL: Final = 41033
_RESUME_CALL: Final = 41034


class Holding:
    """The hold of one call, ours and the other side's."""

    def __init__(
        self,
        context: CallContext,
        core: CallCore,
        streams: StreamsFeature,
        is_one_to_one: Callable[[], bool],
        handle: Callable[[Input], None],
    ) -> None:
        """Prepare; nothing can be held before the call is connected.

        Args:
            context: Of the call.
            core: Its state.
            streams: What it sends.
            is_one_to_one: Whether it is a call between two.
            handle: Gives an input to the call.
        """
        self._context = context
        self._core = core
        self._streams = streams
        self._is_one_to_one = is_one_to_one
        self._handle = handle

    async def hold(self) -> None:
        """Put the call on hold; see `Call.hold`."""
        await self._context.enqueued(self._hold, "hold call")

    async def resume(self) -> None:
        """Go on with the call; see `Call.resume`."""
        await self._context.enqueued(self._resume, "resume call")

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, RosterChanged):
            self.look()

    def look(self) -> None:
        """Follow our hold and the other side's; the call does this once it is connected."""
        is_held = self._is_held_remotely()
        is_ours = self._is_ours()
        if is_ours and self._core.accepts(HeldLocally):
            self._streams.set_held(True)
            self._handle(HeldLocally())
        elif not is_ours and self._core.accepts(ReleasedLocally):
            self._streams.set_held(False)
            self._handle(ReleasedWhileHeldRemotely() if is_held else ReleasedLocally())
        if is_held and self._core.accepts(HeldRemotely):
            self._handle(HeldRemotely())
        elif not is_held and self._core.accepts(ReleasedRemotely):
            self._handle(ReleasedRemotely())

    async def _hold(self) -> None:
        if self._core.state is CallState.LOCAL_HOLD:
            return
        if not self._core.accepts(HeldLocally):
            raise _refused(self._core.state, "held", _HOLD_CALL)
        await self._ask(is_on_hold=True)

    async def _resume(self) -> None:
        if self._core.state is CallState.CONNECTED:
            return
        if not self._core.accepts(ReleasedLocally):
            raise _refused(self._core.state, "resumed", _RESUME_CALL)
        await self._ask(is_on_hold=False)

    def _is_ours(self) -> bool:
        session = self._context.session
        own = None if session is None else session.roster.endpoints.get(self._context.endpoint_id)
        return own is not None and own.attributes.is_on_hold

    def _is_held_remotely(self) -> bool:
        session = self._context.session
        if session is None or not self._is_one_to_one():
            return False
        endpoints = session.roster.endpoints.values()
        others = [item for item in endpoints if item.id != self._context.endpoint_id]
        return bool(others) and all(item.attributes.is_on_hold for item in others)

    async def _ask(self, *, is_on_hold: bool) -> None:
        endpoint = self._context.endpoint_id
        session = self._context.joined_session()
        await session.ask(wire.SetHold(endpoint=endpoint, is_on_hold=is_on_hold))


def _refused(state: CallState, what: str, sub_code: int) -> InvalidStateError:
    return InvalidStateError(
        f"A call that is {state} cannot be {what}.",
        code=500,
        sub_code=sub_code,
        next_step="Only connected calls are held, and only held ones are resumed.",
    )
