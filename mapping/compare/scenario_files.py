"""Scenarios from YAML: read, checked, found in the package, written.

Every fault is a `ScenarioError` that begins with its place: `steps[3].expect[0]: ...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from acs_core import Priority
from mapping.compare.errors import MissingPieceError, ScenarioError
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
_PERCEIVED: Final = frozenset({"sees", "hears", "roster", "state"})
_QUALIFIERS: Final = frozenset({"is", "of", "track", "code", "times"})
_OF_SERVICE: Final = frozenset({"remove", "complete"})
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
        ScenarioError: It is wrong, or not YAML.
        MissingPieceError: PyYAML is not installed.
    """
    yaml = _yaml()
    try:
        made = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    try:
        return parse_scenario(made)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def write_scenario(source: Mapping[str, Any], path: Path) -> None:
    """Write what a scenario is read from.

    Raises:
        MissingPieceError: PyYAML is not installed.
    """
    text = _yaml().safe_dump(dict(source), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")


def parse_scenario(made: object) -> Scenario:
    """A scenario from what its YAML holds.

    Raises:
        ScenarioError: It is wrong.
    """
    top = _mapping(made, "scenario", required=("scenario", "actors", "steps"), known=_KEYS)
    seats = {name: _seat(name, one) for name, one in _mapping(top["actors"], "actors").items()}
    steps = _list(top["steps"], "steps")
    network = _mapping(top.get("network", {}), "network", known=frozenset({"window"}))
    timing = _mapping(top.get("timing", {}), "timing", known=frozenset({"slack", "factor"}))
    usual = Timing()
    window = network.get("window")
    return Scenario(
        name=_text(top["scenario"], "scenario"),
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
    kind, name = values["kind"], _text(values["name"], f"{at}.name")
    if kind not in _KINDS:
        raise ScenarioError(f"{at}.kind: {kind!r} is none of {', '.join(_KINDS)}.")
    color = str(values.get("color", ""))
    if (kind == "video") is not (color in COLORS):
        raise ScenarioError(f"{at}.color: a video, and nothing else, has one of {_all(COLORS)}.")
    tone = _number(values.get("tone", 0.0), f"{at}.tone")
    if (kind == "audio") is not (20 <= tone <= 20_000):
        raise ScenarioError(f"{at}.tone: audio, and nothing else, has one, of 20 to 20000 Hz.")
    return Media(kind, name, color, tone)


# ---------------------------------------------------------------- parts


def _seat(name: str, made: object) -> Seat:
    at = f"actors.{name}"
    known = frozenset({"implementation", "room", "identity", "options"})
    values = _mapping(made or {}, at, known=known)
    if name == SERVICE:
        raise ScenarioError(f"{at}: the service is there already.")
    implementation = str(values.get("implementation", ""))
    if implementation not in _IMPLEMENTATIONS:
        raise ScenarioError(f"{at}.implementation: {implementation!r} is unknown.")
    options = _mapping(
        values.get("options", {}), f"{at}.options", known=frozenset({"dominantSpeaker"})
    )
    return Seat(
        actor=name,
        identity=_text(values.get("identity", name), f"{at}.identity"),
        room=_text(values.get("room", "room"), f"{at}.room"),
        implementation=implementation,
        dominant_speaker=bool(options.get("dominantSpeaker", False)),
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
        raise ScenarioError(f"{at}: {_all(unknown)} beside `together`.")
    inner = enumerate(_list(values["together"], f"{at}.together"))
    deeds = (_deed(_mapping(one, f"{at}.together[{i}]"), f"{at}.together[{i}]", seats)
             for i, one in inner)  # fmt: skip
    return Step(tuple(deeds), expectations)


def _deed(values: Mapping[str, Any], at: str, seats: Mapping[str, Seat]) -> Deed:
    actor, name = _actor_of(values, {"with", "expect"}, at, seats, is_deed=True)
    if name not in DEEDS:
        raise ScenarioError(f"{at}: {name!r} is no deed; there are {_all(DEEDS)}.")
    if (actor == SERVICE) is not (name in _OF_SERVICE):
        raise ScenarioError(f"{at}: {actor} does not {name}.")
    required, optional = DEEDS[name]
    arguments = _mapping(
        values.get("with", {}), f"{at}.with", required=tuple(required), known=required | optional
    )
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
        raise ScenarioError(f"{at}: give either text or hex.")
    if "text" in arguments:
        return _text(arguments["text"], f"{at}.text")
    try:
        return bytes.fromhex(str(arguments["hex"]))
    except ValueError as error:
        raise ScenarioError(f"{at}.hex: {error}") from error


def _expectation(made: object, at: str, seats: Mapping[str, Seat]) -> Expectation:
    values = _mapping(made, at)
    actor, what = _actor_of(values, _QUALIFIERS, at, seats)
    if what not in _PERCEIVED:
        _event(what, at)
        if "is" in values:
            raise ScenarioError(f"{at}.is: an event has none.")
    code = values.get("code")
    return Expectation(
        actor=actor,
        what=what,
        value=_value(what, values, at),
        of=str(values.get("of", "")),
        track=str(values.get("track", "")),
        code=None if code is None else int(_number(code, f"{at}.code")),
        times=int(_number(values.get("times", 1), f"{at}.times")),
    )


def _value(what: str, values: Mapping[str, Any], at: str) -> Any:
    if what not in _PERCEIVED:
        return None
    value = values.get("is")
    match what:
        case "sees" if value in COLORS:
            return value
        case "hears" if value == "silence":
            return 0.0
        case "hears":
            return _number(value, f"{at}.is")
        case "roster":
            return [_text(one, f"{at}.is") for one in _list(value, f"{at}.is")]
        case "state" if value in ("connected", "reconnecting", "disconnected"):
            return value
    raise ScenarioError(f"{at}.is: {what} {value!r} is not possible.")


def _allowance(made: object, at: str) -> Allowance:
    known = frozenset({"why", "row", "findings", "name", "actor", "at", "kind", "deeds", "between"})
    values = _mapping(made, at, known=known)
    if ("why" in values) is ("row" in values):
        raise ScenarioError(f"{at}: give a reason, `why`, or the `row` that has it.")
    return Allowance(
        why=str(values.get("why", "")),
        row=str(values.get("row", "")),
        findings=frozenset(_list(values.get("findings", []), f"{at}.findings")),
        name=str(values.get("name", "")),
        actor=str(values.get("actor", "")),
        at=str(values.get("at", "")),
        kind=str(values.get("kind", "")),
        deeds=frozenset(_list(values.get("deeds", []), f"{at}.deeds")),
        between=frozenset(_list(values.get("between", []), f"{at}.between")),
    )


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
        raise ScenarioError(f"{at}: one of {_all(known)} is needed, found {_all(keys) or 'none'}.")
    return keys[0], _text(values[keys[0]], f"{at}.{keys[0]}")


def _mapping(
    made: object,
    at: str,
    *,
    required: tuple[str, ...] = (),
    known: frozenset[str] | None = None,
) -> dict[str, Any]:
    if not isinstance(made, dict) or not all(isinstance(key, str) for key in made):
        raise ScenarioError(f"{at}: keys with values are needed.")
    if missing := [key for key in required if key not in made]:
        raise ScenarioError(f"{at}: {_all(missing)} is missing.")
    if known is not None and (unknown := made.keys() - known):
        raise ScenarioError(f"{at}: {_all(unknown)} is unknown; there are {_all(known)}.")
    return made


def _list(made: object, at: str) -> list[Any]:
    if not isinstance(made, list):
        raise ScenarioError(f"{at}: a list is needed.")
    return made


def _text(made: object, at: str) -> str:
    if not isinstance(made, str):
        raise ScenarioError(f"{at}: a text is needed, not {made!r}.")
    return made


def _number(made: object, at: str) -> float:
    if isinstance(made, bool) or not isinstance(made, int | float):
        raise ScenarioError(f"{at}: a number is needed, not {made!r}.")
    return float(made)


def _event(name: object, at: str) -> str:
    if name not in EVENTS:
        raise ScenarioError(f"{at}: {name!r} is no event of a room that can be compared.")
    return str(name)


def _all(names: Any) -> str:
    return ", ".join(_sorted(names))


def _sorted(names: Any) -> Iterator[str]:
    yield from sorted(str(name) for name in names)


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingPieceError(
            "Scenarios need PyYAML: pip install 'twilio-compat[migrate]'"
        ) from error
    return yaml
