"""Pages of the vendors' names: one per class and what belongs to it.

A page shows the class and its counterparts, a program before and after, and its members by class
and kind; then, per column of the matrix, the tests that show what is promised as full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mapping.documents.library import FOLDERS, Library, mark
from mapping.documents.markdown import Column, code, codes, fence, href, table, typed_table
from mapping.documents.snippets import Snippet
from mapping.model import COLUMNS, Kind, Parity, Row, Vendor

__all__ = ["in_python", "promise", "render_reference", "tests_of", "title_of"]

_HEADINGS: Final[Mapping[Kind, str]] = {
    Kind.OPERATION: "Operations",
    Kind.WEBHOOK: "Webhooks",
    Kind.CONSTRUCTOR: "Constructor",
    Kind.FUNCTION: "Functions",
    Kind.CONSTANT: "Constants",
    Kind.PROPERTY: "Properties",
    Kind.METHOD: "Methods",
    Kind.EVENT: "Events",
    Kind.OPTION: "Options",
    Kind.VALUE: "Values",
    Kind.CLASS: "Classes",
    Kind.TYPE: "Types",
}
"""What the table of each kind is called, in the order of a page."""

_GENERATIONS: Final[Mapping[str, str]] = {
    "beta": "2020",
    "v1": "1.x",
    "v2": "2.0",
    "preview": "1.36.1-beta.1",
}

_RUN_BY: Final = (
    "Tests run all of them, that before in a browser with the unmodified client, and each"
)

_TITLES: Final[Mapping[Vendor, str]] = {
    Vendor.TWILIO_REST: "REST operations",
    Vendor.TWILIO_WEBHOOK: "Webhooks",
    Vendor.TWILIO_COMPAT: "Only in twilio_compat",
    Vendor.ACS_CORE: "Only in acs_core",
}
"""Of vendors whose names are in one document."""

_KEPT: Final = {
    Vendor.ACS_CALLING: "ACS Calling",
    Vendor.ACS_COMMON: "ACS identifiers",
    Vendor.ACS_EFFECTS: "ACS effects",
    Vendor.ACS_IDENTITY: "ACS identity",
    Vendor.VIDEOSDK: "VideoSDK",
    Vendor.TWILIO_VIDEO: "Twilio",
    Vendor.TWILIO_PROCESSORS: "Twilio",
    Vendor.TWILIO_REST: "Twilio",
    Vendor.TWILIO_WEBHOOK: "Twilio",
    Vendor.TWILIO_COMPAT: "twilio_compat",
    Vendor.ACS_CORE: "acs_core",
}


def render_reference(library: Library, path: str, rows: Sequence[Row]) -> str:
    """A page.

    Args:
        library: All data, for links and programs.
        path: Of the page, below `mapping/docs`.
        rows: What it describes, in their order.
    """
    first = rows[0]
    lines = [f"# {title_of(first)}", "", *_introduction(path, rows)]
    name = path.removesuffix(".md").replace("/", "_").replace("-", "_")
    if snippet := library.snippets.get(name):
        lines += _programs(first.vendor, snippet)
    for heading, owner, members in _groups(rows):
        lines += [f"## {heading}", "", *_owner(library, path, owner, members)]
    lines += _proofs(rows)
    return "\n".join(lines) + "\n"


def title_of(row: Row) -> str:
    """What the page of a row is called."""
    return _TITLES.get(row.vendor, row.section)


def promise(row: Row) -> str:
    """What the columns of the matrix promise of a row: `full: js, compat; no: native`."""
    found: dict[Parity, list[str]] = {}
    for column in COLUMNS:
        if column in row.parity:
            found.setdefault(row.parity[column], []).append(column)
    return "; ".join(f"{parity}: {', '.join(columns)}" for parity, columns in found.items())


def tests_of(tests: Sequence[str]) -> str:
    """Tests as the documents name them."""
    return codes(test.removeprefix("tests/") for test in tests)


def _introduction(path: str, rows: Sequence[Row]) -> list[str]:
    first = rows[0]
    matrix = href(path, "matrix.md")
    folder = path.rpartition("/")[0]
    whole = (
        f"[All of {_KEPT[first.vendor]}]({href(path, f'{folder}/index.md')}). " if folder else ""
    )
    lines = [
        f"{whole}Source: {first.source}, read on {first.as_of.isoformat()}.",
        "",
        f"*Status* and *promise* are explained with the [matrix]({matrix}); the tests behind each",
        "promise of *full* stand at the end.",
    ]
    if any(row.compat for row in rows):
        lines.append(
            "In the column of Python, names of `twilio_compat` are bold; the others are of"
        )
        lines.append("`acs_core`.")
    elif any(row.native for row in rows):
        lines.append("In the column of Python are names of `acs_core`.")
    elif first.vendor is Vendor.VIDEOSDK and any("videosdk" in row.proofs for row in rows):
        lines.append(
            "What is *full* has the same name in `mapping.videosdk`, a meeting in Python for"
        )
        lines.append(
            "comparing; other methods raise `NotProvidedError` there, which says what to use."
        )
    return [*lines, ""]


def _programs(vendor: Vendor, snippet: Snippet) -> list[str]:
    lines = ["## In a program", "", snippet.after.caption, ""]
    if snippet.before:
        lines += [f"Before, with {_KEPT[vendor]}:", "", *fence("js", snippet.before), ""]
    facade = {Vendor.VIDEOSDK: "`mapping.videosdk`"}
    if FOLDERS[vendor] == "twilio":
        facade[vendor] = "`twilio_compat`"
    after = facade.get(vendor, "`acs_core`")
    lines += [f"After, with {after}:", "", *fence("python", snippet.after.text), ""]
    if snippet.native:
        lines += ["The same with `acs_core`:", "", *fence("python", snippet.native.text), ""]
    lines += [_RUN_BY if snippet.before and FOLDERS[vendor] == "twilio" else "A test runs it; it"]
    return [*lines, "prints:", "", *fence("text", snippet.output), ""]


def _groups(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """Headings, the class below each, and its rows: that of the page first, other names last."""
    first = rows[0]
    if first.vendor in _TITLES:
        sections = dict.fromkeys(row.section for row in rows)
        return [(name, "", [row for row in rows if row.section == name]) for name in sections]
    owners = {row.owner for row in rows}
    found: dict[str, list[Row]] = {first.section: []}
    for row in rows:
        is_owner = row.name in owners and row.kind in (Kind.CLASS, Kind.TYPE)
        found.setdefault(row.name if is_owner else row.owner, []).append(row)
    loose = found.pop("", [])
    groups = [(owner, owner, members) for owner, members in found.items() if members]
    if loose:
        groups.append(("Other names" if groups else first.section, "", loose))
    return groups


def _owner(library: Library, path: str, owner: str, rows: Sequence[Row]) -> list[str]:
    """A class and its members, by kind."""
    described = next((row for row in rows if row.name == owner), None)
    lines = _class(library, path, described) if described is not None else []
    members = [row for row in rows if row is not described]
    for kind, title in _HEADINGS.items():
        if chosen := [row for row in members if row.kind is kind]:
            lines += [f"### {title}", ""] if len(members) > len(chosen) or described else []
            lines += [*typed_table(_columns(library, path, owner), chosen), ""]
    return lines


def _class(library: Library, path: str, row: Row) -> list[str]:
    """The class itself: a table of its counterparts and why."""
    columns = _columns(library, path, "")
    extends = ", ".join(library.link(path, row.vendor, name) for name in row.extends)
    lines = typed_table(columns, [row])
    return [*lines, "", *([f"It has the members of {extends}, too.", ""] if extends else [])]


def _columns(library: Library, path: str, owner: str) -> list[Column[Row]]:
    def link(vendor: Vendor, text: Callable[[Row], str]) -> Callable[[Row], str]:
        return lambda row: library.link(path, vendor, text(row))

    return [
        Column("Name", lambda row: _name(row, owner)),
        Column("Generations", _generations),
        Column("In Python", in_python),
        Column("Twilio", link(Vendor.TWILIO_VIDEO, lambda row: row.twilio)),
        Column("ACS", link(Vendor.ACS_CALLING, lambda row: row.acs)),
        Column("VideoSDK", link(Vendor.VIDEOSDK, lambda row: row.videosdk)),
        Column("Parameters", _parameters),
        Column("Status and promise", lambda row: f"**{row.status}**<br>{promise(row)}"),
        Column("Why, and what differs", lambda row: " ".join(filter(None, _reasons(row)))),
    ]


def _reasons(row: Row) -> tuple[str, ...]:
    values = f"One of {codes(row.values)}." if row.values else ""
    since = f"Since {row.since}." if row.since else ""
    return (row.why, row.difference and f"*Differs:* {row.difference}", values, since)


def _name(row: Row, owner: str) -> str:
    name = row.name[len(owner) :].lstrip(".#") if owner else row.name
    given = f" ({', '.join(row.args)})" if row.args and row.kind is Kind.EVENT else ""
    asked = f"<br>{code(row.call)}" if row.call else ""
    return f"{mark(row)}{code(name)}{given}{asked}"


def _parameters(row: Row) -> str:
    return codes(row.args) if row.kind is Kind.OPERATION else ""


def in_python(row: Row) -> str:
    """Our names: that of Twilio's shape first, as it is bold, then those of ACS' shape."""
    compat = f"**{code(row.compat)}**" if row.compat else ""
    return "<br>".join(filter(None, (compat, *map(code, row.native))))


def _generations(row: Row) -> str:
    """In which generations a name is there, and what it was called where that is another name."""
    called: dict[str, list[str]] = {}
    for key, title in _GENERATIONS.items():
        if key in row.generations:
            called.setdefault(row.generations[key], []).append(title)
    return "<br>".join(
        ", ".join(titles) + ("" if name == row.name else f": {code(name)}")
        for name, titles in called.items()
    )


def _proofs(rows: Sequence[Row]) -> list[str]:
    shown = [
        (code(row.name), column, tests_of(tests))
        for row in rows
        for column, tests in row.proofs.items()
        if tests
    ]
    if not shown:
        return []
    return ["## Tests", "", *table(("Name", "Column", "Tests"), shown)]
