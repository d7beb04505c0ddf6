"""What people and programs are told of a plan."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.rewrite.edits import Change
from mapping.rewrite.planner import FilePlan
from mapping.rewrite.project import ProjectPlan
from mapping.rewrite.rules import Target, load_rules
from mapping.rewrite.score import Score

__all__ = ["as_data", "next_steps", "print_diff", "print_plan", "print_score", "unified_diff"]

_NEXT: Final = {
    Target.SERVER: "Run `twilio-compat serve`; sign access tokens with its API key and secret.",
    Target.TWILIO_COMPAT: "Install twilio-compat where the program runs; "
    "CALLING_SERVICE_URL says where the service is.",
    Target.ACS_CORE: "Install twilio-compat where the program runs; "
    "CALLING_SERVICE_URL says where the service is.",
    Target.ACS_TODAY: "Update @azure/communication-calling: its beta has none of today's names.",
}
_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def as_data(plan: ProjectPlan) -> dict[str, Any]:
    """A plan as JSON can hold it."""
    return {
        "root": plan.root.as_posix(),
        "looked_at": plan.looked_at,
        "rules": dict(sorted(plan.counts().items())),
        "next_steps": next_steps(plan),
        "files": [_file_data(one.plan) for one in plan.files],
    }


def next_steps(plan: ProjectPlan) -> list[str]:
    """What is to be done besides the changes, in no file that could be changed."""
    targets = {rule.id: rule.target for rule in load_rules()}
    used = {targets[rule] for rule in plan.counts()}
    steps = [text for target, text in _NEXT.items() if target in used]
    if used & {Target.TWILIO_COMPAT, Target.ACS_CORE}:
        steps.append("JavaScript is not translated to Python; --target server keeps its SDK.")
    return list(dict.fromkeys(steps))


def unified_diff(plan: FilePlan) -> Iterator[str]:
    """The difference between before and after, in lines that end as the files' lines do."""
    before = plan.before.splitlines(keepends=True)
    after = plan.after.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, f"a/{plan.path}", f"b/{plan.path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def print_diff(console: Console, plan: FilePlan) -> None:
    """Print the difference, colored where the console has colors."""
    for line in unified_diff(plan):
        style = "bold" if line.startswith(("+++", "---")) else _STYLES.get(line[0])
        # "\r" would move the cursor, and brackets are no markup.
        text = line.rstrip("\r\n")
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_plan(console: Console, plan: ProjectPlan) -> None:
    """Print what would be done, by file and by rule, and what would not, and why."""
    for one in plan.files:
        _print_file(console, one.plan)
    reasons = {rule.id: rule.why for rule in load_rules()}
    counts = plan.counts()
    if counts:
        table = Table("Rule", "Changes", "Why", title="By rule", title_justify="left")
        for rule, count in sorted(counts.items()):
            table.add_row(rule, str(count), escape(reasons.get(rule, "")))
        console.print(table)
    unsure = sum(len(one.plan.unsure) for one in plan.files)
    console.print(
        f"{len(plan.changes)} changes in {len(plan.changed)} of {plan.looked_at} files"
        + (f"; {unsure} more with --include likely" if unsure else "")
        + "."
    )
    for step in next_steps(plan) if counts else ():
        console.print(f"next: {step}", highlight=False, soft_wrap=True)


def print_score(console: Console, score: Score) -> None:
    """Print how much of a project is done, before and after what is planned."""
    console.print(f"{score.uses} uses of APIs, {score.pending} wait for a change or a decision.")
    console.print(f"score: {score.before:.0%} now, {score.after:.0%} after `migrate apply`.")


def _print_file(console: Console, plan: FilePlan) -> None:
    console.print(escape(plan.path), style="bold", highlight=False)
    if plan.problem:
        console.print(f"  [red]not read:[/] {escape(plan.problem)}", highlight=False)
    groups = (("", plan.changes), ("not sure enough: ", plan.unsure), ("withheld: ", plan.withheld))
    for prefix, changes in groups:
        for one in changes:
            kind = "note: " if one.is_note else ""
            text = escape(f"{prefix}{kind}{one.summary}")
            place = f"{one.line}:{one.column}"
            console.print(
                f"  {place:>8}  {one.rule}  {one.confidence}  {text}", highlight=False,
                soft_wrap=True,
            )  # fmt: skip


def _file_data(plan: FilePlan) -> dict[str, Any]:
    return {
        "path": plan.path,
        "problem": plan.problem,
        "changes": [_change_data(one) for one in plan.changes],
        "unsure": [_change_data(one) for one in plan.unsure],
        "withheld": [_change_data(one) for one in plan.withheld],
        "diff": "".join(unified_diff(plan)),
    }


def _change_data(change: Change) -> dict[str, Any]:
    return {
        "rule": change.rule,
        "line": change.line,
        "column": change.column,
        "confidence": change.confidence,
        "summary": change.summary,
        "why": change.why,
        "note": change.is_note,
    }
