"""Python's spelling of a name and the vendors'."""

from __future__ import annotations

import re

__all__ = ["camel", "snake"]


def camel(name: str) -> str:
    """The vendors' spelling: `local_participant` is `localParticipant`."""
    head, *rest = name.split("_")
    if not head or not rest or not name.islower():
        return name
    return head + "".join(word.capitalize() for word in rest)


def snake(name: str) -> str:
    """Python's spelling: `localParticipant` is `local_participant`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
