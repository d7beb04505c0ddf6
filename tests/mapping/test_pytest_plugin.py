"""The fixtures, in a pytest of their own as a user has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import clean_environment

ROOT = Path(__file__).parents[2]

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
    """Run the tests with this plugin and what it needs alone; exit code and output."""
    (folder / "test_bot.py").write_text(TEST.replace("COLOR", color), encoding="utf-8")
    ini = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    plugins = ("no:cacheprovider", "pytest_asyncio.plugin", "mapping.pytest_plugin")
    chosen = [word for plugin in plugins for word in ("-p", plugin)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *chosen, *arguments],
        cwd=folder,
        env=clean_environment({"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        capture_output=True,
        text=True,
        timeout=70,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(150)
def test_a_golden_trace_is_recorded_and_compared_with(tmp_path: Path) -> None:
    code, text = run(tmp_path, "red", "test_bot.py::test_bot")
    assert (code, "record it with pytest --record-golden" in text) == (1, True)
    code, text = run(tmp_path, "red", "--record-golden", "test_bot.py::test_bot")
    assert code == 0, text
    assert (tmp_path / "golden" / "bot.jsonl").is_file()
    code, text = run(tmp_path, "blue", "test_bot.py")
    assert "1 failed, 1 passed" in text
    assert "bot: twilio and twilio are different:" in text
    assert "step 0, bot: media: sees: color: 'red' and 'blue'" in text


def test_the_plugin_imports_nothing_of_ours() -> None:
    """Every pytest run of everybody who has the package loads it."""
    program = (
        "import sys, mapping.pytest_plugin; "
        "print([name for name in sys.modules if name.startswith(('acs_core', 'twilio_compat'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
