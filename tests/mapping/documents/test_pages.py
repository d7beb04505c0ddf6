"""What single pages say of the data: numbers, quotations, and which errors come up."""

from __future__ import annotations

import pytest

from mapping.differences import DifferenceStatus
from mapping.documents import Library, load_library, made
from mapping.documents.notes import _quoted


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.fixture(scope="module")
def files(library: Library) -> dict[str, str]:
    return made(library)


def test_the_front_page_counts_only_what_is_different(
    library: Library, files: dict[str, str]
) -> None:
    same = sum(row.status is DifferenceStatus.SAME for row in library.differences)
    noticed = len(library.differences) - same
    told = f"{noticed} things that a program may notice, and {same} where one might expect"
    assert told in files["mapping/docs/index.md"]


def test_errors_stand_in_the_order_of_their_codes_with_the_tests_that_raise_them(
    library: Library, files: dict[str, str]
) -> None:
    lines = files["mapping/docs/errors.md"].splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| 53")]
    assert [row[0] for row in cells] == sorted(row[0] for row in cells)
    raised = {row[0] for row in cells if row[3] != "no"}
    assert {"53205", "53108"} <= raised
    assert not {"53003", "53407"} & raised
    known = {str(row.code) for row in library.errors if row.proof and row.code >= 53000}
    assert raised == known


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("twilio/room.md", "names of `twilio_compat` are bold"),
        ("acs/call.md", "In the column of Python are names of `acs_core`."),
        ("videosdk/meeting.md", "the same name in `mapping.videosdk`"),
    ],
)
def test_a_page_explains_the_columns_that_it_has(
    page: str, told: str, files: dict[str, str]
) -> None:
    introduction = files[f"mapping/docs/{page}"].partition("## ")[0]
    assert told in introduction
    assert ("column of Python" in introduction) == ("In Python" in files[f"mapping/docs/{page}"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call.api(...)", "`call.api(...)`"),
        ("curl -X POST https://...", "`curl -X POST https://...`"),
        ("It returns a promise.", "It returns a promise."),
        ("'stateChanged' and callEndReason", "'stateChanged' and callEndReason"),
        ("The link ends with platform-web.md#...", "The link ends with platform-web.md#..."),
        ("<script src='x'>", "`<script src='x'>`"),
    ],
)
def test_code_of_guides_is_shown_as_code(text: str, shown: str) -> None:
    assert _quoted(text) == shown
