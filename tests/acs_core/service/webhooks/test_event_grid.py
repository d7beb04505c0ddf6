from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from acs_core import wire
from acs_core.core import endings
from acs_core.core.custom_context import CustomContext, Header
from acs_core.errors import InvalidArgumentError
from acs_core.service import CallingService, ServiceSettings
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.webhooks import DeliveryState
from acs_core.service.webhooks.event_grid import RecordingFile, identifier_json
from tests.support.events import until
from tests.support.service_client import group, participant
from tests.support.webhook_sink import Got, WebhookSink, webhook_sink

KEYS = {
    "id",
    "topic",
    "subject",
    "data",
    "eventType",
    "dataVersion",
    "metadataVersion",
    "eventTime",
}


async def validate(got: Got) -> web.StreamResponse:
    """What an application answers to Event Grid."""
    (event,) = got.json
    if event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent":
        return web.json_response({"validationResponse": event["data"]["validationCode"]})
    return web.Response()


@asynccontextmanager
async def told() -> AsyncIterator[tuple[CallingService, WebhookSink]]:
    """A service that tells a sink, which has agreed to that."""
    async with webhook_sink(validate) as sink:
        settings = ServiceSettings(
            dev=True,
            port=0,
            media_port=0,
            event_grid_url=SecretStr(f"{sink.url}/api/events?code=x"),
            event_grid_key=SecretStr("the-key"),
        )
        async with CallingService(settings) as service:
            await sink.count(1)
            yield service, sink


def events(sink: WebhookSink) -> list[dict[str, Any]]:
    found = [item.json[0] for item in sink.got]
    return [item for item in found if item["eventType"].startswith("Microsoft.Communication.")]


def names(sink: WebhookSink) -> list[str]:
    return [item["eventType"].removeprefix("Microsoft.Communication.") for item in events(sink)]


def join(service: CallingService, place: wire.Locator, user: str, number: int = 1) -> Endpoint:
    who = Principal(user, PrincipalKind.ACS, 2e9)
    call = service.calls.resolve(place, who)
    return call.join(f"{number:032x}", who, EndpointObserver(), name=f"Guest {number}")


async def test_the_endpoint_is_asked_first_and_its_answer_is_remembered() -> None:
    async with told() as (service, sink):
        got = sink.got[0]
        assert got.headers["aeg-event-type"] == "SubscriptionValidation"
        assert got.headers["aeg-sas-key"] == "the-key"
        assert got.path == "/api/events?code=x"
        (event,) = got.json
        assert event.keys() == KEYS
        assert service.event_grid is not None
        await until(lambda: service.webhooks.counts[DeliveryState.DELIVERED] == 1)
        rows = await service.webhooks.rows(state="delivered")
        assert [row["event"] for row in rows] == ["Microsoft.EventGrid.SubscriptionValidationEvent"]


@pytest.mark.feature("MATRIX-030")
async def test_a_call_is_told_from_its_first_participant_to_its_end() -> None:
    async with told() as (service, sink):
        place = group()
        async with participant(service, place, name="Ann") as ann:
            async with participant(service, place, name="Ben"):
                await sink.until(lambda: len(events(sink)) == 3)
            await sink.until(lambda: len(events(sink)) == 4)
            (call_id,) = service.calls.live
        await sink.until(lambda: len(events(sink)) == 6)
        assert names(sink) == [
            "CallStarted",
            "CallParticipantAdded",
            "CallParticipantAdded",
            "CallParticipantRemoved",
            "CallParticipantRemoved",
            "CallEnded",
        ]
        told_events = events(sink)
        for event in told_events:
            assert event.keys() == KEYS
            assert event["eventTime"].endswith("Z")
            assert event["topic"].startswith("/subscriptions/")
            data = event["data"]
            assert data["serverCallId"] == call_id
            assert data["group"] == {"id": place.group_id}
            assert (data["isTwoParty"], data["isRoomsCall"]) == (False, False)
            assert uuid.UUID(data["correlationId"]).hex == call_id
            assert data["startedBy"] == told_events[0]["data"]["startedBy"]
        first, added = told_events[0], told_events[1]["data"]
        raw_id = first["data"]["startedBy"]["rawId"]
        assert first["subject"] == f"call/{call_id}/startedBy/{raw_id}"
        assert added["user"] == {
            "rawId": raw_id,
            "kind": "communicationUser",
            "communicationUser": {"id": raw_id},
            "role": "Presenter",
        }
        assert added["displayName"] == "Ann"
        assert uuid.UUID(added["participantId"]).hex == ann.session.id
        assert told_events[1]["subject"] == f"call/{call_id}/participant/{raw_id}"
        assert 0 <= told_events[5]["data"]["durationOfCall"] < 60
        assert all(item.headers["aeg-event-type"] == "Notification" for item in sink.got[1:])
        assert len({event["id"] for event in told_events}) == 6


async def test_who_is_renamed_is_so_in_what_was_told_and_in_what_is_told_later() -> None:
    async with told() as (service, sink):
        place, grid = group(), service.event_grid
        assert grid is not None
        ann, ben = join(service, place, "8:acs:a_b"), join(service, place, "8:acs:a_c", 2)
        await until(lambda: service.webhooks.counts[DeliveryState.DELIVERED] == 4)
        await grid.rename(ann.call.id, ann.id, "hidden")
        ben.leave()
        ann.leave()
        await sink.count(7)
        removed = [item["data"]["displayName"] for item in events(sink)[3:5]]
        assert removed == ["Guest 2", "hidden"]
        rows = await service.webhooks.rows(group=f"event-grid {ann.call.id}")
        known = [json.loads(row["body"])[0]["data"].get("displayName") for row in rows]
        assert known == [None, "hidden", "Guest 2", "Guest 2", "hidden", None]
        await grid.rename("0" * 32, ann.id, "nobody")


async def test_outcomes_are_counted() -> None:
    async with told() as (service, _), aiohttp.ClientSession() as http:
        await until(lambda: service.webhooks.counts[DeliveryState.DELIVERED] == 1)
        async with http.get(f"{service.url}/metrics") as answer:
            figures = await answer.text()
        assert 'calling_webhooks_total{outcome="delivered"} 1.0' in figures
        assert 'calling_webhooks_total{outcome="failed"} 0.0' in figures
        assert "calling_waiting_webhooks 0.0" in figures


async def test_a_room_is_told_as_a_room_and_ends_for_everybody() -> None:
    async with told() as (service, sink):
        room = service.rooms.create()
        place = wire.RoomLocator(room=room.id)
        join(service, place, "8:acs:r_a")
        ann = join(service, place, "8:acs:r_b", 2)
        ann.call.end(endings.ROOM_COMPLETED)
        await sink.until(lambda: len(events(sink)) == 6)
        assert names(sink)[-3:] == ["CallParticipantRemoved", "CallParticipantRemoved", "CallEnded"]
        data = events(sink)[0]["data"]
        assert (data["room"], data["isRoomsCall"]) == ({"id": room.id}, True)
        assert "group" not in data


async def test_telephones_meetings_and_test_calls_are_not_told() -> None:
    async with told() as (service, sink):
        assert service.event_grid is not None
        join(service, group(), "4:+4912345")
        probe = wire.ProbeLocator(probe_id=str(uuid.uuid4()))
        join(service, probe, "8:acs:r_a")
        join(service, group(), "8:acs:r_b", 2)
        await sink.until(lambda: len(events(sink)) == 2)
        assert events(sink)[1]["data"]["user"]["rawId"] == "8:acs:r_b"
        rows = await service.webhooks.rows()
        assert len(rows) == 3


async def test_somebody_who_is_called_and_a_finished_file_are_told_as_documented() -> None:
    async with told() as (service, sink):
        assert service.event_grid is not None
        call = join(service, group(), "8:acs:r_a").call
        custom = CustomContext(user_to_user="u2u", voip_headers=(Header(key="order", value="7"),))
        service.event_grid.incoming_call(
            call,
            caller="4:+4912345",
            callee="8:acs:r_b",
            context="the-context",
            caller_name="Carl",
            custom=custom,
        )
        file = RecordingFile(
            document_id="d", content_url="https://x/c", metadata_url="https://x/m", delete_url=""
        )
        service.event_grid.recording_available(
            call.id, "rec", (file,), started_at=0.0, duration=6.62
        )
        await sink.until(lambda: len(events(sink)) == 4)
        assert names(sink)[2:] == ["IncomingCall", "RecordingFileStatusUpdated"]
        incoming, recorded = events(sink)[2:]
        assert incoming["subject"] == "/caller/4:+4912345/recipient/8:acs:r_b"
        assert incoming["data"] == {
            "to": identifier_json("8:acs:r_b"),
            "from": {
                "rawId": "4:+4912345",
                "kind": "phoneNumber",
                "phoneNumber": {"value": "+4912345"},
            },
            "serverCallId": call.id,
            "callerDisplayName": "Carl",
            "customContext": {"sipHeaders": {"User-To-User": "u2u"}, "voipHeaders": {"order": "7"}},
            "incomingCallContext": "the-context",
            "correlationId": str(uuid.UUID(call.id)),
        }
        data = recorded["data"]
        assert data["recordingStorageInfo"]["recordingChunks"] == [
            {
                "documentId": "d",
                "index": 0,
                "endReason": "SessionEnded",
                "contentLocation": "https://x/c",
                "metadataLocation": "https://x/m",
                "deleteLocation": "",
            }
        ]
        assert data["recordingStartTime"] == "1970-01-01T00:00:00Z"
        assert data["recordingDurationMs"] == 6620
        assert recorded["subject"].endswith("/recordingId/rec")


def test_everybody_can_be_written_down() -> None:
    teams = identifier_json("8:orgid:2f9d0bd0-0000-4000-8000-000000000001")
    assert teams["microsoftTeamsUser"]["cloud"] == "public"
    assert identifier_json("28:orgid:x")["kind"] == "unknown"
    assert identifier_json("whatever")["kind"] == "unknown"
    assert identifier_json("")["kind"] == "unknown"


def test_an_endpoint_that_must_not_be_reached_is_told_when_the_service_is_made() -> None:
    settings = ServiceSettings(port=0, media_port=0, event_grid_url=SecretStr("http://10.0.0.1/"))
    with pytest.raises(InvalidArgumentError):
        CallingService(settings)


def test_networks_are_settings() -> None:
    settings = ServiceSettings.model_validate({"webhook_networks": ["10.1.0.0/16"]})
    assert [str(network) for network in settings.webhook_networks] == ["10.1.0.0/16"]
    assert "the-key" not in str(ServiceSettings(event_grid_key=SecretStr("the-key")).redacted())
