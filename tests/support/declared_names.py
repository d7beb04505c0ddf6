"""Which names a package's declarations have, asked of TypeScript's compiler.

A name is written as `mapping/data/names` writes it: `Class`, `Class.member`, `Class#event`,
`Class.constructor`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.support.type_checker import MODULES, judge

__all__ = ["undeclared", "unnamed"]

# A name is declared as a type, with or without parameters, or as a value.
_FORMS: Final = {
    "type": "{}",
    "generic": "{}<any>",
    "generic_of_two": "{}<any, any>",
    "value": "typeof {}",
    "namespace": "{}",
}
_HEAD: Final = """\
import * as sdk from '{package}';
type Shared<T, K> = T extends unknown ? (K extends keyof T ? K : never) : never;
type Has<T, K> = [Shared<T, K>] extends [never] ? 0 : 1;
type IsClass<T> = T extends new (...given: any) => any ? 1 : 0;
"""


def undeclared(
    folder: Path,
    names: Mapping[str, Iterable[str]],
    places: Mapping[str, str] | None = None,
) -> dict[str, set[str]]:
    """Of names by their packages, those that today's declarations do not have.

    Args:
        folder: An empty folder, as `judge` takes it.
        names: The names of each package.
        places: Expressions for types that the package declares and does not export, by their names.
    """
    asked = {package: sorted(set(some)) for package, some in names.items()}
    programs: dict[str, str] = {}
    paths: dict[str, dict[str, str]] = {package: {} for package in asked}
    for number, (package, some) in enumerate(asked.items()):
        for form, pattern in _FORMS.items():
            path = paths[package][form] = f"{number}_{form}.ts"
            ask = _nested if form == "namespace" else _question
            lines = [ask(name, pattern, places or {}) for name in some]
            programs[path] = _HEAD.format(package=package) + "\n".join(lines)
    found = judge(folder, programs)
    first = _HEAD.count("\n") + 1
    return {
        package: {
            name
            for line, name in enumerate(some, first)
            if all(_has(found.get(path, ()), line) for path in paths[package].values())
        }
        for package, some in asked.items()
    }


def _has(findings: Iterable[object], line: int) -> bool:
    return any(getattr(one, "line", 0) == line for one in findings)


def _question(name: str, pattern: str, places: Mapping[str, str]) -> str:
    """A line that the compiler accepts if there is such a name."""
    owner, mark, member = _parts(name)
    kind = pattern.format(places.get(owner, f"sdk.{owner}"))
    if not mark:
        return f"{{ type It = {kind}; }}"
    if mark == "#":
        return f"(null as {kind}).on('{member}', null as any);"
    if member == "constructor":
        return f"{{ const is: IsClass<{kind}> = 1; }}"
    return f"{{ const has: Has<{kind}, '{member}'> = 1; }}"


def _nested(name: str, pattern: str, places: Mapping[str, str]) -> str:
    """The same where a class has types of its own, as `Room.SID`."""
    return f"{{ type It = {pattern.format(places.get(name, f'sdk.{name}'))}; }}".replace("#", ".")


def _parts(name: str) -> tuple[str, str, str]:
    if "#" in name:
        return name.partition("#")
    owner, mark, member = name.rpartition(".")
    return (owner, mark, member) if mark else (name, "", "")


# The declarations of Microsoft's packages are one file each, laid out by one tool.
_CLASS: Final = re.compile(
    r"^(?:export )?declare (?:interface|class) (?P<name>\w+)(?:<[^{]*?>)?"
    r"(?: extends (?P<bases>[\w, <>.]+?))?(?: implements [\w, ]+)? \{(?P<body>.*?)^\}",
    re.MULTILINE | re.DOTALL,
)
_OTHER: Final = re.compile(r"^export declare (?:type|const|enum|function) (\w+)", re.MULTILINE)
_MEMBER: Final = re.compile(
    r"^ {4}(?:static |readonly |get )*(?!private\b)(\w+)\??\s*[:(<]", re.MULTILINE
)
_EVENT: Final = re.compile(r"\bon\(event: ('\w+'|\w+)")
_WORDS: Final = re.compile(r"declare type (\w+) = ((?:\| )?'\w+'(?: \| '\w+')*);")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


def unnamed(declarations: str, names: Iterable[str]) -> set[str]:
    """What a file of declarations below `node_modules` has that is none of the names.

    A member may be named with a class that inherits it.
    """
    text = _COMMENT.sub("", (MODULES / declarations).read_text(encoding="utf-8"))
    text = text.replace('"', "'")
    words = dict(_WORDS.findall(text))
    heirs: defaultdict[str, list[str]] = defaultdict(list)
    for one in _CLASS.finditer(text):
        for base in re.findall(r"\b[A-Z]\w+", one["bases"] or ""):
            heirs[base].append(one["name"])

    def line(name: str) -> Iterator[str]:
        yield name
        for heir in heirs[name]:
            yield from line(heir)

    known = set(names)
    found = {name for name in _OTHER.findall(text) if name not in known}
    for one in _CLASS.finditer(text):
        members = [f".{name}" for name in _MEMBER.findall(one["body"])]
        spoken = " ".join(words.get(event, event) for event in _EVENT.findall(one["body"]))
        events = [f"#{name}" for name in re.findall(r"'(\w+)'", spoken)]
        for rest in ("", *members, *events):
            if not any(f"{each}{rest}" in known for each in line(one["name"])):
                found.add(f"{one['name']}{rest}")
    return found
