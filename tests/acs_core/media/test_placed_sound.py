"""Simulated time: `arrival` is what a clock would show."""

from __future__ import annotations

import numpy as np

from acs_core.media.frames import AUDIO_RATE, FRAME_SAMPLES, AudioFrame
from acs_core.media.mixing import AudioMixer, Timeline
from acs_core.media.placed_sound import PlacedSound

LAG = 0.12
TICK = FRAME_SAMPLES / AUDIO_RATE


class Listener:
    """Hears a mix `LAG` seconds later, as a live one is heard."""

    def __init__(self) -> None:
        self.mixer = AudioMixer()
        timeline = Timeline()
        timeline.begin(0.0)
        self.sound = PlacedSound(self.mixer, timeline)
        self.heard: list[bool] = []

    def listen(self, now: float) -> None:
        for frame in self.mixer.take(round((now - LAG) * AUDIO_RATE)):
            self.heard.append(bool(frame.any()))

    def come(self, number: int, arrival: float) -> None:
        self.listen(arrival)
        samples = np.full((FRAME_SAMPLES, 1), 9, np.int16)
        self.sound.add("s", "c", AudioFrame(samples, time=number * TICK), arrival)


def test_a_clock_that_runs_slow_is_heard_for_ever() -> None:
    listener = Listener()
    for number in range(15_000):  # Five minutes, in which 0.6 s come to be missing.
        listener.come(number, number * TICK * 1.002)
    assert sum(listener.heard) > 0.99 * len(listener.heard)
    assert listener.mixer.late_samples < 0.01 * 15_000 * FRAME_SAMPLES


def test_a_network_that_becomes_slower_is_heard_again() -> None:
    listener = Listener()
    for number in range(200):
        listener.come(number, number * TICK + (0.0 if number < 100 else 0.18))
    missing = listener.heard[90:].count(False)
    assert 0 < missing < 50
    assert all(listener.heard[-40:])


def test_a_loop_that_stood_still_moves_nothing() -> None:
    listener = Listener()
    for number in range(100):
        listener.come(number, 1.2 if 50 <= number < 60 else number * TICK)
    wanted = round(99 * TICK * AUDIO_RATE)
    assert listener.sound.newest == wanted + FRAME_SAMPLES


def test_what_has_ended_is_forgotten() -> None:
    listener = Listener()
    listener.come(0, 1.0)
    listener.sound.forget("s")
    listener.come(0, 3.0)
    assert listener.sound.newest == round(3.0 * AUDIO_RATE) + FRAME_SAMPLES
