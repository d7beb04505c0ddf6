"""Files of a program find each other as their languages would."""

from __future__ import annotations

import pytest

from mapping.scan.modules import imports_of, modules_of

EXPORTS = {"connect": "twilio-video:connect"}


@pytest.mark.parametrize(
    ("path", "specifier", "exporting"),
    [
        ("src/room.js", "./sdk", "src/sdk.js"),
        ("src/room.tsx", "./sdk", "src/sdk.ts"),
        ("src/room.ts", "./sdk.js", "src/sdk.ts"),
        ("src/room.mjs", "./sdk.mjs", "src/sdk.mjs"),
        ("src/room.cjs", "./sdk", "src/sdk.cjs"),
        ("src/deep/room.vue", "../sdk", "src/sdk/index.ts"),
        ("web/src/room.ts", "@/sdk", "web/src/sdk.ts"),
        ("app/room.py", ".sdk", "app/sdk.py"),
        ("app/room.py", "app.sdk", "app/sdk/__init__.py"),
    ],
)
def test_a_specifier_leads_to_its_file(path: str, specifier: str, exporting: str) -> None:
    found = modules_of(path, [specifier], {exporting: EXPORTS}, "web")
    assert found == {specifier: EXPORTS}


@pytest.mark.parametrize("specifier", ["sdk", "./other", "./room", "../../sdk"])
def test_other_specifiers_lead_nowhere(specifier: str) -> None:
    assert modules_of("src/room.js", [specifier], {"src/sdk.js": EXPORTS}) == {}


def test_what_is_imported_is_read_by_language() -> None:
    script = "import a from './a'; const b = require('../b'); import React from 'react';"
    assert imports_of("room.js", script) == {"./a", "../b"}
    assert imports_of("room.py", "from .a import b\nimport c.d\n") == {".a", "c.d"}
    assert imports_of("style.css", script) == frozenset()
