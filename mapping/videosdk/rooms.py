"""Rooms: what `POST https://api.videosdk.live/v2/rooms` is here.

VideoSDK's operation takes the token of a client in its `Authorization` header. Here making rooms is
an operator's business, as it is at Twilio and at ACS, so `create_room` asks our Twilio-style REST
API, whose header holds an API key and its secret. There is no route `/v2/rooms`.

Source: VideoSDK's guide for Twilio users, "Room Creation"; for ids of the form `abcd-efgh-ijkl` its
examples.
"""

from __future__ import annotations

import secrets
import string
from typing import Final

import aiohttp

from mapping.videosdk.errors import Errors, MeetingError

__all__ = ["create_room"]

DEADLINE: Final = 20.0
"""Seconds."""

_GROUPS: Final = 3
_LETTERS: Final = 4


async def create_room(service_url: str, key_sid: str, key_secret: str) -> str:
    """Make a room and return its id, the `meetingId` of `VideoSDK.initMeeting`.

    Nobody need be in it at once, but a room in which nobody is ends after five minutes, by
    `UnusedRoomTimeout` and `EmptyRoomTimeout` of the REST API; VideoSDK's rooms stay.

    Args:
        service_url: Where the service is, as `http://127.0.0.1:7780`.
        key_sid: An API key of the service, or the account's SID.
        key_secret: The key's secret, or the account's auth token.

    Raises:
        MeetingError: 4002, the service does not accept the key; 5000, it refuses otherwise or
            cannot be reached.
    """
    room_id = "-".join(_group() for _ in range(_GROUPS))
    headers = {"Authorization": aiohttp.encode_basic_auth(key_sid, key_secret)}
    timeout = aiohttp.ClientTimeout(total=DEADLINE)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
            http.post(f"{service_url}/v1/Rooms", data={"UniqueName": room_id}) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise MeetingError(
            f"{service_url} cannot be reached: {str(error) or type(error).__name__}.",
            code=Errors.SOMETHING_WENT_WRONG,
            next_step="Check the URL, and that the service runs.",
        ) from error
    if status != 201:
        raise MeetingError(
            f"The service made no room: it answered {status}.",
            code=Errors.INVALID_TOKEN if status in (401, 403) else Errors.SOMETHING_WENT_WRONG,
            next_step="Check the key and its secret; `twilio-compat serve --dev` prints some.",
        )
    return room_id


def _group() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_LETTERS))
