"""Settings of the site: its navigation follows from which documents there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from mapping.documents.front import VENDOR_PAGES
from mapping.documents.library import FOLDERS, Library
from mapping.documents.matrix_pages import MATRIX_PAGES
from mapping.documents.reference import title_of

__all__ = ["render_settings"]

_HEAD: Final = """\
# Made by `make docs`; the site is made by `make site`.
site_name: Twilio Video, ACS Calling and VideoSDK
docs_dir: docs
site_dir: ../build/site
use_directory_urls: false
extra_css: [assets/site.css]
extra:
  generator: false
  polyfills: [assets/iframe-worker.js]
theme:
  name: material
  font: false
  features:
    - navigation.indexes
    - navigation.tabs
    - navigation.top
    - navigation.prune
    - search.highlight
    - search.suggest
    - content.code.copy
  palette:
    - scheme: default
      toggle: {icon: material/weather-night, name: Dark}
    - scheme: slate
      toggle: {icon: material/weather-sunny, name: Light}
plugins:
  - search
  - offline
markdown_extensions:
  - toc: {permalink: true, toc_depth: 2}
  - pymdownx.highlight
  - pymdownx.superfences
validation:
  anchors: warn
  omitted_files: warn
  unrecognized_links: warn
"""

_SERVER: Final = (("REST operations", "rest.md"), ("Webhooks", "webhooks.md"))
_ACROSS: Final = (
    ("Events", "events.md"),
    ("Errors", "errors.md"),
    ("Differences", "differences.md"),
    ("Errors of public guides", "beliefs.md"),
    ("Retirements", "retirements.md"),
)
_ABOUT: Final = (
    ("Glossary", "glossary.md"),
    ("Kinds of calls", "call-types.md"),
    ("Platforms", "platforms.md"),
    ("Not mapped", "scope.md"),
    ("Features", "features.md"),
)


def render_settings(library: Library, pages: Iterable[str]) -> str:
    """The settings of mkdocs.

    Args:
        library: All data.
        pages: Paths of all documents, each of which has its place in the navigation.

    Raises:
        ValueError: A document has no place.
    """
    groups: dict[str, list[tuple[str, str]]] = {"Overview": [("Three tiers", "index.md")]}
    for path, (title, _) in VENDOR_PAGES.items():
        folder = path.partition("/")[0]
        titles = {
            target: title_of(rows[0])
            for target, rows in library.sections.items()
            if FOLDERS.get(rows[0].vendor) == folder
        }
        ordered = sorted(titles.items(), key=lambda item: item[1].lower())
        groups[title] = [("", path), *((name, target) for target, name in ordered)]
    groups["Server"] = list(_SERVER)
    groups["Across"] = list(_ACROSS)
    matrix = [(title, path) for path, (title, _) in MATRIX_PAGES.items()]
    groups["Matrix"] = [("", "matrix.md"), *matrix]
    groups["About"] = list(_ABOUT)
    placed = {path for entries in groups.values() for _, path in entries}
    if lost := sorted(set(pages) - placed):
        raise ValueError(f"{lost[0]} has no place in the navigation.")
    lines = ["nav:"]
    for group, entries in groups.items():
        lines.append(f"  - {json.dumps(group)}:")
        lines += [
            f"      - {f'{json.dumps(name)}: ' if name else ''}{path}" for name, path in entries
        ]
    return _HEAD + "\n".join(lines) + "\n"
