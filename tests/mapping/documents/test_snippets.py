"""The programs of the documents run and print what the documents say."""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mapping.documents.snippets import SNIPPETS, load_snippets
from mapping.documents.writing import ROOT
from twilio_compat.server import CompatServer, embedded

PROGRAMS = sorted(path.stem for path in SNIPPETS.glob("*.py") if path.stem != "__init__")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
DEADLINE = 30.0
"""For a program on a busy machine; each takes a second or two."""


def tokens(server: CompatServer, main: Any, kind: str) -> dict[str, str]:
    """What a program is given: `anna` is Anna's token, `anna_id` her raw id."""
    names = inspect.signature(main).parameters
    if kind != "acs":
        return {name: server.access_token(name) for name in names}
    users = {name: server.issue_user_token() for name in names if not name.endswith("_id")}
    given = {name: token.token for name, (_, token) in users.items()}
    return given | {f"{name}_id": raw for name, (raw, _) in users.items() if f"{name}_id" in names}


async def printed(module: ModuleType, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedded() as server, asyncio.timeout(DEADLINE):
        monkeypatch.setenv("CALLING_SERVICE_URL", server.url)
        await module.main(**tokens(server, module.main, kind))


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_prints_what_its_page_says(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = name.partition("_")[0]
    await printed(import_module(f"mapping.snippets.{name}"), kind, monkeypatch)
    expected = (SNIPPETS / f"{name.removesuffix('_native')}.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().out == expected


def test_every_program_belongs_to_a_page() -> None:
    pages = {
        path.relative_to(ROOT / "mapping" / "docs").with_suffix("").as_posix()
        for path in (ROOT / "mapping" / "docs").rglob("*.md")
    }
    known = {re.sub(r"[/-]", "_", page) for page in pages}
    assert set(load_snippets()) <= known
    for path in SNIPPETS.glob("*.js"):
        assert path.stem in load_snippets(), path


@pytest.mark.parametrize("page", ["index.md", "errors.md"])
async def test_programs_within_the_text_run(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "mapping" / "docs" / page).read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert blocks
    for block in blocks:
        module = ModuleType("program")
        exec(compile(block, str(tmp_path / page), "exec"), module.__dict__)  # our own text
        await printed(module, "twilio", monkeypatch)
        assert capsys.readouterr().out


def test_a_program_without_output_or_docstring_is_refused(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text('"""A room."""\n')
    with pytest.raises(ValueError, match=r"room\.txt is missing"):
        load_snippets(tmp_path)
    (tmp_path / "room.txt").write_text("")
    assert load_snippets(tmp_path)["room"].after.caption == "A room."
    (tmp_path / "room.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match=r"room\.py has no docstring"):
        load_snippets(tmp_path)
