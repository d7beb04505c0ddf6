"""Real-time text: what somebody types goes to everybody else in the call, as it is typed.

Nothing is kept: who comes later has missed it, as with speech.
"""

from __future__ import annotations

import time

from acs_core import wire
from acs_core.core.real_time_text import check_text
from acs_core.service.endpoints import Endpoint

__all__ = ["send_text"]


def send_text(endpoint: Endpoint, request: wire.SendRealTimeText) -> None:
    """Pass a message on, in the state in which it is.

    Raises:
        InvalidArgumentError: 400/46552: it is too long.
    """
    check_text(request.text)
    now = time.time()
    for listener in list(endpoint.call.endpoints.values()):
        if listener is not endpoint:
            listener.notify(
                wire.RealTimeText(
                    endpoint=listener.id,
                    sender=endpoint.id,
                    sequence=request.sequence,
                    text=request.text,
                    is_final=request.is_final,
                    timestamp=now,
                )
            )
