"""People in calls: meetings with a lobby, rooms with roles, hands, spotlight and reactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

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


class Five:
    """A meeting of an organizer, a presenter and three guests, who wait in the lobby at first."""

    def __init__(self, people: tuple[AcsUser, ...], record: MeetingRecord) -> None:
        self.olga, self.petra, self.ann, self.ben, self.carl = people
        self.by_link = TeamsMeetingLinkLocator(record.link)
        self.by_id = TeamsMeetingIdLocator(record.id, record.passcode)
        self.record = record

    async def gather(self) -> None:
        """Guests wait, also while nobody is there; all but Carl are let in."""
        self.ann_call = self.ann.start(self.by_link, audio=LocalAudioStream(ToneSource()))
        await until(lambda: self.ann_call.state is CallState.IN_LOBBY)
        self.olga_call = await self.olga.join(self.by_link)
        self.petra_call = await self.petra.join(self.by_id)
        assert (self.olga_call.role, self.petra_call.role) == (Role.ORGANIZER, Role.PRESENTER)
        assert self.petra_call.info.thread_id == self.record.thread_id
        (waiting,) = self.olga_call.lobby.participants
        assert waiting.identifier == who(self.ann)
        assert waiting.state is RemoteParticipantState.IN_LOBBY
        self.ben_call = self.ben.start(self.by_id)
        carl_call = self.carl.start({"meetingLink": self.record.link})
        await until(lambda: len(self.petra_call.lobby.participants) == 3)
        await self.petra_call.lobby.reject(who(self.carl))
        assert (await carl_call.ended()).sub_code == 5854
        assert await self.olga_call.lobby.admit_all() == AdmitAllOperationResult(2, 0)
        await asyncio.gather(self.ann_call.connected(), self.ben_call.connected())
        await until(lambda: not self.olga_call.lobby.participants)
        assert self.ann_call.role is Role.ATTENDEE
        assert waiting in self.olga_call.remote_participants
        await until(lambda: waiting.state is RemoteParticipantState.CONNECTED)
        with pytest.raises(ServiceError) as refused:
            await self.ann_call.lobby.admit(who(self.carl))
        assert (refused.value.code, refused.value.sub_code) == (403, 41805)

    @property
    def calls(self) -> tuple[Call, ...]:
        return (self.olga_call, self.petra_call, self.ann_call, self.ben_call)


@pytest.fixture
async def five() -> AsyncIterator[Five]:
    async with meeting() as place:
        names = ("Olga", "Petra", "Ann", "Ben", "Carl")
        people = tuple([await place.user(name) for name in names])
        there = Five(people, held(place, people[0], people[1]))
        await there.gather()
        yield there


@pytest.mark.feature("TEAMS-001", "TEAMS-006", "STATE-023")
async def test_who_is_let_in_raises_a_hand_and_all_see_the_same_order(five: Five) -> None:
    await five.ben_call.feature(Features.RAISE_HAND).raise_hand()
    await five.ann_call.feature(Features.RAISE_HAND).raise_hand()
    for call in five.calls:
        await until(lambda call=call: hands_of(call) == [five.ben.raw_id, five.ann.raw_id])  # type: ignore[misc]
    await five.petra_call.feature(Features.RAISE_HAND).lower_hands([who(five.ben)])
    await until(lambda: hands_of(five.ann_call) == [five.ann.raw_id])
    assert not five.olga_call.lobby.participants


async def test_presenters_spotlight_and_all_see_a_reaction(five: Five) -> None:
    with pytest.raises(ServiceError) as refused:
        await five.ann_call.feature(Features.SPOTLIGHT).start_spotlight()
    assert refused.value.sub_code == 45903
    chosen = [who(five.ann), who(five.petra)]
    await five.olga_call.feature(Features.SPOTLIGHT).start_spotlight(chosen)
    await until(lambda: lit_in(five.ben_call) == [five.ann.raw_id, five.petra.raw_id])
    heard = [next_event(call.feature(Features.REACTION), "reaction") for call in five.calls]
    await five.ben_call.feature(Features.REACTION).send_reaction(ReactionMessage(Reaction.HEART))
    for (payload,) in await asyncio.gather(*heard):
        assert payload.identifier == who(five.ben)
        assert payload.reaction_message.reaction_type is Reaction.HEART


async def test_an_organizer_forbids_sound_and_permits_it_again(five: Five) -> None:
    ann_call = five.ann_call
    muted = next_event(ann_call, "mutedByOthers")
    assert not ann_call.is_muted
    await five.olga_call.feature(Features.MEDIA_ACCESS).forbid_others_audio()
    await muted
    assert ann_call.is_muted
    assert not ann_call.feature(Features.CAPABILITIES).capabilities["unmuteMic"].is_present
    with pytest.raises(ServiceError) as refused:
        await ann_call.unmute()
    assert refused.value.sub_code == 41106
    assert ann_call.is_muted
    access = five.ben_call.feature(Features.MEDIA_ACCESS)
    assert not access.get_meeting_media_access().is_audio_permitted
    await five.olga_call.feature(Features.MEDIA_ACCESS).permit_audio([who(five.ann)])
    await until(
        lambda: ann_call.feature(Features.CAPABILITIES).capabilities["unmuteMic"].is_present
    )
    await ann_call.unmute()
    seen = next(
        item for item in five.olga_call.remote_participants if item.identifier == who(five.ann)
    )
    await until(lambda: not seen.is_muted)


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
