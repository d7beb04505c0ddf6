"""All files that are made, written or compared with what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mapping import differences, features
from mapping.documents import front, matrix_pages, notes, tables
from mapping.documents.library import Library
from mapping.documents.navigation import render_settings
from mapping.documents.reference import render_reference

__all__ = ["ROOT", "made", "stale", "write"]

ROOT: Final = Path(__file__).parent.parent.parent
"""Of the source tree; documents are not made from an installed package, which has no tests."""

_DOCS: Final = "mapping/docs/"

_PAGES: Final[Mapping[str, Callable[[Library], str]]] = {
    "index.md": front.render_index,
    "matrix.md": matrix_pages.render_matrix,
    "events.md": tables.render_events,
    "errors.md": tables.render_errors,
    "differences.md": lambda library: differences.render_document(library.differences),
    "features.md": lambda library: features.render(library.proofs),
    "beliefs.md": notes.render_beliefs,
    "retirements.md": notes.render_retirements,
    "glossary.md": notes.render_glossary,
    "call-types.md": notes.render_call_types,
    "platforms.md": notes.render_platforms,
    "scope.md": notes.render_scope,
}


def made(library: Library, readme: str = "") -> dict[str, str]:
    """Every file that is made from the data: its path below the root, and its text.

    Args:
        library: The data.
        readme: The README as it is; its section on differences is made, too. Left out if empty.

    Raises:
        ValueError: The README lacks the marks of that section.
    """
    pages = {path: render(library) for path, render in _PAGES.items()}
    pages |= {path: front.render_vendor(library, path) for path in front.VENDOR_PAGES}
    pages |= {
        path: matrix_pages.render_matrix_of(library, path) for path in matrix_pages.MATRIX_PAGES
    }
    pages |= {
        path: render_reference(library, path, rows) for path, rows in library.sections.items()
    }
    files = {f"{_DOCS}{path}": text for path, text in pages.items()}
    files["mapping/mkdocs.yml"] = render_settings(library, pages)
    if readme:
        section = differences.render_section(library.differences)
        files["README.md"] = differences.put_between_marks(readme, section)
    return files


def stale(files: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """What is not as it is made, a line each: files to write anew and files to remove."""
    wrong = []
    for path, text in sorted(files.items()):
        file = root / path
        if not file.is_file():
            wrong.append(f"{path} is missing")
        elif file.read_text(encoding="utf-8") != text:
            wrong.append(f"{path} is stale")
    return wrong + [f"{path} is made no more" for path in _left_over(files, root)]


def write(files: Mapping[str, str], root: Path = ROOT) -> int:
    """Write what differs, remove what is made no more; returns how many files changed."""
    changed = 0
    for path, text in files.items():
        file = root / path
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        changed += 1
    for path in _left_over(files, root):
        (root / path).unlink()
        changed += 1
    return changed


def _left_over(files: Mapping[str, str], root: Path) -> list[str]:
    """Documents that are there and nobody makes."""
    there = sorted((root / _DOCS).rglob("*.md"))
    paths = [file.relative_to(root).as_posix() for file in there]
    return [path for path in paths if path not in files]
