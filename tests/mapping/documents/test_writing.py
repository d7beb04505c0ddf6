"""Documents are what the data says, lead somewhere, and become a site."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mapping.__main__ import main
from mapping.documents import Library, load_library, made, stale, write
from mapping.documents.writing import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
ANCHOR = re.compile(r'<a id="([^"]+)">')
DOCS = "mapping/docs/"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.fixture(scope="module")
def files(library: Library) -> dict[str, str]:
    return made(library, (ROOT / "README.md").read_text(encoding="utf-8"))


def test_documents_are_what_the_data_says() -> None:
    assert main(["docs", "--check"]) == 0, "run `make docs`"


def test_the_same_data_makes_the_same_documents(library: Library, files: dict[str, str]) -> None:
    assert made(library, files["README.md"]) == files


def test_every_name_has_a_place_in_a_document(library: Library, files: dict[str, str]) -> None:
    places = [
        place for path, text in files.items() if path.startswith(DOCS)
        for place in ANCHOR.findall(text)
    ]  # fmt: skip
    assert len(places) == len(library.rows)


def test_links_between_documents_lead_to_a_place(files: dict[str, str]) -> None:
    places = {path: set(ANCHOR.findall(text)) for path, text in files.items()}
    lost = []
    for path, text in files.items():
        for target in LINK.findall(text) if path.startswith(DOCS) else ():
            if "://" in target:
                continue
            there, _, fragment = target.partition("#")
            page = posixpath.normpath(f"{posixpath.dirname(path)}/{there}") if there else path
            if page not in files or (fragment and fragment not in places[page]):
                lost.append(f"{path}: {target}")
    assert lost == []


def test_the_navigation_leads_to_every_document_once(files: dict[str, str]) -> None:
    _, _, navigation = files["mapping/mkdocs.yml"].partition("nav:")
    named = sorted(f"{DOCS}{path}" for path in re.findall(r"[\w./-]+\.md", navigation))
    assert named == sorted(path for path in files if path.startswith(DOCS))


def test_what_is_not_as_made_is_named_and_written_anew(tmp_path: Path) -> None:
    files = {"mapping/docs/a.md": "a\n", "mapping/docs/b/c.md": "c\n", "README.md": "r\n"}
    old = tmp_path / "mapping" / "docs" / "old.md"
    old.parent.mkdir(parents=True)
    old.write_text("old\n")
    (tmp_path / "README.md").write_text("before\n")
    assert stale(files, tmp_path) == [
        "README.md is stale",
        "mapping/docs/a.md is missing",
        "mapping/docs/b/c.md is missing",
        "mapping/docs/old.md is made no more",
    ]
    assert write(files, tmp_path) == 4
    assert stale(files, tmp_path) == []
    assert write(files, tmp_path) == 0
    assert not old.exists()


@pytest.mark.feature("DOCS-001")
def test_platforms_have_a_section_each_and_the_web_is_mapped(files: dict[str, str]) -> None:
    _, *sections = files["mapping/docs/platforms.md"].split("\n## ")
    states = {text.splitlines()[0]: text.splitlines()[2] for text in sections}
    assert list(states) == ["Web", "iOS", "Android"]
    assert states["Web"].startswith("Mapped.")
    assert states["iOS"].startswith("Not mapped. Only the web is mapped")
    assert states["Android"].startswith("Not mapped. Only the web is mapped")
    assert len(LINK.findall(sections[0])) > 5
    assert not LINK.findall(sections[1] + sections[2])


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.skipif(find_spec("material") is None, reason="the extra `docs` is not installed")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """Every page, with the search that works from a disk; no page asks another host."""
    site = tmp_path / "site"
    settings = ["--config-file", "mapping/mkdocs.yml", "--site-dir", str(site)]
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", *settings],
        check=True,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert (site / "search" / "search_index.js").is_file()
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="https?://', text), page
