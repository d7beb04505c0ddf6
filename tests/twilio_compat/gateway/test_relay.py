from __future__ import annotations

import json
from itertools import combinations, count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.errors import InvalidStateError
from tests.support.polite_client import Entry, PoliteClient
from twilio_compat.gateway.messages import ConnectionState
from twilio_compat.gateway.relay import (
    MAX_CANDIDATES,
    MAX_SDP_LENGTH,
    UFRAGS_KEPT,
    PeerRelay,
    Sent,
    subscribed_tracks,
)


def relay() -> PeerRelay:
    numbers = count(1)
    return PeerRelay(new_id=lambda: f"pc{next(numbers)}")


def states(*entries: Entry) -> list[ConnectionState]:
    return msgspec.convert(entries, list[ConnectionState])


def said(id_: str, kind: str, revision: int, sdp: str | None = "v=0") -> Entry:
    fields = {} if sdp is None else {"sdp": sdp}
    return {"id": id_, "description": {"type": kind, "revision": revision, **fields}}


def candidates(id_: str, ufrag: str, revision: Any, *lines: str) -> Entry:
    listed = [candidate(line) for line in lines]
    return {"id": id_, "ice": {"ufrag": ufrag, "revision": revision, "candidates": listed}}


def candidate(line: str, **fields: Any) -> Entry:
    return {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0} | fields


def resume(room: PeerRelay, member: str, *entries: Entry) -> tuple[list[Entry], Sent]:
    """What happens when a lost socket is replaced: what is said to the member, and to others."""
    passed = [(to, said) for to, said in room.entries(member, states(*entries)) if to != member]
    return room.state(member), passed


def first(id_: str) -> ConnectionState:
    return states(said(id_, "offer", 1))[0]


# ---------------------------------------------------------------- pairing


def test_who_is_alone_hears_nothing() -> None:
    room = relay()
    assert room.join("a", first("a0")) == []
    assert room.state("a") == [{"id": "a0"}]


def test_the_second_ones_offer_goes_to_the_first_whose_own_is_closed() -> None:
    room = relay()
    room.join("a", first("a0"))
    assert room.join("b", first("b0")) == [
        ("a", [said("a0", "close", 2, None), said("b0", "offer", 1)])
    ]
    assert room.entries("a", states(said("b0", "answer", 1))) == [("b", [said("b0", "answer", 1)])]
    # Nothing is left of the connection that was closed.
    assert room.entries("a", states(said("a0", "offer", 3))) == []


def test_the_third_one_offers_to_the_first_and_is_asked_to_offer_to_the_second() -> None:
    room = relay()
    room.join("a", first("a0"))
    room.join("b", first("b0"))
    assert room.join("c", first("c0")) == [
        ("a", [said("c0", "offer", 1)]),
        ("c", [said("pc1", "create-offer", 1, None)]),
    ]
    assert room.entries("c", states(said("pc1", "offer", 2))) == [("b", [said("pc1", "offer", 2)])]
    assert room.entries("b", states(said("pc1", "answer", 2))) == [
        ("c", [said("pc1", "answer", 2)])
    ]


def test_without_an_offer_of_its_own_a_newcomer_is_asked_for_one() -> None:
    room = relay()
    room.join("a")
    assert room.join("b") == [("b", [said("pc1", "create-offer", 1, None)])]
    assert room.join("c", states(candidates("c0", "u", 1))[0]) == [
        ("c", [said("pc2", "create-offer", 1, None), said("pc3", "create-offer", 1, None)])
    ]


def test_an_id_that_somebody_knows_is_not_used_again() -> None:
    room = relay()
    room.join("a", first("a0"))
    room.join("b", first("x0"))
    room.leave("b")
    assert room.join("c", first("x0")) == [
        ("c", [said("pc1", "create-offer", 1, None), said("x0", "close", 2, None)])
    ]
    # Nor the id of somebody else's connection.
    ((_, entries),) = room.join("d", first("pc1"))
    assert [entry["id"] for entry in entries] == ["pc2", "pc3", "pc1"]


def test_a_member_comes_once() -> None:
    room = relay()
    room.join("a")
    with pytest.raises(InvalidStateError):
        room.join("a")


# ---------------------------------------------------------------- relaying


def pair() -> PeerRelay:
    """`a` and `b` with connection b0, negotiated at revision 1."""
    room = relay()
    room.join("a", first("a0"))
    room.join("b", first("b0"))
    room.entries("a", states(said("b0", "answer", 1)))
    return room


def test_of_crossing_offers_the_first_wins() -> None:
    room = pair()
    assert room.entries("a", states(said("b0", "offer", 2))) == [("b", [said("b0", "offer", 2)])]
    assert room.entries("b", states(said("b0", "offer", 2))) == []
    # The loser answers and offers again in one message; both pass.
    assert room.entries("b", states(said("b0", "answer", 2), said("b0", "offer", 3))) == [
        ("a", [said("b0", "answer", 2), said("b0", "offer", 3)])
    ]


def test_a_later_offer_of_the_same_end_takes_the_place_of_its_earlier_one() -> None:
    room = pair()
    room.entries("a", states(said("b0", "offer", 2)))
    assert room.entries("a", states(said("b0", "offer", 3))) == [("b", [said("b0", "offer", 3)])]
    assert room.entries("b", states(said("b0", "answer", 2))) == []
    assert room.entries("b", states(said("b0", "answer", 3))) == [("a", [said("b0", "answer", 3)])]


def test_after_a_lost_answer_the_newer_offer_passes() -> None:
    room = pair()
    room.entries("a", states(said("b0", "offer", 2)))
    assert room.entries("b", states(said("b0", "offer", 3))) == [("a", [said("b0", "offer", 3)])]


def test_what_was_said_before_is_dropped() -> None:
    room = pair()
    for entry in (said("b0", "offer", 1), said("b0", "answer", 1), said("b0", "answer", 2)):
        assert room.entries("a", states(entry)) == []
        assert room.entries("b", states(entry)) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "b0"},
        said("elsewhere", "offer", 5),
        said("b0", "offer", 5, None),
        said("b0", "create-offer", 5, None),
        said("b0", "pranswer", 5),
        candidates("b0", "u", "1"),
        candidates("b0", "u", True),
        {"id": "b0", "ice": {}},
        {"id": "b0", "ice": {"ufrag": "u", "revision": 1, "candidates": ["candidate:1"]}},
        {"id": "b0", "ice": {"ufrag": "u", "revision": 1, "candidates": {"x": [1] * 1000}}},
        {"id": "b0", "ice": {"ufrag": "u", "revision": 1, "candidates": [candidate("x" * 1025)]}},
        {
            "id": "b0",
            "ice": {"ufrag": "u", "revision": 1, "candidates": [candidate("", sdpMid="x" * 1025)]},
        },
        candidates("b0", "u" * 257, 1),
        candidates("b0", "u", 2**31 - 1),
        candidates("b0", "u", 1, *["candidate"] * (MAX_CANDIDATES + 1)),
        said("b0", "offer", 5, "x" * (MAX_SDP_LENGTH + 1)),
        said("b0", "offer", 2**31 - 1),
    ],
)
def test_what_means_nothing_is_dropped(entry: Entry) -> None:
    room = pair()
    assert room.entries("a", states(entry)) == []
    assert room.entries("nobody", states(entry)) == []


def test_nobody_speaks_for_others() -> None:
    room = pair()
    room.join("c", first("c0"))
    assert room.entries("c", states(said("b0", "close", 9, None))) == []


def test_candidates_pass_as_they_are_and_once() -> None:
    room = pair()
    entry = candidates("b0", "u", 1, "candidate:1")
    assert room.entries("a", states(entry)) == [("b", [entry])]
    assert room.entries("a", states(entry)) == []
    more = candidates("b0", "u", 2, "candidate:1", "candidate:2")
    assert room.entries("a", states(more)) == [("b", [more])]
    restarted = candidates("b0", "v", 1, "candidate:3")
    assert room.entries("a", states(restarted)) == [("b", [restarted])]


def test_all_that_browsers_say_of_candidates_passes_and_nothing_else() -> None:
    room = pair()
    line = "candidate:1467250027 1 udp 2122260223 192.0.2.7 46154 typ host generation 0 ufrag 4ZcD"
    known = {
        "ufrag": "4ZcD",
        "revision": 3,
        "complete": True,
        "candidates": [
            candidate(line, usernameFragment="4ZcD"),
            candidate("", sdpMid=None, sdpMLineIndex=None, usernameFragment=None),
            {"candidate": line},
        ],
    }
    more = {**known, "payload": "x" * 1000}
    assert room.entries("a", states({"id": "b0", "ice": more})) == [
        ("b", [{"id": "b0", "ice": known}])
    ]
    # The list may be missing.
    short = {"ufrag": "4ZcD", "revision": 4, "complete": True}
    assert room.entries("a", states({"id": "b0", "ice": short})) == [
        ("b", [{"id": "b0", "ice": short}])
    ]


def test_the_largest_that_passes_is_kept() -> None:
    room = pair()
    offer = said("b0", "offer", 2, "x" * MAX_SDP_LENGTH)
    many = candidates("b0", "u", 1, *["c" * 512] * MAX_CANDIDATES)
    assert room.entries("a", states(offer, many)) == [("b", [offer, many])]
    assert room.state("b")[1:] == [offer, many]


def test_a_connection_that_cannot_be_kept_is_not_used() -> None:
    for id_, revision, length in (
        ("b" * 257, 1, 1),
        ("b0", 2**31 - 1, 1),
        ("b0", 1, MAX_SDP_LENGTH + 1),
    ):
        room = relay()
        room.join("a")
        initial = states(said(id_, "offer", revision, "x" * length))[0]
        assert room.join("b", initial) == [("b", [said("pc1", "create-offer", 1, None)])]
        assert len(json.dumps(room.state("b"))) < 1000


def test_the_service_can_always_end_a_connection_with_a_revision_that_is_understood() -> None:
    room = pair()
    for revision in (2**30, 2**30 + 1, 2**31 - 1):
        room.entries("a", states(said("b0", "offer", revision)))
    ((_, entries),) = room.leave("a")
    closing = entries[-1]["description"]["revision"]
    assert closing == 2**30 + 1
    assert states(said("b0", "close", closing + 1, None))


def test_candidates_do_not_introduce_a_connection() -> None:
    room = relay()
    room.join("a")
    room.join("b")
    assert room.entries("b", states(candidates("pc1", "u", 1))) == []
    assert room.entries("a", states(said("pc1", "offer", 2))) == []


def test_closing_passes_and_is_the_end() -> None:
    room = pair()
    closing = said("b0", "close", 2, None)
    assert room.entries("a", states(closing, candidates("b0", "u", 1))) == [("b", [closing])]
    assert room.entries("b", states(said("b0", "offer", 3))) == []
    assert room.state("a") == room.state("b") == []


def test_leaving_closes_all_connections_with_a_higher_revision() -> None:
    room = pair()
    room.join("c", first("c0"))
    room.entries("b", states(said("b0", "offer", 6)))
    assert room.leave("b") == [
        ("a", [said("b0", "close", 7, None)]),
        ("c", [said("pc1", "close", 2, None)]),
    ]
    assert room.leave("b") == []
    assert room.entries("a", states(said("b0", "answer", 6))) == []
    assert room.entries("b", states(said("c0", "offer", 9))) == []


# ---------------------------------------------------------------- lost sockets


def test_a_sync_repeats_what_could_be_missing() -> None:
    room = pair()
    room.entries("a", states(said("b0", "offer", 2), candidates("b0", "u", 1)))
    assert resume(room, "b", said("b0", "offer", 1)) == (
        [said("b0", "answer", 1), said("b0", "offer", 2), candidates("b0", "u", 1)],
        [],
    )
    assert resume(room, "a", said("b0", "offer", 2)) == ([said("b0", "offer", 1)], [])


def test_a_sync_delivers_what_was_lost_on_the_way() -> None:
    room = pair()
    room.entries("a", states(said("b0", "offer", 2)))
    _, others = resume(room, "b", said("b0", "answer", 2))
    assert others == [("a", [said("b0", "answer", 2)])]


def test_a_sync_repeats_the_request_for_an_offer_to_who_was_asked() -> None:
    room = relay()
    room.join("a")
    room.join("b")
    assert resume(room, "b") == ([said("pc1", "create-offer", 1, None)], [])
    assert resume(room, "a") == ([], [])
    room.entries("b", states(said("pc1", "offer", 2)))
    assert resume(room, "b", said("pc1", "offer", 2)) == ([{"id": "pc1"}], [])
    assert resume(room, "a") == ([said("pc1", "offer", 2)], [])


def test_a_stranger_gets_nothing() -> None:
    assert resume(relay(), "a", said("a0", "offer", 1)) == ([], [])


def test_a_connection_whose_first_answer_was_lost_is_replaced() -> None:
    room = relay()
    room.join("a", first("a0"))
    room.join("b", first("b0"))
    assert resume(room, "a", said("b0", "offer", 2)) == (
        [],
        [("b", [said("b0", "close", 3, None), said("pc1", "create-offer", 1, None)])],
    )


def test_few_generations_of_candidates_are_kept() -> None:
    room = pair()
    for number in range(UFRAGS_KEPT + 3):
        room.entries("a", states(candidates("b0", f"u{number}", 1)))
    kept = [entry["ice"]["ufrag"] for entry in room.state("b") if "ice" in entry]
    assert kept == [f"u{number}" for number in range(3, UFRAGS_KEPT + 3)]


def test_all_tracks_of_the_others_are_subscribed_under_their_own_ids() -> None:
    published = {"a": {"MT1": "msid-1", "MT2": "label-2"}, "b": {"MT3": "msid-3"}, "c": {}}
    assert subscribed_tracks("a", published) == [{"sid": "MT3", "id": "msid-3"}]
    assert subscribed_tracks("c", published) == [
        {"sid": "MT1", "id": "msid-1"},
        {"sid": "MT2", "id": "label-2"},
        {"sid": "MT3", "id": "msid-3"},
    ]


# ---------------------------------------------------------------- any interleaving


class World:
    """Clients over a relay; each step moves one thing."""

    def __init__(self) -> None:
        self.relay = relay()
        self.here: dict[str, PoliteClient] = {}
        self._names = count(1)

    def join(self, tracks: int) -> None:
        name = f"m{next(self._names)}"
        client = PoliteClient(name, *(f"{name}t{number}" for number in range(tracks)))
        self.here[name] = client
        self._send(self.relay.join(name, states(client.begin())[0]))

    def leave(self, client: PoliteClient) -> None:
        del self.here[client.name]
        self._send(self.relay.leave(client.name))

    def resume(self, client: PoliteClient) -> None:
        own, others = resume(self.relay, client.name, *client.sync())
        client.synced(own)
        self._send(others)

    def upstream(self, client: PoliteClient) -> None:
        if client.is_online and client.to_service:
            entry = client.to_service.pop(0)
            self._send(self.relay.entries(client.name, states(entry)))

    def downstream(self, client: PoliteClient) -> None:
        if client.is_online and client.from_service:
            client.hear(client.from_service.pop(0))

    def settle(self) -> None:
        for client in self.here.values():
            if not client.is_online:
                self.resume(client)
        for _ in range(1000):
            if not any(one.to_service or one.from_service for one in self.here.values()):
                return
            for client in self.here.values():
                self.upstream(client)
                self.downstream(client)
        raise AssertionError("the clients never agree")

    def _send(self, sent: Sent) -> None:
        json.dumps(sent)
        for member, entries in sent:
            client = self.here[member]  # Nothing is sent to who left.
            if client.is_online:
                client.from_service.append(entries)

    def check_agreement(self) -> None:
        for one, other in combinations(self.here.values(), 2):
            shared = set(one.connections) & set(other.connections)
            assert len(shared) == 1, (one.name, other.name, shared)
            mine, theirs = (end.connections[next(iter(shared))] for end in (one, other))
            assert mine.is_stable
            assert theirs.is_stable
            assert mine.revision == mine.stable == theirs.revision == theirs.stable
            assert set(mine.remote_tracks) == set(other.tracks)
            assert set(theirs.remote_tracks) == set(one.tracks)
        for client in self.here.values():
            assert len(client.connections) == max(1, len(self.here) - 1)


def test_clients_agree_after_a_lost_first_answer() -> None:
    world = World()
    world.join(1)
    world.join(1)
    one, other = world.here.values()
    world.downstream(one)  # It answers ...
    one.set_tracks(*one.tracks, "more")  # ... and offers again,
    one.lose()  # and none of it arrives but the offer, in the sync.
    world.settle()
    world.check_agreement()
    assert "more" in other.connections["pc1"].remote_tracks


STEP = st.sampled_from(
    ["join", "leave", "add", "remove", "up", "up", "up", "down", "down", "down", "lose", "resume"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(STEP, st.integers(0, 3), st.integers(0, 2)), max_size=60))
def test_clients_agree_after_any_interleaving(
    script: list[tuple[str, int, int]],
) -> None:
    world = World()
    world.join(1)
    world.join(1)
    for step, who, how_many in script:
        clients = list(world.here.values())
        if step == "join":
            if len(clients) < 4:
                world.join(how_many)
            continue
        if not clients:
            continue
        client = clients[who % len(clients)]
        match step:
            case "leave":
                world.leave(client)
            case "add":
                client.set_tracks(*client.tracks, f"{client.name}n{len(client.tracks)}")
            case "remove":
                client.set_tracks(*client.tracks[1:])
            case "up":
                world.upstream(client)
            case "down":
                world.downstream(client)
            case "lose":
                client.lose()
            case "resume" if not client.is_online:
                world.resume(client)
    world.settle()
    # A lone one whose partner left has none; it had one before anybody came.
    if len(world.here) > 1:
        world.check_agreement()


_REVISION = st.integers(0, 4)
_ENTRY = st.one_of(
    st.builds(
        said,
        st.sampled_from(["a0", "b0", "pc1", "x"]),
        st.sampled_from(["offer", "answer", "create-offer", "close", "?"]),
        _REVISION,
        st.sampled_from(["v=0", None]),
    ),
    st.builds(candidates, st.sampled_from(["a0", "b0", "pc1"]), st.sampled_from("uv"), _REVISION),
)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.lists(_ENTRY, max_size=3))))
def test_whatever_is_said_reaches_members_only_and_repeating_it_changes_nothing(
    script: list[tuple[str, list[Entry]]],
) -> None:
    room = pair()
    room.join("c")
    for member, entries in script:
        sent = room.entries(member, states(*entries))
        assert {to for to, _ in sent} <= {"a", "b", "c"}
        again = room.entries(member, states(*entries))
        offered = [one for one in entries if "description" in one]
        if not any(one["description"]["type"] == "offer" for one in offered):
            assert again == []
