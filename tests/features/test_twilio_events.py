"""Twilio's events on a real service: every one of them, in order and with its arguments.

Source: twilio-video.js 2.36, `lib/room.js`, `lib/remoteparticipant.js`, `lib/localparticipant.js`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Journal, Meeting, meeting, pattern
from tests.support.proxies import tcp_proxy
from twilio_compat import LocalVideoTrack, RemoteParticipant, Room, TwilioError

MEDIA = frozenset({"started", "trackStarted", "dimensionsChanged", "trackDimensionsChanged"})
"""Told when frames come, so at no certain place between the others."""


def everything_of(room: Room) -> Journal:
    """A journal of a room and of all that will ever be in it."""
    journal = Journal(MEDIA)

    def subscribed(track: Any, publication: Any = None) -> None:
        journal.watch(**{f"track{journal.count('track')}": track})

    def published(publication: Any) -> None:
        name = f"publication{journal.count('publication')}"
        publication.on("subscribed", subscribed)
        journal.watch(**{name: publication})

    def connected(participant: RemoteParticipant) -> None:
        participant.on("trackPublished", published)
        journal.watch(**{participant.identity: participant})
        for publication in participant.tracks.values():
            published(publication)

    room.on("participantConnected", connected)
    for there in room.participants.values():
        connected(there)
    return journal.watch(room=room, local=room.local_participant)


@pytest.mark.feature(
    "EVENT-001",
    "EVENT-002",
    "RENDER-002",
    "RENDER-003",
    "PUBLICATION-002",
    "PUBLICATION-003",
    "PUBLICATION-004",
    "PUBLICATION-005",
    "VIDEO-002",
    "VIDEO-004",
    "VIDEO-007",
    "VIDEO-003",
)
async def test_what_somebody_else_does_is_told_on_every_level() -> None:
    async with meeting() as place:
        tom = await place.guest("tom")
        journal = everything_of(tom)
        entries = journal.entries
        tina = await place.guest("tina")
        await until(lambda: len(entries) == 1)
        track = LocalVideoTrack(pattern(RED), name="cam")
        there = tom.participants[tina.local_participant.sid]
        with_state: list[tuple[object, bool]] = []
        there.on(
            "trackSubscribed", lambda one, two: with_state.append((two.track, one is two.track))
        )
        for count, act in (
            (6, lambda: tina.local_participant.publish_track(track)),
            (10, track.disable),
            (14, track.enable),
            (19, lambda: tina.local_participant.unpublish_track(track)),
            (24, lambda: tina.local_participant.publish_track(track)),
        ):
            result: Any = act()
            if hasattr(result, "__await__"):
                await result
            await until(lambda wanted=count: len(entries) >= wanted)  # type: ignore[misc]
        assert [same for _, same in with_state] == [True, True]
        gone = next_event(tom, "participantDisconnected")
        tina.disconnect()
        await gone
        assert entries == [
            ("room", "participantConnected", "tina"),
            ("tina", "trackPublished", "publication1"),
            ("room", "trackPublished", "publication1", "tina"),
            ("publication1", "subscribed", "track1"),
            ("tina", "trackSubscribed", "track1", "publication1"),
            ("room", "trackSubscribed", "track1", "publication1", "tina"),
            ("track1", "disabled", "track1"),
            ("tina", "trackDisabled", "publication1"),
            ("room", "trackDisabled", "publication1", "tina"),
            ("publication1", "trackDisabled"),
            ("track1", "enabled", "track1"),
            ("tina", "trackEnabled", "publication1"),
            ("room", "trackEnabled", "publication1", "tina"),
            ("publication1", "trackEnabled"),
            ("publication1", "unsubscribed", "track1"),
            ("tina", "trackUnsubscribed", "track1", "publication1"),
            ("room", "trackUnsubscribed", "track1", "publication1", "tina"),
            ("tina", "trackUnpublished", "publication1"),
            ("room", "trackUnpublished", "publication1", "tina"),
            ("tina", "trackPublished", "publication2"),
            ("room", "trackPublished", "publication2", "tina"),
            ("publication2", "subscribed", "track2"),
            ("tina", "trackSubscribed", "track2", "publication2"),
            ("room", "trackSubscribed", "track2", "publication2", "tina"),
            ("publication2", "unsubscribed", "track2"),
            ("tina", "trackUnsubscribed", "track2", "publication2"),
            ("room", "trackUnsubscribed", "track2", "publication2", "tina"),
            ("tina", "disconnected", "tina"),
            ("room", "participantDisconnected", "tina"),
        ]
        track.stop()
        await track.closed()


@pytest.mark.feature(
    "EVENT-001", "PARTICIPANT-003", "PARTICIPANT-019", "PUBLICATION-001", "PUBLICATION-002"
)
async def test_what_was_there_before_is_state_and_no_event() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED)
        tom = await place.guest("tom", automatic_subscription=False)
        journal = everything_of(tom)
        seen: list[tuple[object, str]] = []
        tom.participants.forEach(lambda who, sid: seen.append((who, sid)))
        (there,) = tom.participants.values()
        assert seen == [(there, tina.local_participant.sid)]
        assert (tom.participants.size, tom.participants.get(seen[0][1])) == (1, there)
        assert list(tom.participants.items()) == [(there.sid, there)]
        assert tom.local_participant.sid not in tom.participants
        tracks: list[tuple[object, str]] = []
        there.tracks.forEach(lambda publication, sid: tracks.append((publication.track, sid)))
        assert tracks == [(None, next(iter(tina.local_participant.tracks)))]
        # Somebody else joins with tracks: they are in the map, and have no event of their own.
        filled: list[int] = []
        tom.on("participantConnected", lambda who: filled.append(len(who.tracks)))
        await place.guest("tess", color=BLUE)
        await until(lambda: filled)
        assert filled == [1]
        assert journal.entries == [("room", "participantConnected", "tess")]
        assert [who.identity for who in tom.participants.values()] == ["tina", "tess"]


@pytest.mark.feature("VIDEO-004", "VIDEO-005")
async def test_our_own_tracks_tell_the_participant_before_the_publication() -> None:
    async with meeting() as place:
        tina = await place.guest("tina")
        journal = Journal(MEDIA)
        track = LocalVideoTrack(pattern(RED))
        journal.watch(local=tina.local_participant, room=tina, track=track)
        told = next_event(tina.local_participant, "trackPublished")
        publication = await tina.local_participant.publish_track(track)
        journal.watch(publication=publication)
        journal.note("publish_track returned")
        await told
        track.disable()
        track.enable()
        track.enable()
        track.stop()
        assert journal.entries == [
            ("test", "publish_track returned"),
            ("local", "trackPublished", "publication"),
            ("track", "disabled", "track"),
            ("local", "trackDisabled", "track"),
            ("publication", "trackDisabled"),
            ("track", "enabled", "track"),
            ("local", "trackEnabled", "track"),
            ("publication", "trackEnabled"),
            ("track", "stopped", "track"),
            ("local", "trackStopped", "track"),
        ]
        await track.closed()


@pytest.mark.feature("LEAVE-001", "LEAVE-006", "LEAVE-007", "EVENT-010")
async def test_disconnecting_tells_everything_before_it_returns() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED)
        tom = await place.guest("tom", color=BLUE)
        (there,) = tom.participants.values()
        (remote,) = there.tracks.values()
        await until(lambda: remote.track)
        track: Any = remote.track
        (own,) = tom.local_participant.tracks.values()
        journal = Journal(MEDIA).watch(
            room=tom,
            local=tom.local_participant,
            own=own,
            mine=own.track,
            tina=there,
            publication=remote,
            track=track,
        )
        during: list[tuple[str, int, int]] = []
        tom.on(
            "disconnected",
            lambda room, error: during.append(
                (room.state, len(room.participants), len(room.localParticipant.tracks))
            ),
        )
        assert tom.disconnect() is tom
        assert tom.disconnect() is tom
        assert journal.entries == [
            ("local", "disconnected", "local"),
            ("mine", "stopped", "mine"),
            ("local", "trackStopped", "mine"),
            ("publication", "unsubscribed", "track"),
            ("tina", "trackUnsubscribed", "track", "publication"),
            ("room", "trackUnsubscribed", "track", "publication", "tina"),
            ("room", "disconnected", "room", None),
        ]
        assert during == [("disconnected", 1, 1)]
        assert list(tom.participants.values()) == [there]
        assert list(tom.local_participant.tracks) == []
        await tom.closed()
        assert len(journal.entries) == 7
        assert tina.state == "connected"


@pytest.mark.feature("DOMSPK-002", "EVENT-002")
async def test_the_dominant_speaker_changes_after_the_participant_is_gone() -> None:
    async with meeting() as place:
        tom = await place.guest("tom", dominant_speaker=True)
        journal = Journal(MEDIA | {"trackSubscribed", "trackUnsubscribed"}).watch(room=tom)
        tina = await place.guest("tina", tone=440.0)
        await until(lambda: tom.dominant_speaker)
        journal.name(tom.dominant_speaker, "tina")
        del journal.entries[:]
        tina.disconnect()
        await until(lambda: tom.dominant_speaker is None)
        assert journal.entries == [
            ("room", "participantDisconnected", "tina"),
            ("room", "dominantSpeakerChanged", None),
        ]


@pytest.mark.feature("RENDER-002", "TRACK-002", "RENDER-027", "RENDER-028", "RENDER-029")
async def test_a_track_starts_when_its_first_picture_is_seen_and_sinks_come_and_go() -> None:
    async with meeting() as place:
        await place.guest("tina", color=RED)
        tom = await place.guest("tom")
        (there,) = tom.participants.values()
        (publication,) = there.tracks.values()
        await until(lambda: publication.track)
        track: Any = publication.track
        ignored = track.known_events() | there.known_events() | tom.known_events()
        journal = Journal(ignored - {"started", "trackStarted"})
        journal.watch(room=tom, tina=there, track=track)
        sink = track.attach()
        assert track.attach(sink) is sink
        await until(lambda: not sink.is_blank)
        assert journal.entries == [
            ("tina", "trackStarted", "track"),
            ("room", "trackStarted", "track", "tina"),
            ("track", "started", "track"),
        ]
        assert track.is_started
        second = track.attach()
        stranger = type(sink)()
        assert track.detach(stranger) is stranger
        assert track.detach(second) is second
        assert track.detach() == [sink]
        assert track.detach() == []
        await until(lambda: sink.is_blank)


@pytest.mark.feature("EVENT-010")
async def test_a_lost_connection_is_told_later_and_so_is_its_return() -> None:
    async with meeting() as place, tcp_proxy(place.server.port) as proxy:
        far = Meeting(place.server, place.stack, proxy.url)
        tina, tom = await far.guest("tina"), await place.guest("tom")
        own = Journal(MEDIA).watch(room=tina, local=tina.local_participant)
        (there,) = tom.participants.values()
        others = Journal(MEDIA).watch(room=tom, tina=there)
        del own.entries[:]
        proxy.cut()
        (error,) = await next_event(tina, "reconnecting")
        assert isinstance(error, TwilioError)
        assert (error.code, tina.state) == (53001, "reconnecting")
        await until(lambda: there.state == "reconnecting")
        back = next_event(tina, "reconnected")
        proxy.restore()
        assert await back == ()
        await until(lambda: there.state == "connected")
        assert tina.state == "connected"
        assert [entry[:2] for entry in own.entries if entry[1] != "participantConnected"] == [
            ("local", "reconnecting"),
            ("room", "reconnecting"),
            ("local", "connected"),
            ("local", "reconnected"),
            ("room", "reconnected"),
        ]
        assert others.entries == [
            ("tina", "reconnecting", "tina"),
            ("room", "participantReconnecting", "tina", "tina"),
            ("tina", "connected", "tina"),
            ("tina", "reconnected"),
            ("room", "participantReconnected", "tina"),
        ]
