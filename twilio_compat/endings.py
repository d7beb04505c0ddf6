"""What a call's end and its losses are in Twilio's words.

They are the arguments of "disconnected" and "reconnecting".

Source: twilio-video.js 2.36, `lib/signaling/v2/room.js`; the ACS call end code table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acs_core.client.call_errors import error_of
from acs_core.core import endings
from acs_core.errors import CallingError, Stage
from twilio_compat.errors import (
    MediaConnectionError,
    SignalingConnectionDisconnectedError,
    TwilioError,
    from_core,
)

if TYPE_CHECKING:
    from acs_core.client.call import Call

__all__ = ["ended_error", "lost_error"]

# Source: the ACS call end code table, which has three rows for it.
_REMOVED: Final = frozenset({5000, endings.REMOVED.sub_code, endings.UNINVITED.sub_code})


def ended_error(call: Call) -> TwilioError | None:
    """Why a call is over, as the argument of "disconnected".

    None when this side hung up, and when it was removed: twilio-video.js gives an error to a
    `disconnected` message only if it says "completed", which is said of rooms.
    """
    reason = call.call_end_reason
    if reason is None or reason == endings.HUNG_UP or reason.sub_code in _REMOVED:
        return None
    # A call that is ended for everyone has a reason without an error.
    return from_core(
        call.error or error_of(reason), default=SignalingConnectionDisconnectedError.details.code
    )


def lost_error(error: CallingError) -> TwilioError:
    """The argument of "reconnecting": Twilio has 53001 for signaling and 53405 for media."""
    kind = (
        SignalingConnectionDisconnectedError
        if error.stage is Stage.SIGNALING
        else MediaConnectionError
    )
    twilio_error = kind(explanation=error.message, next_step=error.next_step)
    twilio_error.__cause__ = error
    return twilio_error
