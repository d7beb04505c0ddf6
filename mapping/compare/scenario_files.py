"""Scenarios from YAML: read, checked, found in the package, written.

Every fault is a `ScenarioError` that begins with its place: `steps[3].expect[0]: ...`, in a file
with file and line before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from reprlib import repr as repr_of
from typing import Any, Final

from acs_core import Priority
from mapping.compare.errors import ScenarioError
from mapping.compare.explain import check_allowance
from mapping.compare.scenario import (
    DEEDS,
    SERVICE,
    Allowance,
    Deed,
    Expectation,
    Media,
    Scenario,
    Seat,
    Step,
    Timing,
)
from mapping.compare.vocabulary import EVENTS
from mapping.compare.yaml_files import line_of, read_yaml, write_yaml
from twilio_compat.testing import COLORS

__all__ = [
    "FOLDER",
    "find_scenario",
    "media_of",
    "packaged_scenarios",
    "parse_scenario",
    "read_scenario",
    "write_scenario",
]

FOLDER: Final = Path(__file__).parents[1] / "scenarios"
"""Where the packaged scenarios are."""

_KEYS: Final = frozenset({"scenario", "title", "about", "actors", "network", "timing"}) | {
    *("concurrent", "allow", "steps")
}
_OF_EVENTS: Final = frozenset({"of", "track", "code", "times"})
_QUALIFIERS: Final[Mapping[str, frozenset[str]]] = {
    "sees": frozenset({"is", "of", "track"}),
    "hears": frozenset({"is", "of", "track"}),
    "roster": frozenset({"is"}),
    "state": frozenset({"is"}),
}
"""What says more exactly what is perceived; `_OF_EVENTS` does it for events."""

_ALL_QUALIFIERS: Final = _OF_EVENTS.union(*_QUALIFIERS.values())
_OF_SERVICE: Final = frozenset({"remove", "complete"})
_NAMES: Final = frozenset({"track", "participant", "room"})
"""Arguments of deeds that name something."""

_KINDS: Final = ("audio", "video", "data")
_IMPLEMENTATIONS: Final = frozenset({"", "twilio", "native", "page", "videosdk"})


def packaged_scenarios() -> dict[str, Path]:
    """The scenarios that come with the library, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def find_scenario(name_or_path: str) -> Scenario:
    """A packaged scenario by name, or one from a file.

    Raises:
        ScenarioError: There is no such scenario, or it is wrong.
        MissingPieceError: PyYAML is not installed.
    """
    packaged = packaged_scenarios()
    path = packaged.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise ScenarioError(
            f"There is no scenario {name_or_path!r}: give a file, or one of {', '.join(packaged)}."
        )
    return read_scenario(path)


def read_scenario(path: Path) -> Scenario:
    """A scenario from a file.

    Raises:
        ScenarioError: It is wrong, or not YAML; the message begins with file and line.
        MissingPieceError: PyYAML is not installed.
    """
    made, lines = read_yaml(path)
    try:
        return parse_scenario(made)
    except ScenarioError as error:
        raise ScenarioError(f"{path}:{line_of(error.place, lines)}: {error}") from error


def write_scenario(source: Mapping[str, Any], path: Path) -> None:
    """Write what a scenario is read from.

    Raises:
        MissingPieceError: PyYAML is not installed.
    """
    write_yaml(source, path)


def parse_scenario(made: object) -> Scenario:
    """A scenario from what its YAML holds.

    Raises:
        ScenarioError: It is wrong.
    """
    top = _mapping(made, "scenario", required=("scenario", "actors", "steps"), known=_KEYS)
    seats = {name: _seat(name, one) for name, one in _mapping(top["actors"], "actors").items()}
    steps = _list(top["steps"], "steps", is_filled=True)
    network = _mapping(top.get("network", {}), "network", known=frozenset({"window"}))
    timing = _mapping(top.get("timing", {}), "timing", known=frozenset({"slack", "factor"}))
    usual = Timing()
    window = network.get("window")
    return Scenario(
        name=_name(top["scenario"], "scenario"),
        title=_text(top.get("title", ""), "title"),
        about=tuple(_text(one, "about") for one in _list(top.get("about", []), "about")),
        seats=seats,
        steps=tuple(_step(one, f"steps[{at}]", seats) for at, one in enumerate(steps)),
        source=top,
        window=None if window is None else _number(window, "network.window"),
        timing=Timing(
            _number(timing.get("slack", usual.slack), "timing.slack"),
            _number(timing.get("factor", usual.factor), "timing.factor"),
        ),
        concurrent=tuple(
            frozenset(_event(name, f"concurrent[{at}]") for name in _list(one, f"concurrent[{at}]"))
            for at, one in enumerate(_list(top.get("concurrent", []), "concurrent"))
        ),
        allowances=tuple(
            _allowance(one, f"allow[{at}]")
            for at, one in enumerate(_list(top.get("allow", []), "allow"))
        ),
    )


def media_of(made: object, at: str) -> Media:
    """A track from its mapping.

    Raises:
        ScenarioError: It is wrong.
    """
    known = frozenset({"kind", "name", "color", "tone"})
    values = _mapping(made, at, required=("kind", "name"), known=known)
    kind, name = values["kind"], _name(values["name"], f"{at}.name")
    if kind not in _KINDS:
        raise ScenarioError(f"{kind!r} is none of {', '.join(_KINDS)}.", f"{at}.kind")
    color = str(values.get("color", ""))
    if (kind == "video") is not (color in COLORS):
        raise ScenarioError(f"a video, and nothing else, has one of {_all(COLORS)}.", f"{at}.color")
    tone = _number(values.get("tone", 0.0), f"{at}.tone")
    if (kind == "audio") is not (20 <= tone <= 20_000):
        raise ScenarioError("audio, and nothing else, has one, of 20 to 20000 Hz.", f"{at}.tone")
    return Media(kind, name, color, tone)


# ---------------------------------------------------------------- parts


def _seat(name: str, made: object) -> Seat:
    at = f"actors.{name}"
    known = frozenset({"implementation", "room", "identity", "options"})
    values = _mapping({} if made is None else made, at, known=known)
    if name == SERVICE:
        raise ScenarioError("the service is there already.", at)
    implementation = str(values.get("implementation", ""))
    if implementation not in _IMPLEMENTATIONS:
        raise ScenarioError(f"{implementation!r} is unknown.", f"{at}.implementation")
    options = _mapping(
        values.get("options", {}), f"{at}.options", known=frozenset({"dominantSpeaker"})
    )
    wants_speaker = options.get("dominantSpeaker", False)
    if not isinstance(wants_speaker, bool):
        raise ScenarioError("true or false.", f"{at}.options.dominantSpeaker")
    return Seat(
        actor=name,
        identity=_name(values.get("identity", name), f"{at}.identity"),
        room=_name(values.get("room", "room"), f"{at}.room"),
        implementation=implementation,
        dominant_speaker=wants_speaker,
    )


def _step(made: object, at: str, seats: Mapping[str, Seat]) -> Step:
    values = _mapping(made, at)
    expectations = tuple(
        _expectation(one, f"{at}.expect[{index}]", seats)
        for index, one in enumerate(_list(values.get("expect", []), f"{at}.expect"))
    )
    if "together" not in values:
        return Step((_deed(values, at, seats),), expectations)
    if unknown := values.keys() - {"together", "expect"}:
        raise ScenarioError(f"{_all(unknown)} beside `together`.", at)
    inner = enumerate(_list(values["together"], f"{at}.together", is_filled=True))
    deeds = (_deed(_mapping(one, f"{at}.together[{i}]"), f"{at}.together[{i}]", seats)
             for i, one in inner)  # fmt: skip
    return Step(tuple(deeds), expectations)


def _deed(values: Mapping[str, Any], at: str, seats: Mapping[str, Seat]) -> Deed:
    actor, name = _actor_of(values, {"with", "expect"}, at, seats, is_deed=True)
    if name not in DEEDS:
        raise ScenarioError(f"{name!r} is no deed; there are {_all(DEEDS)}.", at)
    if (actor == SERVICE) is not (name in _OF_SERVICE):
        raise ScenarioError(f"{actor} does not {name}.", at)
    required, optional = DEEDS[name]
    arguments = _mapping(
        values.get("with", {}), f"{at}.with", required=tuple(required), known=required | optional
    )
    for key in _NAMES & arguments.keys():
        _name(arguments[key], f"{at}.with.{key}")
    if name == "join":
        tracks = _list(arguments.get("tracks", []), f"{at}.with.tracks")
        media = [media_of(one, f"{at}.with.tracks[{i}]") for i, one in enumerate(tracks)]
        arguments = {"tracks": media}
    elif name == "publish":
        arguments = {"media": media_of(arguments, f"{at}.with")}
    elif name == "send":
        arguments = {"track": arguments["track"], "data": _data(arguments, f"{at}.with")}
    elif name == "prioritize" and arguments["priority"] not in tuple(Priority):
        raise ScenarioError(f"{at}.with.priority: one of {_all(map(str, Priority))}.")
    return Deed(actor, name, arguments)


def _data(arguments: Mapping[str, Any], at: str) -> str | bytes:
    if ("text" in arguments) is ("hex" in arguments):
        raise ScenarioError("give either text or hex.", at)
    if "text" in arguments:
        return _text(arguments["text"], f"{at}.text")
    try:
        return bytes.fromhex(str(arguments["hex"]))
    except ValueError as error:
        raise ScenarioError(f"{error}", f"{at}.hex") from error


def _expectation(made: object, at: str, seats: Mapping[str, Seat]) -> Expectation:
    values = _mapping(made, at)
    actor, what = _actor_of(values, _ALL_QUALIFIERS, at, seats)
    if what not in _QUALIFIERS:
        _event(what, at)
    known = _QUALIFIERS.get(what, _OF_EVENTS)
    if unknown := values.keys() - known - {actor}:
        raise ScenarioError(f"{what} has no {_all(unknown)}; there are {_all(known)}.", at)
    who = str(values.get("of", ""))
    identities = {seat.identity for seat in seats.values()}
    if who not in identities and (who or ("of" in known and what in _QUALIFIERS)):
        raise ScenarioError(f"one of {_all(identities)} is needed, not {who!r}.", f"{at}.of")
    code = values.get("code")
    return Expectation(
        actor=actor,
        what=what,
        value=_value(what, values, at),
        of=who,
        track=str(values.get("track", "")),
        code=None if code is None else _integer(code, f"{at}.code"),
        times=_integer(values.get("times", 1), f"{at}.times"),
    )


def _value(what: str, values: Mapping[str, Any], at: str) -> Any:
    if what not in _QUALIFIERS:
        return None
    value = values.get("is")
    match what:
        case "sees" if isinstance(value, str) and value in COLORS:
            return value
        case "hears" if value == "silence":
            return 0.0
        case "hears":
            return _number(value, f"{at}.is")
        case "roster":
            return [_text(one, f"{at}.is") for one in _list(value, f"{at}.is")]
        case "state" if value in ("connected", "reconnecting", "disconnected"):
            return value
    raise ScenarioError(f"{what} {value!r} is not possible.", f"{at}.is")


def _allowance(made: object, at: str) -> Allowance:
    known = frozenset({"why", "row", "findings", "name", "actor", "at", "kind", "deeds", "between"})
    values = _mapping(made, at, known=known)
    if ("why" in values) is ("row" in values):
        raise ScenarioError("give a reason, `why`, or the `row` that has it.", at)
    allowance = Allowance(
        why=str(values.get("why", "")),
        row=str(values.get("row", "")),
        findings=_texts(values.get("findings", []), f"{at}.findings"),
        name=str(values.get("name", "")),
        actor=str(values.get("actor", "")),
        at=str(values.get("at", "")),
        kind=str(values.get("kind", "")),
        deeds=_texts(values.get("deeds", []), f"{at}.deeds"),
        between=_texts(values.get("between", []), f"{at}.between"),
    )
    check_allowance(allowance, at)
    return allowance


# ---------------------------------------------------------------- values


def _actor_of(
    values: Mapping[str, Any],
    others: set[str] | frozenset[str],
    at: str,
    seats: Mapping[str, Seat],
    *,
    is_deed: bool = False,
) -> tuple[str, str]:
    """The key that is an actor, and its value."""
    keys = [key for key in values if key not in others]
    known = [*seats, *([SERVICE] if is_deed else [])]
    if len(keys) != 1 or keys[0] not in known:
        raise ScenarioError(f"one of {_all(known)} is needed, found {_all(keys) or 'none'}.", at)
    return keys[0], _text(values[keys[0]], f"{at}.{keys[0]}")


def _mapping(
    made: object,
    at: str,
    *,
    required: tuple[str, ...] = (),
    known: frozenset[str] | None = None,
) -> dict[str, Any]:
    if not isinstance(made, dict) or not all(isinstance(key, str) for key in made):
        raise ScenarioError("keys with values are needed.", at)
    if missing := [key for key in required if key not in made]:
        raise ScenarioError(f"{_all(missing)} is missing.", at)
    if known is not None and (unknown := made.keys() - known):
        raise ScenarioError(f"{_all(unknown)} is unknown; there are {_all(known)}.", at)
    return made


def _list(made: object, at: str, *, is_filled: bool = False) -> list[Any]:
    if not isinstance(made, list):
        raise ScenarioError("a list is needed.", at)
    if is_filled and not made:
        raise ScenarioError("there is nothing in the list.", at)
    return made


def _texts(made: object, at: str) -> frozenset[str]:
    return frozenset(_text(one, at) for one in _list(made, at))


def _text(made: object, at: str) -> str:
    if not isinstance(made, str):
        raise ScenarioError(f"a text is needed, not {repr_of(made)}.", at)
    return made


def _name(made: object, at: str) -> str:
    if not _text(made, at):
        raise ScenarioError("a name is needed, not an empty text.", at)
    return str(made)


def _number(made: object, at: str) -> float:
    if isinstance(made, bool) or not isinstance(made, int | float) or not 0 <= made < inf:
        raise ScenarioError(f"a number is needed, from 0, not {repr_of(made)}.", at)
    return float(made)


def _integer(made: object, at: str) -> int:
    if isinstance(made, bool) or not isinstance(made, int) or made < 1:
        raise ScenarioError(f"an integer is needed, from 1, not {repr_of(made)}.", at)
    return made


def _event(name: object, at: str) -> str:
    if not isinstance(name, str) or name not in EVENTS:
        raise ScenarioError(f"{repr_of(name)} is no event of a room that can be compared.", at)
    return name


def _all(names: Any) -> str:
    return ", ".join(_sorted(names))


def _sorted(names: Any) -> Iterator[str]:
    yield from sorted(str(name) for name in names)
