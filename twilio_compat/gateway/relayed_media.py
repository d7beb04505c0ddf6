"""A participant's media in a peer-to-peer room: the participants connect to each other.

`RelayedRoom` joins the pure `PeerRelay` with the sessions of one room; `RelayedMedia` is one
member's side of it. The service sees descriptions pass and no media.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from acs_core.service.endpoints import Endpoint, Subscription
from acs_core.service.sfu.transport import MediaTransport
from twilio_compat.gateway.media import MediaOwner
from twilio_compat.gateway.messages import ConnectionState
from twilio_compat.gateway.publishing import LocalTracks
from twilio_compat.gateway.relay import PeerRelay, Sent, subscribed_tracks

__all__ = ["RelayedMedia", "RelayedRoom"]


class RelayedRoom:
    """The relay of one room, and its members."""

    def __init__(self) -> None:
        self.relay = PeerRelay(new_id=lambda: str(uuid.uuid4()))
        self.members: dict[str, RelayedMedia] = {}

    def deliver(self, sent: Sent) -> None:
        """Say entries to whom they are for; a member without socket is told when it is back."""
        for member, entries in sent:
            media = self.members.get(member)
            if media is not None:
                media.say(entries)

    def refresh(self) -> None:
        """Somebody came, left or published: everybody subscribes to everything."""
        published = {key: media.published for key, media in self.members.items()}
        for key, media in self.members.items():
            media.subscribe(subscribed_tracks(key, published))


class RelayedMedia:
    """One member's media; an adapter of `PeerRelay` to `peer_connections` and `subscribed`.

    Args:
        owner: The member's session.
        room: Shared by all members.
        member: The member's endpoint.
        tracks: What it publishes.
    """

    def __init__(
        self, owner: MediaOwner, room: RelayedRoom, member: str, tracks: LocalTracks
    ) -> None:
        self._owner = owner
        self._room = room
        self._member = member
        self._tracks = tracks
        self._initial: ConnectionState | None = None
        self._subscribed: list[dict[str, Any]] = []
        self._revision = 0

    @property
    def published(self) -> Mapping[str, str]:
        """The member's own id of each published track, by SID."""
        return self._tracks.own_ids

    @property
    def transports(self) -> Sequence[MediaTransport]:
        """None: media takes another way."""
        return ()

    def begin(self, states: Iterable[ConnectionState]) -> list[dict[str, Any]]:
        """Keep the offer that comes with `connect` for the member who is there longest."""
        self._initial = next(iter(states), None)
        return []

    def open(self) -> None:
        """The client may be told things from now on; at first it is connected with everybody."""
        if self._member not in self._room.members:
            self._room.members[self._member] = self
            self._room.deliver(self._room.relay.join(self._member, self._initial))
        self._room.refresh()

    def shut(self) -> None:
        """The client cannot be told anything; what it misses is said in `resume`."""

    def take(self, states: Iterable[ConnectionState]) -> None:
        """Pass on what the client says of its connections."""
        self._room.deliver(self._room.relay.entries(self._member, states))

    def resume(self) -> list[dict[str, Any]]:
        """The entries of `peer_connections` for `synced`."""
        return self._room.relay.state(self._member)

    def attach(self, endpoint: Endpoint) -> None:
        """The member's tracks changed: everybody subscribes to them."""
        self._room.refresh()

    def align(self, wanted: Mapping[str, Subscription]) -> None:
        """There is nothing to forward."""

    def subscribed(self) -> dict[str, Any]:
        """The object of that name."""
        return {"revision": self._revision, "tracks": self._subscribed}

    def subscribe(self, tracks: list[dict[str, Any]]) -> None:
        """Everything that the others publish now."""
        if tracks != self._subscribed:
            self._subscribed = tracks
            self._revision += 1
            self._owner.say(subscribed=self.subscribed())

    def say(self, entries: list[dict[str, Any]]) -> None:
        """Tell the client of its connections."""
        self._owner.say(peer_connections=entries)

    def end(self) -> None:
        """Leave: the others close their connections with this member."""
        if self._room.members.get(self._member) is self:
            del self._room.members[self._member]
            self._room.deliver(self._room.relay.leave(self._member))
            self._room.refresh()

    async def close(self) -> None:
        """Nothing is left to end."""
        self.end()
