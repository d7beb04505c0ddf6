"""Who is speaking, and who of them dominates, from audio levels alone.

Theory of operation. Each speaker has a second of levels in steps of 20 ms. From them three
activities follow: immediate (this step), medium (how many of the last 5 steps are loud) and
long (how many of the last 10 mediums are full). Each becomes a score, the log-likelihood ratio
of speech against no speech. Another speaker dominates when it beats the present one in all
three at once: so it takes a pause of the present one, and more speech in the last second.

The levels come from the RTP header extension; nothing is decoded.

Source: I. Volfin and I. Cohen, "Dominant Speaker Identification for Multipoint
Videoconferencing", 2012; constants as in mediasoup's ActiveSpeakerObserver and Jitsi's
DominantSpeakerIdentification. RFC 6464 for the levels. Ours are the three rules in
`_Config`: how long speech must last, how long a new dominance is protected, and when
silence ends it. Left out is Jitsi's adaptation to a noise floor: it takes a steady tone for
noise, and steady tones are what test participants send.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

__all__ = ["SpeakerChanges", "SpeakerDetector"]

_STEP: Final = 0.020  # seconds per level, one audio packet
_C1: Final = 3.0  # by how much the immediate score must be better,
_C2: Final = 2.0  # the medium one,
_C3: Final = 0.0  # and the long one
_N1: Final = 13  # subunits of a level
_N2: Final = 5  # immediates in a medium
_N3: Final = 10  # mediums in a long
_STEPS: Final = _N2 * _N3
_SUBUNIT: Final = -(-127 // _N1)
_MEDIUM_THRESHOLD: Final = 7  # an immediate above it is loud: louder than -47 dBov
_QUIET_THRESHOLD: Final = 5  # above it, somebody who was speaking goes on
_LONG_THRESHOLD: Final = 4  # a medium above it is full
_MIN_SCORE: Final = 1e-10
_SCORES: Final = ((_N1, 0.78), (_N2, 24.0), (_N3, 47.0))  # n and lambda of each activity
_IDLE_AFTER: Final = 0.040  # without a packet for so long, silence is assumed
_MAX_SPAN: Final = 3  # steps for which one packet may stand: 60 ms, Opus' longest frame
_MAX_AHEAD: Final = 2  # steps which packets that come in a burst may run ahead


@dataclass(frozen=True, slots=True)
class _Config:
    min_steps: int  # loud steps within the last second: a cough of 200 ms has a dozen
    hold: float  # a new dominant speaker is protected against cross-talk for so long
    yield_after: float  # unless silent for so long
    silence_after: float  # nobody dominates after so long a silence
    stop_after: float  # somebody no longer speaks after so long a silence


@dataclass(frozen=True, slots=True)
class SpeakerChanges:
    """What one decision changed.

    Attributes:
        dominant: The dominant speaker now, or None.
        dominant_changed: Whether that is another one than before.
        started: Speakers that began to speak.
        stopped: Speakers that ceased to.
    """

    dominant: str | None
    dominant_changed: bool
    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()


class _Activity(NamedTuple):
    immediate: int  # the newest level, 0 to 12
    medium: int  # loud steps of the newest 5
    long: int  # full mediums of the last 10
    steps: int  # loud steps of all 50, wherever the mediums begin


_SILENT: Final = _Activity(0, 0, 0, 0)


class _Speaker:
    """The last second of one speaker, and what follows from it."""

    __slots__ = ("_head", "_immediates", "is_speaking", "last_audible", "last_loud")

    def __init__(self) -> None:
        self._immediates: deque[int] = deque(maxlen=_STEPS)  # newest first
        self._head: float | None = None  # the time up to which levels are known
        self.is_speaking = False
        self.last_loud = -math.inf
        self.last_audible = -math.inf

    def heard(self, level: int, now: float) -> None:
        immediate = (127 - level) // _SUBUNIT
        if immediate > _MEDIUM_THRESHOLD:
            self.last_loud = now
        if immediate > _QUIET_THRESHOLD:
            self.last_audible = now
        steps = 1 if self._head is None else round((now - self._head) / _STEP)
        if steps < -_MAX_AHEAD:
            return
        if steps <= 1:
            self._immediates.appendleft(immediate)
            self._head = now if self._head is None else self._head + _STEP
            return
        span = min(steps, _MAX_SPAN)
        self._silence(steps - span)
        self._immediates.extendleft([immediate] * span)
        self._head = now

    def activity(self, now: float) -> _Activity:
        if self._head is None or now - self._head >= _STEPS * _STEP:
            return _SILENT
        # The silence is not noted down: a late packet may still say what there was.
        idle = now - self._head
        silent = int(idle / _STEP) if idle > _IDLE_AFTER else 0
        values = [0] * silent + list(self._immediates)
        loud = [value > _MEDIUM_THRESHOLD for value in values[:_STEPS]]
        mediums = [sum(loud[start : start + _N2]) for start in range(0, len(loud), _N2)]
        long = sum(value > _LONG_THRESHOLD for value in mediums)
        return _Activity(values[0], mediums[0], long, sum(loud))

    def _silence(self, steps: int) -> None:
        self._immediates.extendleft([0] * min(steps, _STEPS))


@cache
def _score(activity: int, n: int, rate: float) -> float:
    # Equation 13 of the paper: the log-likelihood ratio of a binomial distribution for speech
    # and an exponential one for its absence; cut off because its logarithm is taken next.
    score = math.log(math.comb(n, activity)) + n * math.log(0.5) - math.log(rate) + rate * activity
    return max(score, _MIN_SCORE)


def _scores(activity: _Activity) -> tuple[float, ...]:
    return tuple(
        _score(value, n, rate) for value, (n, rate) in zip(activity[:3], _SCORES, strict=True)
    )


class SpeakerDetector:
    """Finds who speaks in one room. Call `decide` every 100 to 200 ms.

    Args:
        min_speech: Seconds of speech within the last one before somebody can dominate.
        hold: Seconds for which a new dominant speaker stays, while it goes on speaking.
        yield_after: Seconds of its silence that end this protection.
        silence_after: Seconds of the dominant speaker's silence until nobody dominates.
        stop_after: Seconds of silence until somebody is no longer speaking.
    """

    __slots__ = ("_changed_at", "_config", "_dominant", "_ranking", "_speakers")

    def __init__(
        self,
        *,
        min_speech: float = 0.3,
        hold: float = 2.0,
        yield_after: float = 0.7,
        silence_after: float = 3.0,
        stop_after: float = 0.6,
    ) -> None:
        self._config = _Config(
            round(min_speech / _STEP), hold, yield_after, silence_after, stop_after
        )
        self._speakers: dict[str, _Speaker] = {}
        self._dominant: str | None = None
        self._changed_at = -math.inf
        self._ranking: list[str] = []

    @property
    def dominant(self) -> str | None:
        """The dominant speaker; None when it is quiet."""
        return self._dominant

    @property
    def ranking(self) -> tuple[str, ...]:
        """Who has dominated so far and is still here, the most recent first."""
        return tuple(self._ranking)

    def is_speaking(self, speaker: str) -> bool:
        """Say whether somebody is speaking, as of the last decision."""
        known = self._speakers.get(speaker)
        return known is not None and known.is_speaking

    def add(self, speaker: str) -> None:
        """Take somebody in; without effect if they are known."""
        self._speakers.setdefault(speaker, _Speaker())

    def remove(self, speaker: str) -> SpeakerChanges | None:
        """Take somebody out; nobody dominates if they did, until the next decision."""
        if self._speakers.pop(speaker, None) is None:
            return None
        if speaker in self._ranking:
            self._ranking.remove(speaker)
        if self._dominant != speaker:
            return None
        self._dominant = None
        self._changed_at = -math.inf
        return SpeakerChanges(None, dominant_changed=True)

    def level(self, speaker: str, level: int, now: float) -> None:
        """Note the level of one packet, 0 (loudest) to 127 (silence); unknown ones are ignored.

        Packets may be missing, as with DTX: their time counts as silence.
        """
        known = self._speakers.get(speaker)
        if known is not None:
            known.heard(max(0, min(level, 127)), now)

    def decide(self, now: float) -> SpeakerChanges | None:
        """Judge the last second; None when nothing changed."""
        if not self._speakers:
            return None  # thousands of rooms may wait for participants
        activities = {name: self._speakers[name].activity(now) for name in self._speakers}
        before = self._dominant
        self._choose(activities, now)
        started: list[str] = []
        stopped: list[str] = []
        for name, speaker in self._speakers.items():
            if not speaker.is_speaking and activities[name].medium > _LONG_THRESHOLD:
                speaker.is_speaking = True
                started.append(name)
            elif speaker.is_speaking and now - speaker.last_audible > self._config.stop_after:
                speaker.is_speaking = False
                stopped.append(name)
        if self._dominant == before and not started and not stopped:
            return None
        return SpeakerChanges(
            self._dominant, self._dominant != before, tuple(started), tuple(stopped)
        )

    def _choose(self, activities: dict[str, _Activity], now: float) -> None:
        present = None if self._dominant is None else self._speakers[self._dominant]
        if (
            present is not None
            and now - self._changed_at < self._config.hold
            and now - present.last_loud < self._config.yield_after
        ):
            return
        challenger = self._challenger(activities)
        if challenger is not None:
            self._dominant = challenger
            self._changed_at = now
            if challenger in self._ranking:
                self._ranking.remove(challenger)
            self._ranking.insert(0, challenger)
        elif present is not None and now - present.last_audible > self._config.silence_after:
            self._dominant = None

    def _challenger(self, activities: dict[str, _Activity]) -> str | None:
        present = _scores(_SILENT if self._dominant is None else activities[self._dominant])
        best: str | None = None
        best_advantage = _C2
        for name, activity in activities.items():
            if name == self._dominant or activity.steps < self._config.min_steps:
                continue
            c1, c2, c3 = (
                math.log(mine / theirs)
                for mine, theirs in zip(_scores(activity), present, strict=True)
            )
            if c1 > _C1 and c3 > _C3 and c2 > best_advantage:
                best, best_advantage = name, c2
        return best
