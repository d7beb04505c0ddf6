"""A client's list of tracks against a real call: what is published, refused, changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from acs_core import wire
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from twilio_compat.gateway.messages import ParticipantState, TrackState
from twilio_compat.gateway.publishing import LocalTracks

ALICE = Principal("8:acs:r_alice", PrincipalKind.TWILIO, 9e9, display_name="alice")
GROUP = wire.GroupLocator(group_id="29228d3e-040e-4656-a70e-890ab4e173e5")


def endpoint() -> Endpoint:
    call = Calls(rooms=Rooms()).resolve(GROUP, ALICE)
    return call.join("a" * 32, ALICE, EndpointObserver())


def state(revision: int, *tracks: TrackState) -> ParticipantState:
    return ParticipantState(revision, tracks)


def names(alice: Endpoint) -> dict[str, bool]:
    return {item.info.name: item.info.enabled for item in alice.publications.values()}


def test_the_difference_to_the_last_list_is_published_changed_and_withdrawn() -> None:
    alice, tracks = endpoint(), LocalTracks()
    assert tracks.take(alice, state(1, TrackState("1", "audio", "mic")))
    assert tracks.take(
        alice, state(2, TrackState("1", "audio", "mic", enabled=False), TrackState("2", "video"))
    )
    sids = {item["id"]: item["sid"] for item in tracks.published()["tracks"]}
    assert sorted(names(alice).values()) == [False, True]
    assert tracks.take(alice, state(3, TrackState("2", "video")))
    assert tracks.published() == {
        "revision": 3,
        "tracks": [{"id": "2", "sid": sids["2"], "state": "ready"}],
    }
    assert list(alice.publications) == [sids["2"].removeprefix("MT")]


def test_a_list_that_is_not_newer_changes_nothing() -> None:
    alice, tracks = endpoint(), LocalTracks()
    tracks.take(alice, state(2, TrackState("1", "audio", "mic")))
    assert not tracks.take(alice, state(2))
    assert not tracks.take(alice, state(1))
    assert names(alice) == {"mic": True}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (TrackState("2", "audio", "mic"), 53304),
        (TrackState("2", "audio", "x" * 129), 53302),
        (TrackState("2", "smell", "s"), 53300),
        (TrackState("2", "audio", "p", priority="urgent"), 53300),
    ],
)
def test_a_refused_track_fails_and_stays_failed_until_it_is_left_out(
    bad: TrackState, code: int
) -> None:
    alice, tracks = endpoint(), LocalTracks()
    good = TrackState("1", "audio", "mic")
    tracks.take(alice, state(1, good, bad))
    assert [item.get("error", {}).get("code") for item in tracks.published()["tracks"]] == [
        None,
        code,
    ]
    tracks.take(alice, state(2, good))
    assert [item["id"] for item in tracks.published()["tracks"]] == ["1"]


LISTS = st.lists(
    st.tuples(st.sampled_from("123"), st.booleans()), max_size=3, unique_by=lambda item: item[0]
)


@given(st.lists(LISTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_duplication_ends_in_the_newest_list(
    lists: list[list[tuple[str, bool]]], chance: Any
) -> None:
    states = [
        state(revision, *(TrackState(key, "audio", key, enabled=on) for key, on in items))
        for revision, items in enumerate(lists, start=1)
    ]
    alice, tracks = endpoint(), LocalTracks()
    script = [*states, *chance.choices(states, k=3)]
    chance.shuffle(script)
    for item in script:
        tracks.take(alice, item)
    assert names(alice) == dict(lists[-1])
    assert tracks.published()["revision"] == len(lists)


def test_a_client_that_knows_no_consent_is_silent_while_recorded_and_not_for_ever() -> None:
    alice, tracks = endpoint(), LocalTracks()
    mic = TrackState("1", "audio", "mic")
    camera = TrackState("2", "video", "camera")
    tracks.take(alice, state(1, mic, camera))
    sound, picture = alice.publications.values()
    alice.call.activity.require_consent()
    recording = alice.call.activity.start_recording()
    # It asks in vain for one of them; a track more is refused, and the client is told.
    tracks.take(alice, state(2, replace(mic, enabled=False), camera))
    tracks.take(alice, state(3, mic, camera, TrackState("3", "audio", "second")))
    assert [item.is_silenced for item in (sound, picture)] == [True, True]
    failed = tracks.published()["tracks"][2]
    assert (failed["state"], failed["error"]["code"]) == ("failed", 41108)
    alice.call.activity.stop_recording(recording)
    assert [item.is_silenced for item in (sound, picture)] == [True, True]
    tracks.take(alice, state(4, mic, replace(camera, enabled=False)))
    tracks.take(alice, state(5, mic, camera))
    assert [item.is_silenced for item in (sound, picture)] == [False, False]
    assert names(alice) == {"mic": True, "camera": True}


def test_only_the_client_that_enables_its_track_again_undoes_that_others_muted_it() -> None:
    alice, tracks = endpoint(), LocalTracks()
    tracks.take(alice, state(1, TrackState("1", "audio", "mic")))
    (sound,) = alice.publications.values()
    assert alice.silence(sound.id)
    assert not alice.silence(sound.id)
    tracks.take(alice, state(2, TrackState("1", "audio", "mic", priority="high")))
    assert (sound.info.enabled, sound.info.priority, sound.is_silenced) == (False, "high", True)
    tracks.take(alice, state(3, TrackState("1", "audio", "mic", enabled=False)))
    assert sound.is_silenced
    tracks.take(alice, state(4, TrackState("1", "audio", "mic")))
    assert (sound.info.enabled, sound.is_silenced) == (True, False)
