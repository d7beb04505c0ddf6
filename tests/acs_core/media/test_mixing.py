import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.mixing import AudioMixer, Timeline, with_channels


def pcm(value: int, count: int = 960, channels: int = 1) -> np.ndarray:
    return np.full((count, channels), value, dtype=np.int16)


def test_two_sounds_are_summed_and_clipped() -> None:
    mixer = AudioMixer()
    mixer.add(0, pcm(1000))
    mixer.add(480, pcm(500))
    mixer.add(960, pcm(30_000))
    mixer.add(960, pcm(30_000))
    first, second = mixer.take(1920)
    assert first[[0, 479, 480, 959], 0].tolist() == [1000, 1000, 1500, 1500]
    assert second[[0, 959], 0].tolist() == [32767, 32767]
    assert mixer.position == 1920


def test_holes_are_silence_and_late_sound_is_counted() -> None:
    mixer = AudioMixer(2)
    assert mixer.end == 0
    assert not np.concatenate(mixer.take(1920)).any()
    mixer.add(1000, pcm(7, 960))
    assert mixer.late_samples == 920
    assert mixer.end == 1960
    (frame,) = mixer.take(2880 + 500)
    assert frame[[0, 39, 40], 1].tolist() == [7, 7, 0]
    mixer.add(0, pcm(7, 960))
    assert mixer.late_samples == 920 + 960


@given(
    st.lists(
        st.tuples(st.integers(0, 6000), st.integers(0, 2000), st.integers(-9000, 9000)), max_size=8
    )
)
def test_mixer_is_the_clipped_sum_of_what_was_added(parts: list[tuple[int, int, int]]) -> None:
    mixer = AudioMixer()
    expected = np.zeros(9600, dtype=np.int64)
    for start, count, value in parts:
        mixer.add(start, pcm(value, count))
        expected[start : start + count] += value
    mixed = np.concatenate(mixer.take(9600))
    assert np.array_equal(mixed[:, 0], np.clip(expected, -32768, 32767))


def test_channels_are_averaged_or_repeated() -> None:
    stereo = np.array([[100, 200], [-3, 5]], dtype=np.int16)
    assert with_channels(stereo, 1).tolist() == [[150], [1]]
    assert with_channels(stereo, 2) is stereo
    assert with_channels(pcm(9, 1), 2).tolist() == [[9, 9]]


def test_arrival_jitter_does_not_show() -> None:
    timeline = Timeline()
    arrivals = [10.0, 10.05, 10.3, 10.31]
    places = [
        timeline.place("a", "", time=n * 0.1, capture_time=None, arrival=arrival)
        for n, arrival in enumerate(arrivals)
    ]
    assert places == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_streams_of_one_clock_keep_the_distance_of_capture() -> None:
    timeline = Timeline()
    # Video took 300 ms to arrive, sound 50 ms; both were captured together.
    video = timeline.place("v", "bob", time=0.0, capture_time=5000.0, arrival=10.3)
    sound = timeline.place("a", "bob", time=0.0, capture_time=5000.0, arrival=10.05)
    assert video == 0.0
    assert sound == pytest.approx(0.0)


def test_senders_with_different_clocks_are_placed_by_arrival() -> None:
    timeline = Timeline()
    timeline.place("v", "bob", time=0.0, capture_time=5000.0, arrival=10.0)
    other = timeline.place("a", "eve", time=0.0, capture_time=99.0, arrival=10.5)
    assert other == pytest.approx(0.5)


def test_capture_time_that_becomes_known_later_does_not_jump() -> None:
    timeline = Timeline()
    first = timeline.place("v", "bob", time=0.0, capture_time=None, arrival=10.0)
    second = timeline.place("v", "bob", time=0.1, capture_time=77.1, arrival=10.2)
    assert [first, second] == pytest.approx([0.0, 0.1])


def test_stream_that_starts_anew_or_a_clock_that_is_set_is_anchored_again() -> None:
    timeline = Timeline()
    timeline.place("v", "bob", time=50.0, capture_time=1000.0, arrival=10.0)
    restarted = timeline.place("v", "bob", time=0.0, capture_time=1001.0, arrival=11.0)
    assert restarted == pytest.approx(1.0)
    reset = timeline.place("v", "bob", time=1.0, capture_time=9999.0, arrival=12.0)
    assert reset == pytest.approx(2.0)
    later = timeline.place("v", "bob", time=2.0, capture_time=10_000.0, arrival=13.0)
    assert later == pytest.approx(3.0)
