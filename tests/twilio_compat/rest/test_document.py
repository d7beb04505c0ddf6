"""The OpenAPI document, and requests made from it against the running server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.service.compositions import (
    Composition,
    CompositionHook,
    CompositionOrder,
    CompositionState,
)
from acs_core.service.store.compositions import COMPOSITION_HOOKS, COMPOSITIONS
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.support.recorded_calls import RecordedCalls
from tests.twilio_compat.rest.conftest import Rest
from tests.twilio_compat.rest.test_rooms import join, video
from twilio_compat.server import embedded

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BEGINNING = "CreateRoomTranscriptions"
"""A room has one; without it there would be none to be asked for."""
OVER = "f" * 32
"""Id of a room that nobody remembers."""
ENDING = (
    "DeleteComposition",
    "DeleteCompositionHook",
    "UpdateRoomParticipantAnonymize",
    "UpdateRoomParticipant",
    "UpdateRoom",
)
"""These come last: afterwards there is little to be asked for."""
NOTHING_THERE = {
    "FetchRecording",
    "DeleteRecording",
    "FetchRecordingMedia",
    "FetchRoomRecording",
    "DeleteRoomRecording",
    "FetchRoomRecordingMedia",
}
"""Operations on things that this test does not make; they are asked for all the same."""
GRID = '{"grid": {"video_sources": ["*"]}}'
HOOK_NAMES = [f"hook {number}" for number in range(50)]
RULES = ['[{"type": "include", "all": true}]']
SETTINGS = ['{"hints": "a"}']


class Camera:
    id = "camera"


@pytest.fixture
async def busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Rest]:
    """A server with a room in which somebody publishes, another that is over, and no quota."""
    monkeypatch.chdir(tmp_path)
    options = {"rest_reads": 1e6, "rest_writes": 1e6}
    transcriber = ScriptedTranscriber()
    async with (
        embedded(options=options, transcriber=transcriber) as server,
        aiohttp.ClientSession() as http,
    ):
        rest = Rest(server, http)
        await rest.post("/v1/Rooms", {"UniqueName": "daily"})
        await rest.post("/v1/Rooms", {"UniqueName": "over"})
        await rest.post("/v1/Rooms/over", {"Status": "completed"})
        join(rest, "daily", "ann", 1)
        join(rest, "daily", "ben", 2)
        call = server.calls.find_room("daily")
        assert call is not None
        ann, ben = call.endpoints.values()
        for somebody in (ann, ben):
            (info,) = somebody.publish([video("camera")])
            somebody.attach(info.id, Camera())
        await compose(rest, tmp_path)
        yield rest


async def compose(rest: Rest, folder: Path) -> None:
    """Let there be a composition that is completed, one to delete, and a hook."""
    recordings = RecordedCalls(folder)
    # What is ordered waits, so that nobody renders it and tells a stranger.
    recordings.is_settled.clear()
    rest.server.compositions.recordings = recordings
    order = CompositionOrder(format=FileFormat.MP4, audio=AudioPart())
    for number in (1, 2):
        made = Composition(
            id=f"{number:032x}",
            call=OVER,
            order=order,
            created_at=float(number),
            state=CompositionState.COMPLETED,
        )
        rest.server.database.put(COMPOSITIONS, made.as_row())
    hook = CompositionHook(id=f"{1:032x}", name="all", order=order, created_at=1.0)
    rest.server.database.put(COMPOSITION_HOOKS, hook.as_row())
    await rest.server.database.flush()


def with_examples(document: dict[str, Any], room: str, over: str) -> dict[str, Any]:
    """The document, with what is there, and what can be read, among the values of parameters."""
    in_paths = {
        "room": ["daily", f"RM{room}"],
        "participant": ["ben", "PA" + "2".zfill(32), "PA" + "1".zfill(32)],
        "track": ["camera"],
        "transcription": [f"video_transcriptions_{room}"],
        "composition": [f"CJ{1:032x}", f"CJ{2:032x}"],
        "hook": [f"HK{1:032x}"],
    }
    in_forms = {
        "Rules": RULES,
        "RecordingRules": RULES,
        "Configuration": SETTINGS,
        "TranscriptionsConfiguration": SETTINGS,
        "MediaRegion": ["us1", "mars1"],
        "StatusCallback": ["https://example.com/", "x"],
        "Track": ["camera"],
        "RoomSid": [f"RM{over}"],
        "VideoLayout": [GRID],
        "AudioSources": [["*"]],
        "Resolution": ["320x240"],
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            # Names of hooks are unique.
            is_change = operation["operationId"].startswith("Update")
            in_forms["FriendlyName"] = ["all"] if is_change else HOOK_NAMES
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in in_paths:
                    parameter["schema"] = {"enum": in_paths[parameter["name"]]}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                fields = content["schema"]["properties"]
                fields |= {name: {"enum": in_forms[name]} for name in in_forms.keys() & fields}
                if "VideoLayout" in fields:
                    # Or sound, which the document cannot say.
                    content["schema"]["required"] = [*content["schema"]["required"], "VideoLayout"]
    return document


def ask_all(
    document: dict[str, Any], url: str, auth: tuple[str, str], examples: int
) -> dict[str, set[int]]:
    """Ask each of Twilio's operations several times; return with what statuses they answered."""
    answered: dict[str, set[int]] = {}
    schema = schemathesis.openapi.from_dict(document).include(tag="twilio")
    found = [item.ok() for item in schema.get_all_operations()]
    # Reading before changes: what is changed may be taken away from somebody.
    found.sort(key=lambda item: item.method.upper() != "GET")
    by_name = {item.definition.raw["operationId"]: item for item in found}
    rest = [name for name in by_name if name not in (BEGINNING, *ENDING)]
    for name in (BEGINNING, *rest, *ENDING):
        operation = by_name[name]
        statuses = answered.setdefault(name, set())
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            ask_one(operation, mode, url, auth, statuses, examples)
    return answered


def ask_one(
    operation: Any,
    mode: GenerationMode,
    url: str,
    auth: tuple[str, str],
    statuses: set[int],
    examples: int,
) -> None:
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=url, auth=auth, timeout=10, allow_redirects=False)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)  # type: ignore[arg-type]

    # Nothing wrong can be said where nothing is asked for.
    with contextlib.suppress(Unsatisfiable):
        ask()


async def check(busy: Rest, examples: int) -> None:
    """Make so many right and so many wrong requests of each operation."""
    _, document = await busy.get("/openapi.json")
    auth = (busy.sid, busy.secret)
    url = busy.server.url
    call = busy.server.calls.find_room("daily")
    assert call is not None
    _, ended = await busy.get("/v1/Rooms?Status=completed")
    over = ended["rooms"][0]["sid"].removeprefix("RM")
    made = with_examples(document, call.id, over)
    answered = await asyncio.to_thread(ask_all, made, url, auth, examples)
    expected = {
        operation["operationId"]: int(min(operation["responses"]))
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["tags"] == ["twilio"]
    }
    assert answered.keys() == expected.keys()
    # Each was asked for something that is there, too.
    failed = {name for name, status in expected.items() if status not in answered[name]}
    assert failed == NOTHING_THERE


# The service, on the thread of its loop, draws random numbers while Hypothesis looks after its own.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module")
@pytest.mark.timeout(180)
async def test_requests_made_from_the_document_get_what_it_promises(busy: Rest) -> None:
    await check(busy, 2)


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore:Do not use the .random. module")
@pytest.mark.timeout(1200)
async def test_many_requests_made_from_the_document_get_what_it_promises(busy: Rest) -> None:
    await check(busy, 20)


async def test_everybody_may_read_the_document_under_the_name_they_know(rest: Rest) -> None:
    _, document, _ = await rest.ask("GET", "/openapi.json", headers={"Authorization": ""})
    assert document["servers"] == [{"url": rest.server.url}]
    families = {
        tag
        for operations in document["paths"].values()
        for operation in operations.values()
        for tag in operation["tags"]
    }
    assert families == {"twilio", "azure"}
    made = document["paths"]["/v1/Rooms"]["post"]
    assert made["operationId"] == "CreateRoom"
    fields = made["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert {"UniqueName", "MaxParticipants", "VideoCodecs"} <= fields["properties"].keys()
    identities = document["paths"]["/identities"]["post"]
    assert identities["operationId"] == "CreateIdentity"
    assert [item["name"] for item in identities["parameters"]] == ["api-version"]
