"""Which SDKs, in which versions, manifests and lock files name."""

from __future__ import annotations

import re
from typing import Final

from mapping.scan.findings import Package
from mapping.sources.js_tree import TEMPLATES

__all__ = ["is_manifest", "packages_of", "versions_match"]

_NAME: Final = (
    r"(?:twilio-video|twilio|@twilio/video-processors|@azure(?:-rest)?/communication-[\w-]+"
    r"|@videosdk\.live/[\w-]+|azure-communication-[\w-]+|videosdk|twilio-compat)"
)
_JSON: Final = re.compile(rf'"(?:node_modules/)?(?P<name>{_NAME})"\s*:\s*"(?P<version>[^"]*)"')
_LOCKED: Final = re.compile(
    rf'"(?:[^"\n]*node_modules/)?(?P<name>{_NAME})"\s*:\s*\{{[^{{}}]*?"version"\s*:\s*"(?P<version>[^"]*)"',
    re.DOTALL,
)
_YARN: Final = re.compile(
    rf'^"?(?P<name>{_NAME})@[^\n]*:\n\s+version:?\s+"?(?P<version>[\w.+-]+)', re.MULTILINE
)
_PNPM: Final = re.compile(
    rf"^\s+'?/?(?P<name>{_NAME})[@/](?P<version>\d[\w.+-]*)[^\n]*:\s*$", re.MULTILINE
)
_REQUIREMENT: Final = re.compile(
    rf"""^[ \t\-"']*(?P<name>{_NAME})(?![\w.-]|\s*=\s)(?:\[[^\]]*\])?[ \t]*"""
    r"""(?P<version>(?:[=<>~!]=?[^\s"',;#]+,?)*)["',]*""",
    re.MULTILINE,
)
_TABLE: Final = re.compile(
    rf"""^"?(?P<name>{_NAME})"?\s*=\s*(?:"(?P<version>[^"]*)"|\{{[^}}\n]*?version\s*=\s*"(?P<other>[^"]*)")""",
    re.MULTILINE,
)
_POETRY: Final = re.compile(
    rf'^name = "(?P<name>{_NAME})"\nversion = "(?P<version>[^"]*)"', re.MULTILINE
)
_BY_NAME: Final = {
    "package.json": (_JSON,),
    "package-lock.json": (_LOCKED,),
    "yarn.lock": (_YARN,),
    "pnpm-lock.yaml": (_PNPM,),
    "pyproject.toml": (_REQUIREMENT, _TABLE),
    "poetry.lock": (_POETRY,),
    "Pipfile": (_TABLE,),
    "Pipfile.lock": (_LOCKED,),
    "setup.py": (_REQUIREMENT,),
    "setup.cfg": (_REQUIREMENT,),
}
_SCRIPT: Final = re.compile(
    r"""<script\b[^>]*\bsrc\s*=\s*["'][^"'>]*?"""
    r"(?:(?:sdk\.twilio\.com|media\.twiliocdn\.com/sdk)/js/video/(?:releases/)?(?P<twilio>[\w.-]+)/"
    r"|sdk\.videosdk\.live/js-sdk/(?P<videosdk>[\w.-]+)"
    r"|/twilio-video(?:@(?P<cdn>[\w.-]+))?)",
    re.IGNORECASE,
)


def is_manifest(name: str) -> bool:
    """Whether a file of that name can name packages."""
    return name in _BY_NAME or re.fullmatch(r"requirements.*\.txt", name) is not None


def packages_of(path: str, text: str) -> list[Package]:
    """The SDKs that a manifest, a lock file or the script elements of a page name, in order."""
    name = path.rpartition("/")[2]
    found: dict[tuple[str, str], Package] = {}
    if name.endswith((".html", ".htm", *TEMPLATES)):
        patterns: tuple[re.Pattern[str], ...] = (_SCRIPT,)
    else:
        patterns = _BY_NAME.get(name, (_REQUIREMENT,) if is_manifest(name) else ())
    for pattern in patterns:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if pattern is _SCRIPT:
                package = "videosdk" if groups["videosdk"] else "twilio-video"
                version = groups["twilio"] or groups["videosdk"] or groups["cdn"] or ""
            else:
                package = groups["name"]
                version = groups.get("version") or groups.get("other") or ""
            line = text.count("\n", 0, match.start()) + 1
            found.setdefault((package, version), Package(package, version, path, line))
    return list(found.values())


def versions_match(written: str, specifier: str) -> bool:
    """Whether the lowest version that `written` allows is in a range as `<2`.

    A text without a version (`latest`, a git address) matches nothing.
    """
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    number = re.search(r"\d+(?:\.\d+)*(?:[-.]?(?:beta|rc|dev|alpha)[-.]?\d*)?", written)
    if number is None or "://" in written:
        return False
    try:
        return SpecifierSet(specifier, prereleases=True).contains(Version(number.group()))
    except InvalidVersion:
        return False
