"""Peer-to-peer rooms: who offers to whom, and which descriptions pass. Pure: no I/O, no clock.

Theory of operation. Each pair of members shares one connection, of which the service knows only the
id, the revisions and what either end said last. Who comes offers to everybody: with the offer of
`connect` to the member that is there longest, with new connections that it is asked to create
(`create-offer`) to the others. From then on entries pass between the two ends as they are.

Both clients are polite: an offer that crosses theirs makes them roll back, answer and offer again.
Were both crossing offers passed on, both would roll back; so the one that gets here first passes,
and the other is dropped. That is one comparison, which drops what was said before, too: an offer
passes when its revision is higher than the last answered one and than the open offer's. An answer
passes when it is the other end's and of the open offer's revision.

What is said to a member whose socket is lost need not be kept: `state` says again all that it could
have missed, and what it knows already changes nothing. One loss cannot be repaired that way: when
an end answered the very first offer and offered again, and only the latter gets here, then the
other end waits for the answer for ever (twilio-video.js 2.36 holds offers back until its first
answer came). Such a connection is replaced.

What is kept for somebody who may have missed it is bounded, and so is what passes: descriptions
and candidates that are larger than any browser makes them are dropped.

Source: the pairing is Twilio's for peer-to-peer rooms; twilio-video.js 2.36,
`lib/signaling/v2/peerconnection.js`, for what the ends do. RFC 8829 section 4.1.19 (RTCIceCandidate
as JSON) for the candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from acs_core.errors import InvalidStateError, Stage
from twilio_compat.gateway.messages import ConnectionDescription, ConnectionState

__all__ = [
    "MAX_CANDIDATES",
    "MAX_SDP_LENGTH",
    "UFRAGS_KEPT",
    "Entry",
    "PeerRelay",
    "Sent",
    "subscribed_tracks",
]

Entry: TypeAlias = dict[str, Any]
"""One element of `peer_connections`, as it is sent."""

Sent: TypeAlias = list[tuple[str, list[Entry]]]
"""To whom which entries are to be sent, in order; each member at most once."""

UFRAGS_KEPT: Final = 4
"""How many generations of candidates an end may have missed; each ICE restart begins one."""

MAX_SDP_LENGTH: Final = 200_000
"""Characters of a description between two participants: 30 tracks and all codecs take 160,000."""

MAX_CANDIDATES: Final = 100
"""Of one generation; browsers give some for each network interface and TURN server."""

MAX_REVISION: Final = 2**30
"""Half of what the service understands: the other end must be able to count on."""

MAX_ID_LENGTH: Final = 256
"""Characters; browsers use UUIDs for connections, RFC 8839 section 5.4 has this for a `ufrag`."""

_Word: TypeAlias = Annotated[str, Meta(max_length=MAX_ID_LENGTH)]
_Revision: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_REVISION)]


class _Candidate(Struct, frozen=True, rename="camel"):
    """One candidate as browsers write it; about 200 characters, at most 1 KiB."""

    candidate: Annotated[str, Meta(max_length=512)]
    sdp_mid: _Word | UnsetType | None = UNSET
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=2**16 - 1)] | UnsetType | None = UNSET
    username_fragment: _Word | UnsetType | None = UNSET


class _Candidates(Struct, frozen=True):
    """All candidates of one generation so far."""

    ufrag: _Word
    revision: _Revision
    candidates: Annotated[list[_Candidate], Meta(max_length=MAX_CANDIDATES)] | UnsetType = UNSET
    complete: bool | UnsetType = UNSET


class PeerRelay:
    """The connections of one peer-to-peer room.

    Args:
        new_id: Makes ids of connections; must never give one twice.
    """

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._members: dict[str, _Member] = {}
        self._connections: dict[str, _Connection] = {}

    def join(self, member: str, initial: ConnectionState | None = None) -> Sent:
        """Let a member in and connect it with everybody.

        Args:
            member: Any key; the participant's SID will do.
            initial: The connection that came with its `connect`, if one did.

        Raises:
            InvalidStateError: It is in the room already.
        """
        if member in self._members:
            raise InvalidStateError(f"{member} is in the room already.", stage=Stage.SIGNALING)
        others = list(self._members)
        newcomer = self._members[member] = _Member()
        if initial is not None and _is_offer(initial.description) and _is_bounded(initial):
            newcomer.unused = initial
            newcomer.known.add(initial.id)
        out = _Outbox()
        for other in others:
            self._close_unused(other, out)
            self._connect(member, other, out)
        if others:
            self._close_unused(member, out)
        return out.sent

    def entries(self, member: str, states: Iterable[ConnectionState]) -> Sent:
        """Pass on what a member says of its connections; what nobody waits for is dropped."""
        out = _Outbox()
        for state in states:
            connection = self._connections.get(state.id)
            if connection is None or not connection.joins(member) or not _is_bounded(state):
                continue
            verdict = connection.take(member, state)
            if verdict is _Verdict.BROKEN:
                self._replace(connection, out)
            elif verdict is not _Verdict.DROP:
                self._pass(connection, member, state, out)
            if verdict is _Verdict.OVER:
                del self._connections[connection.id]
            self._pass_candidates(connection, member, state, out)
        return out.sent

    def leave(self, member: str) -> Sent:
        """Let a member go; the others are told to close their connections with it."""
        out = _Outbox()
        if self._members.pop(member, None) is None:
            return out.sent
        for connection in self._of(member):
            del self._connections[connection.id]
            out.add(connection.other(member), connection.closing())
        return out.sent

    def state(self, member: str) -> list[Entry]:
        """All that a member must know of its connections; repeating it does no harm."""
        entries: list[Entry] = []
        known = self._members.get(member)
        if known is not None and known.unused is not None:
            entries.append({"id": known.unused.id})
        for connection in self._of(member):
            entries += connection.missed_by(member)
        return entries

    # ------------------------------------------------------------ inside

    def _connect(self, member: str, other: str, out: _Outbox) -> None:
        """Have a newcomer offer to somebody who is there, with its own connection if it is free."""
        initial = self._members[member].unused
        knows_id = initial is not None and initial.id in self._members[other].known
        if initial is None or knows_id or initial.id in self._connections:
            self._create(member, other, out)
            return
        self._members[member].unused = None
        self._members[other].known.add(initial.id)
        connection = self._connections[initial.id] = _Connection(initial.id, member, other)
        connection.take(member, initial)
        self._pass(connection, member, initial, out)
        self._pass_candidates(connection, member, initial, out)

    def _create(self, member: str, other: str, out: _Outbox) -> None:
        """Have a member create a connection with another one."""
        connection = _Connection(self._new_id(), member, other)
        self._connections[connection.id] = connection
        for end in (member, other):
            self._members[end].known.add(connection.id)
        out.add(member, connection.creating())

    def _close_unused(self, member: str, out: _Outbox) -> None:
        """Close the connection of somebody who was alone: it stays `new` for ever otherwise."""
        unused, self._members[member].unused = self._members[member].unused, None
        if unused is not None and unused.description is not None:
            out.add(member, _closing(unused.id, unused.description.revision + 1))

    def _replace(self, connection: _Connection, out: _Outbox) -> None:
        del self._connections[connection.id]
        for end in (connection.initiator, connection.partner):
            out.add(end, connection.closing())
        self._create(connection.initiator, connection.partner, out)

    def _pass(
        self, connection: _Connection, author: str, state: ConnectionState, out: _Outbox
    ) -> None:
        assert state.description is not None
        out.add(connection.other(author), _described(state.id, state.description))

    def _pass_candidates(
        self, connection: _Connection, author: str, state: ConnectionState, out: _Outbox
    ) -> None:
        ice = _candidates(state.ice)
        if connection.id not in self._connections or ice is None:
            return
        if connection.take_candidates(author, ice):
            out.add(connection.other(author), _with_candidates(state.id, ice))

    def _of(self, member: str) -> list[_Connection]:
        return [one for one in self._connections.values() if one.joins(member)]


def subscribed_tracks(member: str, published: Mapping[str, Mapping[str, str]]) -> list[Entry]:
    """The `subscribed.tracks` of a member of a relayed room: every track of the others.

    The media comes from the publishers themselves, so it is found under the publisher's own id of
    the track (the second word of its msid, or the label of its data channel), whatever the
    subscribe rules say.

    Args:
        member: Who subscribes.
        published: By member, its own id of each track by the track's SID.
    """
    return [
        {"sid": sid, "id": own_id}
        for publisher, tracks in published.items()
        if publisher != member
        for sid, own_id in tracks.items()
    ]


class _Verdict(Enum):
    """What is to be done with a description."""

    PASS = auto()
    DROP = auto()
    OVER = auto()
    """It passes, and is the last of its connection."""
    BROKEN = auto()
    """The connection cannot be negotiated any more."""


class _Outbox:
    """Collects entries by recipient, in the order of their first ones."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}

    @property
    def sent(self) -> Sent:
        return list(self._entries.items())

    def add(self, member: str, entry: Entry) -> None:
        self._entries.setdefault(member, []).append(entry)


@dataclass(slots=True)
class _Member:
    """Somebody in the room.

    Attributes:
        unused: The connection of its `connect`, as long as nobody was there to take it.
        known: Ids of connections that it has, or had: a client never opens one again.
    """

    unused: ConnectionState | None = None
    known: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Said:
    """What one end said that the other one may have missed: newest answer, a newer offer."""

    answer: ConnectionDescription | None = None
    offer: ConnectionDescription | None = None
    candidates: dict[str, _Candidates] = field(default_factory=dict)

    def entries(self, connection_id: str) -> list[Entry]:
        descriptions = [one for one in (self.answer, self.offer) if one is not None]
        return [
            *(_described(connection_id, one) for one in descriptions),
            *(_with_candidates(connection_id, ice) for ice in self.candidates.values()),
        ]


@dataclass(slots=True)
class _Offer:
    """An offer that waits for its answer."""

    author: str
    revision: int


class _Connection:
    """A connection between two members, as far as the service knows it."""

    def __init__(self, connection_id: str, initiator: str, partner: str) -> None:
        self.id = connection_id
        self.initiator = initiator
        self.partner = partner
        self._highest = 1
        self._answered = 0
        self._open: _Offer | None = None
        self._said = {initiator: _Said(), partner: _Said()}

    def joins(self, member: str) -> bool:
        return member in self._said

    def other(self, member: str) -> str:
        return self.partner if member == self.initiator else self.initiator

    def take(self, author: str, state: ConnectionState) -> _Verdict:
        """Judge a description, and remember it if it passes."""
        description = state.description
        if description is None:
            return _Verdict.DROP
        self._highest = max(self._highest, description.revision)
        match description.type:
            case "close":
                return _Verdict.OVER
            case "offer" if description.sdp is not None:
                return self._take_offer(author, description)
            case "answer" if description.sdp is not None:
                return self._take_answer(author, description)
            case _:
                return _Verdict.DROP

    def take_candidates(self, author: str, ice: _Candidates) -> bool:
        """Judge candidates, which are cumulative per `ufrag`; remember them if they pass."""
        said = self._said[author]
        if said.answer is None and said.offer is None:
            return False  # The other end may not know the connection yet.
        kept = said.candidates
        if ice.ufrag in kept and ice.revision <= kept[ice.ufrag].revision:
            return False
        kept[ice.ufrag] = ice
        if len(kept) > UFRAGS_KEPT:
            del kept[next(iter(kept))]
        return True

    def missed_by(self, member: str) -> list[Entry]:
        """What a member may have missed of this connection, or that it goes on."""
        said = self._said[self.other(member)].entries(self.id)
        if said:
            return said
        if member != self.initiator:
            return []  # It was not told of the connection yet.
        return [{"id": self.id} if self._open is not None else self.creating()]

    def creating(self) -> Entry:
        """What asks the initiator to create the connection; it offers revision 2."""
        return _entry(self.id, type="create-offer", revision=1)

    def closing(self) -> Entry:
        """What ends the connection."""
        return _closing(self.id, self._highest + 1)

    def _take_offer(self, author: str, offer: ConnectionDescription) -> _Verdict:
        crossing = self._open is not None and self._open.author != author
        if offer.revision <= max(self._answered, self._open.revision if self._open else 0):
            return _Verdict.DROP
        if crossing and self._answered == 0:
            return _Verdict.BROKEN
        if author != self.initiator and self._answered == 0:
            return _Verdict.DROP  # It cannot know the connection yet.
        self._open = _Offer(author, offer.revision)
        self._said[author].offer = offer
        return _Verdict.PASS

    def _take_answer(self, author: str, answer: ConnectionDescription) -> _Verdict:
        waiting = self._open
        if waiting is None or waiting.author == author or waiting.revision != answer.revision:
            return _Verdict.DROP
        self._open = None
        self._answered = answer.revision
        said = self._said[author]
        said.answer, said.offer = answer, None
        return _Verdict.PASS


def _is_offer(description: ConnectionDescription | None) -> bool:
    return description is not None and description.type == "offer" and description.sdp is not None


def _is_bounded(state: ConnectionState) -> bool:
    """Whether a description is small enough to be kept, and its revision can still grow."""
    if len(state.id) > MAX_ID_LENGTH:
        return False
    description = state.description
    if description is None:
        return True
    is_short = len(description.sdp or "") <= MAX_SDP_LENGTH
    return is_short and 0 <= description.revision <= MAX_REVISION


def _candidates(ice: Mapping[str, Any] | None) -> _Candidates | None:
    """Candidates as browsers write them and not too many; None for anything else."""
    if ice is None:
        return None
    try:
        return msgspec.convert(ice, _Candidates)
    except msgspec.ValidationError:
        return None


def _with_candidates(connection_id: str, ice: _Candidates) -> Entry:
    return {"id": connection_id, "ice": msgspec.to_builtins(ice)}


def _described(connection_id: str, description: ConnectionDescription) -> Entry:
    fields: dict[str, Any] = {"type": description.type, "revision": description.revision}
    if description.sdp is not None:
        fields["sdp"] = description.sdp
    return _entry(connection_id, **fields)


def _closing(connection_id: str, revision: int) -> Entry:
    return _entry(connection_id, type="close", revision=revision)


def _entry(connection_id: str, **description: Any) -> Entry:
    return {"id": connection_id, "description": description}
