"""What programs are told of their calls: CloudEvents, posted to the callbacks they gave.

Source: CloudEvents 1.0, JSON batch format; the fields of `data` are those of the event models of
azure-communication-callautomation 1.6.0, `source` and `subject` those of ACS's samples.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from acs_core.core.facts import EndReason
from acs_core.errors import CallingError

__all__ = ["SUCCESS", "Event", "EventOutlet", "EventPoster", "failure", "result_of", "timestamp"]

_log = logging.getLogger(__name__)

Event: TypeAlias = Mapping[str, object]
"""One CloudEvent as JSON."""

EventPoster: TypeAlias = Callable[[str, str, Sequence[Event]], None]
"""Posts events: the URL, a group (a call's id), a batch; those of one group for one URL arrive in
order. Never waits."""

SUCCESS: Final = {"code": 200, "subCode": 0, "message": "Action completed successfully."}
GRACEFUL: Final = 7000
"""Sub code of an end that nothing caused but people ("Graceful" in ACS's table)."""


def result_of(reason: EndReason) -> dict[str, object]:
    """The `resultInformation` of somebody who left, or did not come, for a reason."""
    if reason.code:
        return {"code": reason.code, "subCode": reason.sub_code, "message": reason.message}
    return {"code": 200, "subCode": GRACEFUL, "message": reason.message}


def failure(error: CallingError, *, sub_code: int = 0) -> dict[str, object]:
    """The `resultInformation` of something that failed.

    Args:
        error: Why.
        sub_code: In place of that of the error; 0 for that.
    """
    sub_code = sub_code or error.sub_code
    return {"code": error.code or 500, "subCode": sub_code, "message": error.message}


def timestamp(moment: float) -> str:
    """Unix seconds in ISO 8601."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


class EventOutlet:
    """Makes events, and hands them to whoever delivers them.

    Attributes:
        post: Delivers them; None: nobody does, and nothing is said.
        check: Refuses URLs to which nothing may be posted, by a `CallingError`.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.post: EventPoster | None = None
        self.check: Callable[[str], object] = lambda _: None
        self._clock = clock

    def send(self, url: str, group: str, source: str, kind: str, **data: object) -> None:
        """Have an event delivered; returns at once and does not raise.

        Args:
            url: The callback; empty: nothing is sent.
            group: Events of one group arrive in order at a callback.
            source: What it is about, as ``calling/callConnections/ID``.
            kind: As ``CallConnected``.
            **data: The fields of its data; those that are None are left out.
        """
        if self.post is None or not url:
            return
        fields = {key: value for key, value in data.items() if value is not None}
        event = {
            "id": str(uuid.uuid4()),
            "source": f"{source}/{kind}",
            "subject": f"{source}/{kind}",
            "type": f"Microsoft.Communication.{kind}",
            "time": timestamp(self._clock()),
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "data": {"type": kind[0].lower() + kind[1:], **fields},
        }
        try:
            self.post(url, group, (event,))
        except Exception:
            _log.exception("an event of type %s was not accepted for delivery", kind)
