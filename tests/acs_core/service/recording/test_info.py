from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.recording.info import RecordingInfo, RecordingStatus


@given(st.text(), st.text(), st.floats(0, 4e9), st.none() | st.text())
def test_a_note_is_read_as_it_was_written(
    name: str, identity: str, created_at: float, room: str | None
) -> None:
    info = RecordingInfo(
        id="a" * 32,
        call="b" * 32,
        room=room,
        endpoint="c" * 32,
        identity=identity,
        publication="d" * 32,
        name=name,
        kind="audio",
        codec="OPUS",
        container="mka",
        status=RecordingStatus.PROCESSING,
        created_at=created_at,
        offset_ms=round(created_at * 1000),
    )
    assert RecordingInfo.from_note(info.as_note()) == info
    assert info.file_name == f"{'a' * 32}.mka"


@given(st.text() | st.just("{}") | st.just('{"id": 7}') | st.just("[]"))
def test_what_is_no_note_is_none(text: str) -> None:
    assert RecordingInfo.from_note(text) is None
