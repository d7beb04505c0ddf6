from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.compositing.job import (
    AudioPart,
    Failed,
    FileFormat,
    Progress,
    Rendered,
    RenderJob,
    SourceTrack,
    VideoPart,
    decode_job,
    decode_message,
    encode,
    is_chosen,
)
from acs_core.compositing.layout import Region
from acs_core.errors import ProtocolError


def test_a_job_survives_its_way_to_the_process() -> None:
    track = SourceTrack(path="/x", is_video=True, start=1.5, duration=2.0, labels=("a", "MT1"))
    job = RenderJob(
        output="/y",
        format=FileFormat.WEBM,
        tracks=(track,),
        video=VideoPart(width=640, height=480, regions=(Region(video_sources=("*",), z_pos=-3),)),
        audio=AudioPart(unmixed=("ann",)),
        periods=((1.0, 2.0),),
    )
    line = encode(job)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_job(line) == job
    assert track.end == 3.5


@pytest.mark.parametrize("message", [Progress(0.5), Rendered(2.0, 7), Failed("no")])
def test_messages_survive_their_way_back(message: Progress | Rendered | Failed) -> None:
    assert decode_message(encode(message)) == message


@given(st.binary(max_size=40))
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_job(line)
    with pytest.raises(ProtocolError):
        decode_message(line)


@pytest.mark.parametrize(
    ("sources", "excluded", "is_heard"),
    [
        (["*"], [], True),
        (["student*"], [], True),
        (["student"], [], False),
        (["*nt-1"], [], True),
        (["s*t*1"], [], True),
        (["MT1"], [], True),
        (["student.*"], [], False),
        (["*"], ["student-*"], False),
        (["*"], ["teacher"], True),
        ([], [], False),
    ],
)
def test_sources_name_tracks_with_wildcards(
    sources: list[str], excluded: list[str], is_heard: bool
) -> None:
    assert is_chosen(("student-1", "MT1"), sources, excluded) is is_heard
