"""Compositions: one file made of a call's recorded tracks, in a process of its own.

`compositions.py` is the part of the service: states, table, observers; `hooks.py` keeps what makes
them of rooms that are over; `model.py` says what a composition is; `tracks.py` is how it sees the
recordings; `process.py` runs the renderer (`acs_core.compositing`).
"""

from acs_core.service.compositions.compositions import Compositions
from acs_core.service.compositions.model import (
    Composition,
    CompositionEvent,
    CompositionHook,
    CompositionObserver,
    CompositionOrder,
    CompositionState,
    Purpose,
)

__all__ = [
    "Composition",
    "CompositionEvent",
    "CompositionHook",
    "CompositionObserver",
    "CompositionOrder",
    "CompositionState",
    "Compositions",
    "Purpose",
]
