"""Everything that documents are made from, read once, and where each name is described."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mapping import concepts, differences, features, load
from mapping.documents.markdown import anchor, code, href, slug
from mapping.documents.snippets import Snippet, load_snippets
from mapping.model import Belief, ErrorRow, RetirementRow, Row, Vendor

__all__ = ["FOLDERS", "Library", "load_library"]

FOLDERS: Final[Mapping[Vendor, str]] = {
    Vendor.TWILIO_VIDEO: "twilio",
    Vendor.TWILIO_PROCESSORS: "twilio",
    Vendor.ACS_CALLING: "acs",
    Vendor.ACS_COMMON: "acs",
    Vendor.ACS_EFFECTS: "acs",
    Vendor.ACS_IDENTITY: "acs",
    Vendor.VIDEOSDK: "videosdk",
    Vendor.TWILIO_COMPAT: "ours",
    Vendor.ACS_CORE: "ours",
}
"""Folder of a vendor's classes; REST operations and webhooks have one document each."""

_ONE_DOCUMENT: Final[Mapping[Vendor, str]] = {
    Vendor.TWILIO_REST: "rest.md",
    Vendor.TWILIO_WEBHOOK: "webhooks.md",
    Vendor.TWILIO_COMPAT: "ours/twilio-compat.md",
    Vendor.ACS_CORE: "ours/acs-core.md",
}

_BETWEEN: Final = re.compile(r"(, | / | \+ | and | or )")
_CALLED: Final = re.compile(r"([\w.#-]+)(\(.*\)| \(.*\))")
"""A name with its parentheses, or with a remark in parentheses."""

_MAIN: Final[Mapping[Vendor, str]] = {Vendor.VIDEOSDK: "Meeting", Vendor.ACS_CALLING: "Call"}
"""Classes whose members are also named without them: `muteMic`."""


@dataclass(frozen=True)
class Library:
    """The data, as `mapping.load` and its neighbors read it; each in the order of its file."""

    rows: tuple[Row, ...]
    errors: tuple[ErrorRow, ...]
    beliefs: tuple[Belief, ...]
    retirements: tuple[RetirementRow, ...]
    differences: tuple[differences.Difference, ...]
    proofs: tuple[features.Proof, ...]
    concepts: concepts.Concepts
    snippets: Mapping[str, Snippet]

    @cached_property
    def sections(self) -> Mapping[str, Sequence[Row]]:
        """The rows of each document that describes names, by the document's path."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(document_of(row), []).append(row)
        return found

    @cached_property
    def _places(self) -> Mapping[tuple[str, str], Row]:
        return {(_family(row.vendor), row.name): row for row in reversed(self.rows)}

    def find(self, vendor: Vendor, name: str) -> Row | None:
        """The row of a name in any of a vendor's packages, own or inherited; None if none."""
        if found := self._places.get((_family(vendor), name)):
            return found
        sign = "#" if "#" in name else "."
        owner, _, member = name.rpartition(sign)
        described = self._places.get((_family(vendor), owner))
        bases = described.extends if described is not None else ()
        inherited = (self.find(vendor, f"{base}{sign}{member}") for base in bases)
        return next((row for row in inherited if row is not None), None)

    def link(self, source: str, vendor: Vendor, text: str) -> str:
        """Names of a vendor as a row gives them, those that have a row as links.

        Args:
            source: Path of the document that shows them.
            vendor: Whose names they are.
            text: Names and words: `connect, LocalParticipant`.
        """
        if text in ("", "none"):
            return "" if not text else "none"
        if self.find(vendor, text) is None and " " in text:
            parts = _BETWEEN.split(text)
            return "".join(self._one(source, vendor, part) for part in parts)
        return self._one(source, vendor, text)

    def _one(self, source: str, vendor: Vendor, text: str) -> str:
        called = _CALLED.fullmatch(text)
        name, rest = called.groups() if called else (text, "")
        row = self.find(vendor, name) or self.find(vendor, f"{_MAIN.get(vendor, '')}.{name}")
        if vendor is Vendor.TWILIO_VIDEO:
            row = row or self.find(Vendor.TWILIO_REST, name)
        if row is None:
            return text
        return f"[{code(name)}]({href(source, document_of(row), anchor_of(row))}){rest}"


def load_library() -> Library:
    """Read all data.

    Raises:
        MappingDataError: A file is not as it should be.
        ValueError: A row of features or differences is wrong, or contradicts the tests.
    """
    reasons = tomllib.loads(features.REASONS.read_text(encoding="utf-8"))
    return Library(
        rows=load.rows(),
        errors=load.errors(),
        beliefs=load.beliefs(),
        retirements=load.retirements(),
        differences=tuple(differences.load_differences()),
        proofs=tuple(features.prove(features.load_features(), features.find_marks(), reasons)),
        concepts=concepts.load_concepts(),
        snippets=load_snippets(),
    )


def document_of(row: Row) -> str:
    """The path, below `mapping/docs`, of the document that describes a name."""
    if row.vendor in _ONE_DOCUMENT:
        return _ONE_DOCUMENT[row.vendor]
    return f"{FOLDERS[row.vendor]}/{slug(row.section)}.md"


def anchor_of(row: Row) -> str:
    """Where in its document a name is described."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", row.name).strip("-").replace("..", ".")


def mark(row: Row) -> str:
    """The place that links to a name lead to."""
    return anchor(anchor_of(row))


def _family(vendor: Vendor) -> str:
    return FOLDERS.get(vendor, vendor)
