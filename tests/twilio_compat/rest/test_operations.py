"""Every operation of Twilio's Video REST API: that it is served, and which test proves it.

The names and the number are those of Twilio's published OpenAPI description (video, v1).
"""

from __future__ import annotations

import importlib

import pytest

from tests.twilio_compat.rest.conftest import Rest

CLIENT = "tests.twilio_compat.rest.test_helper_library"

ROOMS = (CLIENT, "test_rooms_are_created_listed_fetched_and_completed")
PEOPLE = (CLIENT, "test_participants_are_listed_fetched_made_anonymous_and_removed")
TRACKS = (CLIENT, "test_tracks_are_listed_and_fetched")
RULES = (CLIENT, "test_rules_are_fetched_and_changed")
SPOKEN = (CLIENT, "test_transcriptions_are_created_listed_fetched_and_changed")
KEPT = (CLIENT, "test_settings_are_fetched_and_made")

COMPOSITIONS = "tests.twilio_compat.rest.test_compositions"
COMPOSED = (COMPOSITIONS, "test_a_room_is_composed_and_its_file_is_fetched")
LISTED = (COMPOSITIONS, "test_compositions_are_listed_in_pages_and_by_filters")
DELETED = (COMPOSITIONS, "test_a_composition_is_deleted_with_its_file")
HOOKED = (
    "tests.twilio_compat.rest.test_composition_hooks",
    "test_hooks_are_made_listed_changed_and_deleted",
)
RECORDINGS = "tests.twilio_compat.rest.test_recordings"
RECORDED = (RECORDINGS, "test_the_helper_library_finds_and_deletes_recordings")
IN_ROOM = (RECORDINGS, "test_a_room_has_its_own_recordings_only")

PROVED = {
    "ListRecording": RECORDED,
    "FetchRecording": RECORDED,
    "DeleteRecording": RECORDED,
    "ListRoomRecording": IN_ROOM,
    "FetchRoomRecording": IN_ROOM,
    "DeleteRoomRecording": IN_ROOM,
    "CreateRoom": ROOMS,
    "ListRoom": ROOMS,
    "FetchRoom": ROOMS,
    "UpdateRoom": ROOMS,
    "ListRoomParticipant": PEOPLE,
    "FetchRoomParticipant": PEOPLE,
    "UpdateRoomParticipant": PEOPLE,
    "UpdateRoomParticipantAnonymize": PEOPLE,
    "ListRoomParticipantPublishedTrack": TRACKS,
    "FetchRoomParticipantPublishedTrack": TRACKS,
    "ListRoomParticipantSubscribedTrack": TRACKS,
    "FetchRoomParticipantSubscribedTrack": TRACKS,
    "FetchRoomParticipantSubscribeRule": RULES,
    "UpdateRoomParticipantSubscribeRule": RULES,
    "FetchRoomRecordingRule": RULES,
    "UpdateRoomRecordingRule": RULES,
    "ListRoomTranscriptions": SPOKEN,
    "CreateRoomTranscriptions": SPOKEN,
    "FetchRoomTranscriptions": SPOKEN,
    "UpdateRoomTranscriptions": SPOKEN,
    "FetchRecordingSettings": KEPT,
    "CreateRecordingSettings": KEPT,
    "FetchCompositionSettings": KEPT,
    "CreateCompositionSettings": KEPT,
    "CreateComposition": COMPOSED,
    "ListComposition": LISTED,
    "FetchComposition": COMPOSED,
    "DeleteComposition": DELETED,
    "CreateCompositionHook": HOOKED,
    "ListCompositionHook": HOOKED,
    "FetchCompositionHook": HOOKED,
    "UpdateCompositionHook": HOOKED,
    "DeleteCompositionHook": HOOKED,
}
"""By operation: the module and the name of the test that calls it with the helper library."""

OURS = {
    "UpdateRoomParticipantSubscribedTrack",
    "FetchCompositionMedia",
    "FetchRecordingMedia",
    "FetchRoomRecordingMedia",
}
"""What is served beyond Twilio's description."""


def test_twilio_has_thirty_nine_operations() -> None:
    assert len(PROVED) == 39


async def test_every_operation_is_served_and_nothing_else(rest: Rest) -> None:
    _, document = await rest.get("/openapi.json")
    served = {
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["tags"] == ["twilio"]
    }
    assert served == PROVED.keys() | OURS


@pytest.mark.parametrize(("module", "name"), sorted(set(PROVED.values())))
def test_every_proof_exists(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))
