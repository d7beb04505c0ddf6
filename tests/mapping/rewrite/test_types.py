"""TypeScript's compiler judges what `migrate` writes, by the declarations that vendors have today.

Names that nobody declares don't count: cases are snippets, and their programs are elsewhere.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest

from mapping.rewrite.choices import read_choices
from mapping.rewrite.notes import NOTE
from mapping.rewrite.project import plan_project
from mapping.rewrite.syntax import parse
from tests.support.type_checker import SCRIPTS, Finding, judge, require_compiler

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]

CORPUS: Final = Path(__file__).parents[1] / "corpus"
CASES: Final = {
    f"{path.stem}/{number}/{case['path']}": case
    for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for number, case in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["case"], 1)
    if PurePosixPath(case["path"]).suffix in SCRIPTS
}
FROM_THE_BETA: Final = {path: case for path, case in CASES.items() if path.startswith("acs_beta")}
TYPED: Final = frozenset({".ts", ".tsx"})
# It is there to show what happens to texts that do not parse; the compiler would judge nothing.
BROKEN: Final = "negative/broken.js"

UNKNOWN_NAMES: Final = frozenset({"TS2304", "TS2307", "TS2552", "TS18004"})


def text_after(case: Mapping[str, Any]) -> str:
    after: str = case.get("after", case["before"])
    return after


def corpus_before() -> dict[str, str]:
    files = (path for path in sorted(CORPUS.rglob("*")) if path.suffix in SCRIPTS)
    texts = {path.relative_to(CORPUS).as_posix(): path.read_text("utf-8") for path in files}
    return {path: text for path, text in texts.items() if path != BROKEN}


def corpus_after() -> dict[str, str]:
    """What `twilio-compat migrate apply --include likely` makes of each program."""
    texts = corpus_before()
    for folder in sorted(CORPUS.iterdir()):
        for one in plan_project(folder, read_choices(include="likely")).changed:
            if (path := f"{folder.name}/{one.plan.path}") in texts:
                texts[path] = one.plan.after
    return texts


def programs() -> Iterator[tuple[str, str]]:
    for path, case in CASES.items():
        yield f"cases/before/{path}", case["before"]
        yield f"cases/after/{path}", text_after(case)
    yield from ((f"corpus/before/{path}", text) for path, text in corpus_before().items())
    yield from ((f"corpus/after/{path}", text) for path, text in corpus_after().items())


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return dict(programs())


@pytest.fixture(scope="module")
def findings(
    texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[Finding]]:
    """What the compiler finds in all programs, names that nobody declares left out."""
    require_compiler()
    found = judge(tmp_path_factory.mktemp("types"), texts)
    return {
        path: [one for one in some if one.code not in UNKNOWN_NAMES] for path, some in found.items()
    }


def is_told(path: str, text: str, finding: Finding) -> bool:
    """Whether a note for a person stands above the statement that a finding is in."""
    lines = text.splitlines(keepends=True)
    offset = sum(map(len, lines[: finding.line - 1])) + finding.column - 1
    place = parse(path, text).statement_at(offset)
    if place is None:
        return False
    for line in reversed(text[: place.start].splitlines()):
        if not line.lstrip().startswith("//"):
            break
        if NOTE.match(line):
            return True
    return False


def names_the_server(path: str, finding: Finding) -> bool:
    """Whether it is the option that Twilio's types do not name, where nobody asked for types."""
    is_script = PurePosixPath(path).suffix not in TYPED
    return is_script and finding.code == "TS2353" and "wsServer'" in finding.text


def untold(path: str, text: str, findings: list[Finding]) -> list[str]:
    """What is wrong with a migrated program, and no note says so."""
    return [
        str(one)
        for one in findings
        if not is_told(path, text, one) and not names_the_server(path, one)
    ]


@pytest.mark.feature("MIGRATE-002")
@pytest.mark.parametrize("path", FROM_THE_BETA)
def test_programs_of_the_beta_have_todays_names_or_a_note(
    path: str, texts: dict[str, str], findings: Mapping[str, list[Finding]]
) -> None:
    program = f"cases/after/{path}"
    assert untold(program, texts[program], findings.get(program, [])) == []


@pytest.mark.parametrize("path", FROM_THE_BETA)
def test_the_compiler_refuses_the_same_programs_before(
    path: str, findings: Mapping[str, list[Finding]]
) -> None:
    assert findings.get(f"cases/before/{path}")


@pytest.mark.parametrize("path", sorted(CASES.keys() - FROM_THE_BETA.keys()))
def test_other_cases_have_nothing_that_they_had_not_before(
    path: str, texts: dict[str, str], findings: Mapping[str, list[Finding]]
) -> None:
    assert added(f"cases/{{}}/{path}", texts, findings) == []


@pytest.mark.parametrize("path", corpus_before())
def test_the_corpus_has_nothing_that_it_had_not_before(
    path: str, texts: dict[str, str], findings: Mapping[str, list[Finding]]
) -> None:
    assert added(f"corpus/{{}}/{path}", texts, findings) == []


def added(place: str, texts: Mapping[str, str], findings: Mapping[str, list[Finding]]) -> list[str]:
    """What is wrong with a program after it was migrated, and was not before."""
    path = place.format("after")
    before = Counter((one.code, one.text) for one in findings.get(place.format("before"), []))
    new: list[Finding] = []
    for one in findings.get(path, []):
        before[one.code, one.text] -= 1
        if before[one.code, one.text] < 0:
            new.append(one)
    return untold(path, texts[path], new)


def test_a_migrated_program_of_the_corpus_is_judged_by_its_types(
    texts: dict[str, str], findings: Mapping[str, list[Finding]]
) -> None:
    places = [path for path in texts if path.endswith("acs_beta/client.js")]
    gone = {path: any("getCameraList" in one.text for one in findings[path]) for path in places}
    assert gone == {
        "corpus/before/acs_beta/client.js": True,
        "corpus/after/acs_beta/client.js": False,
    }


@pytest.mark.parametrize("suffix", sorted(TYPED))
def test_the_server_is_named_in_a_way_that_types_let_through(
    suffix: str, texts: dict[str, str], findings: Mapping[str, list[Finding]]
) -> None:
    naming = [
        path
        for path, text in texts.items()
        if path.startswith("cases/after/server") and path.endswith(suffix) and "wsServer" in text
    ]
    assert naming
    assert [one for path in naming for one in findings.get(path, [])] == []


def test_the_same_options_are_refused_where_they_are_written_plainly(
    findings: Mapping[str, list[Finding]],
) -> None:
    scripts = {path for path in findings if path.startswith("cases/after/server")}
    refused = {path for path in scripts if any("wsServer" in one.text for one in findings[path])}
    assert len(refused) > 5
