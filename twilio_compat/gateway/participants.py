"""Remote participants as one client is told of them: complete states with growing revisions.

Theory of operation. Facts of the roster go in, entries of `participants` come out. An entry is the
complete state of one participant; the client takes it if its revision is higher than the last one
that it saw of this participant, so revisions are counted here, per participant, and go on over a
lost socket. In a large room a participant is announced with the first track that it publishes, and
withdrawn, as if it had left, with the last one.

Source: twilio-video.js 2.36 on the wire; Twilio's large rooms announce publishers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    CallTypeChanged,
    ConnectionState,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Fact,
    MediaAccessChanged,
    PendingChanged,
    PendingGone,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationRemoved,
    RecordingChanged,
    SpeakersChanged,
)
from acs_core.core.roster import Roster
from twilio_compat.gateway.messages import participant_sid, track_sid

__all__ = ["RemoteParticipants", "track_entry"]

Entry = dict[str, Any]


@dataclass(slots=True)
class _Told:
    """What the client knows of one participant."""

    revision: int = 0
    entry: Entry | None = None


class RemoteParticipants:
    """Everybody in the room but the client itself.

    Args:
        own: The client's endpoint.
        is_large: Whether participants without tracks stay unannounced.
    """

    def __init__(self, own: str, *, is_large: bool) -> None:
        self._own = own
        self._is_large = is_large
        self._told: dict[str, _Told] = {}
        self._owners: dict[str, str] = {}

    def changed(self, roster: Roster, fact: Fact) -> list[Entry]:
        """The entries to send after a fact that the roster already holds; at most one."""
        match fact:
            case (
                SpeakersChanged()
                | RecordingChanged()
                | ActivityChanged()
                | AttributesChanged()
                | MediaAccessChanged()
                | PendingChanged()
                | PendingGone()
                | CallTypeChanged()
            ):
                return []
            case EndpointLeft(endpoint=endpoint_id):
                return self._left(endpoint_id)
            case EndpointJoined(endpoint=info):
                about: str | None = info.id
            case PublicationChanged(publication=publication):
                about = self._owners.get(publication)
            case PublicationRemoved(publication=publication):
                about = self._owners.pop(publication, None)
            case EndpointChanged(endpoint=about) | PublicationAdded(endpoint=about):
                pass
        endpoint = None if about is None else roster.endpoints.get(about)
        entry = None if endpoint is None else self._update(endpoint)
        return [] if entry is None else [entry]

    def snapshot(self, roster: Roster) -> list[Entry]:
        """The entries of everybody who is announced, for `connected` and `synced`."""
        for gone in self._told.keys() - roster.endpoints.keys():
            self._left(gone)
        for endpoint in roster.endpoints.values():
            self._update(endpoint)
        told = (item.entry for item in self._told.values() if item.entry is not None)
        return [entry for entry in told if entry["state"] != ConnectionState.DISCONNECTED.value]

    def _update(self, endpoint: EndpointInfo) -> Entry | None:
        if endpoint.id == self._own:
            return None
        self._owners.update((item.id, endpoint.id) for item in endpoint.publications)
        told = self._told.setdefault(endpoint.id, _Told())
        is_announced = not self._is_large or bool(endpoint.publications)
        if not is_announced and told.entry is None:
            return None
        state = endpoint.state if is_announced else ConnectionState.DISCONNECTED
        entry = {
            "sid": participant_sid(endpoint.id),
            "identity": endpoint.name or endpoint.identity,
            "state": _state(state),
            "tracks": [track_entry(item) for item in endpoint.publications],
        }
        return self._tell(told, entry)

    def _left(self, endpoint: str) -> list[Entry]:
        self._owners = {key: owner for key, owner in self._owners.items() if owner != endpoint}
        told = self._told.pop(endpoint, None)
        if told is None or told.entry is None:
            return []
        # With its tracks: they are unsubscribed with it, but nobody unpublished them.
        entry = {**told.entry, "state": ConnectionState.DISCONNECTED.value}
        gone = self._tell(told, entry)
        return [] if gone is None else [gone]

    @staticmethod
    def _tell(told: _Told, entry: Entry) -> Entry | None:
        if told.entry is not None and {**entry, "revision": told.revision} == told.entry:
            return None
        told.revision += 1
        told.entry = {**entry, "revision": told.revision}
        return told.entry


def track_entry(publication: PublicationInfo) -> Entry:
    """How a remote track is described."""
    media = publication.kind.media
    return {
        "sid": track_sid(publication.id),
        "name": publication.name,
        "kind": "data" if media == "application" else media,
        "enabled": publication.enabled,
        "priority": publication.priority.value,
    }


def _state(state: ConnectionState) -> str:
    # Twilio knows three states; one that is still connecting is here already.
    if state is ConnectionState.CONNECTING:
        return ConnectionState.CONNECTED.value
    return state.value
