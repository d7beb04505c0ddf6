from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import Priority, PublicationKind
from acs_core.errors import InvalidArgumentError
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.webhooks import DeliveryState, DeliveryTimes
from tests.support.events import until
from tests.support.webhook_sink import Got, WebhookSink, webhook_sink
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat import connect
from twilio_compat.rest.callback_news import CompositionNews, HookNews, RecordingNews
from twilio_compat.rest.signatures import fields_of
from twilio_compat.server import embedded


def join(rest: Rest, room: str, name: str = "ann", number: int = 1) -> Endpoint:
    principal = Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name)
    call = rest.server.calls.resolve(wire.RoomLocator(room=room), principal)
    return call.join(f"{number:032x}", principal, EndpointObserver())


def new(name: str, kind: PublicationKind = PublicationKind.VIDEO) -> wire.NewPublication:
    return wire.NewPublication(key=name, kind=kind, name=name)


def token_of(rest: Rest) -> str:
    token: str = rest.server.settings.twilio_auth_token.get_secret_value()  # type: ignore[attr-defined]
    return token


def is_genuine(rest: Rest, sink: WebhookSink, got: Got) -> bool:
    """What a back end does with the helper library."""
    validator = RequestValidator(token_of(rest))
    form = got.form if got.method == "POST" else {}
    signature = got.headers["X-Twilio-Signature"]
    return bool(validator.validate(f"{sink.url}{got.path}", form, signature))


async def create(rest: Rest, **fields: str) -> str:
    status, made = await rest.post("/v1/Rooms", fields)
    assert status == 201, made
    return str(made["sid"])


@pytest.mark.feature("MATRIX-030")
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_what_happens_in_a_room_is_told_in_order_and_signed(rest: Rest, method: str) -> None:
    async with webhook_sink() as sink:
        url = f"{sink.url}/room-events?tenant=7&empty="
        sid = await create(
            rest,
            UniqueName="daily stand-up ä",
            StatusCallback=url,
            StatusCallbackMethod=method,
        )
        ann = join(rest, sid)
        (camera,) = ann.publish([new("camera & more")])
        ann.update(camera.id, enabled=False, priority=Priority.STANDARD)
        ann.update(camera.id, enabled=False, priority=Priority.HIGH)
        ann.update(camera.id, enabled=True, priority=Priority.HIGH)
        ann.unpublish(camera.id)
        (chat,) = ann.publish([new("chat", PublicationKind.DATA)])
        ann.leave()
        await rest.post(f"/v1/Rooms/{sid}", {"Status": "completed"})
        got = await sink.count(10)
        assert [item.event for item in got] == [
            "room-created",
            "participant-connected",
            "track-added",
            "track-disabled",
            "track-enabled",
            "track-removed",
            "track-added",
            "track-removed",
            "participant-disconnected",
            "room-ended",
        ]
        forms = [item.form for item in got]
        assert [form["SequenceNumber"] for form in forms] == [str(index) for index in range(10)]
        for item, form in zip(got, forms, strict=True):
            assert item.method == method
            assert is_genuine(rest, sink, item)
            assert form["AccountSid"] == rest.server.settings.twilio_account_sid  # type: ignore[attr-defined]
            assert (form["RoomSid"], form["RoomName"]) == (sid, "daily stand-up ä")
            assert form["RoomType"] == "group"
            assert form["Timestamp"].endswith("Z")
            assert item.path.startswith("/room-events?tenant=7&empty=")
        assert forms[0]["RoomStatus"] == "in-progress"
        assert (forms[-1]["RoomStatus"], forms[-1]["RoomDuration"]) == ("completed", "0")
        person = {
            "ParticipantSid": f"PA{ann.id}",
            "ParticipantIdentity": "ann",
            "ParticipantStatus": "connected",
        }
        track = {"TrackSid": f"MT{camera.id}", "TrackKind": "video", "TrackName": "camera & more"}
        assert forms[2].items() >= {**person, **track}.items()
        assert forms[6].items() >= {"TrackSid": f"MT{chat.id}", "TrackKind": "data"}.items()
        assert forms[8]["ParticipantStatus"] == "disconnected"
        assert forms[8]["ParticipantDuration"] == "0"
        assert len({item.headers["I-Twilio-Idempotency-Token"] for item in got}) == 10


async def test_a_forged_callback_is_told_from_ours(rest: Rest) -> None:
    async with webhook_sink() as sink:
        await create(rest, StatusCallback=sink.url)
        (got,) = await sink.count(1)
        assert got.path == "/"
        assert is_genuine(rest, sink, got)
        forged = Got(got.method, got.path, got.query, got.headers, got.body + "&RoomName=x")
        assert not is_genuine(rest, sink, forged)


async def test_a_password_in_the_url_is_sent_and_not_signed(rest: Rest) -> None:
    async with webhook_sink() as sink:
        await create(rest, StatusCallback=sink.url.replace("//", "//user:secret@") + "/x")
        (got,) = await sink.count(1)
        assert got.headers["Authorization"] == aiohttp.encode_basic_auth("user", "secret")
        assert is_genuine(rest, sink, got)


async def test_real_participants_are_told(rest: Rest) -> None:
    async with webhook_sink() as sink:
        sid = await create(rest, UniqueName="real", StatusCallback=sink.url)
        token = rest.server.access_token("ben")
        options = {"name": "real", "service_url": rest.server.url, "tracks": []}
        room = await connect(token, **options)
        assert room.sid == sid
        await sink.count(2)
        room.disconnect()
        await room.closed()
        got = await sink.count(3)
        assert [item.event for item in got] == [
            "room-created",
            "participant-connected",
            "participant-disconnected",
        ]
        assert got[1].form["ParticipantIdentity"] == "ben"
        assert got[1].form["ParticipantSid"] == room.local_participant.sid


async def test_everybody_goes_before_a_room_ends(rest: Rest) -> None:
    async with webhook_sink() as sink:
        sid = await create(rest, StatusCallback=sink.url)
        join(rest, sid).publish([new("a"), new("b")])
        await rest.post(f"/v1/Rooms/{sid}", {"Status": "completed"})
        got = await sink.count(8)
        assert [item.event for item in got][2:] == [
            "track-added",
            "track-added",
            "track-removed",
            "track-removed",
            "participant-disconnected",
            "room-ended",
        ]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_who_is_made_anonymous_is_so_in_callbacks_that_were_told_or_wait(
    rest: Rest, method: str
) -> None:
    is_broken = True

    async def answer(got: Got) -> web.StreamResponse:
        is_late = got.event == "participant-disconnected"
        return web.Response(status=500 if is_late and is_broken else 200)

    part = rest.server.webhooks
    part.times = DeliveryTimes(pauses=(0.1,) * 50)
    async with webhook_sink(answer) as sink:
        url = f"{sink.url}/x?ParticipantIdentity=own"
        sid = await create(rest, StatusCallback=url, StatusCallbackMethod=method)
        ann, _ = join(rest, sid, "ann & co"), join(rest, sid, "ben", 2)
        ann.leave()
        await sink.count(4)
        (connected,) = (
            row
            for row in await part.rows()
            if "ann" in row["body"] + row["url"] and row["event"] == "participant-connected"
        )
        again = await part.replay(connected["id"])
        assert sink.got[-1].form["ParticipantIdentity"] == "ann & co"
        path = f"/v1/Rooms/{sid}/Participants/PA{ann.id}/Anonymize"
        assert (await rest.post(path))[0] == 200
        rows = await part.rows()
        assert {"participant-connected", "participant-disconnected"} == {
            row["event"]
            for row in rows
            if fields_of(row).get("ParticipantIdentity") == f"PA{ann.id}"
        }
        assert not any("ann" in row["body"] + row["url"] for row in rows)
        assert "ben" in {fields_of(row).get("ParticipantIdentity") for row in rows}
        is_broken = False
        await until(lambda: part.counts[DeliveryState.PENDING] == 0)
        assert sink.got[-1].form["ParticipantIdentity"] == f"PA{ann.id}"
        assert is_genuine(rest, sink, sink.got[-1])
        await part.replay(again.request.id)
        assert sink.got[-1].event == "participant-connected"
        assert sink.got[-1].form["ParticipantIdentity"] == f"PA{ann.id}"
        assert is_genuine(rest, sink, sink.got[-1])
        rest.server.status_callbacks.recording_started(recording(sid))
        await sink.until(lambda: sink.got[-1].event == "recording-started")
        assert sink.got[-1].form["ParticipantIdentity"] == f"PA{ann.id}"


async def test_rooms_without_a_callback_and_test_calls_tell_nobody(rest: Rest) -> None:
    join(rest, "silent").publish([new("a")])
    await create(rest, UniqueName="quiet")
    assert await rest.server.webhooks.rows() == []


async def test_a_removed_participant_is_told_as_gone(rest: Rest) -> None:
    async with webhook_sink() as sink:
        sid = await create(rest, StatusCallback=sink.url)
        ann = join(rest, sid)
        ann.call.remove(ann, endings.REMOVED)
        got = await sink.count(3)
        assert got[2].event == "participant-disconnected"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/x",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://localhost/",
        "http://example.com/",
        "https://example.com:22/",
    ],
)
async def test_a_callback_to_where_it_must_not_go_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {
        "dev": False,
        "twilio_account_sid": "AC" + "1" * 32,
        "twilio_auth_token": "t" * 32,
        "twilio_api_key_sid": "SK" + "1" * 32,
        "twilio_api_key_secret": "s" * 32,
    }
    async with embedded(options=options) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        status, body = await rest.post("/v1/Rooms", {"StatusCallback": url})
        assert (status, body["code"]) == (400, 53111)
        assert server.calls.live == {}


def recording(sid: str, **changes: Any) -> RecordingNews:
    given = {
        "sid": "RT" + "1" * 32,
        "call": sid.removeprefix("RM"),
        "participant": f"{1:032x}",
        "identity": "ann",
        "source": "2" * 32,
        "track_name": "camera",
        "kind": "video",
        "container": "mkv",
        "codec": "VP8",
        "offset_ms": 1234,
    }
    return RecordingNews(**{**given, **changes})


async def test_recordings_are_told_where_their_room_is(rest: Rest) -> None:
    async with webhook_sink() as sink:
        sid = await create(rest, StatusCallback=sink.url)
        join(rest, sid)
        callbacks = rest.server.status_callbacks
        callbacks.recording_started(recording(sid))
        done = recording(sid, duration=2.6, size=99)
        failed = recording(sid, failed_operation="RecordingStart", track_name="")
        await rest.post(f"/v1/Rooms/{sid}", {"Status": "completed"})
        callbacks.recording_completed(done)
        callbacks.recording_failed(failed)
        got = (await sink.count(7))[-5:]
        assert [item.event for item in got] == [
            "recording-started",
            "participant-disconnected",
            "room-ended",
            "recording-completed",
            "recording-failed",
        ]
        assert [int(item.form["SequenceNumber"]) for item in got] == [2, 3, 4, 5, 6]
        form = got[3].form
        expected = {
            "RecordingSid": done.sid,
            "RecordingUri": f"/v1/Recordings/{done.sid}",
            "MediaUri": f"/v1/Recordings/{done.sid}/Media",
            "ParticipantSid": f"PA{1:032x}",
            "ParticipantIdentity": "ann",
            "SourceSid": "MT" + "2" * 32,
            "TrackName": "camera",
            "Type": "video",
            "Container": "mkv",
            "Codec": "VP8",
            "OffsetFromTwilioVideoEpoch": "1234",
            "Duration": "3",
            "Size": "99",
        }
        assert form.items() >= expected.items()
        assert got[4].form["FailedOperation"] == "RecordingStart"
        assert got[4].form["TrackName"] == "MT" + "2" * 32
        assert all(is_genuine(rest, sink, item) for item in got)


async def test_compositions_are_told_at_their_own_url(rest: Rest) -> None:
    async with webhook_sink() as sink:
        sid, room, callbacks = "CJ" + "3" * 32, "RM" + "4" * 32, rest.server.status_callbacks
        hook = HookNews(sid="HK" + "5" * 32, friendly_name="all rooms")

        def news(**changes: Any) -> CompositionNews:
            return CompositionNews(**{"sid": sid, "room_sid": room, "url": sink.url, **changes})

        callbacks.composition_enqueued(news())  # Nobody's hook: not told.
        callbacks.composition_enqueued(news(hook=hook))
        callbacks.composition_started(news())
        callbacks.composition_progress(news(percentage=10.4, seconds_remaining=3.6))
        callbacks.composition_available(news(duration=5.2, size=77))
        callbacks.composition_failed(news(failed_operation="rendering", error_message="no disk"))
        await sink.count(5)
        callbacks.composition_hook_failed(news(sid="", hook=hook, error_message="too many"))
        got = await sink.count(6)
        assert [item.event.removeprefix("composition-") for item in got] == [
            "enqueued",
            "started",
            "progress",
            "available",
            "failed",
            "hook-failed",
        ]
        forms = [item.form for item in got]
        assert forms[0]["HookUri"] == f"/v1/CompositionHooks/{hook.sid}"
        assert forms[0]["HookFriendlyName"] == "all rooms"
        assert (forms[2]["PercentageDone"], forms[2]["SecondsRemaining"]) == ("10", "4")
        assert forms[3]["MediaUri"] == f"/v1/Compositions/{sid}/Media"
        assert (forms[3]["Duration"], forms[3]["Size"]) == ("5", "77")
        assert forms[4]["ErrorMessage"] == "no disk"
        assert "CompositionSid" not in forms[5]
        assert all(form["RoomSid"] == room for form in forms)
        assert all(is_genuine(rest, sink, item) for item in got)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_who_was_there_when_the_service_was_killed_is_told_as_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    async with webhook_sink() as sink, aiohttp.ClientSession() as http:
        async with embedded(options={"data_dir": first}) as server:
            rest = Rest(server, http)
            url = f"{sink.url}/hook?x=1"
            sid = await create(rest, StatusCallback=url, StatusCallbackMethod=method)
            ann = join(rest, sid)
            kept, dropped = ann.publish([new("kept"), new("dropped")])
            ann.unpublish(dropped.id)
            join(rest, sid, "ben", 2).leave()
            await sink.count(7)
            await server.webhooks.rows()
            # What a kill leaves: the files as they are, in the middle of it.
            shutil.copytree(first, second)
        told = len(sink.got)
        async with embedded(options={"data_dir": second}) as server:
            assert list(server.calls.live) == [sid.removeprefix("RM")]
            got = (await sink.count(told + 2))[told:]
        assert [item.event for item in got] == ["track-removed", "participant-disconnected"]
        assert [item.form["SequenceNumber"] for item in got] == ["7", "8"]
        assert got[0].form["TrackSid"] == f"MT{kept.id}"
        gone = got[1].form
        assert (gone["ParticipantIdentity"], gone["ParticipantStatus"]) == ("ann", "disconnected")
        assert len(sink.got) == told + 2


async def test_a_room_that_goes_on_after_a_restart_is_neither_ended_nor_created_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"data_dir": tmp_path / "data"}
    async with webhook_sink() as sink, aiohttp.ClientSession() as http:
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            sid = await create(rest, StatusCallback=sink.url)
            join(rest, sid)
            await sink.count(2)
        await sink.count(3)
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            join(rest, sid, "ben", 2)
            await rest.post(f"/v1/Rooms/{sid}", {"Status": "completed"})
            got = await sink.count(6)
        assert [(item.form["SequenceNumber"], item.event) for item in got] == [
            ("0", "room-created"),
            ("1", "participant-connected"),
            ("2", "participant-disconnected"),
            ("3", "participant-connected"),
            ("4", "participant-disconnected"),
            ("5", "room-ended"),
        ]


async def test_rooms_that_participants_make_are_told_to_the_service_wide_callback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with webhook_sink() as sink, webhook_sink() as own, aiohttp.ClientSession() as http:
        options = {"room_status_callback": sink.url, "room_status_callback_method": "GET"}
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            join(rest, "ad hoc")
            await create(rest, StatusCallback=own.url)
            got = await sink.count(2)
            assert [item.event for item in got] == ["room-created", "participant-connected"]
            assert (got[0].method, got[0].form["RoomName"]) == ("GET", "ad hoc")
            assert is_genuine(rest, sink, got[0])
            await own.count(1)
        with pytest.raises(InvalidArgumentError):
            async with embedded(options={"room_status_callback": "ftp://x/"}):
                pass


async def test_a_recording_that_is_completed_after_a_restart_is_told_where_its_room_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"data_dir": tmp_path / "data"}
    async with webhook_sink() as sink, aiohttp.ClientSession() as http:
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            sid = await create(rest, StatusCallback=sink.url)
            await rest.post(f"/v1/Rooms/{sid}", {"Status": "completed"})
            await sink.count(2)
        async with embedded(options=options) as server:
            server.status_callbacks.recording_completed(recording("RM" + "9" * 32, size=1))
            server.status_callbacks.recording_completed(recording(sid, size=2))
            got = await sink.count(3)
        form = got[2].form
        assert (got[2].event, form["RoomSid"], form["Size"]) == ("recording-completed", sid, "2")
        assert (form["SequenceNumber"], form["RoomStatus"]) == ("2", "completed")
        assert len(sink.got) == 3
