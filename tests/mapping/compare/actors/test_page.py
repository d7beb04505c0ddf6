"""What a page needs is looked for, and said when it is missing; tests/interop runs pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mapping.compare import MissingPieceError
from mapping.compare.actors.page import find_chromium, find_sdk, open_pages


def test_the_sdk_is_found_in_node_modules_here_or_above(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules" / "twilio-video" / "dist"
    folder.mkdir(parents=True)
    below = tmp_path / "app" / "tests"
    below.mkdir(parents=True)
    with pytest.raises(MissingPieceError, match="npm install twilio-video"):
        find_sdk(start=below)
    (folder / "twilio-video.js").touch()
    assert find_sdk(start=below) == folder
    assert find_sdk(str(folder)) == folder
    assert find_sdk(str(folder.parent)) == folder
    with pytest.raises(MissingPieceError, match="elsewhere"):
        find_sdk("elsewhere")


def test_the_browser_is_found_or_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_chromium(sys.executable) == sys.executable
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPieceError, match="no Chromium"):
        find_chromium()
    with pytest.raises(MissingPieceError, match="no brave"):
        find_chromium("brave")


async def test_pages_without_playwright_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(MissingPieceError, match="pip install playwright"):
        async with open_pages():
            pass
