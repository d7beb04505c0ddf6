"""Scans a source tree: reads files, follows one hop of re-exports, applies the rules."""

from __future__ import annotations

import codecs
import posixpath
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from mapping.scan.findings import FileReport, Package, Report
from mapping.scan.manifests import is_manifest, packages_of
from mapping.scan.matching import Finder
from mapping.scan.modules import imports_of, modules_of
from mapping.scan.walk import walk
from mapping.sources import python
from mapping.sources.js_tree import TEMPLATES
from mapping.sources.uses import Api, SourceFile, UseKind

__all__ = ["Progress", "scan", "scan_texts", "tier_of"]

Progress = Callable[[int, str], None]
"""Told how many files are done and which one is next."""

_SDK_MARKS: Final = ("twilio", "communication", "videosdk", "acs_", "azure import")
_MARKS: Final = (
    *_SDK_MARKS, "accesskey=", "statuscallbackevent", "<room", "getdisplaymedia", "getusermedia",
)  # fmt: skip
"""Without one of these no rule can match a file, and no reader finds a use."""

_LIKE: Final = re.compile(
    r"participant(?:Dis)?[cC]onnected|localParticipant|trackSubscribed|trackPublished"
    r"|dominantSpeaker|networkQualityLevel|\.(?:videoTracks|audioTracks|isTrackEnabled)\b"
    r"|\b(?:participant|publication|track|room|call|callAgent|meeting)\??\.\w+"
)
"""Names that count in a file without an import, in a program that uses an SDK."""

_CLIENT_SDKS: Final = frozenset({Api.TWILIO_VIDEO, Api.ACS_CALLING, Api.VIDEOSDK})
_PAGES: Final = (".html", ".htm", ".vue", ".svelte", ".jsx", ".tsx")
_SERVERS: Final = re.compile(
    r"require\(['\"](?:express|http|fastify|koa)['\"]\)"
    r"|from ['\"](?:express|fastify|koa|next/server)"
    r"|NextApiRequest|getServerSideProps|['\"]use server['\"]|exports\.handler"
)


@dataclass
class _Source:
    """A file on its way through the scan."""

    path: str
    text: str
    project: str = ""
    result: SourceFile | None = None
    imports: frozenset[str] = field(default_factory=frozenset)
    is_marked: bool = False


def scan(root: Path, *, progress: Progress | None = None) -> Report:
    """Scan a file or folder.

    Args:
        root: What to scan.
        progress: Called now and then while it runs.

    Raises:
        FileNotFoundError: There is no such file or folder.
    """
    if not root.exists():
        raise FileNotFoundError(f"there is no {root}")
    started = time.monotonic()
    sources: list[_Source] = []
    lines = count = 0
    for file, path in walk(root):
        text = _text(file)
        if text is None:
            continue
        count += 1
        lines += text.count("\n") + 1
        if progress is not None and count % 200 == 0:
            progress(count, path)
        if _is_wanted(path, text):
            sources.append(_Source(path, text, is_marked=_is_marked(text)))
    found, packages = _analyze(sources)
    seconds = time.monotonic() - started
    return Report(str(root), found, count, lines, packages, seconds)


def scan_texts(texts: Mapping[str, str]) -> Report:
    """Scan texts that are not files; keys are their paths."""
    sources = [
        _Source(path, text, is_marked=_is_marked(text)) for path, text in sorted(texts.items())
    ]
    found, packages = _analyze(sources)
    lines = sum(text.count("\n") + 1 for text in texts.values())
    return Report("", found, len(texts), lines, packages)


def tier_of(api: Api) -> int:
    """The lowest tier of migration of code that uses an API."""
    return _tiers().get(api, 0)


@cache
def _tiers() -> Mapping[Api, int]:
    text = (files("mapping") / "data" / "tiers.toml").read_text(encoding="utf-8")
    return {Api(name): row["tier"] for name, row in tomllib.loads(text).items()}


def _text(file: Path) -> str | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    elif b"\0" in data[:4096]:
        return None
    else:
        text = _decoded(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    """Text of today, or of Windows in the west: names and columns then are those of the editor."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _is_marked(text: str) -> bool:
    lower = text.lower()
    return any(mark in lower for mark in _MARKS)


def _is_wanted(path: str, text: str) -> bool:
    return _is_marked(text) or (path.endswith(_SCRIPTS) and _LIKE.search(text) is not None)


_MODULES: Final = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".py")
_SCRIPTS: Final = (*_MODULES, ".vue", ".svelte", ".html", ".htm", *TEMPLATES)


def _analyze(sources: list[_Source]) -> tuple[tuple[FileReport, ...], tuple[Package, ...]]:
    packages: list[Package] = []
    manifests: dict[str, list[Package]] = {}
    for source in sources:
        named = packages_of(source.path, source.text)
        manifests[source.path] = named
        packages.extend(named)
    roots = {posixpath.dirname(s.path) for s in sources if s.path.endswith("package.json")}
    for source in sources:
        source.project = _project_of(source.path, roots)
        source.imports = imports_of(source.path, source.text)
        if source.is_marked:
            source.result = _read(source, {}, frozenset())
    exports = {s.path: s.result.exports for s in sources if s.result and s.result.exports}
    apis = _apis_by(sources, lambda source: source.project)
    folders = _apis_by(sources, lambda source: posixpath.dirname(source.path))
    for source in sources:
        own = apis.get(source.project, frozenset()) & _CLIENT_SDKS
        if len(own) > 1:  # a program on its way from one to the other: what neighbors import
            own = folders.get(posixpath.dirname(source.path), frozenset()) & _CLIENT_SDKS
        modules = modules_of(source.path, source.imports, exports, source.project)
        if modules or (source.result is None and own):
            source.result = _read(source, modules, own)
    reports = [_report(s, manifests[s.path], apis.get(s.project, frozenset())) for s in sources]
    kept = tuple(each for each in reports if each.uses or each.findings or each.problem)
    return kept, tuple(packages)


def _project_of(path: str, roots: set[str]) -> str:
    """The nearest folder with a manifest, or the whole tree."""
    folder = posixpath.dirname(path)
    while folder and folder not in roots:
        folder = posixpath.dirname(folder)
    return folder


def _apis_by(sources: list[_Source], place: Callable[[_Source], str]) -> dict[str, frozenset[Api]]:
    """What is imported in each place that sources are in."""
    found: dict[str, frozenset[Api]] = {}
    for source in sources:
        if source.result is not None:
            own = {use.api for use in source.result.uses if use.kind is UseKind.IMPORT}
            found[place(source)] = found.get(place(source), frozenset()) | own
    return found


def _read(
    source: _Source, modules: Mapping[str, Mapping[str, str]], project: frozenset[Api]
) -> SourceFile | None:
    suffix = posixpath.splitext(source.path)[1].lower()
    if suffix in python.SUFFIXES:
        return python.read(source.path, source.text, modules=modules)
    from mapping.sources import javascript

    if suffix in javascript.SUFFIXES:
        return javascript.read(source.path, source.text, modules=modules, project=project)
    return None


def _report(source: _Source, packages: list[Package], project: frozenset[Api]) -> FileReport:
    uses = source.result.uses if source.result is not None else ()
    finder = Finder(source.path, source.text, is_client=_is_client(source))
    if is_manifest(posixpath.basename(source.path)) or packages:
        finder.add_packages(packages)
    finder.add_uses(uses, project)
    if source.is_marked:
        finder.add_text()
    findings = finder.findings()
    apis = {use.api for use in uses} - {Api.BROWSER}
    tiers = [tier_of(api) for api in apis] + [each.tier for each in findings]
    shown = tuple(use for use in uses if use.api is not Api.BROWSER or project)
    return FileReport(
        source.path,
        source.text.count("\n") + 1,
        shown,
        findings,
        max(tiers) if apis or findings else -1,
        source.result.problem if source.result is not None else "",
    )


def _is_client(source: _Source) -> bool:
    """Whether browsers get the file: a page, a component, or a script that uses a client SDK."""
    if _SERVERS.search(source.text) or "/api/" in "/" + source.path:
        return False
    if source.path.endswith(TEMPLATES):  # no telling its server's code from that of the page
        return False
    if source.path.endswith(_PAGES):
        return True
    uses = source.result.uses if source.result is not None else ()
    return any(use.api in _CLIENT_SDKS for use in uses)
