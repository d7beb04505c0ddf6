"""Rules about whole files, not about single uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mapping.rewrite.actions import Context
from mapping.rewrite.edits import Change
from mapping.rewrite.rules import RewriteRule

__all__ = ["file_changes"]


def file_changes(context: Context, rule: RewriteRule, modules: Sequence[str]) -> Iterator[Change]:
    """What a rule without symbols changes in a text.

    Args:
        context: The text and its uses.
        rule: One whose action is about files.
        modules: Python modules of Twilio's shape, besides those that are known.
    """
    from mapping.rewrite.imports import twilio_imports
    from mapping.rewrite.legacy import legacy_imports
    from mapping.rewrite.to_core import to_core

    match rule.action:
        case "twilio_imports":
            yield from twilio_imports(context, rule, modules)
        case "legacy_import":
            yield from legacy_imports(context, rule)
        case "to_acs_core":
            yield from to_core(context, rule)
        case _:
            raise ValueError(f"{rule.id}: there is no action {rule.action} for files")
