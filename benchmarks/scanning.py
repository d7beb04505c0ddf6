"""How right the scanner is on labeled programs, and how fast on many files.

A label is a comment at the end of a line, as `// @ connect, ConnectOptions.name`: the names that
line uses. `import` stands for an import of an SDK; a name with `?` may be found or not.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.report import Result, Spread
from mapping.scan import scan
from mapping.sources.uses import UseKind

__all__ = ["CORPUS", "Score", "measure_scanning", "score"]

CORPUS: Final = Path(__file__).parent.parent / "tests" / "mapping" / "corpus"
FILES: Final = 1000

_LABEL: Final = re.compile(r"(?://|#) @ (.+)$")


@dataclass(frozen=True, slots=True)
class Score:
    """What was found of what is there.

    Attributes:
        right: Names that were found where they are labeled.
        missed: Labels without a find, as `path:line name`.
        invented: Finds without a label, the same way.
        files: How many files the corpus has.
    """

    right: int
    missed: tuple[str, ...]
    invented: tuple[str, ...]
    files: int

    @property
    def precision(self) -> float:
        """The part of the finds that is right."""
        return self.right / max(1, self.right + len(self.invented))

    @property
    def recall(self) -> float:
        """The part of the labels that was found."""
        return self.right / max(1, self.right + len(self.missed))


def score(corpus: Path = CORPUS) -> Score:
    """Scan each program of a corpus, a folder each, and compare with its labels."""
    right = files = 0
    missed: list[str] = []
    invented: list[str] = []
    for program in sorted(corpus.iterdir()):
        wanted, optional = _labels(program)
        found = _found(program)
        right += len(found & wanted)
        missed += [f"{program.name}/{each}" for each in sorted(wanted - found)]
        invented += [f"{program.name}/{each}" for each in sorted(found - wanted - optional)]
        files += sum(1 for path in program.rglob("*") if path.is_file())
    return Score(right, tuple(missed), tuple(invented), files)


def _labels(program: Path) -> tuple[set[str], set[str]]:
    wanted: set[str] = set()
    optional: set[str] = set()
    for path in program.rglob("*"):
        if not path.is_file():
            continue
        name = path.relative_to(program).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = _LABEL.search(line)
            for label in match.group(1).split(",") if match is not None else ():
                place = f"{name}:{number} {label.strip().removesuffix('?')}"
                (optional if label.strip().endswith("?") else wanted).add(place)
    return wanted, optional


def _found(program: Path) -> set[str]:
    return {
        f"{file.path}:{use.span.line} {'import' if use.kind is UseKind.IMPORT else use.symbol}"
        for file in scan(program).files
        for use in file.uses
        if use.kind is not UseKind.TYPE
    }


async def measure_scanning(*, files: int = FILES, repetitions: int = 5) -> Result:
    """Score the corpus, and scan copies of it side by side, as trees of `files` files."""
    result = score()
    others = [path for path in _programs() if "negative" in path.parts]
    users = [path for path in _programs() if "negative" not in path.parts]
    mixed = [
        each
        for number, user in enumerate(users)
        for each in (user, *(others[(number + more) % len(others)] for more in range(9)))
    ]
    notes = (*(f"missed {each}" for each in result.missed),)
    notes += tuple(f"invented {each}" for each in result.invented)
    return Result(
        "scan",
        f"labeled corpus of {result.files} files; speed with trees of {files} files",
        ("figure", "value"),
        (
            ("precision", f"{result.precision:.3f}"),
            ("recall", f"{result.recall:.3f}"),
            ("names found", result.right),
            *_speed("all files use an SDK", users, files, repetitions),
            *_speed("one file in ten does", mixed, files, repetitions),
        ),
        notes,
    )


def _speed(
    name: str, sources: Sequence[Path], files: int, repetitions: int
) -> tuple[tuple[str, Spread], ...]:
    """Scan a tree of copies again and again; two rows of the table."""
    seconds: list[float] = []
    cpu: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        _copy(sources, Path(folder), files)
        for _ in range(repetitions):
            started, worked = time.perf_counter(), time.process_time()
            scan(Path(folder))
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
    return (
        (f"seconds, {name}", Spread.of(seconds, 2)),
        (f"of one core, {name}", Spread.of(cpu, 2)),
    )


def _programs() -> list[Path]:
    return [path for path in sorted(CORPUS.rglob("*")) if path.is_file()]


def _copy(sources: Sequence[Path], folder: Path, files: int) -> None:
    """Write copies of programs, again and again, until there are that many files."""
    for number in range(files):
        source = sources[number % len(sources)]
        target = folder / f"copy{number}" / source.relative_to(CORPUS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
