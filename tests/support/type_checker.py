"""TypeScript's compiler, and today's declarations of the vendors' packages.

Programs are judged all at once: most of a run is spent on reading the declarations. What they have
around them besides those packages is declared in `surroundings.d.ts`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

__all__ = ["SCRIPTS", "Finding", "judge", "missing", "require_compiler"]

HERE: Final = Path(__file__).parent
MODULES: Final = HERE.parent / "interop" / "node_modules"
COMPILER: Final = MODULES / "typescript" / "bin" / "tsc"
SCRIPTS: Final = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
"""Ends of the names of files that the compiler reads."""

_LINE: Final = re.compile(
    r"^(?P<path>[^\s(][^(]*)\((?P<line>\d+),(?P<column>\d+)\): error (?P<code>TS\d+): (?P<text>.*)$"
)
_OPTIONS: Final = {
    "allowJs": True,
    "checkJs": True,
    "experimentalDecorators": True,
    "jsx": "preserve",
    "lib": ["es2022", "dom", "dom.iterable"],
    "module": "preserve",
    "moduleDetection": "force",
    "moduleResolution": "bundler",
    "noEmit": True,
    "noImplicitAny": False,
    "skipLibCheck": True,
    "strict": True,
    "strictNullChecks": False,
    "strictPropertyInitialization": False,
    "target": "es2022",
    "types": [],
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the compiler does not accept.

    Attributes:
        line: From 1.
        column: From 1.
        code: As `TS2339`.
        text: Its message; the first line of it is the rest of the line, more may follow.
    """

    line: int
    column: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column} {self.code} {self.text}"


def missing() -> str | None:
    """What is lacking on this machine, and how to get it; None when nothing."""
    if shutil.which("node") is None:
        return "there is no node; install Debian's package nodejs"
    if not COMPILER.is_file():
        return "typescript is not installed; run npm ci in tests/interop"
    return None


def require_compiler() -> None:
    """Skip the test, or fail where nothing may be missing, unless the compiler is there."""
    reason = missing()
    if reason is not None and os.environ.get("REQUIRE_INTEROP") == "1":
        pytest.fail(f"REQUIRE_INTEROP is set, and {reason}")
    if reason is not None:
        pytest.skip(reason)


def judge(folder: Path, programs: Mapping[str, str]) -> Mapping[str, list[Finding]]:
    """What the compiler does not accept of programs, by their paths; nothing for right ones.

    Args:
        folder: An empty folder, not inside the repository: the compiler looks above it, too.
        programs: Texts by their paths below the folder.

    Raises:
        ValueError: A program does not parse; the compiler then judges none of them.
    """
    (folder / "node_modules").symlink_to(MODULES)
    shutil.copy(HERE / "surroundings.d.ts", folder)
    options = {"compilerOptions": _OPTIONS, "include": ["**/*"]}
    (folder / "tsconfig.json").write_text(json.dumps(options), encoding="utf-8")
    for path, text in programs.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    command = ["node", str(COMPILER), "--project", ".", "--pretty", "false"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = _read(run.stdout)
    if unknown := found.keys() - programs.keys():
        raise ValueError(f"the compiler speaks of {sorted(unknown)}: {run.stdout[:2000]}")
    if run.returncode and not found:
        raise ValueError(f"the compiler failed: {run.stdout}{run.stderr}")
    unparsed = {one.code for some in found.values() for one in some if one.code.startswith("TS1")}
    if any(len(code) == len("TS1000") and code < "TS1200" for code in unparsed):
        raise ValueError(f"a program does not parse: {run.stdout[:2000]}")
    return found


def _read(output: str) -> defaultdict[str, list[Finding]]:
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    last: list[Finding] = []
    for line in output.splitlines():
        if (begin := _LINE.match(line)) is not None:
            last = found[begin["path"]]
            place = int(begin["line"]), int(begin["column"])
            last.append(Finding(*place, begin["code"], begin["text"]))
        elif last and line.startswith(" "):
            one = last.pop()
            last.append(Finding(one.line, one.column, one.code, f"{one.text}\n{line}"))
    return found
