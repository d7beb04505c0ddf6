"""The commands of `twilio-compat` that plan, do and prove a migration.

Each module has a `register(app)` that adds its commands. They import what they need when they run:
the extra `migrate` may not be installed, and then say so.
"""

from __future__ import annotations

import typer

__all__ = ["register"]

MODULES: tuple[str, ...] = ("scan", "migrate", "matrix", "compare")
"""Modules of this package, in the order of `--help`."""


def register(app: typer.Typer) -> None:
    """Add all commands; the entry point of the group `twilio_compat.commands`."""
    from importlib import import_module

    for module in MODULES:
        import_module(f"mapping.commands.{module}").register(app)
