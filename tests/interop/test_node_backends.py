"""Twilio's Video REST API with the unmodified Node helper, as most back ends use it.

`Date`, number, null and camelCase are asserted as a Node program has them: dates arrive here as
`datetime`, texts as `str`. `test_node_recordings.py` has what needs recorded media.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.interop.node_side import NodeError
from tests.interop.node_stage import ROOM, BackEnd
from tests.interop.node_stage import back_end as open_back_end
from tests.support.events import next_event, until
from tests.support.media_checks import RED
from tests.support.webhook_sink import webhook_sink
from tests.twilio_compat.rest.test_operations import PROVED
from twilio_compat import LocalDataTrack, TwilioError, connect

MODULES = ("tests.interop.test_node_backends", "tests.interop.test_node_recordings")


def is_now(value: object) -> bool:
    """Whether it is a date, and about now; the API tells whole seconds."""
    return isinstance(value, datetime) and abs(value - datetime.now(UTC)) < timedelta(minutes=1)


async def made(back_end: BackEnd, **options: Any) -> Any:
    """A room as Node sees it, made with some options."""
    options = {"uniqueName": ROOM, **options}
    return await back_end.run("({video}, options) => video.rooms.create(options)", options)


async def refusal(
    back_end: BackEnd, source: str, *args: Any
) -> tuple[int | None, int | str | None]:
    """Status and code of the helper's RestException."""
    with pytest.raises(NodeError) as caught:
        await back_end.run(source, *args)
    assert caught.value.name == "RestException"
    assert caught.value.message
    return caught.value.status, caught.value.code


def test_every_operation_of_video_is_in_a_story() -> None:
    told = {
        operation
        for module in MODULES
        for test in vars(importlib.import_module(module)).values()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "operations"
        for operation in mark.args
    }
    assert not PROVED.keys() - told


# ---------------------------------------------------------------- rooms


@pytest.mark.operations("CreateRoom", "FetchRoom", "UpdateRoom")
async def test_a_room_is_made_with_options_fetched_and_completed(back_end: BackEnd) -> None:
    room = await made(
        back_end,
        type="group",
        maxParticipants=7,
        videoCodecs=["VP8", "H264"],
        mediaRegion="de1",
        emptyRoomTimeout=2,
        unusedRoomTimeout=3,
        maxParticipantDuration=900,
        audioOnly=False,
        recordParticipantsOnConnect=False,
        statusCallback="https://example.com/rooms",
        statusCallbackMethod="GET",
    )
    expected = {
        "uniqueName": ROOM,
        "status": "in-progress",
        "type": "group",
        "maxParticipants": 7,
        "videoCodecs": ["VP8", "H264"],
        "mediaRegion": "de1",
        "emptyRoomTimeout": 2,
        "unusedRoomTimeout": 3,
        "maxParticipantDuration": 900,
        "audioOnly": False,
        "largeRoom": False,
        "recordParticipantsOnConnect": False,
        "statusCallback": "https://example.com/rooms",
        "statusCallbackMethod": "GET",
        "endTime": None,
        "duration": None,
        "url": f"{back_end.url}/v1/Rooms/{room['sid']}",
    }
    assert room.items() >= expected.items()
    assert is_now(room["dateCreated"])
    assert is_now(room["dateUpdated"])
    assert room["links"]["recording_rules"] == f"{room['url']}/RecordingRules"
    fetch = "({video}, room) => video.rooms(room).fetch()"
    assert await back_end.run(fetch, ROOM) == await back_end.run(fetch, room["sid"]) == room
    # An instance reaches its own resources, too.
    done = await back_end.run(
        "async ({video}, sid) => (await video.rooms(sid).fetch()).update({status: 'completed'})",
        room["sid"],
    )
    assert (done["sid"], done["status"], done["duration"]) == (room["sid"], "completed", 0)
    assert is_now(done["endTime"])
    assert await refusal(back_end, fetch, ROOM) == (404, 20404)
    assert (await back_end.run(fetch, room["sid"]))["status"] == "completed"


@pytest.mark.operations("ListRoom")
async def test_rooms_are_listed_in_pages_and_by_filters(back_end: BackEnd) -> None:
    for number in range(5):
        await made(back_end, uniqueName=f"r{number}")
    names = "(rooms) => rooms.map((room) => room.uniqueName)"
    await back_end.run("({video}) => video.rooms('r0').update({status: 'completed'})")
    newest = ["r4", "r3", "r2", "r1"]
    list_ = f"async ({{video}}, options) => ({names})(await video.rooms.list(options))"
    assert await back_end.run(list_, {"pageSize": 2}) == newest
    assert await back_end.run(list_, {"pageSize": 2, "limit": 3}) == newest[:3]
    assert await back_end.run(list_, {"uniqueName": "r3"}) == ["r3"]
    assert await back_end.run(list_, {"status": "completed"}) == ["r0"]
    now = datetime.now(UTC)
    before, after = now - timedelta(days=1), now + timedelta(days=1)
    assert await back_end.run(list_, {"dateCreatedAfter": after}) == []
    assert await back_end.run(list_, {"dateCreatedBefore": before}) == []
    span = {"dateCreatedAfter": before, "dateCreatedBefore": after}
    assert await back_end.run(list_, span) == newest
    # Page by page, and one at a time.
    pages = await back_end.run(
        f"""async ({{video}}) => {{
            const names = {names};
            const first = await video.rooms.page({{pageSize: 3}});
            const second = await first.nextPage();
            const again = await video.rooms.getPage(second.previousPageUrl);
            return [first, second, again].map((page) => names(page.instances));
        }}"""
    )
    assert pages == [newest[:3], newest[3:], newest[:3]]
    each = """({video}) => new Promise((resolve, reject) => {
        const seen = [];
        video.rooms.each({
            pageSize: 1,
            callback: (room, done) => (seen.push(room.uniqueName) === 3 ? done() : undefined),
            done: (error) => (error ? reject(error) : resolve(seen)),
        });
    })"""
    assert await back_end.run(each) == newest[:3]


async def test_errors_have_twilios_status_code_and_message(back_end: BackEnd) -> None:
    await made(back_end)
    create = "({video}, options) => video.rooms.create(options)"
    assert await refusal(back_end, create, {"uniqueName": ROOM}) == (400, 53113)
    assert (await refusal(back_end, create, {"maxParticipants": -1}))[0] == 400
    assert await refusal(back_end, "({video}) => video.rooms('none').fetch()") == (404, 20404)
    told = await back_end.run(
        "({video}) => video.rooms('none').fetch().catch((error) => ({...error}))"
    )
    assert told["moreInfo"].endswith("/20404")
    wrong = """({twilio, credentials: [account, key]}) => {
        const client = twilio(key, 'wrong', {accountSid: account});
        client.video.baseUrl = process.env.SERVICE_URL;
        return client.video.v1.rooms.list();
    }"""
    assert (await refusal(back_end, wrong))[0] == 401


async def test_who_asks_too_often_is_told_so_and_the_helper_asks_again(
    node_installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_back_end(rest_writes=1.0) as back_end:
        three = """async (client) => {
            const rooms = [];
            for (const uniqueName of ['a', 'b', 'c'])
                rooms.push(await client.video.v1.rooms.create({uniqueName}));
            return rooms.map((room) => room.uniqueName);
        }"""
        assert await refusal(back_end, f"({{client}}) => ({three})(client)") == (429, 20429)
        await back_end.node.take_requests()
        patient = "{autoRetry: true, maxRetries: 50, maxRetryDelay: 200}"
        again = three.replace("['a', 'b', 'c']", "['d', 'e']")
        names = await back_end.run(f"({{connect}}) => ({again})(connect({patient}))")
        assert names == ["d", "e"]
        assert 429 in [status for _, _, status in await back_end.node.take_requests()]


# ---------------------------------------------------------------- participants and tracks


@pytest.mark.operations(
    "ListRoomParticipant",
    "FetchRoomParticipant",
    "UpdateRoomParticipant",
    "UpdateRoomParticipantAnonymize",
)
async def test_participants_are_listed_removed_and_made_anonymous(back_end: BackEnd) -> None:
    room = await made(back_end)
    ann, ben = await back_end.guest("ann"), await back_end.guest("ben & co")
    list_ = """async ({video}, room, options) => {
        const people = await video.rooms(room).participants.list(options);
        return people.map(({sid, identity, status}) => [sid, identity, status]);
    }"""
    ann_sid, ben_sid = ann.local_participant.sid, ben.local_participant.sid
    assert await back_end.run(list_, ROOM, {"pageSize": 1}) == [
        [ann_sid, "ann", "connected"],
        [ben_sid, "ben & co", "connected"],
    ]
    fetch = "({video}, room, who) => video.rooms(room).participants(who).fetch()"
    found = await back_end.run(fetch, ROOM, "ann")
    assert found == await back_end.run(fetch, room["sid"], ann_sid)
    assert (found["roomSid"], found["accountSid"]) == (room["sid"], room["accountSid"])
    assert is_now(found["startTime"])
    assert (found["endTime"], found["duration"]) == (None, None)
    gone = next_event(ben, "disconnected")
    removed = await back_end.run(
        "({video}, who) => video.rooms('daily').participants(who).update({status: 'disconnected'})",
        "ben & co",
    )
    assert (removed["sid"], removed["status"]) == (ben_sid, "disconnected")
    assert isinstance(removed["duration"], int)
    assert is_now(removed["endTime"])
    await gone
    connected = {"status": "connected", "identity": "ann"}
    assert await back_end.run(list_, ROOM, connected) == [[ann_sid, "ann", "connected"]]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert await back_end.run(list_, ROOM, {"dateCreatedAfter": tomorrow}) == []
    hidden = await back_end.run(
        "({video}, who) => video.rooms('daily').participants(who).anonymize().update()", ben_sid
    )
    assert hidden["identity"] == ben_sid
    assert (await back_end.run(fetch, ROOM, ben_sid))["identity"] == ben_sid
    assert await refusal(back_end, fetch, ROOM, "ben & co") == (404, 20404)


@pytest.mark.operations(
    "ListRoomParticipantPublishedTrack",
    "FetchRoomParticipantPublishedTrack",
    "ListRoomParticipantSubscribedTrack",
    "FetchRoomParticipantSubscribedTrack",
)
async def test_tracks_of_real_participants_are_listed_and_fetched(back_end: BackEnd) -> None:
    room = await made(back_end)
    ann = await back_end.guest("ann", color=RED, tone=440)
    await ann.local_participant.publish_track(LocalDataTrack(name="chat"))
    ben = await back_end.guest("ben")
    sids = {track.kind: sid for sid, track in ann.local_participant.tracks.items()}
    assert set(sids) == {"audio", "video", "data"}
    list_ = "({video}, who, tracks) => video.rooms('daily').participants(who)[tracks].list()"
    fetch = """({video}, who, tracks, sid) =>
        video.rooms('daily').participants(who)[tracks](sid).fetch()"""
    published = await back_end.run(list_, "ann", "publishedTracks")
    assert {track["kind"]: track["sid"] for track in published} == sids
    track = await back_end.run(fetch, "ann", "publishedTracks", sids["video"])
    assert track in published
    assert (track["enabled"], track["participantSid"]) == (True, ann.local_participant.sid)
    assert is_now(track["dateCreated"])
    chat = await back_end.run(fetch, "ann", "publishedTracks", "chat")
    assert (chat["sid"], chat["kind"]) == (sids["data"], "data")
    disabled = next_event(ben, "trackDisabled")
    next(iter(ann.local_participant.video_tracks.values())).track.disable()
    await disabled
    track = await back_end.run(fetch, "ann", "publishedTracks", sids["video"])
    assert track["enabled"] is False

    subscribed = await back_end.run(list_, "ben", "subscribedTracks")
    assert {track["kind"]: track["sid"] for track in subscribed} == sids
    item = await back_end.run(fetch, "ben", "subscribedTracks", sids["audio"])
    assert (item["publisherSid"], item["participantSid"], item["roomSid"]) == (
        ann.local_participant.sid,
        ben.local_participant.sid,
        room["sid"],
    )


# ---------------------------------------------------------------- rules


@pytest.mark.operations(
    "FetchRoomParticipantSubscribeRule",
    "UpdateRoomParticipantSubscribeRule",
    "FetchRoomRecordingRule",
    "UpdateRoomRecordingRule",
)
async def test_rules_are_fetched_changed_and_felt(back_end: BackEnd) -> None:
    room = await made(back_end, recordingRules=[{"type": "include", "kind": "audio"}])
    ann = await back_end.guest("ann", color=RED, tone=440)
    ben = await back_end.guest("ben")
    (there,) = ben.participants.values()
    await until(lambda: all(item.is_subscribed for item in there.tracks.values()))
    fetch = "({video}) => video.rooms('daily').participants('ben').subscribeRules.fetch()"
    rules = await back_end.run(fetch)
    assert [rule["type"] for rule in rules["rules"]] == ["include"]
    assert (rules["participantSid"], rules["roomSid"]) == (ben.local_participant.sid, room["sid"])
    wish = [{"type": "include", "all": True}, {"type": "exclude", "kind": "video"}]
    rules = await back_end.run(
        """({video}, rules) =>
            video.rooms('daily').participants('ben').subscribeRules.update({rules})""",
        wish,
    )
    assert [rule["kind"] for rule in rules["rules"]] == [None, "video"]
    assert is_now(rules["dateCreated"])
    await until(
        lambda: {item.kind for item in there.tracks.values() if item.is_subscribed} == {"audio"}
    )
    assert (await back_end.run(fetch))["rules"] == rules["rules"]

    assert ann.is_recording
    recording = await back_end.run("({video}) => video.rooms('daily').recordingRules.fetch()")
    assert [(rule["type"], rule["kind"]) for rule in recording["rules"]] == [("include", "audio")]
    stopped = next_event(ann, "recordingStopped")
    kept = await back_end.run(
        "({video}, rules) => video.rooms('daily').recordingRules.update({rules})",
        [{"type": "exclude", "all": True}],
    )
    await stopped
    assert (kept["roomSid"], kept["rules"][0]["all"]) == (room["sid"], True)
    wrong = "({video}) => video.rooms('daily').recordingRules.update({rules: [{type: 'both'}]})"
    assert (await refusal(back_end, wrong))[0] == 400


@pytest.mark.operations(
    "CreateRoomTranscriptions",
    "ListRoomTranscriptions",
    "FetchRoomTranscriptions",
    "UpdateRoomTranscriptions",
)
async def test_transcriptions_are_started_listed_fetched_and_stopped(back_end: BackEnd) -> None:
    room = await made(back_end)
    await back_end.guest("ann", tone=440)
    started = await back_end.run(
        """({video}) => video.rooms('daily').transcriptions.create(
            {configuration: {languageCode: 'de-DE', partialResults: true}})"""
    )
    assert (started["status"], started["roomSid"]) == ("started", room["sid"])
    assert started["configuration"]["languageCode"] == "de-DE"
    assert is_now(started["startTime"])
    listed = await back_end.run("({video}) => video.rooms('daily').transcriptions.list()")
    assert [item["ttid"] for item in listed] == [started["ttid"]]
    stopped = await back_end.run(
        "({video}, id) => video.rooms('daily').transcriptions(id).update({status: 'stopped'})",
        started["ttid"],
    )
    assert stopped["status"] == "stopped"
    assert is_now(stopped["endTime"])
    fetch = "({video}, id) => video.rooms('daily').transcriptions(id).fetch()"
    assert await back_end.run(fetch, started["ttid"]) == stopped
    assert await refusal(back_end, fetch, "none") == (404, 20404)


@pytest.mark.operations(
    "FetchRecordingSettings",
    "CreateRecordingSettings",
    "FetchCompositionSettings",
    "CreateCompositionSettings",
)
async def test_settings_are_made_and_fetched(back_end: BackEnd) -> None:
    fetch = "({video}, kind) => video[kind]().fetch()"
    create = "({video}, kind, options) => video[kind]().create(options)"
    for kind in ("recordingSettings", "compositionSettings"):
        assert (await back_end.run(fetch, kind))["friendlyName"] is None
        settings = {"friendlyName": f"Our {kind}", "encryptionEnabled": False}
        kept = await back_end.run(create, kind, settings)
        assert (kept["friendlyName"], kept["encryptionEnabled"]) == (f"Our {kind}", False)
        assert (kept["awsStorageEnabled"], kept["awsS3Url"]) == (False, None)
        assert await back_end.run(fetch, kind) == kept
        elsewhere = {"friendlyName": "Theirs", "awsStorageEnabled": True}
        assert (await refusal(back_end, create, kind, elsewhere))[0] == 400


# ---------------------------------------------------------------- tokens and callbacks

TOKEN = """({twilio, credentials}, identity, options) => {
    const {AccessToken} = twilio.jwt;
    const token = new AccessToken(...credentials, {identity, ttl: 3600});
    token.addGrant(new AccessToken.VideoGrant(options));
    return token.toJwt();
}"""


async def test_a_token_that_node_made_opens_the_room_that_it_names(back_end: BackEnd) -> None:
    token = await back_end.run(TOKEN, "ann", {"room": ROOM})
    options = {"service_url": back_end.url, "tracks": []}
    async with await connect(token, name=ROOM, **options) as room:
        assert room.local_participant.identity == "ann"
        people = await back_end.run("({video}) => video.rooms('daily').participants.list()")
        assert [who["sid"] for who in people] == [room.local_participant.sid]
    with pytest.raises(TwilioError) as caught:
        await connect(token, name="weekly", **options)
    assert caught.value.code == 20106
    anywhere = await back_end.run(TOKEN, "ben", {})
    async with await connect(anywhere, name="weekly", **options) as room:
        assert room.name == "weekly"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_the_helper_believes_the_signatures_of_our_callbacks(
    back_end: BackEnd, method: str
) -> None:
    async with webhook_sink() as sink:
        hook = f"{sink.url}/events?tenant=7"
        await made(
            back_end, uniqueName="täglich & more", statusCallback=hook, statusCallbackMethod=method
        )
        await back_end.guest("ann", name="täglich & more")
        got = await sink.count(2)
    believe = "({twilio}, ...args) => twilio.validateRequest(...args)"
    events = []
    for item in got[:2]:
        form = item.form if method == "POST" else {}
        signature, url = item.headers["X-Twilio-Signature"], f"{sink.url}{item.path}"
        assert await back_end.run(believe, back_end.auth_token, signature, url, form) is True
        assert await back_end.run(believe, "another", signature, url, form) is False
        forged = form | {"RoomStatus": "completed!"}
        assert await back_end.run(believe, back_end.auth_token, signature, url, forged) is False
        events.append(item.event)
    assert events == ["room-created", "participant-connected"]


async def test_the_helper_keeps_hosts_of_three_to_five_names_only(back_end: BackEnd) -> None:
    """What the README warns of; it is the helper's doing, and a newer one may do without."""
    goes_to = "({connect}, host, options) => connect(options).getHostname(host, %s)"
    own = goes_to % "undefined, undefined"
    for host in ("localhost", "127.0.0.1", "video.example.com", "a.b.c.example.com"):
        assert await back_end.run(own, host, {}) == host
    for host in ("example.com", "a.b.c.d.example.com"):
        assert await back_end.run(own, host, {}) != host
    region = goes_to % "options.edge, options.region"
    for options in ({"region": "au1"}, {"edge": "sydney"}):
        assert await back_end.run(region, "video.example.com", options) != "video.example.com"
        # It is no address any more, so the one that there was stays.
        found = await back_end.run(
            "async ({connect}, options) => (await connect(options).video.v1.rooms.list()).length",
            options,
        )
        assert found == 0
