from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.clock import FrameThrottle, RtpClock


def test_pictures_follow_their_own_time() -> None:
    clock = RtpClock(90000, first=1000)
    assert clock.picture(5.0, 100.0) == 1000
    assert clock.picture(5.1, 100.13) == 10000
    assert clock.picture(5.2, 100.18) == 19000


def test_pictures_without_time_follow_real_time() -> None:
    clock = RtpClock(90000, first=0)
    assert clock.picture(None, 1.0) == 0
    assert clock.picture(None, 1.5) == 45000


def test_a_source_that_starts_again_continues_from_real_time() -> None:
    clock = RtpClock(90000, first=0)
    clock.picture(50.0, 100.0)
    assert clock.picture(0.0, 100.5) == 45000
    assert clock.picture(0.1, 100.6) == 54000


def test_a_pause_passes_as_real_time() -> None:
    clock = RtpClock(90000, first=0)
    clock.picture(1.0, 100.0)
    clock.pause()
    assert clock.picture(1.1, 110.0) == 900000


def test_sound_counts_samples_and_jumps_over_pauses() -> None:
    clock = RtpClock(48000, first=7)
    assert clock.sound(960, 1.0) == (7, True)
    assert clock.sound(960, 1.05) == (967, False)
    assert clock.sound(960, 1.06) == (1927, False)
    assert clock.sound(960, 3.06) == (1927 + 96000, True)
    assert clock.sound(960, 3.08) == (1927 + 96960, False)


def test_lost_sound_leaves_a_hole_of_its_length() -> None:
    clock = RtpClock(48000, first=0)
    assert clock.sound(960, 1.00, 5.00) == (0, True)
    assert clock.sound(960, 1.02, 5.02) == (960, False)
    # 200 ms did not come here; what came is late besides.
    assert clock.sound(960, 1.30, 5.24) == (960 * 12, True)
    assert clock.sound(960, 1.30, 5.26) == (960 * 13, False)


def test_sound_that_waited_keeps_its_time() -> None:
    clock = RtpClock(48000, first=0)
    clock.sound(960, 1.0, 0.0)
    # The loop stood still for 0.4 s, and nothing was lost.
    assert [clock.sound(960, 1.42, 0.02 * n) for n in (1, 2, 3)] == [
        (960, False),
        (1920, False),
        (2880, False),
    ]


def test_sound_of_another_source_continues_from_real_time() -> None:
    clock = RtpClock(48000, first=0)
    clock.sound(960, 1.0, 0.0)
    clock.pause()
    assert clock.sound(960, 1.1, 0.7) == (4800, True)
    assert clock.sound(960, 1.12, 0.72) == (5760, False)
    # A suspended machine: its times went on as if nothing had been.
    assert clock.sound(960, 5.12, 0.74) == (5760 + 4 * 48000, True)
    # It began again.
    assert clock.sound(960, 5.14, 0.0) == (5760 + 4 * 48000 + 960, False)


def test_small_errors_of_a_sources_times_leave_no_holes() -> None:
    clock = RtpClock(48000, first=0)
    stamps = [clock.sound(960, n * 0.02, n * 0.02 + n % 3 * 0.004)[0] for n in range(50)]
    assert stamps == [n * 960 for n in range(50)]


@given(
    st.lists(st.tuples(st.none() | st.floats(0, 100), st.floats(0, 3), st.booleans()), max_size=30)
)
def test_stamps_always_rise(steps) -> None:
    clock = RtpClock(90000, first=0)
    now, last = 0.0, -1
    for media_time, wait, pause in steps:
        now += wait
        if pause:
            clock.pause()
        stamp = clock.picture(media_time, now)
        assert stamp > last
        last = stamp


def test_the_throttle_leaves_pictures_out_evenly() -> None:
    throttle = FrameThrottle(30.0)
    taken = [n for n in range(60) if throttle.takes(n / 60, 0.0)]
    assert taken == list(range(0, 60, 2))
    assert all(FrameThrottle(30.0).takes(None, 1.0) for _ in range(3))
    jittery = FrameThrottle(30.0)
    assert all(jittery.takes(n / 30 - (n % 2) * 0.003, 0.0) for n in range(30))
