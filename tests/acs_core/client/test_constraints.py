from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core import (
    CallConstraints,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    LocalVideoStream,
    MediaConstraintRange,
    SendOptions,
    VideoConstraints,
    VideoOptions,
    VideoSendConstraints,
)
from acs_core.client.constraints import check, constrained
from tests.support.calls import joined
from tests.support.media_checks import RED
from tests.support.people import pattern

NOTHING = JoinCallOptions(streams=())


def limits(
    height: float | None = None, rate: float | None = None, bitrate: float | None = None
) -> VideoConstraints:
    return VideoConstraints(
        VideoSendConstraints(
            MediaConstraintRange(height), MediaConstraintRange(rate), MediaConstraintRange(bitrate)
        )
    )


@given(
    st.none() | st.integers(2, 4000),
    st.none() | st.floats(1, 60),
    st.none() | st.integers(1, 10**8),
)
def test_the_stricter_limit_holds_and_a_missing_one_changes_nothing(
    height: int | None, rate: float | None, bitrate: int | None
) -> None:
    base = SendOptions(max_frame_height=720, max_bitrate_bps=1_000_000)
    constraints = limits(height, rate, bitrate)
    check(constraints, 1)
    options = constrained(base, constraints)
    assert options.max_frame_height == min(720, height or 720)
    assert options.max_frame_rate == min(30.0, rate or 30.0)
    assert options.max_bitrate_bps == min(1_000_000, bitrate or 1_000_000)
    assert constrained(base, None) is base
    assert constrained(base, VideoConstraints()) is base


@pytest.mark.parametrize("value", [-1, 1, math.nan, math.inf, "180", True])
def test_a_height_that_nothing_could_keep_is_refused(value: float) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check(limits(height=value), 41066)
    assert (caught.value.code, caught.value.sub_code) == (500, 41066)


@pytest.mark.feature("CONSTRAINT-001")
async def test_constraints_reach_the_stream_from_the_start_and_in_the_call() -> None:
    camera = LocalVideoStream(pattern(RED))
    options = JoinCallOptions(
        streams=(), video_options=VideoOptions((camera,), limits(height=360, rate=10))
    )
    async with joined(options) as (call, session):
        (stream,) = session.streams.values()
        assert (stream.encoding.max_frame_height, stream.encoding.max_frame_rate) == (360, 10)
        await call.set_constraints(CallConstraints(limits(height=180)))
        assert (stream.encoding.max_frame_height, stream.encoding.max_frame_rate) == (180, 10)
        await call.set_constraints(CallConstraints(limits(height=0, bitrate=200_000)))
        assert stream.encoding == SendOptions(max_frame_rate=10, max_bitrate_bps=200_000)
        await call.set_constraints(CallConstraints())
        assert stream.encoding.max_bitrate_bps == 200_000
        await call.stop_video(camera)
        await call.start_video(camera)
        (again,) = session.streams.values()
        assert again.encoding == SendOptions(max_frame_rate=10, max_bitrate_bps=200_000)
    await camera.media_source.close()


async def test_constraints_that_cannot_be_taken_have_the_documented_codes() -> None:
    bad = limits(rate=-1)
    with pytest.raises(InvalidArgumentError) as at_start:
        async with joined(JoinCallOptions(streams=(), video_options=VideoOptions((), bad))):
            pass
    assert (at_start.value.code, at_start.value.sub_code) == (500, 41069)
    async with joined(NOTHING) as (call, _):
        for value, code in ((CallConstraints(bad), 41066), ({"video": {}}, 41070)):
            with pytest.raises(InvalidArgumentError) as caught:
                await call.set_constraints(value)  # type: ignore[arg-type]
            assert (caught.value.code, caught.value.sub_code) == (500, code)
        await call.hang_up()
        with pytest.raises(InvalidStateError) as over:
            await call.set_constraints(CallConstraints())
        assert (over.value.code, over.value.sub_code) == (500, 41067)
