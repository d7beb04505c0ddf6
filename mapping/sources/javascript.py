"""Reads JavaScript and TypeScript: where a text uses Twilio Video, ACS Calling or VideoSDK.

Imports are resolved in every form, and what comes from them is followed through variables,
properties, functions of the same file, listeners, promises and loops. What follows from an import
without a guess is `EXACT`; what needs one is `LIKELY` and says why.

Needs the extra `migrate` (ast-grep).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from mapping.sources import js_calls, js_statements  # noqa: F401  they register visitors
from mapping.sources.js_hints import HINTS, drop_weak_hints
from mapping.sources.js_imports import described
from mapping.sources.js_scopes import Analysis
from mapping.sources.js_tree import TEMPLATES, Node, parse
from mapping.sources.uses import Api, SourceFile

__all__ = ["SUFFIXES", "could_use", "imports_of", "read"]

_PAGES: Final = (".html", ".htm", *TEMPLATES)
_COMPONENTS: Final = (".vue", ".svelte")

SUFFIXES: Final = frozenset(
    {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", *_PAGES, *_COMPONENTS}
)
"""The names of files that `read` understands end in one of these."""

_MAX_WALKS: Final = 8
_MAX_SIZE: Final = 2_000_000
"""Characters; longer texts are bundles."""
_MAX_WORK: Final = 500_000_000
"""What `_work` may be, some seconds; more is code that a program has packed."""

_MARKS: Final = re.compile(
    r"twilio|@azure/communication|videosdk|getDisplayMedia|getUserMedia", re.IGNORECASE
)
_SCRIPT: Final = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL)
_FILLED: Final = re.compile(
    r"<\?=.*?\?>|<\?php\s+(?:echo|print)\b.*?\?>|<%=.*?%>|(?<!\$)\{\{.*?\}\}|\{!!.*?!!\}"
    r"|(?P<control><\?.*?\?>|<%.*?%>|\{%.*?%\})",
    re.DOTALL,
)
"""What a server puts into a page: a value, or a word of control that leaves nothing."""

_RELATIVE: Final = re.compile(r"""(?:from|import|require\()\s*\(?['"]([.@~][^'"\n]{0,200})['"]""")


def could_use(text: str) -> bool:
    """Whether the text mentions any SDK at all; cheap, and sure when False."""
    return _MARKS.search(text) is not None


def imports_of(text: str) -> frozenset[str]:
    """Specifiers of the program's own files that the text imports, as written."""
    return frozenset(_RELATIVE.findall(text))


def read(
    path: str,
    text: str,
    *,
    modules: Mapping[str, Mapping[str, str]] | None = None,
    project: frozenset[Api] = frozenset(),
) -> SourceFile:
    """Find the uses in one file.

    Args:
        path: With `/`; its suffix says which language it is.
        text: Its content.
        modules: For specifiers of the program's own files, what those export
            (`SourceFile.exports`).
        project: APIs that other files of the program import; names such as `room` then count in
            files without an import, with confidence `MANUAL`.

    Returns:
        The uses; a text that cannot be read has a `problem` and no uses. Nothing is raised for
        any text.
    """
    known = modules or {}
    if len(text) > _MAX_SIZE:
        return SourceFile(path, (), "too long to read")
    if not could_use(text) and not project and not any(known.values()):
        return SourceFile(path, ())
    clean = text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
    analysis = Analysis(clean, known)
    problem = ""
    for content, language, offset in _scripts(path, clean):
        if _work(content) > _MAX_WORK:
            problem = "minified, so not read"
            continue
        try:
            root = _parse(content, language, offset)
            if root.errors:
                problem = problem or f"not wholly understood as {language}"
            _walk(analysis, root, project)
        except RecursionError:
            problem = "nested too deeply"
    uses = drop_weak_hints(analysis, project)
    return SourceFile(path, tuple(uses), problem, described(analysis))


def _work(text: str) -> int:
    """How hard long lines are: the parser counts each node's column from where its line begins."""
    long = (line for line in text.split("\n") if len(line) > 5000)
    return sum(len(line) * sum(line.count(mark) for mark in "(){}[];,.:=") for line in long)


def _walk(analysis: Analysis, root: Node, project: frozenset[Api]) -> None:
    analysis.is_recording = analysis.is_resolving = False
    analysis.visit(root, analysis.root)
    analysis.is_resolving = analysis.is_recording = True
    uses = dict(analysis.uses)
    for _ in range(_MAX_WALKS):
        before = analysis.changes, len(analysis.hints)
        analysis.uses = dict(uses)
        analysis.visit(root, analysis.root)
        analysis.hints = HINTS.of(analysis.apis, project)
        if (analysis.changes, len(analysis.hints)) == before:
            break


def _scripts(path: str, text: str) -> Iterator[tuple[str, str, int]]:
    """The scripts of a file: its text, its language, and where it begins."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (*_PAGES, *_COMPONENTS):
        for match in _SCRIPT.finditer(text):
            attributes = match.group(1).lower()
            if re.search(
                r"type\s*=\s*['\"]?(?:application/(?:ld\+)?json|text/template|text/x-)", attributes
            ):
                continue
            language = (
                "typescript" if re.search(r"lang\s*=\s*['\"]?ts", attributes) else "javascript"
            )
            content = match.group(2)
            if suffix in _PAGES and "babel" not in attributes:  # JSX has double braces too
                content = _FILLED.sub(_filled, content)
            yield content, language, match.start(2)
    elif suffix == ".tsx":
        yield text, "tsx", 0
    elif suffix in (".ts", ".mts", ".cts"):
        yield text, "typescript", 0
    else:
        yield text, "javascript", 0


def _filled(match: re.Match[str]) -> str:
    """A name in the place of a value, as long as it was, so that offsets stay."""
    first, *others = match.group().split("\n")
    word = (" " if match.group("control") else "_") * len(first)
    return "\n".join((word, *(" " * len(each) for each in others)))


def _parse(text: str, language: str, offset: int) -> Node:
    """The tree; a script with annotations that its suffix does not promise is read as TSX."""
    root = parse(text, language, offset)
    if root.errors and language == "javascript":
        other = parse(text, "tsx", offset)
        if other.errors < root.errors:
            root = other
    return root
