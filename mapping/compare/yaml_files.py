"""YAML as scenarios need it: with the line of everything, and without keys that are there twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mapping.compare.errors import MissingPieceError, ScenarioError

__all__ = ["line_of", "read_yaml", "write_yaml"]


def read_yaml(path: Path) -> tuple[object, dict[str, int]]:
    """What a file holds, and the line of each place in it, as `steps[3].expect[0]`.

    Raises:
        ScenarioError: It cannot be read; the message begins with file and line.
        MissingPieceError: PyYAML is not installed.
    """
    yaml = _yaml()
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, "", set()))
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = error.problem or error.context
        raise ScenarioError(f"{path}:{mark.line + 1}: {told}") from error
    except _DoubledKeyError as error:
        raise ScenarioError(f"{path}:{error.line}: {error.key!r} is there twice.") from error
    # Of values that look like a date, a number or a tree and are none: ValueError, RecursionError.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def line_of(place: str, lines: Mapping[str, int]) -> int:
    """The line of a place, or of what it would be in."""
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 1)


def write_yaml(made: Mapping[str, Any], path: Path) -> None:
    """Write it to a file.

    Raises:
        OSError: It cannot be written.
        MissingPieceError: PyYAML is not installed.
    """
    text = _yaml().safe_dump(dict(made), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")


class _DoubledKeyError(Exception):
    """A key is there twice, of which YAML's reader would silently take the last one."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


def _lines(node: Any, at: str, known: set[int]) -> Iterator[tuple[str, int]]:
    # What has an anchor may be in many places, itself included: the first one is enough.
    if node is None or id(node) in known:
        return
    known.add(id(node))
    yield at, node.start_mark.line + 1
    if node.id == "sequence":
        for index, item in enumerate(node.value):
            yield from _lines(item, f"{at}[{index}]", known)
    elif node.id == "mapping":
        keys: set[str] = set()
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in keys:
                raise _DoubledKeyError(name, line)
            keys.add(name)
            place = f"{at}.{name}".lstrip(".")
            yield from _lines(value, place, known)
            yield place, line


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingPieceError(
            "Scenarios need PyYAML: pip install 'twilio-compat[migrate]'"
        ) from error
    return yaml
