"""The command line's root, which imports a command only when it runs.

All of them together bring the service, its database and a media stack; whoever asks for a token
should not wait for that.
"""

from __future__ import annotations

from collections import UserDict
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["ENTRY_POINTS", "CommandGroup"]

ENTRY_POINTS: Final = "twilio_compat.commands"
"""Group of entry points by which a distribution adds commands: each has the name of its command,
and names a function that takes a typer application and adds the command to it."""

_OWN: Final = (
    "serve",
    "token",
    "join",
    "demo",
    "doctor",
    "preflight",
    "insights",
    "webhooks",
    "load-test",
    "openapi",
    "turn-config",
)
"""Commands of this package, in the order of `--help`; each is a module beside this one."""


class CommandGroup(TyperGroup):
    """Knows the names of all commands, and imports those it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, in the order of `--help`."""
        return list(self.commands)


class _Commands(UserDict[str, Any]):
    """Commands by their names; one is imported when it is looked up."""

    def __init__(self) -> None:
        own = [
            EntryPoint(name, f"{__package__}.{name.replace('-', '_')}:register", ENTRY_POINTS)
            for name in _OWN
        ]
        super().__init__({entry.name: entry for entry in (*own, *entry_points(group=ENTRY_POINTS))})

    def __getitem__(self, name: str) -> Any:
        app = typer.Typer()
        super().__getitem__(name).load()(app)
        return get_group(app).commands[name]
