"""Who called, and who sent them: `callerInfo` and `transferorInfo` of a call.

Both are known from the start, with two exceptions. Who joins with a token that does not name them
learns their own identity with the answer. And in the call that somebody else is sent to, who was
there already learns of it when the newcomer takes the place of who sent them.

Source: `CallCommon` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable

from acs_core import wire
from acs_core.client.features.base import News, Noticed
from acs_core.events import CallEvent
from acs_core.identifiers import parse_raw_id
from acs_core.models import CallerInfo

__all__ = ["Callers"]


class Callers:
    """Who called, and who sent them.

    Args:
        caller: Who started the call.
        transferor: Who transferred it; None when nobody did.
        tell: Emits an event of the call.
    """

    def __init__(
        self,
        caller: CallerInfo,
        transferor: CallerInfo | None,
        tell: Callable[[CallEvent], None],
    ) -> None:
        self.caller = caller
        self.transferor = transferor
        self._tell = tell

    def identified(self, own: str) -> None:
        """Take our own raw id; it matters when it is us who called and it was not known."""
        if self.caller.identifier is None:
            self.caller = CallerInfo(parse_raw_id(own), self.caller.display_name)
            self._tell(CallEvent.CALLER_INFO_CHANGED)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Noticed(notice=wire.TransferredHere(by=by, by_name=by_name)):
                self.transferor = CallerInfo(parse_raw_id(by), by_name)
                self._tell(CallEvent.TRANSFEROR_INFO_CHANGED)
            case _:
                pass
