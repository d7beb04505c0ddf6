"""What a scan found: findings, files and the whole report."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mapping.sources.uses import Api, Confidence, Span, Use

__all__ = ["FileReport", "Finding", "Fix", "Level", "Package", "Report", "fingerprint"]


class Level(StrEnum):
    """How much a finding matters."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Its place among the levels, from 0 for a note."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit that is sure to be right: the text of a span replaced."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing at one place.

    Attributes:
        rule: Id of the rule, stable: `TWV-EVENT-001`.
        message: What is so here.
        help: What to do about it.
        symbol: The API's name, as `mapping/data` writes it; empty for a finding in a text.
        tier: The lowest tier of migration that this allows: 0 keep the client, 1 change the
            import, 2 rewrite.
        effort: `S`, `M` or `L`.
        parity: What the matrix promises, `full` and so on; empty where there is no row.
        fingerprint: The same wherever the line moves to.
    """

    rule: str
    level: Level
    message: str
    help: str
    path: str
    span: Span
    confidence: Confidence
    symbol: str
    tier: int
    effort: str
    parity: str
    fingerprint: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """An SDK that a manifest or lock file names.

    Attributes:
        version: As written there: a range in a manifest, a version in a lock file.
        line: Where it stands, from 1.
    """

    name: str
    version: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one file has.

    Attributes:
        lines: How many.
        tier: The lowest tier that works for it, or -1 when it uses no SDK.
        problem: Why it could not be read, or not wholly.
    """

    path: str
    lines: int
    uses: tuple[Use, ...]
    findings: tuple[Finding, ...]
    tier: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole scan.

    Attributes:
        root: What was scanned, as given.
        files: Those that use an SDK, have a finding or a problem; sorted by path.
        scanned: How many files were read.
        lines: Of all of them.
        packages: The SDKs that manifests name.
    """

    root: str
    files: tuple[FileReport, ...]
    scanned: int
    lines: int
    packages: tuple[Package, ...]
    seconds: float = 0.0
    known: frozenset[str] = field(default_factory=frozenset)

    @property
    def findings(self) -> list[Finding]:
        """All findings, by path and place."""
        return [each for file in self.files for each in file.findings]

    @property
    def new_findings(self) -> list[Finding]:
        """Those that the baseline does not have."""
        return [each for each in self.findings if each.fingerprint not in self.known]

    @property
    def problems(self) -> list[FileReport]:
        """Files that could not be read."""
        return [each for each in self.files if each.problem]

    def apis(self) -> dict[Api, int]:
        """Uses by API."""
        return Counter(use.api for file in self.files for use in file.uses)

    def symbols(self) -> dict[tuple[Api, str], int]:
        """Uses by name, imports left out."""
        return Counter(
            (use.api, use.symbol)
            for file in self.files
            for use in file.uses
            if use.kind.value != "import"
        )


def fingerprint(rule: str, path: str, symbol: str, line: str, occurrence: int) -> str:
    """A finding's identity, from what stays when lines move.

    The text of its line counts, its white space does not; `occurrence` is how many of the same
    came before it in the file.
    """
    content = "\0".join((rule, path, symbol, "".join(line.split()), str(occurrence)))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:32]
