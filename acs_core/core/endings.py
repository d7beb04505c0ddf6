"""Why endpoints leave calls: one row per way out.

`code` and `sub_code` are those that the ACS Calling SDK reports in `callEndReason`. Where ACS has
no row because only Twilio knows the case, the sub code is Twilio's error code.

Source: the ACS call end code table and its table for telephone calls (learn.microsoft.com,
"Troubleshooting call end response codes"); Twilio's error dictionary, 53xxx; for the lobby 5855 of
Microsoft Graph's table of reasons why calls end, and 5854, by which Microsoft's ACS UI library
knows that a meeting denied access.
"""

from __future__ import annotations

from typing import Final

from acs_core.core.facts import EndReason

__all__ = [
    "ANSWERED_ELSEWHERE",
    "BUSY",
    "CALLEE_GONE",
    "CALL_FULL",
    "CANCELLED",
    "DECLINED",
    "DECLINED_ELSEWHERE",
    "DUPLICATE_IDENTITY",
    "ENDED_FOR_EVERYONE",
    "FORBIDDEN",
    "HUNG_UP",
    "LINK_LOST",
    "LOBBY_REJECTED",
    "LOBBY_TIMEOUT",
    "MEDIA_LOST",
    "NOT_REGISTERED",
    "NO_ANSWER",
    "NO_TELEPHONY",
    "OTHER_HUNG_UP",
    "OTHER_LOST",
    "REDIRECTED",
    "REMOVED",
    "ROOM_COMPLETED",
    "SERVICE_STOPPED",
    "STAYED_TOO_LONG",
    "TELEPHONE_BUSY",
    "TELEPHONE_DECLINED",
    "TELEPHONE_FAILED",
    "TELEPHONE_HUNG_UP",
    "TELEPHONE_NO_ANSWER",
    "TRANSFERRED",
    "UNINVITED",
    "for_other",
]

HUNG_UP: Final = EndReason(code=0, sub_code=0, message="The participant left.")
# Its codes are those of HUNG_UP, as in ACS; the message tells the two apart.
OTHER_HUNG_UP: Final = EndReason(code=0, sub_code=0, message="The other participant hung up.")
OTHER_LOST: Final = EndReason(
    code=0, sub_code=4521, message="The other participant was lost abruptly."
)
REMOVED: Final = EndReason(code=0, sub_code=5300, message="The participant was removed.")
ENDED_FOR_EVERYONE: Final = EndReason(
    code=0, sub_code=4097, message="The call was ended for everyone."
)
# ACS tells the client that is lost 496/7, its network being to blame; the others, and programs
# written for Twilio, know the loss by Twilio's code, and one row for both sides keeps them equal.
LINK_LOST: Final = EndReason(
    code=408, sub_code=53001, message="Signaling was lost and not restored in time."
)
MEDIA_LOST: Final = EndReason(
    code=410, sub_code=301005, message="Media was lost and not restored in time."
)
DUPLICATE_IDENTITY: Final = EndReason(
    code=409, sub_code=53205, message="The same identity connected again."
)
CALL_FULL: Final = EndReason(code=403, sub_code=53105, message="The call is full.")
ROOM_COMPLETED: Final = EndReason(code=0, sub_code=53118, message="The room was completed.")
STAYED_TOO_LONG: Final = EndReason(
    code=0, sub_code=53216, message="The participant stayed as long as the room allows."
)
SERVICE_STOPPED: Final = EndReason(code=503, sub_code=53006, message="The service is stopping.")
UNINVITED: Final = EndReason(
    code=0, sub_code=5317, message="The participant is no longer invited to the room."
)
LOBBY_REJECTED: Final = EndReason(
    code=0, sub_code=5854, message="The participant was not let in from the lobby."
)
LOBBY_TIMEOUT: Final = EndReason(
    code=0, sub_code=5855, message="Nobody let the participant in from the lobby in time."
)

# A good end, like HUNG_UP; the transfer itself tells more.
TRANSFERRED: Final = EndReason(code=0, sub_code=0, message="The call was transferred.")

# Calls that ring.
CANCELLED: Final = EndReason(code=487, sub_code=0, message="The caller cancelled the call.")
DECLINED: Final = EndReason(code=603, sub_code=0, message="The callee declined the call.")
# ACS has codes for busy telephones only; RFC 3261 section 21.4.24 has this one.
BUSY: Final = EndReason(code=486, sub_code=0, message="The callee is busy.")
# RFC 3261 sections 21.3.3 and 21.4.4, for what programs do with calls that ring.
REDIRECTED: Final = EndReason(code=302, sub_code=0, message="The call rings somewhere else now.")
FORBIDDEN: Final = EndReason(code=403, sub_code=0, message="The call was refused.")
ANSWERED_ELSEWHERE: Final = EndReason(
    code=487, sub_code=10003, message="Another client of the user answered the call."
)
NO_ANSWER: Final = EndReason(
    code=487, sub_code=10004, message="The callee did not answer the call in time."
)
DECLINED_ELSEWHERE: Final = EndReason(
    code=487, sub_code=10024, message="Another client of the user declined the call."
)
NOT_REGISTERED: Final = EndReason(
    code=480, sub_code=10037, message="No client of the callee is online."
)
CALLEE_GONE: Final = EndReason(
    code=480, sub_code=10078, message="The client of the callee went away while it rang."
)

# Telephones. Sub codes that begin with 560 hold the SIP code of an outbound call.
NO_TELEPHONY: Final = EndReason(
    code=403, sub_code=511532, message="The service has no gateway to the telephone network."
)
TELEPHONE_HUNG_UP: Final = EndReason(code=0, sub_code=560000, message="The telephone hung up.")
TELEPHONE_NO_ANSWER: Final = EndReason(
    code=480, sub_code=560480, message="The telephone was not answered."
)
TELEPHONE_BUSY: Final = EndReason(code=486, sub_code=560486, message="The telephone is busy.")
TELEPHONE_FAILED: Final = EndReason(
    code=503, sub_code=560503, message="The gateway to the telephone network failed."
)
TELEPHONE_DECLINED: Final = EndReason(
    code=603, sub_code=560603, message="The telephone declined the call."
)


def for_other(reason: EndReason) -> EndReason:
    """Why a call of two is over for one of them, when the other left it like that."""
    if reason in (LINK_LOST, MEDIA_LOST):
        return OTHER_LOST
    return reason if reason == TELEPHONE_HUNG_UP else OTHER_HUNG_UP
