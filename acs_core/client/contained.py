"""Calls that must not be able to break the caller: listeners of connections and sessions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

__all__ = ["tell"]

_log = logging.getLogger(__name__)

_Arguments = ParamSpec("_Arguments")


def tell(
    listener: Callable[_Arguments, None], *args: _Arguments.args, **kwargs: _Arguments.kwargs
) -> None:
    """Call a listener; what it raises is logged, and the caller goes on."""
    try:
        listener(*args, **kwargs)
    except Exception:
        _log.exception("a listener failed")
