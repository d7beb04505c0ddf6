from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.core.facts import (
    AttributesChanged,
    CallType,
    CallTypeChanged,
    MediaAccessChanged,
    ParticipantRole,
    PublicationChanged,
    PublicationKind,
)
from acs_core.service import moderation
from acs_core.service.meetings import LobbyBypass, MeetingRecord
from acs_core.service.roles import set_role
from tests.support.crowd import Crowd, Member, raw, refusal

Kind = PublicationKind
Role = ParticipantRole


class Source:
    id = "source"


def meeting_of(crowd: Crowd, **roles: Role) -> tuple[MeetingRecord, wire.MeetingLocator]:
    record = crowd.calls.meetings.create(
        raw("olga"),
        roles={raw(name): role for name, role in roles.items()},
        bypass=LobbyBypass.EVERYONE,
    )
    return record, wire.MeetingLocator(link=record.link)


@pytest.fixture
def trio() -> tuple[Member, Member, Member]:
    """An organizer and two attendees of a meeting."""
    crowd = Crowd()
    _, place = meeting_of(crowd)
    olga, ann, ben = (crowd.join(name, place, Kind.AUDIO) for name in ("olga", "ann", "ben"))
    return olga, ann, ben


def pair() -> tuple[Member, Member]:
    """A call between two."""
    crowd = Crowd()
    anna, bert = crowd.join("anna"), crowd.join("bert")
    anna.endpoint.call.commit(CallTypeChanged(call_type=CallType.ONE_TO_ONE))
    return anna, bert


Trio = tuple[Member, Member, Member]


# ------------------------------------------------------------------ muting


def test_a_presenter_mutes_others_and_they_are_told(trio: Trio) -> None:
    olga, ann, ben = trio
    moderation.mute(olga.endpoint, [raw("ann")])
    assert ann.notices == [wire.MutedByOthers(endpoint=ann.endpoint.id, by=raw("olga"))]
    assert not ben.notices
    assert [fact.enabled for fact in ben.heard(PublicationChanged)] == [False]
    moderation.mute(olga.endpoint, None)
    assert len(ann.notices) == 1
    assert len(ben.notices) == 1
    (own,) = olga.endpoint.publications.values()
    assert own.info.enabled
    assert not olga.notices


def test_who_says_that_they_are_muted_is_silenced_without_being_told(trio: Trio) -> None:
    olga, ann, _ = trio
    (sound,) = ann.endpoint.publications.values()
    ann.endpoint.update(sound.id, enabled=False, priority=sound.info.priority)
    moderation.mute(olga.endpoint, [raw("ann")])
    assert sound.is_silenced
    assert not ann.notices
    ann.endpoint.update(sound.id, enabled=True, priority=sound.info.priority)
    assert not sound.is_silenced


def test_muted_people_may_unmute_themselves(trio: Trio) -> None:
    olga, ann, _ = trio
    moderation.mute(olga.endpoint, [raw("ann")])
    (sound,) = ann.endpoint.publications.values()
    ann.endpoint.update(sound.id, enabled=True, priority=sound.info.priority)
    assert sound.info.enabled


def test_who_may_not_mute_is_refused(trio: Trio) -> None:
    olga, ann, _ = trio
    assert refusal(lambda: moderation.mute(ann.endpoint, None)) == (403, 41018)
    assert refusal(lambda: moderation.mute(ann.endpoint, [raw("ben")])) == (403, 42000)
    assert refusal(lambda: moderation.mute(olga.endpoint, [raw("zoe")])) == (405, 42005)
    anna, _ = pair()
    assert refusal(lambda: moderation.mute(anna.endpoint, None)) == (405, 41093)
    assert refusal(lambda: moderation.mute(anna.endpoint, [raw("bert")])) == (405, 42006)


# ------------------------------------------------------------------ media access


def test_who_is_forbidden_to_speak_is_muted_and_cannot_unmute(trio: Trio) -> None:
    olga, ann, ben = trio
    (sound,) = ann.endpoint.publications.values()
    ann.endpoint.attach(sound.id, Source())
    assert sound.id in ben.endpoint.subscriptions
    moderation.permit(olga.endpoint, [raw("ann")], "audio", is_permitted=False)
    assert len(ann.notices) == 1
    assert sound.id not in ben.endpoint.subscriptions
    unmute = {"enabled": True, "priority": sound.info.priority}
    assert refusal(lambda: ann.endpoint.update(sound.id, **unmute)) == (403, 41106)
    moderation.permit(olga.endpoint, [raw("ann")], "audio", is_permitted=True)
    ann.endpoint.update(sound.id, **unmute)
    assert sound.id in ben.endpoint.subscriptions
    assert len(ben.heard(AttributesChanged)) == 2


def test_who_is_forbidden_to_show_themselves_loses_the_camera(trio: Trio) -> None:
    olga, ann, _ = trio
    camera = ann.publish(Kind.VIDEO)
    moderation.permit(olga.endpoint, [raw("ann")], "video", is_permitted=False)
    assert ann.withdrawn == [camera]
    assert refusal(lambda: ann.publish(Kind.VIDEO)) == (403, 41107)
    moderation.permit(olga.endpoint, [raw("ann")], "video", is_permitted=True)
    assert ann.publish(Kind.VIDEO)


def test_all_attendees_are_forbidden_those_included_who_come_later() -> None:
    crowd = Crowd()
    _, place = meeting_of(crowd, petra=Role.PRESENTER)
    olga, petra, ann = (crowd.join(name, place) for name in ("olga", "petra", "ann"))
    moderation.permit(olga.endpoint, None, "audio", is_permitted=False)
    late = crowd.join("late", place, Kind.AUDIO)
    assert petra.endpoint.attributes.is_audio_permitted
    for member in (ann, late):
        assert not member.endpoint.attributes.is_audio_permitted
        assert member.endpoint.attributes.is_video_permitted
    assert late.roster.media_access == MediaAccessChanged(is_audio_permitted=False)
    assert petra.roster.media_access == late.roster.media_access
    moderation.permit(petra.endpoint, None, "audio", is_permitted=True)
    moderation.permit(petra.endpoint, None, "audio", is_permitted=True)
    assert len(petra.heard(MediaAccessChanged)) == 2
    assert late.endpoint.attributes.is_audio_permitted


def test_an_attendee_who_becomes_a_presenter_is_forbidden_nothing(trio: Trio) -> None:
    olga, ann, _ = trio
    moderation.permit(olga.endpoint, None, "audio", is_permitted=False)
    set_role(ann.endpoint, Role.PRESENTER)
    assert ann.endpoint.attributes.is_audio_permitted
    set_role(ann.endpoint, Role.ATTENDEE)
    assert not ann.endpoint.attributes.is_audio_permitted


def test_media_access_is_refused_to_whom_and_for_whom_it_is_not(trio: Trio) -> None:
    olga, ann, _ = trio

    def code(member: Member, names: list[str] | None, media: str = "audio") -> tuple[int, int]:
        people = None if names is None else [raw(name) for name in names]
        return refusal(
            lambda: moderation.permit(member.endpoint, people, media, is_permitted=False)
        )

    assert code(ann, ["ben"]) == (403, 46504)
    assert code(olga, ["zoe"]) == (400, 46508)
    assert code(olga, ["ann", "olga"]) == (400, 46508)
    assert code(olga, ["ann"], "smell") == (400, 0)
    assert ann.endpoint.attributes.is_audio_permitted
    anna, _ = pair()
    assert code(anna, ["bert"]) == (403, 46503)
    assert code(Crowd().join("anna"), None) == (403, 46509)


# ------------------------------------------------------------------ hands


def test_hands_stand_in_the_order_of_raising(trio: Trio) -> None:
    olga, ann, ben = trio
    for member in (ben, ann, ben, olga):
        moderation.raise_hand(member.endpoint, (), is_raised=True)
    assert [member.endpoint.attributes.hand for member in (ben, ann, olga)] == [1, 2, 3]
    moderation.raise_hand(ben.endpoint, (), is_raised=False)
    moderation.raise_hand(ben.endpoint, (), is_raised=False)
    moderation.raise_hand(ben.endpoint, (), is_raised=True)
    assert [member.endpoint.attributes.hand for member in (ben, ann, olga)] == [4, 2, 3]
    moderation.raise_hand(olga.endpoint, [raw("ann")], is_raised=False)
    assert ann.endpoint.attributes.hand is None
    moderation.raise_hand(olga.endpoint, None, is_raised=False)
    assert {member.endpoint.attributes.hand for member in trio} == {None}


def test_hands_of_others_are_lowered_by_presenters_only(trio: Trio) -> None:
    olga, ann, ben = trio
    moderation.raise_hand(ben.endpoint, (), is_raised=True)

    def lower(member: Member, people: list[str] | None) -> tuple[int, int]:
        return refusal(lambda: moderation.raise_hand(member.endpoint, people, is_raised=False))

    assert lower(ann, [raw("ben")]) == (403, 45754)
    assert lower(ann, None) == (403, 45755)
    assert lower(olga, [raw("zoe")]) == (400, 45754)
    assert ben.endpoint.attributes.hand == 1
    for people in (None, [raw("ben")]):
        code = refusal(
            lambda people=people: moderation.raise_hand(olga.endpoint, people, is_raised=True)
        )
        assert code[0] == 400
    moderation.raise_hand(ben.endpoint, [raw("ben")], is_raised=False)
    assert ben.endpoint.attributes.hand is None


def test_hands_are_not_raised_between_two_nor_by_consumers() -> None:
    anna, _ = pair()
    raise_it = {"identities": (), "is_raised": True}
    assert refusal(lambda: moderation.raise_hand(anna.endpoint, **raise_it)) == (400, 45758)
    crowd = Crowd()
    _, place = meeting_of(crowd, carl=Role.CONSUMER)
    carl = crowd.join("carl", place)
    assert refusal(lambda: moderation.raise_hand(carl.endpoint, **raise_it)) == (403, 45752)


# ------------------------------------------------------------------ spotlight


def test_the_spotlight_holds_seven_in_order() -> None:
    crowd = Crowd()
    members = [crowd.join(f"u{number}") for number in range(8)]
    first = members[0].endpoint
    moderation.spotlight(first, (), is_on=True)
    moderation.spotlight(first, [raw("u2"), raw("u1")], is_on=True)
    orders = [member.endpoint.attributes.spotlight for member in members[:3]]
    assert orders == [1, 3, 2]
    more = [raw(f"u{number}") for number in range(3, 8)]
    assert refusal(lambda: moderation.spotlight(first, more, is_on=True)) == (400, 45902)
    moderation.spotlight(first, more[:4], is_on=True)
    assert refusal(lambda: moderation.spotlight(first, more[4:], is_on=True)) == (400, 45902)
    assert refusal(lambda: moderation.spotlight(first, [raw("u1")], is_on=True)) == (400, 45900)
    assert refusal(lambda: moderation.spotlight(first, [raw("zoe")], is_on=True))[0] == 400
    assert refusal(lambda: moderation.spotlight(first, None, is_on=True))[0] == 400
    moderation.spotlight(first, [raw("u1")], is_on=False)
    assert members[1].endpoint.attributes.spotlight is None
    moderation.spotlight(first, None, is_on=False)
    assert {member.endpoint.attributes.spotlight for member in members} == {None}


def test_all_clients_of_a_user_stand_in_the_spotlight_as_one() -> None:
    crowd = Crowd()
    one, two = crowd.join("anna"), crowd.join("anna")
    moderation.spotlight(one.endpoint, (), is_on=True)
    assert two.endpoint.attributes.spotlight == one.endpoint.attributes.spotlight == 1


def test_attendees_may_only_step_out_of_the_spotlight(trio: Trio) -> None:
    olga, ann, ben = trio
    assert refusal(lambda: moderation.spotlight(ann.endpoint, (), is_on=True)) == (403, 45903)
    moderation.spotlight(olga.endpoint, [raw("ann"), raw("ben")], is_on=True)
    for people in ([raw("ben")], None):
        code = refusal(
            lambda people=people: moderation.spotlight(ann.endpoint, people, is_on=False)
        )
        assert code == (403, 45903)
    moderation.spotlight(ann.endpoint, (), is_on=False)
    assert ann.endpoint.attributes.spotlight is None
    assert ben.endpoint.attributes.spotlight == 2
    anna, _ = pair()
    assert refusal(lambda: moderation.spotlight(anna.endpoint, (), is_on=True)) == (400, 45906)


# ------------------------------------------------------------------ the rest


def test_reactions_reach_everybody(trio: Trio) -> None:
    _, ann, _ = trio
    moderation.react(ann.endpoint, "heart")
    for member in trio:
        expected = wire.Reaction(
            endpoint=member.endpoint.id, sender=ann.endpoint.id, reaction="heart"
        )
        assert member.notices == [expected]
    assert refusal(lambda: moderation.react(ann.endpoint, "yawn")) == (400, 45808)
    anna, _ = pair()
    assert refusal(lambda: moderation.react(anna.endpoint, "heart")) == (400, 45801)
    crowd = Crowd()
    _, place = meeting_of(crowd, carl=Role.CONSUMER)
    carl = crowd.join("carl", place)
    assert refusal(lambda: moderation.react(carl.endpoint, "heart")) == (403, 45804)


def test_the_others_see_who_is_on_hold(trio: Trio) -> None:
    _, ann, ben = trio
    for is_on_hold in (True, True, False):
        moderation.set_hold(ann.endpoint, is_on_hold=is_on_hold)
    seen = [fact.attributes.is_on_hold for fact in ben.heard(AttributesChanged)]
    assert seen == [True, False]


def test_calls_without_a_lobby_decide_about_nobody(trio: Trio) -> None:
    olga, ann, _ = trio
    anna = Crowd().join("anna")
    decide = {"identities": None, "is_admitted": True}
    assert refusal(lambda: moderation.decide_lobby(anna.endpoint, **decide)) == (400, 41802)
    assert refusal(lambda: moderation.decide_lobby(ann.endpoint, **decide)) == (403, 41805)
    for name, sub_code in (("ann", 41803), ("zoe", 41804)):
        code = refusal(
            lambda name=name: moderation.decide_lobby(olga.endpoint, [raw(name)], is_admitted=True)
        )
        assert code == (400, sub_code)
    moderation.decide_lobby(olga.endpoint, None, is_admitted=True)
    assert not olga.endpoint.call.roster.pending


# ------------------------------------------------------------------ coming again


@pytest.mark.parametrize("media", ["audio", "video"])
def test_who_is_forbidden_media_stays_so_with_another_client(media: str) -> None:
    crowd = Crowd()
    _, place = meeting_of(crowd)
    olga, ann = crowd.join("olga", place), crowd.join("ann", place)

    def permitted() -> list[bool]:
        attributes = crowd.join("ann", place).endpoint.attributes
        return [attributes.is_audio_permitted, attributes.is_video_permitted]

    only_other = [media != "audio", media != "video"]
    moderation.permit(olga.endpoint, [raw("ann")], media, is_permitted=False)
    assert permitted() == only_other
    for endpoint in list(ann.endpoint.call.endpoints.values()):
        if endpoint is not olga.endpoint:
            endpoint.leave()
    assert permitted() == only_other
    again = crowd.join("ann", place).endpoint
    set_role(again, Role.COLLABORATOR)
    assert again.attributes.is_audio_permitted is only_other[0]
    moderation.permit(olga.endpoint, [raw("ann")], media, is_permitted=True)
    assert permitted() == [True, True]
    moderation.permit(olga.endpoint, [raw("ann")], media, is_permitted=False)
    moderation.permit(olga.endpoint, None, media, is_permitted=True)
    assert permitted() == [True, True]
