"""Why endpoints leave calls: one row per way out.

`code` and `sub_code` are those that the ACS Calling SDK reports in `callEndReason`. Where ACS has
no row because only Twilio knows the case, the sub code is Twilio's error code.

Source: the ACS call end code table; Twilio's error dictionary, 53xxx; for the lobby 5855 of
Microsoft Graph's table of reasons why calls end, and 5854, by which Microsoft's ACS UI library
knows that a meeting denied access.
"""

from __future__ import annotations

from typing import Final

from acs_core.core.facts import EndReason

__all__ = [
    "CALL_FULL",
    "DUPLICATE_IDENTITY",
    "ENDED_FOR_EVERYONE",
    "HUNG_UP",
    "LINK_LOST",
    "LOBBY_REJECTED",
    "LOBBY_TIMEOUT",
    "MEDIA_LOST",
    "REMOVED",
    "ROOM_COMPLETED",
    "SERVICE_STOPPED",
    "STAYED_TOO_LONG",
    "UNINVITED",
]

HUNG_UP: Final = EndReason(code=0, sub_code=0, message="The participant left.")
REMOVED: Final = EndReason(code=0, sub_code=5300, message="The participant was removed.")
ENDED_FOR_EVERYONE: Final = EndReason(
    code=0, sub_code=4097, message="The call was ended for everyone."
)
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
