from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from twilio_compat.commands import openapi


def test_the_document_is_printed_for_the_place_where_the_service_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    openapi.register(app)
    done = CliRunner().invoke(app, ["--url", "https://video.example.com/"], catch_exceptions=False)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["servers"] == [{"url": "https://video.example.com"}]
    assert "/v1/Rooms/{room}/Participants/{participant}" in document["paths"]
