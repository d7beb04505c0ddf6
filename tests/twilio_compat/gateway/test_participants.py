"""What a client is told of the others, by a client that believes only revisions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Fact,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.core.roster import Roster
from acs_core.errors import ProtocolError
from twilio_compat.gateway.participants import RemoteParticipants

OWN = "0" * 32


def track(key: str, kind: PublicationKind = PublicationKind.AUDIO) -> PublicationInfo:
    return PublicationInfo(id=key, number=1, kind=kind, name=key)


def person(key: str, *tracks: PublicationInfo, name: str = "") -> EndpointInfo:
    return EndpointInfo(id=key, identity=f"8:acs:{key}", name=name, publications=tracks)


class Client:
    """Takes an entry if its revision is higher than the last one, as the SDK does."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, Any]] = {}

    def take(self, entry: dict[str, Any]) -> None:
        known = self.seen.get(entry["sid"])
        if known is None or entry["revision"] > known["revision"]:
            self.seen[entry["sid"]] = entry

    @property
    def present(self) -> dict[str, list[str]]:
        return {
            sid: [item["sid"] for item in entry["tracks"]]
            for sid, entry in self.seen.items()
            if entry["state"] != "disconnected"
        }


def told(view: RemoteParticipants, roster: Roster, *facts: Fact) -> list[dict[str, Any]]:
    entries = []
    for fact in facts:
        roster.commit(fact)
        entries += view.changed(roster, fact)
    return entries


def test_an_entry_is_the_complete_state_and_its_revision_grows() -> None:
    roster, view = Roster(), RemoteParticipants(OWN, is_large=False)
    first, second, third = told(
        view,
        roster,
        EndpointJoined(endpoint=person("a", name="alice")),
        PublicationAdded(endpoint="a", publication=track("t", PublicationKind.SCREEN)),
        EndpointChanged(endpoint="a", state=ConnectionState.RECONNECTING),
    )
    assert first == {
        "sid": "PAa",
        "identity": "alice",
        "state": "connected",
        "tracks": [],
        "revision": 1,
    }
    assert second["revision"] == 2
    assert second["tracks"] == [
        {"sid": "MTt", "name": "t", "kind": "video", "enabled": True, "priority": "standard"}
    ]
    assert (third["revision"], third["state"]) == (3, "reconnecting")


def test_a_user_without_a_name_is_called_by_the_raw_id() -> None:
    (entry,) = told(
        RemoteParticipants(OWN, is_large=False), Roster(), EndpointJoined(endpoint=person("a"))
    )
    assert entry["identity"] == "8:acs:a"


def test_the_client_is_not_told_of_itself() -> None:
    view = RemoteParticipants(OWN, is_large=False)
    assert told(view, Roster(), EndpointJoined(endpoint=person(OWN))) == []


def test_what_changes_nothing_is_not_said() -> None:
    roster, view = Roster(), RemoteParticipants(OWN, is_large=False)
    told(view, roster, EndpointJoined(endpoint=person("a", track("t"))))
    same = PublicationChanged(publication="t", enabled=True, priority=Priority.STANDARD)
    assert told(view, roster, same) == []


def test_a_large_room_announces_those_who_publish() -> None:
    roster, view = Roster(), RemoteParticipants(OWN, is_large=True)
    assert told(view, roster, EndpointJoined(endpoint=person("a"))) == []
    (come,) = told(view, roster, PublicationAdded(endpoint="a", publication=track("t")))
    (gone,) = told(view, roster, PublicationRemoved(publication="t"))
    (back,) = told(view, roster, PublicationAdded(endpoint="a", publication=track("u")))
    assert [entry["state"] for entry in (come, gone, back)] == [
        "connected",
        "disconnected",
        "connected",
    ]
    assert come["revision"] < gone["revision"] < back["revision"]
    assert view.snapshot(roster) == [back]


def test_a_large_room_says_nothing_of_who_leaves_unannounced() -> None:
    roster, view = Roster(), RemoteParticipants(OWN, is_large=True)
    told(view, roster, EndpointJoined(endpoint=person("a")))
    assert told(view, roster, EndpointLeft(endpoint="a")) == []


KEYS = st.sampled_from(["a", "b", OWN])
TRACKS = st.sampled_from(["t", "u", "v"])
FACTS = st.one_of(
    st.builds(lambda key: EndpointJoined(endpoint=person(key)), KEYS),
    st.builds(lambda key: EndpointLeft(endpoint=key), KEYS),
    st.builds(
        lambda key, state: EndpointChanged(endpoint=key, state=state),
        KEYS,
        st.sampled_from([ConnectionState.CONNECTED, ConnectionState.RECONNECTING]),
    ),
    st.builds(lambda key, t: PublicationAdded(endpoint=key, publication=track(t)), KEYS, TRACKS),
    st.builds(lambda t: PublicationRemoved(publication=t), TRACKS),
    st.builds(
        lambda t, on: PublicationChanged(publication=t, enabled=on, priority=Priority.LOW),
        TRACKS,
        st.booleans(),
    ),
)


@given(st.lists(FACTS), st.booleans(), st.randoms(use_true_random=False))
def test_any_order_and_duplication_of_entries_ends_in_the_roster(
    script: list[Fact], is_large: bool, chance: Any
) -> None:
    roster, view, client = Roster(), RemoteParticipants(OWN, is_large=is_large), Client()
    entries: list[dict[str, Any]] = []
    met: set[str] = set()
    for fact in script:
        if isinstance(fact, EndpointJoined):
            if fact.endpoint.id in met:
                continue  # Ids of endpoints are never used again.
            met.add(fact.endpoint.id)
        try:
            roster.commit(fact)
        except ProtocolError:
            continue
        entries += view.changed(roster, fact)
    chance.shuffle(entries)
    for entry in [*entries, *chance.choices(entries, k=5)] if entries else []:
        client.take(entry)
    assert client.present == {
        f"PA{key}": [f"MT{item.id}" for item in info.publications]
        for key, info in roster.endpoints.items()
        if key != OWN and (info.publications or not is_large)
    }
    assert {entry["sid"] for entry in view.snapshot(roster)} == set(client.present)
