from __future__ import annotations

from dataclasses import replace

from acs_core.service.recording.info import RecordingInfo, RecordingStatus
from acs_core.service.store.recordings import RECORDINGS
from tests.twilio_compat.rest.conftest import Rest

DONE = RecordingInfo(
    id="0" * 32,
    call="a" * 32,
    room="r" * 32,
    endpoint="e" * 32,
    identity="ann",
    publication="d" * 32,
    name="camera",
    kind="video",
    codec="VP8",
    container="mkv",
    status=RecordingStatus.COMPLETED,
    created_at=1.0,
    offset_ms=1000,
    duration=2.0,
    size=3,
)


async def test_the_next_page_has_every_filter_of_the_first(rest: Rest) -> None:
    for number, call in enumerate("abcab"):
        row = replace(DONE, id=f"{number:032x}", call=call * 32, created_at=float(number))
        rest.server.database.put(RECORDINGS, row.as_row())
    groups = [f"RM{call * 32}" for call in "ab"]
    listed = await rest.call(
        lambda: rest.client.video.v1.recordings.list(grouping_sid=groups, page_size=1)
    )
    assert [item.grouping_sids["room_sid"] for item in listed] == [*groups[::-1], *groups[::-1]]
