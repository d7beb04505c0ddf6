from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.service.sfu.speaker import SpeakerDetector

Voice = Callable[[float], int | None]
"""The RFC 6464 level at a time, 0 loudest; None when no packet is sent."""


def silence(_: float) -> int | None:
    return 127


def tone(_: float) -> int | None:
    return 20


def nothing(_: float) -> int | None:
    return None


def within(start: float, end: float, voice: Voice = tone, rest: Voice = silence) -> Voice:
    return lambda now: voice(now) if start <= now < end else rest(now)


def speech(seed: int = 0) -> Voice:
    """Syllables of 120 to 300 ms at 20 to 40 -dBov, with pauses of 20 to 120 ms."""
    numbers = random.Random(seed)
    levels: list[int] = []
    while len(levels) < 3_000:
        levels += [numbers.randint(20, 40) for _ in range(numbers.randint(6, 15))]
        levels += [numbers.randint(60, 80) for _ in range(numbers.randint(1, 6))]
    return lambda now: levels[round(now / 0.02) % len(levels)]


class Room:
    """Runs voices against a detector in virtual time, and notes what it says."""

    def __init__(self, *names: str, packet: float = 0.02, interval: float = 0.1) -> None:
        self.detector = SpeakerDetector()
        self.packet = packet
        self.interval = interval
        self.now = 0.0
        self.dominants: list[tuple[float, str | None]] = []
        self.started: list[tuple[float, str]] = []
        self.stopped: list[tuple[float, str]] = []
        for name in names:
            self.detector.add(name)

    def run(self, seconds: float, **voices: Voice) -> None:
        begin, ticks = self.now, round(seconds / 0.02)
        for tick in range(ticks):
            self.now = round(begin + tick * 0.02, 6)
            if round(self.now / 0.02) % round(self.packet / 0.02) == 0:
                for name, voice in voices.items():
                    level = voice(self.now)
                    if level is not None:
                        self.detector.level(name, level, self.now)
            if round(self.now / 0.02) % round(self.interval / 0.02) == 0:
                self._decide()
        self.now = round(begin + ticks * 0.02, 6)

    def _decide(self) -> None:
        changes = self.detector.decide(self.now)
        if changes is None:
            return
        if changes.dominant_changed:
            self.dominants.append((self.now, changes.dominant))
        self.started += [(self.now, name) for name in changes.started]
        self.stopped += [(self.now, name) for name in changes.stopped]


def test_nobody_dominates_a_silent_room() -> None:
    room = Room("a", "b")
    room.run(3.0, a=silence, b=nothing)
    assert room.dominants == []
    assert room.detector.dominant is None
    assert room.detector.ranking == ()


@pytest.mark.feature("DOMSPK-002")
@pytest.mark.parametrize("interval", [0.1, 0.2])
def test_who_speaks_dominates_within_a_second(interval: float) -> None:
    for seed in range(20):
        room = Room("a", "b", interval=interval)
        room.run(2.0, a=silence, b=silence)
        room.run(1.02, a=silence, b=speech(seed))
        assert [name for _, name in room.dominants] == ["b"], seed


@pytest.mark.feature("DOMSPK-004")
@pytest.mark.parametrize("interval", [0.1, 0.2])
def test_turn_is_followed_within_a_second(interval: float) -> None:
    for seed in range(20):
        room = Room("a", "b", interval=interval)
        room.run(4.0, a=speech(seed), b=silence)
        room.run(1.02, a=silence, b=speech(seed + 100))
        assert [name for _, name in room.dominants] == ["a", "b"], seed
        assert room.detector.ranking == ("b", "a")


def test_quick_turn_is_followed_within_a_second_too() -> None:
    room = Room("a", "b")
    room.run(1.0, a=tone, b=silence)
    room.run(1.02, a=silence, b=tone)
    assert [name for _, name in room.dominants] == ["a", "b"]


@given(st.floats(0, 0.1), st.booleans(), st.booleans(), st.sampled_from([0.02, 0.06]))
def test_cough_changes_nothing(
    phase: float, is_quiet: bool, sends_nothing: bool, packet: float
) -> None:
    room = Room("a", "b", packet=packet)
    rest = nothing if sends_nothing else silence
    speaker: Voice = silence if is_quiet else tone
    room.run(2.0, a=speaker, b=rest)
    before = list(room.dominants)
    room.run(2.0, a=silence, b=within(2.3 + phase, 2.5 + phase, rest=rest))
    assert room.dominants == before


def test_cross_talk_changes_at_most_once_in_two_seconds() -> None:
    for seed in range(20):
        room = Room("a", "b", "c")
        room.run(20.0, a=speech(seed), b=speech(seed + 50), c=silence)
        times = [now for now, _ in room.dominants]
        assert room.dominants, seed
        assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))


def test_short_turns_change_at_most_once_in_two_seconds() -> None:
    room = Room("a", "b")
    voices: dict[str, Voice] = {
        "a": lambda now: 20 if now % 1.2 < 0.6 else 127,
        "b": lambda now: 127 if now % 1.2 < 0.6 else 20,
    }
    room.run(20.0, **voices)
    times = [now for now, _ in room.dominants]
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))


def test_silence_ends_dominance_but_not_the_ranking() -> None:
    room = Room("a", "b")
    room.run(2.0, a=tone, b=silence)
    room.run(5.0, a=silence, b=silence)
    assert [name for _, name in room.dominants] == ["a", None]
    assert 2.0 + 3.0 <= room.dominants[-1][0] <= 2.0 + 3.5
    assert room.detector.ranking == ("a",)


def test_speaker_whose_packets_cease_is_silent() -> None:
    room = Room("a", "b")
    room.run(2.0, a=tone, b=silence)
    room.run(5.0, a=nothing, b=nothing)
    assert room.detector.dominant is None
    assert not room.detector.is_speaking("a")


@pytest.mark.parametrize("packet", [0.02, 0.04, 0.06])
def test_packets_may_be_longer(packet: float) -> None:
    room = Room("a", "b", packet=packet)
    room.run(1.02, a=tone, b=silence)
    assert room.detector.dominant == "a"


@settings(max_examples=30)
@given(st.integers(0, 1_000))
def test_lost_packets_do_not_hide_who_speaks(seed: int) -> None:
    numbers = random.Random(seed)
    room = Room("a", "b")
    room.run(1.5, a=lambda _: None if numbers.random() < 0.1 else 20, b=silence)
    assert room.detector.dominant == "a"


def test_burst_of_late_packets_does_not_count_as_long_speech() -> None:
    room = Room("a", "b")
    room.run(1.0, a=silence, b=nothing)
    for _ in range(50):
        room.detector.level("b", 20, room.now)
    room.run(1.0, a=silence, b=nothing)
    assert room.dominants == []


def test_whisper_is_not_speech() -> None:
    room = Room("a", "b")
    room.run(3.0, a=lambda _: 60, b=silence)
    assert room.dominants == []
    assert room.started == []


def test_louder_of_two_that_begin_together_wins_or_the_first() -> None:
    room = Room("a", "b")
    room.run(1.5, a=lambda now: 20 if now % 0.2 < 0.12 else 60, b=tone)
    assert room.detector.dominant == "b"


@pytest.mark.feature("DOMSPK-002")
def test_leaving_of_the_dominant_speaker_makes_room() -> None:
    room = Room("a", "b")
    room.run(2.0, a=tone, b=silence)
    changes = room.detector.remove("a")
    assert changes is not None
    assert (changes.dominant, changes.dominant_changed) == (None, True)
    assert room.detector.ranking == ()
    room.run(1.0, b=tone)
    assert room.detector.dominant == "b"


def test_leaving_of_others_changes_nothing() -> None:
    room = Room("a", "b")
    room.run(2.0, a=tone, b=silence)
    assert room.detector.remove("b") is None
    assert room.detector.remove("b") is None
    assert room.detector.dominant == "a"


def test_unknown_and_repeated_names_are_harmless() -> None:
    room = Room("a")
    room.detector.level("nobody", 0, 0.0)
    assert not room.detector.is_speaking("nobody")
    room.run(1.0, a=tone)
    room.detector.add("a")
    assert room.detector.dominant == "a"


@pytest.mark.feature("PARTICIPANT-012")
def test_speaking_begins_and_ends_within_a_second() -> None:
    for seed in range(20):
        room = Room("a", "b")
        room.run(2.0, a=speech(seed), b=silence)
        room.run(2.0, a=silence, b=silence)
        assert [name for _, name in room.started] == ["a"], seed
        assert [name for _, name in room.stopped] == ["a"], seed
        assert room.started[0][0] <= 1.0
        assert 2.0 <= room.stopped[0][0] <= 3.0


@given(st.lists(st.tuples(st.sampled_from("abcx"), st.integers(-5, 300), st.floats(0, 2))))
def test_any_levels_keep_the_state_sound(script: list[tuple[str, int, float]]) -> None:
    detector = SpeakerDetector()
    for name in "abc":
        detector.add(name)
    now = 0.0
    for name, level, step in script:
        now += step
        detector.level(name, level, now)
        before = detector.dominant
        changes = detector.decide(now)
        assert (changes is not None and changes.dominant_changed) == (detector.dominant != before)
        assert len(set(detector.ranking)) == len(detector.ranking)
        assert detector.dominant is None or detector.dominant == detector.ranking[0]
