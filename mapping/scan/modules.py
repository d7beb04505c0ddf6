"""Which files of a program a file imports, and what those export."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from typing import Final

from mapping.sources import python

__all__ = ["imports_of", "modules_of"]

_COMPILED: Final = (".js", ".jsx", ".mjs", ".cjs")
_ENDS: Final = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue")
_INDEXES: Final = ("/index.ts", "/index.tsx", "/index.js", "/index.jsx")


def imports_of(path: str, text: str) -> frozenset[str]:
    """Modules that a text imports, as written; of a script only the program's own."""
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in python.SUFFIXES:
        return python.imports_of(text)
    from mapping.sources import javascript

    return javascript.imports_of(text) if suffix in javascript.SUFFIXES else frozenset()


def modules_of(
    path: str,
    specifiers: Collection[str],
    exports: Mapping[str, Mapping[str, str]],
    project: str = "",
) -> dict[str, Mapping[str, str]]:
    """What the files that a file imports export, by the specifier as written.

    Args:
        path: Of the file, from the root of the tree.
        specifiers: What it imports, as written.
        exports: What files export, by their paths (`SourceFile.exports`).
        project: The folder that `@/` and `~/` begin at.
    """
    found: dict[str, Mapping[str, str]] = {}
    for specifier in specifiers:
        for candidate in _candidates(path, specifier, project):
            if candidate in exports and candidate != path:
                found[specifier] = exports[candidate]
                break
    return found


def _candidates(path: str, specifier: str, project: str) -> list[str]:
    folder = posixpath.dirname(path)
    if path.endswith(".py"):
        return _python_candidates(folder, specifier)
    if specifier.startswith("."):
        bases = [posixpath.normpath(posixpath.join(folder, specifier))]
        if specifier.endswith(_COMPILED):  # As TypeScript wants it: by the name of what is made.
            bases.append(bases[0].rpartition(".")[0])
    elif specifier.startswith(("@/", "~/")):
        bases = [posixpath.join(project, part, specifier[2:]) for part in ("src", "", "app")]
    else:
        return []
    return [base + end for base in bases for end in (*_ENDS, *_INDEXES)]


def _python_candidates(folder: str, module: str) -> list[str]:
    if module.startswith("."):
        rest = module.lstrip(".")
        for _ in range(len(module) - len(rest) - 1):
            folder = posixpath.dirname(folder)
        bases = [posixpath.join(folder, rest.replace(".", "/"))]
    else:
        inner = module.replace(".", "/")
        bases = []
        while True:
            bases.append(posixpath.join(folder, inner))
            if not folder:
                break
            folder = posixpath.dirname(folder)
    return [base + end for base in bases for end in (".py", "/__init__.py")]
