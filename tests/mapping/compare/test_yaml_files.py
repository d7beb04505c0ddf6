from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.compare import MissingPieceError, ScenarioError
from mapping.compare.yaml_files import line_of, read_yaml, write_yaml

TEXT = """\
# a comment
steps:
  - ann: join
    expect:
      - ben: sees
        is: red
  - {ben: leave}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.yaml"


def test_every_place_has_its_line(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")
    made, lines = read_yaml(path)
    assert made == {
        "steps": [{"ann": "join", "expect": [{"ben": "sees", "is": "red"}]}, {"ben": "leave"}]
    }
    places = ("steps", "steps[0].ann", "steps[0].expect", "steps[0].expect[0].is", "steps[1]")
    assert [line_of(place, lines) for place in places] == [2, 3, 4, 6, 7]


def test_what_is_not_there_has_the_line_of_what_it_would_be_in(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")
    _, lines = read_yaml(path)
    assert line_of("steps[0].expect[0].of", lines) == 5
    assert line_of("steps[1].with.tracks[0].color", lines) == 7
    assert line_of("actors", lines) == 2
    assert line_of("", {}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  - [", r"one\.yaml:2: "),
        ("a: 1\nb: 2\na: 3", r"one\.yaml:3: 'a' is there twice"),
        ("a: 2026-13-45", r"one\.yaml: month must be"),
        ("a: {[x]: 1}", r"one\.yaml:1: found unhashable key"),
        ("a: !!python/object:os.system {}", r"one\.yaml:1: could not determine"),
        ("a: 1\n---\nb: 2", r"one\.yaml:2: but found another document"),
        ("[" * 1_000, r"one\.yaml: maximum recursion"),
        ("a: \0", r"one\.yaml: unacceptable character"),
    ],
)
def test_what_is_no_such_yaml_is_refused_with_its_line(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        read_yaml(path)


def test_what_cannot_be_read_is_refused(path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"one\.yaml"):
        read_yaml(path)
    path.write_bytes("scenario: Grüße".encode("utf-16"))
    with pytest.raises(ScenarioError, match="utf-8"):
        read_yaml(path)


def test_what_contains_itself_is_read_once(path: Path) -> None:
    path.write_text("a: &a\n  - *a\nb: *a", encoding="utf-8")
    made, lines = read_yaml(path)
    assert isinstance(made, dict)
    assert (line_of("a[0][0]", lines), line_of("b[0]", lines)) == (1, 3)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"# \n\t0123", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.yaml"
        path.write_text(text, encoding="utf-8")
        with contextlib.suppress(ScenarioError):
            assert read_yaml(path)


def test_what_is_written_is_read(path: Path) -> None:
    write_yaml({"title": "Grüße", "steps": [{"ann": "join"}]}, path)
    assert read_yaml(path)[0] == {"title": "Grüße", "steps": [{"ann": "join"}]}


def test_without_pyyaml_it_says_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    for do in (lambda: read_yaml(path), lambda: write_yaml({}, path)):
        with pytest.raises(MissingPieceError, match="migrate"):
            do()
