"""The Media subresource of recordings and compositions: a redirect to a link that expires.

Source: Twilio Video REST API, Recordings and Compositions, Media subresource: a redirect, which is
told in JSON, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from acs_core.service.media_files import LINK_LIFETIME, MediaFiles
from acs_core.service.openapi import NUMBER, Schema
from twilio_compat.rest.refusals import wrong_parameter
from twilio_compat.rest.routing import Handle, Operation
from twilio_compat.rest.schemas import URL, exactly

__all__ = ["MEDIA_SCHEMAS", "check_lifetime", "media_operation", "redirect"]

LONGEST_LIFETIME: Final = 604_800
"""Seconds: a week."""
MEDIA_SCHEMAS: Final[Mapping[str, Schema]] = {"media_link": exactly(redirect_to=URL)}
"""What is answered."""


def media_operation(name: str, path: str, handle: Handle) -> Operation:
    """The row of the table.

    Args:
        name: Twilio's.
        path: Of the resource whose media it is.
        handle: Answers with `redirect`.
    """
    lifetime: Schema = {**NUMBER, "minimum": 1, "maximum": LONGEST_LIFETIME}
    return Operation(name, "GET", f"{path}/Media", handle, 302, "media_link", {"Ttl": lifetime})


def check_lifetime(request: web.Request) -> int:
    """For how many seconds `Ttl` of the query wants the link to hold.

    Raises:
        InvalidArgumentError: It is no number of seconds, or more than a week.
    """
    text = request.query.get("Ttl") or str(int(LINK_LIFETIME))
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not 1 <= int(text) <= LONGEST_LIFETIME:
        raise wrong_parameter(f"Ttl is from 1 to {LONGEST_LIFETIME}, not {text[:40]!r}.")
    return int(text)


def redirect(
    request: web.Request, files: MediaFiles, folder: str, file: str, *, lifetime: int
) -> web.Response:
    """The answer.

    Args:
        request: Says under which name this server is known.
        files: Serves the file.
        folder: Where it is, among media files.
        file: Its name there.
        lifetime: Seconds for which the link holds.
    """
    link = files.link(folder, file, lifetime=lifetime)
    location = f"{request.url.origin()}{link}"
    return web.json_response({"redirect_to": location}, status=302, headers={"Location": location})
