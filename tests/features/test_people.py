"""People in calls: meetings with a lobby, rooms with roles, hands, spotlight and reactions."""

from __future__ import annotations

import asyncio

import pytest

from acs_core import (
    AdmitAllOperationResult,
    Call,
    CallState,
    CommunicationUserIdentifier,
    Features,
    InvalidArgumentError,
    LocalAudioStream,
    LocalVideoStream,
    ParticipantRole,
    Reaction,
    ReactionMessage,
    RemoteParticipantState,
    RoomCallLocator,
    ServiceError,
    TeamsMeetingIdLocator,
    TeamsMeetingLinkLocator,
)
from acs_core.media.sources import ToneSource
from acs_core.service.meetings import MeetingRecord
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE
from tests.support.people import AcsUser, Meeting, meeting, pattern

Role = ParticipantRole


def who(user: AcsUser) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(user.raw_id)


def hands_of(call: Call) -> list[str]:
    return [hand.identifier.raw_id for hand in call.feature(Features.RAISE_HAND).get_raised_hands()]


def lit_in(call: Call) -> list[str]:
    lit = call.feature(Features.SPOTLIGHT).get_spotlighted_participants()
    return [item.identifier.raw_id for item in lit]


def held(place: Meeting, organizer: AcsUser, presenter: AcsUser) -> MeetingRecord:
    roles = {presenter.raw_id: Role.PRESENTER}
    return place.server.meetings.create(organizer.raw_id, roles=roles)


@pytest.mark.feature("TEAMS-001", "TEAMS-006", "STATE-023")
async def test_five_people_meet_raise_hands_and_applaud() -> None:
    async with meeting() as place:
        names = ("Olga", "Petra", "Ann", "Ben", "Carl")
        olga, petra, ann, ben, carl = [await place.user(name) for name in names]
        record = held(place, olga, petra)
        by_link = TeamsMeetingLinkLocator(record.link)
        by_id = TeamsMeetingIdLocator(record.id, record.passcode)

        # Guests wait, also while nobody is there.
        ann_call = ann.start(by_link, audio=LocalAudioStream(ToneSource()))
        await until(lambda: ann_call.state is CallState.IN_LOBBY)
        olga_call, petra_call = await olga.join(by_link), await petra.join(by_id)
        assert (olga_call.role, petra_call.role) == (Role.ORGANIZER, Role.PRESENTER)
        assert petra_call.info.thread_id == record.thread_id
        (waiting,) = olga_call.lobby.participants
        assert waiting.identifier == who(ann)
        assert waiting.state is RemoteParticipantState.IN_LOBBY
        ben_call, carl_call = ben.start(by_id), carl.start({"meetingLink": record.link})
        await until(lambda: len(petra_call.lobby.participants) == 3)
        await petra_call.lobby.reject(who(carl))
        assert (await carl_call.ended()).sub_code == 5854
        assert await olga_call.lobby.admit_all() == AdmitAllOperationResult(2, 0)
        await asyncio.gather(ann_call.connected(), ben_call.connected())
        await until(lambda: not olga_call.lobby.participants)
        assert ann_call.role is Role.ATTENDEE
        assert waiting in olga_call.remote_participants
        await until(lambda: waiting.state is RemoteParticipantState.CONNECTED)
        with pytest.raises(ServiceError) as refused:
            await ann_call.lobby.admit(who(carl))
        assert (refused.value.code, refused.value.sub_code) == (403, 41805)

        # Hands.
        await ben_call.feature(Features.RAISE_HAND).raise_hand()
        await ann_call.feature(Features.RAISE_HAND).raise_hand()
        for call in (olga_call, petra_call, ann_call, ben_call):
            await until(lambda call=call: hands_of(call) == [ben.raw_id, ann.raw_id])
        await petra_call.feature(Features.RAISE_HAND).lower_hands([who(ben)])
        await until(lambda: hands_of(ann_call) == [ann.raw_id])

        # Spotlight and reactions.
        with pytest.raises(ServiceError) as refused:
            await ann_call.feature(Features.SPOTLIGHT).start_spotlight()
        assert refused.value.sub_code == 45903
        await olga_call.feature(Features.SPOTLIGHT).start_spotlight([who(ann), who(petra)])
        await until(lambda: lit_in(ben_call) == [ann.raw_id, petra.raw_id])
        heard = [
            next_event(call.feature(Features.REACTION), "reaction")
            for call in (olga_call, petra_call, ann_call, ben_call)
        ]
        await ben_call.feature(Features.REACTION).send_reaction(ReactionMessage(Reaction.HEART))
        for (payload,) in await asyncio.gather(*heard):
            assert payload.identifier == who(ben)
            assert payload.reaction_message.reaction_type is Reaction.HEART

        # Muting.
        muted = next_event(ann_call, "mutedByOthers")
        assert not ann_call.is_muted
        await olga_call.feature(Features.MEDIA_ACCESS).forbid_others_audio()
        await muted
        assert ann_call.is_muted
        assert not ann_call.feature(Features.CAPABILITIES).capabilities["unmuteMic"].is_present
        with pytest.raises(ServiceError) as refused:
            await ann_call.unmute()
        assert refused.value.sub_code == 41106
        assert ann_call.is_muted
        access = ben_call.feature(Features.MEDIA_ACCESS)
        assert not access.get_meeting_media_access().is_audio_permitted
        await olga_call.feature(Features.MEDIA_ACCESS).permit_audio([who(ann)])
        await until(
            lambda: ann_call.feature(Features.CAPABILITIES).capabilities["unmuteMic"].is_present
        )
        await ann_call.unmute()
        await until(lambda: not waiting.is_muted)


@pytest.mark.feature("TEAMS-001", "TEAMS-006", "TEAMS-007")
async def test_meetings_that_there_are_not_cannot_be_joined() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        there = place.server.meetings.create(anna.raw_id)
        coordinates = {"threadId": "t", "organizerId": "o", "tenantId": "t", "messageId": "0"}
        for locator in ({"meetingLink": "https://example.org/"}, coordinates):
            with pytest.raises(InvalidArgumentError) as caught:
                anna.start(locator)
            assert (caught.value.code, caught.value.sub_code) == (400, 40210)
        for gone in (
            TeamsMeetingLinkLocator(there.link.replace("meeting_", "meeting_0")),
            TeamsMeetingIdLocator(there.id, "guess"),
        ):
            reason = await anna.start(gone).ended()
            assert (reason.code, reason.sub_code) == (400, 40210)
        assert (await anna.join({"meetingId": there.id, "passcode": there.passcode})).role


async def test_who_waits_may_hang_up() -> None:
    async with meeting() as place:
        olga, ann = await place.user("Olga"), await place.user("Ann")
        record = place.server.meetings.create(olga.raw_id)
        locator = TeamsMeetingLinkLocator(record.link)
        olga_call = await olga.join(locator)
        call = ann.start(locator)
        await until(lambda: call.state is CallState.IN_LOBBY)
        await until(lambda: olga_call.lobby.participants)
        await call.hang_up()
        assert call.state is CallState.DISCONNECTED
        await until(lambda: not olga_call.remote_participants)


@pytest.mark.feature("CALLTYPE-006", "ROOM-001")
async def test_a_room_decides_who_comes_and_what_they_do() -> None:
    async with meeting() as place:
        petra, ann, carl = [await place.user(name) for name in ("Petra", "Ann", "Carl")]
        roles = {petra.raw_id: Role.PRESENTER, ann.raw_id: Role.ATTENDEE}
        record = place.server.rooms.create(members=roles)
        locator = RoomCallLocator(record.id)
        stranger = carl.start(locator)
        assert stranger.state is CallState.CONNECTING
        reason = await stranger.ended()
        assert (reason.code, reason.sub_code) == (403, 5828)
        petra_call = await petra.join(locator, video=LocalVideoStream(pattern(BLUE)))
        ann_call = await ann.join(locator)
        assert (petra_call.role, ann_call.role) == (Role.PRESENTER, Role.ATTENDEE)
        with pytest.raises(ServiceError):
            await ann_call.start_screen_sharing(LocalVideoStream(pattern(BLUE)))
        assert not ann_call.is_screen_sharing_on

        # A presenter who becomes a consumer is seen no longer.
        (shown,) = ann_call.remote_participants
        await until(lambda: shown.video_streams)
        ended = next_event(petra_call, "isLocalVideoStartedChanged")
        place.server.rooms.set_members(record, {petra.raw_id: Role.CONSUMER})
        await ended
        assert not petra_call.is_local_video_started
        assert petra_call.role is Role.CONSUMER
        await until(lambda: not shown.video_streams)
        with pytest.raises(ServiceError) as refused:
            await petra_call.start_video(LocalVideoStream(pattern(BLUE)))
        assert refused.value.sub_code == 41107
        place.server.rooms.set_members(record, {petra.raw_id: Role.PRESENTER})
        await until(lambda: petra_call.role is Role.PRESENTER)
        await petra_call.start_video(LocalVideoStream(pattern(BLUE)))
        await until(lambda: shown.video_streams)

        place.server.rooms.remove_members(record, [ann.raw_id])
        assert (await ann_call.ended()).sub_code == 5317


@pytest.mark.feature("CALLTYPE-006")
async def test_a_consumer_joins_with_a_microphone_that_stays_muted() -> None:
    async with meeting() as place:
        carl = await place.user("Carl")
        record = place.server.rooms.create(members={carl.raw_id: Role.CONSUMER})
        sound = LocalAudioStream(ToneSource())
        call = await carl.join(RoomCallLocator(record.id), audio=sound)
        assert call.is_muted
        with pytest.raises(ServiceError) as refused:
            await call.unmute()
        assert (refused.value.code, refused.value.sub_code) == (403, 41106)
        assert call.is_muted
        place.server.rooms.set_members(record, {carl.raw_id: Role.ATTENDEE})
        await until(lambda: call.role is Role.ATTENDEE)
        await call.unmute()
        assert not call.is_muted


@pytest.mark.feature("CALLTYPE-006")
async def test_a_room_is_closed_before_and_after_its_time() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        members = {anna.raw_id: Role.PRESENTER}
        for begin, end in ((4e9, 4e9 + 60), (1e9, 1e9 + 60)):
            record = place.server.rooms.create(members=members, valid_from=begin, valid_until=end)
            reason = await anna.start(RoomCallLocator(record.id)).ended()
            assert (reason.code, reason.sub_code) == (403, 5829)
