"""RSP v2 and ICE v1, the messages inside TCMP: what clients say, and ids as they write them.

Unknown fields are left out, as later versions of the SDK add some. What the service says is
built where it is said, as plain dictionaries.

Source: twilio-video.js 2.36 on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from acs_core.core.facts import Priority
from acs_core.core.receiving import (
    LARGEST_SIDE,
    BandwidthMode,
    BandwidthProfile,
    Dimensions,
    SwitchOffMode,
)
from acs_core.errors import InvalidArgumentError, ProtocolError, Stage

__all__ = [
    "RSP_VERSION",
    "BandwidthState",
    "ClientMessage",
    "Connect",
    "ConnectionDescription",
    "ConnectionState",
    "Disconnect",
    "IceRequest",
    "ParticipantState",
    "Sync",
    "TrackState",
    "Update",
    "bandwidth_profile",
    "decode",
    "participant_sid",
    "publication_of",
    "room_sid",
    "track_sid",
]

RSP_VERSION: Final = 2
CLIENT_SENT_INVALID: Final = 53004
"""Twilio's "signaling outgoing message invalid": the service cannot read what the client said."""


Revision: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class TrackState(Struct, frozen=True):
    """One local track, as its participant describes it.

    Attributes:
        id: The client's own name: the msid in its SDP, or the label of its data channel.
        kind: ``audio``, ``video`` or ``data``.
    """

    id: str
    kind: str
    name: str = ""
    enabled: bool = True
    priority: str = Priority.STANDARD.value


class ParticipantState(Struct, frozen=True):
    """Everything that a participant publishes; `revision` grows with each change.

    Attributes:
        media_warnings: What it wants to be warned of: ``recordings``.
    """

    revision: Revision
    tracks: tuple[TrackState, ...] = ()
    media_warnings: tuple[str, ...] = ()


class ConnectionDescription(Struct, frozen=True):
    """A description of a peer connection: offer, answer, create-offer or close."""

    type: str
    revision: Revision
    sdp: str | None = None


class ConnectionState(Struct, frozen=True):
    """One peer connection: what is new of it. Candidates are kept as they came."""

    id: str
    description: ConnectionDescription | None = None
    ice: Mapping[str, Any] | None = None


class SubscribeRule(Struct, frozen=True):
    """What to subscribe to."""

    type: str
    all: bool = False


class SubscribeRules(Struct, frozen=True):
    """The first rule decides: include or exclude everything."""

    rules: tuple[SubscribeRule, ...] = ()


class RenderSize(Struct, frozen=True):
    """Width and height in pixels, as an application computed them; either may be missing."""

    width: float | None = None
    height: float | None = None


class VideoBandwidth(Struct, frozen=True):
    """A bandwidth profile's video part; only fields of the right type are sent."""

    mode: str | None = None
    max_tracks: float | None = None
    max_subscription_bandwidth: float | None = None
    active_speaker_priority: str | None = None
    track_switch_off: str | None = None
    render_dimensions: Mapping[str, RenderSize] | None = None


class BandwidthState(Struct, frozen=True):
    """A bandwidth profile."""

    video: VideoBandwidth = VideoBandwidth()


class IceRequest(Struct, frozen=True, tag="ice"):
    """Asks for STUN and TURN servers; the first message of a client that has none."""

    token: str


class Connect(Struct, frozen=True, tag="connect"):
    """Enters a room."""

    token: str
    participant: ParticipantState
    name: str | None = None
    peer_connections: tuple[ConnectionState, ...] = ()
    media_signaling: Mapping[str, Any] = field(default_factory=dict)
    subscribe: SubscribeRules = SubscribeRules()
    bandwidth_profile: BandwidthState | None = None

    @property
    def is_automatic(self) -> bool:
        """Whether everything is subscribed to; so it is where no rule says otherwise."""
        rules = self.subscribe.rules
        return not rules or rules[0].type == "include"


class Update(Struct, frozen=True, tag="update"):
    """What changed at the client; the participant's state is always the complete one."""

    session: str | None = None
    participant: ParticipantState | None = None
    peer_connections: tuple[ConnectionState, ...] = ()
    bandwidth_profile: BandwidthState | None = None


class Sync(Struct, frozen=True, tag="sync"):
    """Goes on with a session on another socket."""

    session: str
    token: str
    participant: ParticipantState
    peer_connections: tuple[ConnectionState, ...] = ()


class Disconnect(Struct, frozen=True, tag="disconnect"):
    """Leaves the room; a client that was never connected says it too."""

    session: str | None = None


ClientMessage: TypeAlias = IceRequest | Connect | Update | Sync | Disconnect

_KNOWN: Final = frozenset({"ice", "connect", "update", "sync", "disconnect"})


def decode(body: Mapping[str, Any]) -> ClientMessage | None:
    """Read the body of a TCMP message; None for a type that means nothing to us.

    Raises:
        ProtocolError: 53004, the message does not have the shape of its type.
    """
    if body.get("type") not in _KNOWN:
        return None
    try:
        message: ClientMessage = msgspec.convert(body, ClientMessage)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ProtocolError(
            f"A {body.get('type')!r} message cannot be read: {error}",
            sub_code=CLIENT_SENT_INVALID,
            stage=Stage.SIGNALING,
        ) from error
    return message


def bandwidth_profile(state: BandwidthState) -> BandwidthProfile:
    """The profile in the service's words; values that mean nothing are left out."""
    video = state.video
    return BandwidthProfile(
        mode=_member(BandwidthMode, video.mode, BandwidthMode.GRID),
        max_bitrate_bps=_whole(video.max_subscription_bandwidth),
        max_tracks=_whole(video.max_tracks),
        speaker_priority=_member(Priority, video.active_speaker_priority, Priority.STANDARD),
        switch_off=_member(SwitchOffMode, video.track_switch_off, SwitchOffMode.PREDICTED),
        sizes={
            Priority(name): size
            for name, given in (video.render_dimensions or {}).items()
            if name in set(Priority) and (size := _dimensions(given)) is not None
        },
    )


def priority(name: str) -> Priority:
    """A track priority by Twilio's name.

    Raises:
        InvalidArgumentError: There is no such priority.
    """
    try:
        return Priority(name)
    except ValueError:
        raise InvalidArgumentError(
            f"{name!r} is no track priority.", stage=Stage.ARGUMENT
        ) from None


def room_sid(call: str) -> str:
    """A room's SID, from the call's id."""
    return f"RM{call}"


def participant_sid(endpoint: str) -> str:
    """A participant's SID, from the endpoint's id."""
    return f"PA{endpoint}"


def track_sid(publication: str) -> str:
    """A track's SID, from the publication's id."""
    return f"MT{publication}"


def publication_of(sid: str) -> str:
    """The publication that a track SID names."""
    return sid.removeprefix("MT")


def _dimensions(size: RenderSize) -> Dimensions | None:
    """The size; Twilio takes one of no pixels as the least there is."""
    if size.width is None or size.height is None:
        return None
    width, height = (int(min(max(1, side), LARGEST_SIDE)) for side in (size.width, size.height))
    return Dimensions(width=width, height=height)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(min(max(number, -1), 2**53))


def _member(kind: Any, name: str | None, default: Any) -> Any:
    return kind(name) if name is not None and name in set(kind) else default
