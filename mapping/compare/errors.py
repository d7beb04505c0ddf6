"""What can be wrong with a comparison itself, as opposed to what it compares.

```
CompareError
├── ScenarioError        the scenario's text; also ValueError
├── TraceError           a trace's text; also ValueError
├── MissingPieceError    something that must be installed, and how
├── UnreachableError     no service, or it refuses the credentials
└── ActorLostError       a participant's program ended, as a browser that crashes
```
"""

from __future__ import annotations

__all__ = [
    "ActorLostError",
    "CompareError",
    "MissingPieceError",
    "ScenarioError",
    "TraceError",
    "UnreachableError",
]


class CompareError(Exception):
    """Root of what this package raises."""


class ScenarioError(CompareError, ValueError):
    """A scenario cannot be read.

    Attributes:
        place: Where, as `steps[3].expect[0]`, with which the message begins; empty for the whole.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class TraceError(CompareError, ValueError):
    """A trace cannot be read; the message has the line."""


class MissingPieceError(CompareError):
    """Something is not installed; the message says how to get it."""


class UnreachableError(CompareError):
    """There is no service to run the scenario against."""


class ActorLostError(CompareError):
    """A participant's program ended or never began; what it would have done says nothing."""
