"""The gates: rows against the vendors' names, against our own, and against the tests.

Each check goes both ways: a public name without a row is a problem, and so is a row without a
name. What a row promises is compared with what it names: our counterpart, its words, its tests
(`mapping.proofs`).

Usage: ``python -m mapping check [--junit FILE]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from inspect import isclass
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

from mapping import load
from mapping.model import Kind, Parity, Row, Vendor
from mapping.proofs import ROOT, check_proofs, passed_tests
from mapping.public_names import bases, public_names, resolve, snake
from twilio_compat.emitter import EventEmitter
from twilio_compat.errors import ERROR_CLASSES

__all__ = [
    "LISTS",
    "check",
    "check_errors",
    "check_names",
    "check_own_names",
    "check_references",
    "check_values",
]

LISTS: Final[Mapping[str, tuple[Vendor, str]]] = {
    "twilio-video-2.36.0": (Vendor.TWILIO_VIDEO, ""),
    "video-processors-3.2.0": (Vendor.TWILIO_PROCESSORS, ""),
    "twilio-rest-video-v1": (Vendor.TWILIO_REST, ""),
    "twilio-webhooks": (Vendor.TWILIO_WEBHOOK, ""),
    "acs-calling-1.0.0-beta.4": (Vendor.ACS_CALLING, "beta"),
    "acs-calling-1.36.1-beta.1": (Vendor.ACS_CALLING, "preview"),
    "acs-calling-1.46.1": (Vendor.ACS_CALLING, "v1"),
    "acs-calling-2.0.0": (Vendor.ACS_CALLING, "v2"),
    "communication-common-2.5.0": (Vendor.ACS_COMMON, ""),
    "communication-calling-effects-1.3.2": (Vendor.ACS_EFFECTS, ""),
    "communication-identity-1.3.1": (Vendor.ACS_IDENTITY, ""),
    "videosdk-1.1.1": (Vendor.VIDEOSDK, ""),
}
"""Each list of `data/names`: whose names, and of which generation (empty: there is one)."""

_NEED_A_NAME: Final = frozenset({Parity.FULL, Parity.PARTIAL, Parity.EXTENSION})
"""What nothing but a name of ours can keep."""


def check(
    rows: Sequence[Row] | None = None,
    junit: Path | None = None,
    root: Path = ROOT,
) -> list[str]:
    """Everything that is wrong with the rows, a line each; empty when all is well.

    Args:
        rows: The rows; all of `mapping/data` unless given.
        junit: Report of a test run, whose tests must have passed where a row names them.
        root: Folder that the names of tests begin at.

    Raises:
        MappingDataError: The rows cannot be read.
    """
    rows = load.rows() if rows is None else rows
    passed = passed_tests(junit) if junit is not None else None
    return [
        *check_names(rows, load.names()),
        *check_references(rows),
        *check_values(rows),
        *check_own_names(rows),
        *check_errors(),
        *check_proofs(rows, root, passed),
    ]


def check_names(rows: Iterable[Row], names: Mapping[str, Sequence[str]]) -> list[str]:
    """Rows against the vendors' names."""
    wrong = [f"names/{name}.txt: nothing is known of this list" for name in names.keys() - LISTS]
    mine: dict[Vendor, list[Row]] = {vendor: [] for vendor in Vendor}
    for row in rows:
        mine[row.vendor].append(row)
    for name, (vendor, generation) in LISTS.items():
        public = set(names.get(name, ()))
        described = set(_called(mine[vendor], generation))
        wrong += [f"{name}: {one} has no row" for one in sorted(public - described)]
        wrong += [f"{vendor}: {one} is no name of {name}" for one in sorted(described - public)]
    return wrong


def _called(rows: Iterable[Row], generation: str) -> Iterator[str]:
    """What rows are called in a generation; those that are not in it are left out."""
    for row in rows:
        if not generation:
            yield row.name
        elif generation in row.generations:
            yield row.generations[generation]


def check_references(rows: Iterable[Row]) -> list[str]:
    """The names of ours that rows give as counterparts: they exist, and events can be heard."""
    wrong: list[str] = []
    for row in rows:
        of_core = [("acs_core", path) for path in row.native]
        of_compat = [("twilio_compat", row.compat)] if row.compat else []
        wrong += [
            f"{row.vendor} {row.name}: there is no {package}.{path}"
            for package, path in [*of_core, *of_compat]
            if resolve(package, path) is None
        ]
        if row.vendor is Vendor.TWILIO_VIDEO and row.kind is Kind.EVENT and row.compat:
            wrong += _unheard(row)
        for column, ours in (("compat", row.compat), ("native", row.native)):
            promised = row.parity.get(column)
            if ours and promised is Parity.NO:
                wrong.append(f"{row.vendor} {row.name}: {column} is no, and names something")
            elif not ours and promised in _NEED_A_NAME:
                wrong.append(f"{row.vendor} {row.name}: {column} is {promised}, and names nothing")
    return wrong


def check_values(rows: Iterable[Row]) -> list[str]:
    """The words of types that are promised in full: our counterpart has each of them.

    Twilio's words are compared with `twilio_compat`, ACS' with `acs_core`: the other has its own.
    """
    wrong: list[str] = []
    for row in rows:
        is_twilios = row.vendor in (Vendor.TWILIO_VIDEO, Vendor.TWILIO_PROCESSORS)
        column, package = ("compat", "twilio_compat") if is_twilios else ("native", "acs_core")
        if not row.values or row.parity.get(column) is not Parity.FULL:
            continue
        ours = [row.compat] if is_twilios else row.native
        known = {word for name in ours for word in _words(resolve(package, name))}
        missing = sorted(set(row.values) - known)
        wrong += [f"{row.vendor} {row.name}: {', '.join(ours)} lacks {word}" for word in missing]
    return wrong


def _words(kind: object) -> Iterator[str]:
    """What a type consists of; numbers go by their names, too."""
    if isclass(kind) and issubclass(kind, Enum):
        for member in kind:
            yield str(member.value)
            yield member.name.title()
    elif get_origin(kind) is Literal:
        yield from map(str, get_args(kind))


def _unheard(row: Row) -> list[str]:
    """An event that the class does not emit; bases are left to the classes below them."""
    owner = resolve("twilio_compat", row.owner)
    event = row.name.partition("#")[2]
    if not isclass(owner) or not issubclass(owner, EventEmitter):
        return [f"{row.vendor} {row.name}: {row.owner} emits nothing"]
    heard = [kind.known_events() for kind in (owner, *_below(owner))]
    if any(event in events for events in heard):
        return []
    return [f"{row.vendor} {row.name}: {row.owner} does not emit it"]


def _below(kind: type[EventEmitter]) -> Iterator[type[EventEmitter]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def check_own_names(rows: Iterable[Row]) -> list[str]:
    """Our public names against rows: counterparts of Twilio's, or rows of our own."""
    rows = list(rows)
    public = {
        Vendor.TWILIO_COMPAT: set(public_names("twilio_compat", with_members=True)),
        Vendor.ACS_CORE: set(public_names("acs_core", with_members=False)),
    }
    compat = {row.compat for row in rows if row.compat}
    used = {
        Vendor.TWILIO_COMPAT: compat | {path.partition(".")[0] for path in compat},
        Vendor.ACS_CORE: {path.partition(".")[0] for row in rows for path in row.native},
    }
    wrong: list[str] = []
    for vendor, names in public.items():
        own = {row.name for row in rows if row.vendor is vendor}
        described = used[vendor] | own
        missing = {name for name in names - own if not _is_described(name, described)}
        wrong += [f"{vendor}: {name} has no row" for name in sorted(missing)]
        wrong += [f"{vendor}: {name} is not public" for name in sorted(own - names)]
    return wrong


def _is_described(name: str, described: set[str]) -> bool:
    """Whether a name has a row itself, under its other spelling, or where it is inherited from."""
    owner, _, member = name.rpartition(".")
    spelled = snake(member)
    if not owner:
        return name in described or spelled in described
    kinds = bases(resolve("twilio_compat", owner))
    return any(f"{kind.__name__}.{one}" in described for kind in kinds for one in (member, spelled))


def check_errors() -> list[str]:
    """The rows of errors against the table of `twilio_compat`."""
    described = {row.code: (row.name, row.message) for row in load.errors()}
    real = {code: (kind.__name__, kind.details.message) for code, kind in ERROR_CLASSES.items()}
    return [
        f"error {code}: the row says {described.get(code)}, the table {real.get(code)}"
        for code in sorted(described.keys() | real.keys())
        if described.get(code) != real.get(code)
    ]
