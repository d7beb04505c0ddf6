"""A story that several implementations are told: who does what, and what the others notice.

A scenario is a YAML file::

    scenario: mute-video
    title: A picture is muted and comes back
    about: [LocalVideoTrack.disable, trackDisabled]
    actors:
      ann: {}
      ben: {implementation: twilio}
    steps:
      - ann: join
        with:
          tracks: [{kind: video, name: camera, color: red}]
      - ben: join
        expect:
          - {ann: participantConnected, of: ben}
          - {ben: sees, is: red, of: ann}
      - ann: mute
        with: {track: camera}
        expect:
          - {ben: trackDisabled, of: ann, track: camera}

Keys of a scenario:

* `scenario`, `title`: its name (that of the file) and a line for people. `about`: Twilio's names.
* `actors`: each with `implementation` (that one whatever is compared), `room` (name), `identity`
  (if it is not the actor's name), `options` (`dominantSpeaker: true`).
* `network`: `window`, seconds after which somebody who lost the service is gone.
* `timing`: `slack` (seconds) and `factor` by which waiting may differ between two runs.
* `concurrent`: groups of events whose order among each other is not promised.
* `allow`: differences that are right; see `Allowance`.
* `steps`: each an actor and its deed, with `with` and `expect`; or `together`, steps that are
  done at the same time, with one `expect`. The actor `service` does what REST does.

`DEEDS` has the deeds and what they take. An expectation is an actor and an event of the room, or
`sees`, `hears`, `roster`, `state` with `is`; `of`, `track`, `code` and `times` say more exactly
which event. The next step begins when all expectations are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

__all__ = [
    "DEEDS",
    "SERVICE",
    "Allowance",
    "Deed",
    "Expectation",
    "Media",
    "Scenario",
    "Seat",
    "Step",
    "Timing",
]

SERVICE: Final = "service"
"""The actor that is no participant: it manages rooms over REST."""

DEEDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "join": (frozenset(), frozenset({"tracks"})),
    "leave": (frozenset(), frozenset()),
    "publish": (frozenset({"kind", "name"}), frozenset({"color", "tone"})),
    "unpublish": (frozenset({"track"}), frozenset()),
    "mute": (frozenset({"track"}), frozenset()),
    "unmute": (frozenset({"track"}), frozenset()),
    "prioritize": (frozenset({"track", "priority"}), frozenset()),
    "send": (frozenset({"track"}), frozenset({"text", "hex"})),
    "cut": (frozenset(), frozenset()),
    "restore": (frozenset(), frozenset()),
    "remove": (frozenset({"participant"}), frozenset()),
    "complete": (frozenset(), frozenset({"room"})),
}
"""Deed -> what `with` must have, and what it may have.

`join` enters the room with tracks; `publish` offers one more; `mute` and `unmute` are Twilio's
`disable` and `enable`; `send` says `text`, or the bytes `hex`; `cut` takes the actor's network
away and `restore` gives it back. `remove` and `complete` are the service's.
"""


@dataclass(frozen=True, slots=True)
class Media:
    """A track that an actor makes.

    Attributes:
        kind: `audio`, `video` or `data`.
        color: Of a video, a name of `twilio_compat.testing.COLORS`.
        tone: Of an audio track, in Hz.
    """

    kind: str
    name: str
    color: str = ""
    tone: float = 0.0


@dataclass(frozen=True, slots=True)
class Seat:
    """Who an actor is.

    Attributes:
        actor: Its name in the scenario.
        identity: Of its access token.
        room: Name of the room that it enters.
        implementation: What it is always made of; empty for what is compared.
        dominant_speaker: Whether it asks for the dominant speaker.
    """

    actor: str
    identity: str
    room: str
    implementation: str = ""
    dominant_speaker: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that an actor does; `arguments` as its row of `DEEDS` says."""

    actor: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an actor must notice before the story goes on.

    Attributes:
        what: An event of the room, or `sees`, `hears`, `roster`, `state`.
        value: What `is` says: a color, a tone in Hz (0 for silence), identities, a state.
        of: Identity of whom it is about; empty for anybody.
        track: Name of the track; empty for any.
        code: Of the error among the event's arguments; None for any.
        times: How often it comes in this step.
    """

    actor: str
    what: str
    value: Any = None
    of: str = ""
    track: str = ""
    code: int | None = None
    times: int = 1

    def __str__(self) -> str:
        about = "/".join(one for one in (self.of, self.track) if one)
        value = "" if self.value is None else f" {self.value}"
        return f"{self.actor} {self.what}{value}{f' of {about}' if about else ''}"


@dataclass(frozen=True, slots=True)
class Step:
    """Deeds done at the same time, mostly one, and what must come of them."""

    deeds: tuple[Deed, ...]
    expectations: tuple[Expectation, ...]

    def __str__(self) -> str:
        return " and ".join(f"{deed.actor} {deed.name}" for deed in self.deeds)


@dataclass(frozen=True, slots=True)
class Timing:
    """How much longer one of two runs may wait: `slack` seconds plus `factor` times the other."""

    slack: float = 10.0
    factor: float = 10.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """A difference that is right.

    Attributes:
        why: The reason; or
        row: the id of the row of `mapping/data/differences.toml` that has it.
        findings: Kinds of divergence (`mapping.compare.comparison.FindingKind`); empty for all.
        name: Of the event or deed; empty for all.
        actor: Whose; empty for everybody's.
        at: Part of the arguments, as `[0].sid`; empty for all.
        kind: Of the track that it is about: `audio`, `video` or `data`; empty for all.
        deeds: Only in steps in which one of these is done; empty for all.
        between: Implementations that must be among the two compared; empty for all.
    """

    why: str = ""
    row: str = ""
    findings: frozenset[str] = frozenset()
    name: str = ""
    actor: str = ""
    at: str = ""
    kind: str = ""
    deeds: frozenset[str] = frozenset()
    between: frozenset[str] = frozenset()


Groups: TypeAlias = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The whole story.

    Attributes:
        source: What was read, for `cut`.
        window: Seconds that a lost participant is kept; None for Twilio's.
        concurrent: Groups of events whose order among each other is not promised.
    """

    name: str
    title: str
    about: tuple[str, ...]
    seats: Mapping[str, Seat]
    steps: tuple[Step, ...]
    source: Mapping[str, Any]
    window: float | None = None
    timing: Timing = Timing()
    concurrent: Groups = ()
    allowances: tuple[Allowance, ...] = ()

    def cut(self, steps: int) -> dict[str, Any]:
        """What a shorter scenario would be read from: the first steps of this one."""
        shorter = {**self.source, "steps": list(self.source["steps"])[:steps]}
        shorter["scenario"] = f"{self.name}-until-{steps}"
        return shorter
