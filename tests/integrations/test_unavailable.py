from __future__ import annotations

import importlib
import sys

import pytest

from twilio_compat.integrations import IntegrationUnavailableError


def test_without_the_framework_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "twilio_compat.integrations.pipecat", raising=False)
    for name in ("pipecat", "pipecat.frames.frames"):
        monkeypatch.setitem(sys.modules, name, None)  # As if it were not installed.
    with pytest.raises(ImportError, match="cannot be imported") as caught:
        importlib.import_module("twilio_compat.integrations.pipecat")
    assert isinstance(caught.value, IntegrationUnavailableError)
    assert "pip install 'twilio-compat[pipecat]'" in caught.value.next_step
