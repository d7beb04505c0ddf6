"""What clients ask of a call besides media: each request goes to the part that knows it.

`NativeEndpoint` handles what is about its own media and hands everything else to `CallServices`,
which the service makes once and all endpoints share.
"""

from __future__ import annotations

from acs_core import wire
from acs_core.errors import ServiceError, Stage
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint
from acs_core.service.real_time_text import send_text

__all__ = ["CallServices"]


class CallServices:
    """The parts of the service that act on calls and the people in them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def handle(self, endpoint: Endpoint, body: wire.RequestBody) -> None:
        """Carry out a request of an endpoint that is in a call.

        Raises:
            CallingError: It is refused; nothing has changed.
        """
        match body:
            case wire.Invite():
                self._calls.switchboard.invite(endpoint, body)
            case wire.RemoveParticipant():
                self._calls.switchboard.remove(endpoint, body)
            case wire.SetHold(is_on_hold=is_on_hold):
                endpoint.call.set_attributes(endpoint, is_on_hold=is_on_hold)
            case wire.SendTone(tone=tone):
                self._calls.switchboard.send_tone(endpoint, tone)
            case wire.SendRealTimeText():
                send_text(endpoint, body)
            case _:
                raise ServiceError(
                    f"The service does not know {type(body).__name__} requests.",
                    code=501,
                    stage=Stage.SIGNALING,
                )
