from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.optimal_video import OptimalVideo, OvcChangeReason, VideoLook


def counts(core: OptimalVideo, looks: list[VideoLook], step: float = 1.0) -> list[int]:
    found = []
    for index, look in enumerate(looks):
        core.look(look, index * step)
        found.append(core.count)
    return found


def test_one_bad_look_is_no_evidence() -> None:
    core = OptimalVideo(9)
    assert counts(core, [VideoLook(4, loss=0.5), VideoLook(4, loss=0.0)] * 3) == [9] * 6
    assert core.reason is OvcChangeReason.UNKNOWN


def test_loss_cuts_one_video_and_gives_the_application_time_to_follow() -> None:
    core = OptimalVideo(9)
    assert counts(core, [VideoLook(4, loss=0.1)] * 6) == [9, 3, 3, 3, 3, 3]
    assert core.reason is OvcChangeReason.BANDWIDTH
    again = [VideoLook(3, loss=0.1)] * 2
    for index, look in enumerate(again):
        core.look(look, 10.0 + index)
    assert core.count == 2


def test_what_the_service_holds_back_is_not_carried() -> None:
    core = OptimalVideo(9)
    assert counts(core, [VideoLook(5, over_budget=2)] * 2) == [9, 5]
    assert core.reason is OvcChangeReason.BANDWIDTH


def test_a_decoder_that_does_not_keep_up_is_a_matter_of_performance() -> None:
    core = OptimalVideo(9)
    assert counts(core, [VideoLook(6, loss=0.0, decoded=0.5)] * 2) == [9, 5]
    assert core.reason is OvcChangeReason.PERFORMANCE


def test_a_limit_of_the_application_holds_at_once_and_goes_with_it() -> None:
    core = OptimalVideo(9)
    assert core.look(VideoLook(2, over_limit=3), 0.0)
    assert (core.count, core.reason) == (2, OvcChangeReason.EXTERNAL_LIMIT)
    assert counts(core, [VideoLook(5)] * 12)[::5] == [2, 3, 4]


def test_calm_lets_one_video_more_be_tried_up_to_the_limit() -> None:
    core = OptimalVideo(4)
    counts(core, [VideoLook(3, loss=0.2)] * 2)
    assert core.count == 2
    looks = [VideoLook(2, loss=0.0)] * 30
    assert counts(core, looks)[-1] == 4
    assert core.reason is OvcChangeReason.BANDWIDTH


looks = st.builds(
    VideoLook,
    st.integers(0, 20),
    st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1),
)


@given(st.integers(0, 12), st.lists(looks, max_size=40))
def test_the_count_stays_between_nothing_and_the_limit(limit: int, seen: list[VideoLook]) -> None:
    core = OptimalVideo(limit)
    for index, look in enumerate(seen):
        before = core.count
        changed = core.look(look, float(index))
        assert changed is (core.count != before)
        assert 0 <= core.count <= limit
