"""Links to meetings: one shape, written and read here, by clients and by the service.

The shape is that of a Microsoft Teams link, on any host::

    https://HOST/l/meetup-join/THREAD/MESSAGE?context={"Tid":"TENANT","Oid":"ORGANIZER"}

with percent-encoded parts. The service knows the meeting by thread and message; the host is only
where people find an explanation.

Source: the Microsoft Teams page on deep links to meetings; ACS's 400/40210 for anything else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["INVALID_LINK", "MeetingLink", "format_link", "invalid_meeting", "parse_link"]

INVALID_LINK: Final = 40210
LONGEST: Final = 2048
"""Characters; longer ones are no links of anybody's."""


@dataclass(frozen=True, slots=True)
class MeetingLink:
    """What a link says.

    Attributes:
        thread_id: As `19:meeting_...@thread.v2`.
        message_id: "0" unless the meeting belongs to a message of a channel.
        tenant_id: The organizer's organization; may be empty.
        organizer_id: The organizer's object id; may be empty.
    """

    thread_id: str
    message_id: str = "0"
    tenant_id: str = ""
    organizer_id: str = ""


def format_link(link: MeetingLink, *, host: str) -> str:
    """The link as text."""
    context = json.dumps(
        {"Tid": link.tenant_id, "Oid": link.organizer_id}, separators=(",", ":"), sort_keys=True
    )
    path = f"{quote(link.thread_id, safe='')}/{quote(link.message_id, safe='')}"
    return f"https://{host}/l/meetup-join/{path}?context={quote(context, safe='')}"


def parse_link(text: str) -> MeetingLink:
    """Read a link.

    Raises:
        InvalidArgumentError: 400/40210: it is none.
    """
    try:
        parts = urlsplit(text if len(text) <= LONGEST else "")
        names = [unquote(part, errors="strict") for part in parts.path.split("/")]
        context = json.loads(parse_qs(parts.query).get("context", ["{}"])[0])
    except (ValueError, RecursionError):
        raise invalid_meeting("It is no meeting link.") from None
    is_meant = parts.scheme == "https" and parts.netloc and names[:3] == ["", "l", "meetup-join"]
    if not is_meant or len(names) != 5 or not all(names[3:]) or not isinstance(context, dict):
        raise invalid_meeting("It is no meeting link.")
    tenant, organizer = context.get("Tid", ""), context.get("Oid", "")
    if not isinstance(tenant, str) or not isinstance(organizer, str):
        raise invalid_meeting("The context of the meeting link is malformed.")
    return MeetingLink(names[3], names[4], tenant, organizer)


def invalid_meeting(message: str) -> InvalidArgumentError:
    """For what names no meeting."""
    return InvalidArgumentError(
        message,
        sub_code=INVALID_LINK,
        stage=Stage.ARGUMENT,
        next_step="Use the link of the invitation, or its meeting id with the passcode.",
    )
