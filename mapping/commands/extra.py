"""The packages of the extra `migrate`, without which programs cannot be read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

__all__ = ["INSTALL", "missing_package"]

INSTALL: Final = "pip install 'twilio-compat[migrate]'"


def missing_package(*names: str) -> str | None:
    """The first of some packages that is not installed; None if all are."""
    return next((name for name in names if find_spec(name) is None), None)
