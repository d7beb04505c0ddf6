"""Clients of a peer-to-peer room without media: what twilio-video.js does with descriptions.

An SDP is a JSON text that says how many sections there are and which tracks are sent. An answer
cannot have more sections than its offer, so who has more tracks offers again, as the real ones do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PoliteClient", "PoliteConnection"]

Entry = dict[str, Any]


@dataclass
class PoliteConnection:
    """One peer connection; `tell` says a description of it."""

    id: str
    client: PoliteClient
    revision: int = 0
    stable: int = 0
    has_local_offer: bool = False
    should_offer: bool = False
    queued: Entry | None = None
    local: Entry | None = None
    sections: int = 0
    remote_tracks: tuple[str, ...] = ()
    candidates: dict[str, int] = field(default_factory=dict)

    @property
    def is_stable(self) -> bool:
        return not self.has_local_offer and not self.should_offer and self.queued is None

    def offer(self) -> None:
        """Something changed here."""
        if self.has_local_offer:
            self.should_offer = True
        else:
            self._offer()

    def take(self, description: Entry) -> None:
        """One description of the other end, or of the service."""
        revision = description["revision"]
        match description["type"]:
            case "close":
                self.client.closed(self)
            case "answer" if self.has_local_offer and revision == self.revision:
                self.stable = revision
                self.has_local_offer = False
                self._apply(description)
                self._take_queued()
                self._maybe_offer_again()
            case "create-offer" if revision > self.stable:
                if self.has_local_offer:
                    self.queued = description
                else:
                    self.revision = revision
                    self._offer()
            case "offer" if revision > self.stable:
                self._take_offer(description)

    def state(self) -> Entry | None:
        """What a sync says of it: the newest local description."""
        return None if self.local is None else {"id": self.id, "description": self.local}

    def _take_offer(self, description: Entry) -> None:
        if not self.has_local_offer:
            self.revision = description["revision"]
            self._answer(description)
        elif self.stable == 0:
            self.queued = description
        else:
            # Crossing: roll back, answer, and offer again in any case.
            self.revision = description["revision"]
            self.has_local_offer = False
            if not self._answer(description):
                self._offer()

    def _offer(self) -> None:
        self.has_local_offer = True
        self.should_offer = False
        self.revision += 1
        self.sections = max(self.sections, len(self.client.tracks))
        self._say("offer")

    def _answer(self, offer: Entry) -> bool:
        self._apply(offer)
        self.stable = self.revision
        self._say("answer")
        self._take_queued()
        return self._maybe_offer_again()

    def _apply(self, description: Entry) -> None:
        sdp = json.loads(description["sdp"])
        self.sections = sdp["sections"]
        self.remote_tracks = tuple(sdp["tracks"])

    def _take_queued(self) -> None:
        queued, self.queued = self.queued, None
        if queued is not None:
            self.take(queued)

    def _maybe_offer_again(self) -> bool:
        again = self.should_offer or len(self.client.tracks) > self.sections
        if again and not self.has_local_offer:
            self._offer()
        return again

    def _say(self, kind: str) -> None:
        tracks = self.client.tracks[: self.sections]
        sdp = json.dumps({"sections": self.sections, "tracks": tracks})
        self.local = {"type": kind, "revision": self.revision, "sdp": sdp}
        self.client.say({"id": self.id, "description": self.local})


class PoliteClient:
    """One participant: its tracks, its connections, and what it said and hears."""

    def __init__(self, name: str, *tracks: str) -> None:
        self.name = name
        self.tracks = list(tracks)
        self.connections: dict[str, PoliteConnection] = {}
        self.is_online = True
        self.to_service: list[Entry] = []
        self.from_service: list[list[Entry]] = []
        self._closed: set[str] = set()

    def begin(self) -> Entry:
        """The connection that goes with `connect`."""
        first = self.connections[f"{self.name}0"] = PoliteConnection(f"{self.name}0", self)
        first.offer()
        return self.to_service.pop()

    def set_tracks(self, *tracks: str) -> None:
        """Publish exactly these from now on."""
        if list(tracks) != self.tracks:
            self.tracks = list(tracks)
            for connection in list(self.connections.values()):
                connection.offer()

    def hear(self, entries: list[Entry]) -> None:
        """Entries of an update."""
        for entry in entries:
            if entry["id"] in self._closed:
                continue
            known = self.connections.get(entry["id"])
            connection = known or PoliteConnection(entry["id"], self)
            self.connections[entry["id"]] = connection
            if "ice" in entry:
                connection.candidates[entry["ice"]["ufrag"]] = entry["ice"]["revision"]
            if "description" in entry:
                connection.take(entry["description"])

    def lose(self) -> None:
        """The socket breaks: what is under way is lost both ways."""
        self.is_online = False
        self.to_service.clear()
        self.from_service.clear()

    def sync(self) -> list[Entry]:
        """The connections of a `sync`; what is said until `synced` is queued, newest only."""
        self.to_service.clear()
        states = [connection.state() for connection in self.connections.values()]
        return [state for state in states if state is not None]

    def synced(self, entries: list[Entry]) -> None:
        """The answer to a `sync`: what it does not name is closed."""
        self.is_online = True
        named = {entry["id"] for entry in entries}
        for connection in list(self.connections.values()):
            if connection.id not in named:
                self.closed(connection)
        self.hear(entries)

    def say(self, entry: Entry) -> None:
        """Queue for the service; while the socket is lost only the newest of each is kept."""
        if not self.is_online:
            self.to_service = [one for one in self.to_service if one["id"] != entry["id"]]
        self.to_service.append(entry)

    def closed(self, connection: PoliteConnection) -> None:
        """A connection is over; its id never comes back."""
        self._closed.add(connection.id)
        self.connections.pop(connection.id, None)
