"""How things are written in a trace: plain JSON, the same for every implementation.

An object of an SDK has a key `is` that says what it is, and what identifies it: a participant its
identity and SID, a track or a publication its kind, name and SID, an error Twilio's code.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "EVENTS",
    "described_data",
    "described_error",
    "described_participant",
    "described_publication",
    "described_room",
    "described_track",
    "kind_of",
    "owner_of",
    "subject_of",
]

EVENTS: Final = frozenset(
    {
        *("disconnected", "dominantSpeakerChanged", "participantConnected"),
        *("participantDisconnected", "participantReconnected", "participantReconnecting"),
        *("reconnected", "reconnecting", "recordingStarted", "recordingStopped"),
        *("trackDisabled", "trackEnabled", "trackMessage", "trackPublished"),
        *("trackPublishPriorityChanged", "trackSubscribed", "trackSwitchedOff"),
        *("trackSwitchedOn", "trackUnpublished", "trackUnsubscribed"),
    }
)
"""Events of a room that every implementation has, or can be translated to.

What comes with frames or measurements is left out: it has no place between the others.

Source: twilio-video.js 2.36, `lib/room.js`.
"""


def described_participant(identity: str, sid: str) -> dict[str, Any]:
    """A participant."""
    return {"is": "participant", "identity": identity, "sid": sid}


def described_publication(kind: str, name: str, sid: str) -> dict[str, Any]:
    """A publication, of the sender or of a receiver; a shared screen is a video."""
    return {"is": "publication", "kind": kind, "name": name, "sid": sid}


def described_track(kind: str, name: str, sid: str) -> dict[str, Any]:
    """A track that is received."""
    return {"is": "track", "kind": kind, "name": name, "sid": sid}


def described_room(name: str, sid: str) -> dict[str, Any]:
    """A room."""
    return {"is": "room", "name": name, "sid": sid}


def described_error(code: int | None, message: str) -> dict[str, Any]:
    """An error; what it says is for people and never compared."""
    return {"is": "error", "code": code, "message": message}


def described_data(data: str | bytes) -> Any:
    """A message: text as it is, bytes in hexadecimal digits."""
    return data if isinstance(data, str) else {"is": "bytes", "hex": data.hex()}


def owner_of(args: Any) -> str:
    """The identity of the participant among an event's arguments; empty without one."""
    who = (str(one.get("identity", "")) for one in _things(args) if one.get("is") == "participant")
    return next(who, "")


def kind_of(args: Any) -> str:
    """The kind of the track that an event's arguments are about; empty without one."""
    return str(_tracks(args)[0].get("kind", "")) if _tracks(args) else ""


def subject_of(args: Any) -> str:
    """Whom or what an event's arguments are about: `ann/camera`, `ann`, or empty."""
    what = [str(one.get("name", "")) for one in _tracks(args)]
    return "/".join(part for part in (owner_of(args), *what[:1]) if part)


def _tracks(args: Any) -> list[dict[str, Any]]:
    """The tracks and publications among an event's arguments."""
    return [one for one in _things(args) if one.get("is") in ("track", "publication")]


def _things(args: Any) -> list[dict[str, Any]]:
    return [one for one in args if isinstance(one, dict)] if isinstance(args, list) else []
