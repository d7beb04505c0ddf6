from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    ParticipantRole,
    Priority,
    PublicationKind,
    PublicationRemoved,
    SpeakersChanged,
)
from acs_core.core.roster import Roster
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, ServiceError
from acs_core.service.calls import CallLimits, Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.quality import QualityMonitor
from acs_core.service.rooms import RoomOptions, Rooms, RoomTimes
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.plane.messages import ConnectionStats
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.router import Router
from acs_core.service.sfu.transport import MediaTransport
from acs_core.service.transcription import Transcription

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")

STREAM = StreamReceived(
    "0", "audio", (Layer(None, 1, None),), "-", "t", {111: "opus/48000/2"}, {}, {}
)


class Adapter(EndpointObserver):
    """It follows the roster as a client would."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.roster: Roster | None = None
        self.ended: list[EndReason] = []
        self.levels: list[wire.QualityLevel] = []
        self.refreshed = 0

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        assert not self.ended
        self.facts += facts
        if self.roster is not None:
            assert revision == self.roster.revision + len(facts)
            self.roster.apply(revision, facts)

    def on_subscriptions(self) -> None:
        self.refreshed += 1

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        self.levels += levels

    def on_ended(self, reason: EndReason) -> None:
        self.ended.append(reason)

    def follow(self, call: ServerCall) -> None:
        self.roster = Roster.restore(
            call.roster.revision, call.roster.endpoints.values(), call.roster.speakers
        )


class Source:
    """Media of a publication."""

    def __init__(self, id_: str) -> None:
        self.id = id_


def acs(name: str = "anna", rooms: frozenset[str] | None = None) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.ACS, 2e9, rooms=rooms)


def twilio(name: str = "tina", rooms: frozenset[str] | None = None) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name, rooms=rooms)


def counter(prefix: int = 0) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{prefix + next(numbers):032x}"


def calls(limits: CallLimits | None = None) -> Calls:
    times = RoomTimes(empty=0.0, unused=0.0)
    rooms = Rooms(new_id=counter(1 << 64))
    return Calls(rooms=rooms, limits=limits, times=times, new_id=counter())


def enter(
    call: ServerCall, who: Principal | None = None, **options: object
) -> tuple[Endpoint, Adapter]:
    adapter = Adapter()
    endpoint = call.join(uuid.uuid4().hex, who or acs(), adapter, **options)  # type: ignore[arg-type]
    adapter.follow(call)
    endpoint.refresh_subscriptions()
    return endpoint, adapter


def video(name: str = "", key: str = "k") -> wire.NewPublication:
    return wire.NewPublication(key=key, kind=PublicationKind.VIDEO, name=name)


def refusal(action: Callable[[], object]) -> int:
    with pytest.raises(CallingError) as caught:
        action()
    return caught.value.sub_code


# ------------------------------------------------------------------ where to


@pytest.mark.parametrize("text", ["", "x", "6e7d4a1e", "{" * 40, "g" * 32])
def test_a_group_id_that_is_no_guid_is_refused_with_40209(text: str) -> None:
    where = wire.GroupLocator(group_id=text)
    with pytest.raises(InvalidArgumentError) as caught:
        calls().resolve(where, acs())
    assert caught.value.sub_code == 40209


def test_a_group_id_means_the_same_call_however_it_is_written() -> None:
    all_calls = calls()
    first = all_calls.resolve(GROUP, acs())
    again = wire.GroupLocator(group_id="{" + GROUP.group_id.upper() + "}")
    assert all_calls.resolve(again, acs("ben")) is first


def probe(number: int) -> wire.ProbeLocator:
    return wire.ProbeLocator(probe_id=str(uuid.UUID(int=number)))


def test_a_test_call_is_found_by_its_user_only_and_with_every_token() -> None:
    all_calls = calls()
    tina = twilio(rooms=frozenset({"daily"}))
    mine = all_calls.resolve(probe(1), tina)
    assert all_calls.resolve(probe(1), tina) is mine
    assert all_calls.resolve(probe(1), twilio("tom")) is not mine
    with pytest.raises(InvalidArgumentError):
        all_calls.resolve(wire.ProbeLocator(probe_id="x"), tina)


def test_a_test_call_holds_two_ends_which_do_not_replace_each_other() -> None:
    mine = calls().resolve(probe(1), twilio())
    first, _ = enter(mine, twilio())
    second, _ = enter(mine, twilio())
    assert list(mine.endpoints) == [first.id, second.id]
    assert refusal(lambda: enter(mine, twilio())) == 53105


def test_a_user_has_few_test_calls_at_a_time() -> None:
    all_calls = calls(CallLimits(probes=2))
    first = all_calls.resolve(probe(1), twilio())
    end, _ = enter(first, twilio())
    all_calls.resolve(probe(2), twilio())
    with pytest.raises(ServiceError, match="2 test calls") as caught:
        all_calls.resolve(probe(3), twilio())
    assert caught.value.code == 429
    assert all_calls.resolve(probe(1), twilio()) is first
    all_calls.resolve(probe(3), twilio("tom"))
    end.leave()
    all_calls.resolve(probe(3), twilio())


def test_a_room_that_nobody_made_is_unknown_to_acs_and_made_by_twilio() -> None:
    all_calls = calls()
    where = wire.RoomLocator(room="daily")
    with pytest.raises(ServiceError) as caught:
        all_calls.resolve(where, acs())
    assert (caught.value.code, caught.value.sub_code) == (404, 53106)
    call = all_calls.resolve(where, twilio())
    assert all_calls.resolve(where, acs()) is call
    for name in (call.id, f"RM{call.id}", call.room.id if call.room else ""):
        assert all_calls.resolve(wire.RoomLocator(room=name), acs()) is call


def test_a_name_used_again_after_the_call_ended_gets_a_new_call() -> None:
    all_calls = calls()
    where = wire.RoomLocator(room="daily")
    first = all_calls.resolve(where, twilio())
    enter(first, twilio())[0].leave()
    assert not all_calls.live
    assert all_calls.rooms.find("daily") is None
    assert all_calls.resolve(where, twilio()).id != first.id


def test_a_made_room_outlives_its_calls() -> None:
    all_calls = calls()
    all_calls.rooms.create(unique_name="board")
    where = wire.RoomLocator(room="board")
    enter(all_calls.resolve(where, acs()))[0].leave()
    assert all_calls.rooms.find("board") is not None
    assert all_calls.resolve(where, acs()).room is not None


def test_an_unnamed_room_is_another_one_each_time() -> None:
    all_calls = calls()
    unnamed = wire.RoomLocator(room="")
    ids = {all_calls.resolve(unnamed, twilio()).id for _ in range(3)}
    assert len(ids) == 3


def test_a_token_for_one_room_opens_no_other_and_leaves_none_behind() -> None:
    all_calls = calls()
    bound = twilio(rooms=frozenset({"daily"}))
    for place in (wire.RoomLocator(room="other"), wire.RoomLocator(room=""), GROUP):
        assert refusal(lambda: all_calls.resolve(place, bound)) == 20106  # noqa: B023
    assert not all_calls.live
    assert all_calls.rooms.find("other") is None
    assert all_calls.resolve(wire.RoomLocator(room="daily"), bound).room is not None


def test_the_id_of_a_group_call_names_no_room() -> None:
    all_calls = calls()
    call = all_calls.resolve(GROUP, acs())
    with pytest.raises(ServiceError):
        all_calls.resolve(wire.RoomLocator(room=call.id), acs("eve"))
    assert all_calls.resolve(wire.RoomLocator(room=call.id), twilio()) is not call


def test_an_invited_room_refuses_strangers_with_5828() -> None:
    all_calls = calls()
    all_calls.rooms.create(
        unique_name="board", members={acs("anna").raw_id: ParticipantRole.PRESENTER}
    )
    where = wire.RoomLocator(room="board")
    assert refusal(lambda: all_calls.resolve(where, acs("eve"))) == 5828
    assert not all_calls.live
    all_calls.resolve(where, acs("anna"))


def test_names_longer_than_128_characters_are_refused_each_with_its_code() -> None:
    all_calls = calls()
    long = "x" * 129
    assert refusal(lambda: all_calls.resolve(wire.RoomLocator(room=long), twilio())) == 53101
    call = all_calls.resolve(GROUP, acs())
    assert refusal(lambda: enter(call, name=long)) == 53201
    assert refusal(lambda: enter(call, publications=(video(long),))) == 53302
    assert not call.endpoints
    enter(call, name="x" * 128, publications=(video("x" * 128),))


def test_a_room_name_is_taken_once() -> None:
    rooms = Rooms()
    rooms.create(unique_name="daily")
    assert refusal(lambda: rooms.create(unique_name="daily")) == 53113
    rooms.create()
    rooms.create()


# ------------------------------------------------------------------ who may enter


def test_a_full_call_refuses_with_53105_and_a_room_may_have_less() -> None:
    all_calls = calls(CallLimits(endpoints=3))
    record = all_calls.rooms.create(unique_name="small", options=RoomOptions(max_participants=2))
    for place, most in ((GROUP, 3), (wire.RoomLocator(room=record.id), 2)):
        call = all_calls.resolve(place, acs())
        for _ in range(most):
            enter(call)
        assert refusal(lambda: enter(call)) == 53105  # noqa: B023
        assert len(call.endpoints) == most


def test_acs_endpoints_of_one_identity_live_side_by_side() -> None:
    call = calls().resolve(GROUP, acs())
    enter(call)
    enter(call)
    assert len(call.endpoints) == 2


@pytest.mark.feature("PARTICIPANT-015")
def test_a_twilio_identity_that_connects_again_replaces_itself_with_53205() -> None:
    call = calls().resolve(GROUP, acs())
    _, witness = enter(call, acs("ben"))
    old, first = enter(call, twilio(), publications=(video("camera"),))
    new, second = enter(call, twilio(), publications=(video("camera"),))
    assert first.ended == [endings.DUPLICATE_IDENTITY]
    assert not old.is_in_call
    assert [type(fact) for fact in witness.facts] == [EndpointJoined, EndpointLeft, EndpointJoined]
    assert second.facts == []
    assert list(call.endpoints.values())[-1] is new


def test_the_only_participant_can_replace_itself_in_the_same_call() -> None:
    all_calls = calls(CallLimits(endpoints=1))
    where = wire.RoomLocator(room="daily")
    call = all_calls.resolve(where, twilio())
    enter(call, twilio())
    new, _ = enter(call, twilio())
    assert all_calls.resolve(where, twilio("tom")) is call
    assert list(call.endpoints.values()) == [new]


def test_a_connection_that_is_refused_replaces_nobody() -> None:
    call = calls(CallLimits(publications=1)).resolve(GROUP, acs())
    old, adapter = enter(call, twilio())
    assert refusal(lambda: enter(call, twilio(), publications=(video("a"), video("b")))) == 53203
    assert old.is_in_call
    assert not adapter.ended


def test_the_tracks_of_who_is_replaced_do_not_count() -> None:
    all_calls = calls()
    all_calls.rooms.create(unique_name="daily", options=RoomOptions(max_tracks=3))
    call = all_calls.resolve(wire.RoomLocator(room="daily"), twilio())
    wanted = (video("camera"), video("screen"))
    first = enter(call, twilio(), publications=wanted)[1]
    ben, _ = enter(call, twilio("ben"), publications=(video("camera"),))
    # Before it is in the call, as an adapter asks.
    again = Endpoint("f" * 32, twilio(), call, Adapter(), wire.ReceivePolicy())
    call.check_publications(again, wanted)
    assert refusal(lambda: call.check_publications(again, (*wanted, video("more")))) == 53203
    stranger = Endpoint("e" * 32, twilio("tom"), call, Adapter(), wire.ReceivePolicy())
    assert refusal(lambda: call.check_publications(stranger, (video(),))) == 53203
    new, _ = enter(call, twilio(), publications=wanted)
    assert len(new.publications) == 2
    assert first.ended == [endings.DUPLICATE_IDENTITY]
    # Who is in the call replaces nobody, itself least of all.
    for endpoint in (new, ben):
        assert refusal(lambda: endpoint.publish([video("more")])) == 53203  # noqa: B023


def test_an_endpoint_id_is_taken_once() -> None:
    call = calls().resolve(GROUP, acs())
    call.join("a" * 32, acs(), Adapter())
    with pytest.raises(InvalidArgumentError) as caught:
        call.join("a" * 32, acs(), Adapter())
    assert caught.value.code == 409


# ------------------------------------------------------------------ publications, subscriptions


def test_a_publication_is_received_once_its_source_is_known_and_until_it_is_gone() -> None:
    call = calls().resolve(GROUP, acs())
    sender, own = enter(call, publications=(video("camera"),))
    viewer, adapter = enter(call)
    (publication,) = sender.publications
    assert not viewer.subscriptions
    first, second = Source("1"), Source("2")
    sender.attach(publication, first)
    sender.attach(publication, first)
    assert viewer.subscriptions[publication].source is first
    assert adapter.refreshed == 1
    sender.attach(publication, second)
    assert viewer.subscriptions[publication].source is second
    sender.attach(publication, None)
    assert not viewer.subscriptions
    sender.attach("unknown", first)
    sender.attach(publication, first)
    sender.unpublish(publication)
    assert not viewer.subscriptions
    assert own.refreshed == 0
    assert isinstance(adapter.facts[-1], PublicationRemoved)


def test_the_policy_decides_what_is_received() -> None:
    call = calls().resolve(GROUP, acs())
    sender, _ = enter(call, publications=(video("a"), video("b")))
    first, second = sender.publications
    for publication in (first, second):
        sender.attach(publication, Source(publication))
    viewer, _ = enter(call, policy=wire.ReceivePolicy(automatic=False))
    for policy, wanted in (
        (wire.ReceivePolicy(automatic=False, only=(second, "unknown")), [second]),
        (wire.ReceivePolicy(without=(second,)), [first]),
        (wire.ReceivePolicy(), [first, second]),
    ):
        viewer.set_policy(policy)
        assert list(viewer.subscriptions) == wanted


def test_a_refused_publication_changes_nothing() -> None:
    call = calls(CallLimits(publications=3)).resolve(GROUP, acs())
    sender, _ = enter(call, publications=(video("a"),))
    _, witness = enter(call)
    assert refusal(lambda: sender.publish([video("a")])) == 53304
    assert refusal(lambda: sender.publish([video("b"), video("b")])) == 53304
    assert refusal(lambda: sender.check([video("b"), video("c"), video("d")])) == 53203
    assert witness.facts == []
    assert len(sender.publish([video()])) == 1


def test_only_own_publications_can_be_changed_or_withdrawn() -> None:
    call = calls().resolve(GROUP, acs())
    sender, _ = enter(call, publications=(video("a"),))
    thief, _ = enter(call)
    (publication,) = sender.publications
    with pytest.raises(InvalidArgumentError):
        thief.unpublish(publication)
    with pytest.raises(InvalidArgumentError):
        thief.update(publication, enabled=False, priority=Priority.LOW)
    with pytest.raises(InvalidArgumentError):
        sender.check_own([publication, publication])
    with pytest.raises(InvalidArgumentError):
        sender.check_own([publication, "x"])
    assert sender.publications[publication].info.enabled


def test_an_unchanged_publication_is_no_news() -> None:
    call = calls().resolve(GROUP, acs())
    sender, _ = enter(call, publications=(video("a"),))
    _, witness = enter(call)
    (publication,) = sender.publications
    sender.update(publication, enabled=True, priority=Priority.STANDARD)
    assert witness.facts == []
    sender.update(publication, enabled=False, priority=Priority.HIGH)
    assert not sender.publications[publication].info.enabled


# ------------------------------------------------------------------ states, quality, speakers, end


def test_a_lost_link_is_told_once_and_so_is_its_return() -> None:
    call = calls().resolve(GROUP, acs())
    endpoint, _ = enter(call)
    _, witness = enter(call)
    for is_reachable in (True, False, False, True, True):
        endpoint.set_reachable(is_reachable=is_reachable)
    assert [fact.state for fact in witness.facts if isinstance(fact, EndpointChanged)] == [
        ConnectionState.RECONNECTING,
        ConnectionState.CONNECTED,
    ]


def test_what_left_the_call_can_do_nothing_in_it() -> None:
    call = calls().resolve(GROUP, acs())
    endpoint, adapter = enter(call)
    enter(call)
    endpoint.leave()
    endpoint.leave()
    endpoint.set_reachable(is_reachable=False)
    for action in (
        lambda: endpoint.publish([video()]),
        lambda: endpoint.set_policy(wire.ReceivePolicy()),
        lambda: endpoint.unpublish("x"),
    ):
        with pytest.raises(InvalidStateError):
            action()
    assert adapter.ended == []
    assert len(call.endpoints) == 1


def test_quality_is_told_to_those_who_want_it() -> None:
    call = calls().resolve(GROUP, acs())
    endpoint, curious = enter(call, policy=wire.ReceivePolicy(quality=True))
    _, other = enter(call)
    level = wire.QualityLevel(endpoint=endpoint.id, level=3)
    call.quality_changed((level,))
    assert curious.levels == [level]
    assert other.levels == []


def test_a_new_listener_gets_the_known_quality_levels_at_once() -> None:
    call = calls().resolve(GROUP, acs())
    endpoint, _ = enter(call)
    gone, _ = enter(call)
    level = wire.QualityLevel(endpoint=endpoint.id, level=3)
    call.quality_changed((level, wire.QualityLevel(endpoint=gone.id, level=1)))
    gone.leave()
    listener, adapter = enter(call)
    for _ in range(2):
        listener.set_policy(wire.ReceivePolicy(quality=True))
        assert adapter.levels == [level]


def test_endpoints_of_one_id_in_two_calls_are_measured_apart() -> None:
    both = calls()
    heard = []
    for number in range(2):
        place = wire.GroupLocator(group_id=str(uuid.UUID(int=number)))
        adapter = Adapter()
        policy = wire.ReceivePolicy(quality=True)
        both.resolve(place, acs()).join("a" * 32, acs(), adapter, policy=policy)
        heard.append(adapter)
    QualityMonitor(both, lambda _: ConnectionStats(0.0, {}, {}), lambda work: work()).measure(0.0)
    assert [[level.endpoint for level in adapter.levels] for adapter in heard] == [["a" * 32]] * 2


def test_a_policy_that_names_too_much_is_refused() -> None:
    call = calls(CallLimits(policy_length=3)).resolve(GROUP, acs())
    long = ("a", "b", "c", "d")
    viewer, _ = enter(call, policy=wire.ReceivePolicy(only=long[:3]))
    for policy in (wire.ReceivePolicy(only=long), wire.ReceivePolicy(without=long)):
        with pytest.raises(InvalidArgumentError, match="3"):
            viewer.set_policy(policy)
        with pytest.raises(InvalidArgumentError, match="3"):
            enter(call, policy=policy)
    assert viewer.policy == wire.ReceivePolicy(only=long[:3])
    assert len(call.endpoints) == 1


def test_whoever_leaves_speaks_no_more() -> None:
    told: list[SpeakersChanged] = []
    router = Router(told.append)
    producer = Producer("p", STREAM, cast("MediaTransport", None))
    router.add(producer, "anna", "publication")
    for step in range(20):
        router.audio_level("p", 20, step * 0.02)
    router.decide(0.4)
    assert told[-1].speaking == ("anna",)
    router.forget("anna")
    assert told[-1] == SpeakersChanged()


def test_speakers_are_told_when_they_change_and_are_in_the_snapshot() -> None:
    call = calls().resolve(GROUP, acs())
    endpoint, witness = enter(call)
    speakers = SpeakersChanged(dominant=endpoint.id)
    call.speakers_changed(speakers)
    call.speakers_changed(speakers)
    assert witness.facts == [speakers]
    _, late = enter(call)
    assert late.roster is not None
    assert late.roster.speakers == speakers


def test_ending_a_call_tells_everybody_but_who_ended_it() -> None:
    all_calls = calls()
    call = all_calls.resolve(GROUP, acs())
    host, by = enter(call)
    guests = [enter(call)[1] for _ in range(3)]
    call.end(endings.ENDED_FOR_EVERYONE, by=host)
    assert by.ended == []
    assert all(guest.ended == [endings.ENDED_FOR_EVERYONE] for guest in guests)
    assert not all_calls.live
    all_calls.discard_if_empty(call)


def test_nobody_sees_the_others_go_when_the_call_ends() -> None:
    all_calls = calls()
    call = all_calls.resolve(GROUP, acs())
    inside = [enter(call, publications=(video(),)) for _ in range(3)]
    for endpoint, _ in inside:
        endpoint.attach(next(iter(endpoint.publications)), Source(endpoint.id))
    before = [(list(adapter.facts), adapter.refreshed) for _, adapter in inside]
    call.end(endings.ROOM_COMPLETED)
    assert [(adapter.facts, adapter.refreshed) for _, adapter in inside] == before
    assert [adapter.ended for _, adapter in inside] == [[endings.ROOM_COMPLETED]] * 3
    assert not any(endpoint.is_in_call for endpoint, _ in inside)
    assert not call.roster.endpoints
    assert all(visit.left_at is not None for visit in call.record.visits.values())


class Broken(EndpointObserver):
    """An adapter that fails whatever it is told."""

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        raise ZeroDivisionError

    def on_subscriptions(self) -> None:
        raise ZeroDivisionError

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        raise ZeroDivisionError

    def on_transcription(self, transcription: Transcription) -> None:
        raise ZeroDivisionError

    def on_ended(self, reason: EndReason) -> None:
        raise ZeroDivisionError


def test_an_adapter_that_fails_costs_nobody_else_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    call = calls().resolve(GROUP, acs())
    policy = wire.ReceivePolicy(quality=True)
    broken = call.join("b" * 32, twilio(), Broken(), policy=policy, publications=(video(),))
    (key,) = broken.publications
    broken.attach(key, Source("x"))
    witness, adapter = enter(call, policy=policy, publications=(video(),))
    witness.attach(next(iter(witness.publications)), Source("y"))
    assert key in witness.subscriptions
    witness.set_reachable(is_reachable=False)
    level = wire.QualityLevel(endpoint=witness.id, level=3)
    call.quality_changed((level,))
    now = datetime.now(UTC)
    call.transcribed(Transcription(broken.id, key, "hello", False, "en-US", now, 1))
    assert adapter.levels == [level]
    before = len(adapter.facts)
    # It is gone all the same: the others know, and receive nothing of it.
    enter(call, twilio())
    assert [type(fact) for fact in adapter.facts[before:]] == [EndpointLeft, EndpointJoined]
    assert not witness.subscriptions
    assert adapter.roster is not None
    assert adapter.roster.revision == call.roster.revision
    call.join("c" * 32, acs(), Broken())
    call.end(endings.ROOM_COMPLETED)
    assert adapter.ended == [endings.ROOM_COMPLETED]
    assert {"b" * 32, "c" * 32} == {
        record.getMessage().split()[4] for record in caplog.records if record.exc_info
    }


def test_a_call_that_nobody_joined_can_be_discarded() -> None:
    ended: list[ServerCall] = []
    all_calls = Calls(rooms=Rooms(), on_ended=ended.append)
    call = all_calls.resolve(wire.RoomLocator(room="daily"), twilio())
    all_calls.discard_if_empty(call)
    assert ended == [call]
    assert all_calls.rooms.find("daily") is None


# ------------------------------------------------------------------ any story

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["join", "twilio", "leave", "publish", "unpublish", "update", "lost", "back", "attach"]
        ),
        st.integers(0, 5),
    ),
    max_size=60,
)


@pytest.mark.feature("CALL-003")
@given(STEPS)
def test_every_endpoint_follows_the_roster_without_a_gap_in_any_story(
    steps: list[tuple[str, int]],
) -> None:
    call = calls(CallLimits(endpoints=4, publications=3)).resolve(GROUP, acs())
    anchor, anchor_adapter = enter(call)
    inside: list[tuple[Endpoint, Adapter]] = [(anchor, anchor_adapter)]
    for step, number in steps:
        endpoint, _ = inside[number % len(inside)]
        own = list(endpoint.publications)
        try:
            if step == "join":
                inside.append(enter(call, publications=(video(), video("named"))))
            elif step == "twilio":
                inside.append(enter(call, twilio(f"t{number % 2}"), publications=(video("x"),)))
            elif step == "leave" and endpoint is not anchor:
                endpoint.leave()
            elif step == "publish":
                endpoint.publish([video("same" if number else "")])
            elif step == "unpublish" and own:
                endpoint.unpublish(own[number % len(own)])
            elif step == "update" and own:
                endpoint.update(own[0], enabled=number % 2 == 0, priority=Priority.LOW)
            elif step in ("lost", "back"):
                endpoint.set_reachable(is_reachable=step == "back")
            elif step == "attach" and own:
                endpoint.attach(own[0], Source(str(number)))
        except CallingError:
            pass
        inside = [item for item in inside if item[0].is_in_call]
        assert [item[0] for item in inside] == list(call.endpoints.values())
        for member, adapter in inside:
            assert adapter.roster is not None
            assert adapter.roster.revision == call.roster.revision
            assert adapter.roster.endpoints == call.roster.endpoints
            assert set(member.subscriptions) == {
                item.id
                for item in call.publications
                if item.owner is not member and item.source is not None
            }
