"""Code that must not have the rights of the superuser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["unprivileged"]

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody in this block.

    SVT-AV1 gives its threads the highest real-time priority where it may; two such processes
    starve a machine of two processors, and themselves.
    """
    is_superuser = os.geteuid() == 0
    if is_superuser:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_superuser:
            os.seteuid(0)
