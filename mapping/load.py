"""Reads the rows of `mapping/data`, once, and says in which file and row something is wrong.

A file of rows has a table `[file]` with what its rows share (vendor, section, source, date and
whatever else most of them have), and a table per row, named as the vendor names the thing. A row
says what differs::

    [file]
    vendor = "twilio-video"
    section = "Room"
    source = "twilio-video 2.36.0"
    as_of = 2026-11-21

    ["Room.participants"]
    kind = "property"
    status = "adapt"
    why = "A live map by SID; ACS has a list."
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from mapping.model import (
    COLUMNS,
    Belief,
    ErrorRow,
    Kind,
    Parity,
    RetirementRow,
    Row,
    Status,
    Vendor,
)

__all__ = [
    "DATA",
    "MappingDataError",
    "beliefs",
    "errors",
    "find",
    "names",
    "read_errors",
    "read_folder",
    "read_rows",
    "retirements",
    "row_of",
    "rows",
]

DATA: Final = Path(__file__).parent / "data"

_ROW_FILES: Final[Mapping[Vendor, str]] = {
    Vendor.TWILIO_VIDEO: "twilio_video/*.toml",
    Vendor.TWILIO_PROCESSORS: "twilio_processors.toml",
    Vendor.TWILIO_REST: "twilio_rest.toml",
    Vendor.TWILIO_WEBHOOK: "twilio_webhooks.toml",
    Vendor.ACS_CALLING: "acs_calling/*.toml",
    Vendor.ACS_COMMON: "acs_packages/acs_common.toml",
    Vendor.ACS_EFFECTS: "acs_packages/acs_effects.toml",
    Vendor.ACS_IDENTITY: "acs_packages/acs_identity.toml",
    Vendor.VIDEOSDK: "videosdk/*.toml",
    Vendor.TWILIO_COMPAT: "ours/twilio_compat.toml",
    Vendor.ACS_CORE: "ours/acs_core.toml",
}
"""Where a vendor's rows are: who asks for one vendor's reads no others."""

_TEXTS: Final = frozenset({"section", "twilio", "acs", "videosdk", "compat", "why", "difference"})
_LISTS: Final = frozenset({"native", "extends", "args", "values"})

_T = TypeVar("_T")


class MappingDataError(ValueError):
    """A file of the mapping is not as it should be.

    Attributes:
        file: The file, as a path below `mapping/data`.
        row: The row, or an empty text when the file as a whole is wrong.
    """

    def __init__(self, file: str, row: str, problem: str) -> None:
        """Say where and what."""
        super().__init__(f"{file}{f', {row}' if row else ''}: {problem}")
        self.file = file
        self.row = row


def rows(vendor: Vendor | None = None) -> tuple[Row, ...]:
    """All rows, or a vendor's, in the order of the files.

    Raises:
        MappingDataError: A file is wrong, or two rows have one name.
    """
    vendors = list(Vendor) if vendor is None else [vendor]
    return tuple(row for one in vendors for row in _index(one).values())


def row_of(vendor: Vendor, name: str) -> Row | None:
    """The row of a name, as the vendor writes it; None if there is none.

    Raises:
        MappingDataError: As of `rows`.
    """
    return _index(vendor).get(name)


def find(vendor: Vendor, symbol: str) -> Row | None:
    """The row of a name, which may be inherited: `LocalVideoTrack.attach` is `MediaTrack.attach`.

    Args:
        vendor: Whose name it is.
        symbol: The name, as a program uses it on an object of the class that it has.

    Raises:
        MappingDataError: As of `rows`.
    """
    if found := row_of(vendor, symbol):
        return found
    mark = "#" if "#" in symbol else "."
    owner, _, member = symbol.rpartition(mark)
    described = row_of(vendor, owner)
    bases = described.extends if described is not None else ()
    inherited = (find(vendor, f"{base}{mark}{member}") for base in bases)
    return next((row for row in inherited if row is not None), None)


@cache
def errors() -> tuple[ErrorRow, ...]:
    """Twilio's errors by code.

    Raises:
        MappingDataError: The file is wrong.
    """
    return read_errors(DATA / "errors.toml")


@cache
def beliefs() -> tuple[Belief, ...]:
    """What public guides say and is not so.

    Raises:
        MappingDataError: The file is wrong.
    """

    def make(key: str, table: Mapping[str, Any]) -> Belief:
        return Belief(id=key, **{**table, "symbols": tuple(table.get("symbols", ()))})

    return _read(DATA / "beliefs.toml", make)


@cache
def retirements() -> tuple[RetirementRow, ...]:
    """What ends, and when.

    Raises:
        MappingDataError: The file is wrong.
    """

    def make(key: str, table: Mapping[str, Any]) -> RetirementRow:
        lists = {"symbols": tuple(table["symbols"]), "retires": table.get("retires")}
        return RetirementRow(id=key, **{**table, **lists})

    return _read(DATA / "retirements.toml", make)


@cache
def names() -> Mapping[str, tuple[str, ...]]:
    """The vendors' public names, by the name of the list: `twilio-video-2.36.0`.

    A list is a text with a name on each line; lines that begin with "# " say where it is from.
    """
    return MappingProxyType(
        {
            path.stem: tuple(
                line
                for line in path.read_text(encoding="utf-8").splitlines()
                if line and not line.startswith("# ")
            )
            for path in sorted((DATA / "names").glob("*.txt"))
        }
    )


def read_rows(path: Path, name: str) -> Iterator[Row]:
    """The rows of one file.

    Args:
        path: Where it is.
        name: How errors call it.

    Raises:
        MappingDataError: It is no TOML, or a row is wrong.
    """
    shared, tables = _load(path, name)
    for key, table in tables.items():
        yield _guard(name, key, partial(_row, key, {**shared, **table}, shared))


def read_folder(data: Path, vendor: Vendor) -> dict[str, Row]:
    """A vendor's rows by name, from a folder that is laid out as `mapping/data`.

    Raises:
        MappingDataError: A file is wrong or about another vendor, or two rows have one name.
    """
    found: dict[str, Row] = {}
    for path in sorted(data.glob(_ROW_FILES[vendor])):
        file = path.relative_to(data).as_posix()
        for row in read_rows(path, file):
            if row.vendor is not vendor:
                raise MappingDataError(file, row.name, f"it is no row of {vendor}")
            if row.name in found:
                raise MappingDataError(file, row.name, "another row has that name")
            found[row.name] = row
    return found


def read_errors(path: Path) -> tuple[ErrorRow, ...]:
    """The errors of one file.

    Raises:
        MappingDataError: It is no TOML, or a row is wrong.
    """

    def make(key: str, table: Mapping[str, Any]) -> ErrorRow:
        return ErrorRow(code=int(key), **{**table, "proof": tuple(table.get("proof", ()))})

    return _read(path, make)


@cache
def _index(vendor: Vendor) -> Mapping[str, Row]:
    return MappingProxyType(read_folder(DATA, vendor))


def _row(key: str, table: Mapping[str, Any], shared: Mapping[str, Any]) -> Row:
    values: dict[str, Any] = dict(table)
    for text in _TEXTS:
        values[text] = _typed(text, table.get(text, ""), str)
    for several in _LISTS:
        values[several] = _texts(several, table.get(several, []))
    values["vendor"] = Vendor(table["vendor"])
    values["kind"] = Kind(table["kind"])
    values["status"] = Status(table["status"])
    values["generations"] = _generations(key, table, shared)
    promised = {**shared.get("parity", {}), **table.get("parity", {})}
    proofs = {column: _texts("proof", tests) for column, tests in table.get("proof", {}).items()}
    if unknown := {*promised, *proofs} - set(COLUMNS):
        raise ValueError(f"there is no column {min(unknown)!r}")
    values["parity"] = {name: Parity(promised[name]) for name in COLUMNS if name in promised}
    values["proofs"] = {name: proofs[name] for name in COLUMNS if name in proofs}
    values.pop("proof", None)
    if not values["why"]:
        raise ValueError("it does not say why")
    _typed("as_of", table["as_of"], date)
    return Row(name=key, **values)


def _generations(key: str, table: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, str]:
    """What a name is called in each generation.

    A file lists those in which its rows have their names; a row says where it differs, an empty
    text for a generation that lacks it.
    """
    usual = dict.fromkeys(_texts("generations", shared.get("generations", [])), key)
    own = table["generations"] if table.get("generations") is not shared.get("generations") else {}
    return {generation: name for generation, name in {**usual, **own}.items() if name}


def _read(path: Path, make: Callable[[str, Mapping[str, Any]], _T]) -> tuple[_T, ...]:
    shared, tables = _load(path, path.name)
    return tuple(
        _guard(path.name, key, partial(make, key, {**shared, **table}))
        for key, table in tables.items()
    )


def _load(path: Path, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingDataError(name, "", str(error)) from error
    shared = tables.pop("file", {})
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise MappingDataError(name, key, "it is no table")
    return shared, tables


def _guard(file: str, row: str, make: Callable[[], _T]) -> _T:
    try:
        return make()
    except KeyError as error:
        raise MappingDataError(file, row, f"it lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise MappingDataError(file, row, str(error)) from error


def _typed(key: str, value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"{key} is no {kind.__name__}")
    return value


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{key} is no list of texts")
    return tuple(value)
