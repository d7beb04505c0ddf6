from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.core.facts import (
    ActivityChanged,
    CallType,
    CallTypeChanged,
    Fact,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    RecordingChanged,
)
from acs_core.core.rules import INCLUDE_ALL
from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")


class Reader(EndpointObserver):
    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        self.facts += facts

    @property
    def recording(self) -> list[bool]:
        return [fact.is_recording for fact in self.facts if isinstance(fact, RecordingChanged)]


def offered(kind: PublicationKind, *, enabled: bool = True) -> wire.NewPublication:
    return wire.NewPublication(key=kind, kind=kind, enabled=enabled)


def enter(calls: Calls, letter: str, *kinds: PublicationKind) -> tuple[Endpoint, Reader]:
    who = Principal(f"8:acs:r_{letter}", PrincipalKind.ACS, 2e9)
    reader = Reader()
    call = calls.resolve(GROUP, who)
    return call.join(letter * 32, who, reader, publications=map(offered, kinds)), reader


async def test_a_started_recording_is_a_fact_until_it_is_stopped() -> None:
    calls = Calls(rooms=Rooms())
    anna, reader = enter(calls, "a", PublicationKind.AUDIO, PublicationKind.DATA)
    call = anna.call
    sound, data = anna.publications.values()
    assert not call.is_recorded(sound)
    recording = call.activity.start_recording("minutes")
    assert call.is_recorded(sound)
    assert not call.is_recorded(data)
    call.activity.pause_recording(recording)
    assert not call.is_recorded(sound)
    call.activity.resume_recording(recording)
    call.activity.resume_recording(recording)
    call.activity.stop_recording(recording)
    assert reader.recording == [True, False, True, False]
    told = [fact.recordings for fact in reader.facts if isinstance(fact, ActivityChanged)]
    assert [[(e.name, e.is_paused) for e in entries] for entries in told] == [
        [("minutes", False)],
        [("minutes", True)],
        [("minutes", False)],
        [],
    ]
    for wrong in (recording, "rules"):
        with pytest.raises(InvalidArgumentError) as caught:
            call.activity.stop_recording(wrong)
        assert caught.value.code == 404


async def test_recording_rules_are_a_recording_too_and_both_ways_go_together() -> None:
    calls = Calls(rooms=Rooms())
    anna, reader = enter(calls, "a", PublicationKind.AUDIO)
    call = anna.call
    call.set_recording_rules(INCLUDE_ALL)
    whole = call.activity.start_recording()
    assert [entry.id for entry in call.roster.activity.recordings] == ["rules", whole]
    anna.unpublish(next(iter(anna.publications)))
    assert [entry.id for entry in call.roster.activity.recordings] == [whole]
    call.activity.stop_recording(whole)
    assert reader.recording == [True, False]


async def test_media_waits_for_consent_where_the_call_asks_for_it() -> None:
    calls = Calls(rooms=Rooms())
    anna, _ = enter(calls, "a", PublicationKind.AUDIO)
    call = anna.call
    call.activity.require_consent()
    (sound,) = anna.publications
    anna.update(sound, enabled=False, priority=Priority.STANDARD)
    with pytest.raises(ServiceError) as early:
        call.activity.agree(anna)
    recording = call.activity.start_recording()
    codes = [early.value.sub_code]
    with pytest.raises(ServiceError) as muted:
        anna.update(sound, enabled=True, priority=Priority.STANDARD)
    codes.append(muted.value.sub_code)
    for kind in (PublicationKind.VIDEO, PublicationKind.SCREEN):
        for refuse in (anna.check, anna.publish):
            with pytest.raises(ServiceError) as caught:
                refuse([offered(kind)])
        codes.append(caught.value.sub_code)
    assert codes == [41113, 41108, 41109, 41110]
    anna.publish([offered(PublicationKind.DATA), offered(PublicationKind.VIDEO, enabled=False)])
    call.activity.agree(anna)
    anna.update(sound, enabled=True, priority=Priority.STANDARD)
    assert call.roster.endpoints[anna.id].attributes.has_consented
    with pytest.raises(ServiceError) as again:
        call.activity.agree(anna)
    assert again.value.sub_code == 41113
    ben, _ = enter(calls, "b", PublicationKind.AUDIO, PublicationKind.DATA)
    assert [item.info.enabled for item in ben.publications.values()] == [False, True]
    call.activity.stop_recording(recording)
    ben.publish([offered(PublicationKind.VIDEO)])


async def test_who_was_quicker_than_the_recording_is_silenced_and_not_recorded() -> None:
    calls = Calls(rooms=Rooms())
    anna, reader = enter(calls, "a", PublicationKind.AUDIO, PublicationKind.VIDEO)
    anna.publish([offered(PublicationKind.DATA)])
    sound, picture, data = anna.publications.values()
    call = anna.call
    call.activity.require_consent()
    assert sound.info.enabled
    call.activity.start_recording()
    assert [item.info.enabled for item in (sound, picture, data)] == [False, False, True]
    assert sound.is_silenced
    assert picture.is_silenced
    assert not call.is_recorded(sound)
    changed = [fact.publication for fact in reader.facts if isinstance(fact, PublicationChanged)]
    assert changed == [sound.id, picture.id]
    call.activity.agree(anna)
    assert call.is_recorded(sound)
    assert sound.is_silenced
    anna.update(sound.id, enabled=True, priority=Priority.STANDARD)
    assert not sound.is_silenced


async def test_who_says_that_they_send_nothing_is_silenced_like_the_others() -> None:
    calls = Calls(rooms=Rooms())
    anna, _ = enter(calls, "a", PublicationKind.AUDIO, PublicationKind.DATA)
    sound, data = anna.publications.values()
    anna.update(sound.id, enabled=False, priority=Priority.STANDARD)
    anna.call.activity.require_consent()
    anna.call.activity.start_recording()
    assert (sound.is_silenced, data.is_silenced) == (True, False)
    who = Principal("8:acs:r_b", PrincipalKind.ACS, 2e9)
    quiet = offered(PublicationKind.AUDIO, enabled=False)
    ben = anna.call.join("b" * 32, who, Reader(), publications=[quiet])
    ben.publish([offered(PublicationKind.VIDEO, enabled=False)])
    assert [item.is_silenced for item in ben.publications.values()] == [True, True]
    for endpoint in (anna, ben):
        anna.call.activity.agree(endpoint)
        for publication in endpoint.publications.values():
            endpoint.update(publication.id, enabled=True, priority=Priority.STANDARD)
            assert not publication.is_silenced


async def test_whose_coming_begins_the_recording_learns_from_the_answer_what_is_silenced() -> None:
    calls = Calls(rooms=Rooms())
    anna, told = enter(calls, "a")
    anna.call.activity.require_consent()
    anna.call.set_recording_rules(INCLUDE_ALL)
    ben, reader = enter(calls, "b", PublicationKind.AUDIO)
    (sound,) = ben.publications.values()
    assert (sound.info.enabled, sound.is_silenced) == (False, True)
    assert not anna.call.is_recorded(sound)
    # They are not in the call before that answer.
    assert reader.facts == []
    assert told.recording == [True]


async def test_several_streams_of_which_the_first_begins_the_recording_are_all_silenced() -> None:
    calls = Calls(rooms=Rooms())
    anna, _ = enter(calls, "a")
    _, reader = enter(calls, "b")
    anna.call.activity.require_consent()
    anna.call.set_recording_rules(INCLUDE_ALL)
    infos = anna.publish([offered(PublicationKind.AUDIO), offered(PublicationKind.VIDEO)])
    assert [info.enabled for info in infos] == [False, False]
    assert all(item.is_silenced for item in anna.publications.values())
    added = [fact.publication.id for fact in reader.facts if isinstance(fact, PublicationAdded)]
    assert added == [info.id for info in infos]
    assert anna.call.roster.endpoints[anna.id].publications == infos


async def test_a_call_that_grows_beyond_two_asks_for_consent_from_then_on() -> None:
    calls = Calls(rooms=Rooms())
    anna, _ = enter(calls, "a", PublicationKind.AUDIO)
    anna.call.commit(CallTypeChanged(call_type=CallType.ONE_TO_ONE))
    anna.call.activity.require_consent()
    anna.call.activity.start_recording()
    (sound,) = anna.publications.values()
    assert anna.call.is_recorded(sound)
    anna.call.commit(CallTypeChanged(call_type=CallType.GROUP))
    assert not anna.call.is_recorded(sound)
    assert sound.is_silenced


async def test_calls_between_two_have_no_consent() -> None:
    calls = Calls(rooms=Rooms())
    anna, _ = enter(calls, "a")
    anna.call.commit(CallTypeChanged(call_type=CallType.ONE_TO_ONE))
    anna.call.activity.require_consent()
    anna.call.activity.set_transcribing(True)
    anna.publish([offered(PublicationKind.AUDIO)])
    with pytest.raises(ServiceError) as caught:
        anna.call.activity.agree(anna)
    assert (caught.value.code, caught.value.sub_code) == (400, 41111)
