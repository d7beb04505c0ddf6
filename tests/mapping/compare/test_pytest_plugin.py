"""The fixtures, in a pytest of their own as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

TEST = """
from mapping.compare import Entry, EntryKind, Header, Trace

def trace(color):
    args = {"of": "ann", "color": color}
    return Trace(Header("twilio"), (Entry(0.5, "bot", EntryKind.MEDIA, "sees", args),))

def test_bot(golden_trace):
    golden_trace(trace("COLOR"), "bot")

async def test_two(alike):
    comparison = await alike("join-leave", within=5.0)
    assert comparison.steps == 4
"""


def run(folder: Path, color: str, *arguments: str) -> tuple[int, str]:
    (folder / "test_bot.py").write_text(TEST.replace("COLOR", color), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    plugin = ("-p", "mapping.compare.pytest_plugin", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, *arguments, "test_bot.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_golden_trace_is_recorded_and_compared_with(tmp_path: Path) -> None:
    code, text = run(tmp_path, "red", "-k", "bot", "--record-golden")
    assert code == 0, text
    assert (tmp_path / "golden" / "bot.jsonl").is_file()
    code, text = run(tmp_path, "red")
    assert code == 0, text
    assert "2 passed" in text
    code, text = run(tmp_path, "blue", "-k", "bot")
    assert code == 1
    assert "bot: twilio and twilio are different:" in text
    assert "step 0, bot: media: sees: color: 'red' and 'blue'" in text
