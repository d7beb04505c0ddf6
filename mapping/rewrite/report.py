"""What people and programs are told of a plan."""

from __future__ import annotations

import codecs
import difflib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.rewrite.edits import Change, apply_changes
from mapping.rewrite.notes import NOTE
from mapping.rewrite.planner import FilePlan
from mapping.rewrite.project import FileOnDisk, ProjectPlan
from mapping.rewrite.rules import Target, load_rules
from mapping.rewrite.score import Score
from mapping.rewrite.syntax import Language

__all__ = [
    "as_data",
    "changed_lines",
    "next_steps",
    "patch",
    "print_diff",
    "print_done",
    "print_plan",
    "print_score",
    "unified_diff",
]

_NEXT: Final = {
    Target.SERVER: "Run `twilio-compat serve`; sign access tokens with its API key and secret.",
    Target.TWILIO_COMPAT: "Install twilio-compat where the program runs; "
    "CALLING_SERVICE_URL says where the service is.",
    Target.ACS_CORE: "Install twilio-compat where the program runs; "
    "CALLING_SERVICE_URL says where the service is.",
    Target.ACS_TODAY: "Update @azure/communication-calling and -common: "
    "their betas have none of today's names.",
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
    rules = [rule for rule in load_rules() if rule.id in plan.counts()]
    used = {rule.target for rule in rules}
    if all(Language.PYTHON in rule.languages for rule in rules if rule.target is Target.ACS_TODAY):
        used.discard(Target.ACS_TODAY)  # Python has both names in one package of ours.
    steps = [text for target, text in _NEXT.items() if target in used]
    if plan.kept_scripts and used & {Target.TWILIO_COMPAT, Target.ACS_CORE}:
        steps.append("JavaScript is not translated to Python; --target server keeps its SDK.")
    return list(dict.fromkeys(steps))


def unified_diff(plan: FilePlan) -> Iterator[str]:
    """The difference between before and after, in lines that end as the files' lines do.

    Only a line feed ends a line, as for git; a form feed or a separator of Unicode does not.
    """
    before = re.findall(r"[^\n]*\n|[^\n]+", plan.before)
    after = re.findall(r"[^\n]*\n|[^\n]+", plan.after)
    for line in difflib.unified_diff(before, after, f"a/{plan.path}", f"b/{plan.path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def patch(one: FileOnDisk) -> bytes:
    """The difference as bytes that `git apply` takes: encoded as the file, its mark included."""
    # Git reads a patch by bytes that UTF-16 has not.
    encoding = "utf-8" if one.file.encoding.startswith("utf-16") else one.file.encoding
    marked = one.plan
    if one.file.mark == codecs.BOM_UTF8:
        marked = replace(marked, before="\ufeff" + marked.before, after="\ufeff" + marked.after)
    lines = list(unified_diff(marked))
    head, body = "".join(lines[:2]), "".join(lines[2:])
    return os.fsencode(head) + body.encode(encoding)


def print_diff(console: Console, plan: FilePlan) -> None:
    """Print the difference for people, colored where the console has colors."""
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
        f"{_counted(plan.changes)} in {len(plan.changed)} of {plan.looked_at} files"
        + (f"; {unsure} more with --include likely" if unsure else "")
        + "."
    )
    for step in next_steps(plan) if counts else ():
        console.print(f"next: {step}", highlight=False, soft_wrap=True)


def changed_lines(change: Change, text: str) -> list[str]:
    """The lines that a change removes from its text and adds to it, marked as in a diff."""
    plan = FilePlan("", text, apply_changes(text, [change]))
    lines = [line.rstrip("\r\n") for line in unified_diff(plan)][2:]
    return [line for line in lines if line.startswith(("-", "+"))]


def print_done(
    console: Console, found: ProjectPlan, rounds: Sequence[ProjectPlan], taken_back: str
) -> None:
    """Print what was done, how it is taken back, and what is left for a person.

    Args:
        console: Where.
        found: All that was seen before.
        rounds: What was written, one after the other.
        taken_back: The command that takes it back.
    """
    changes = [change for one in rounds for change in one.changes]
    if changes:
        names = {file.plan.path for one in rounds for file in one.changed}
        console.print(
            f"{_counted(changes)} in {_number(names, 'file')}; {taken_back} takes that back."
        )
    else:
        console.print(f"Nothing to change in {found.looked_at} files.")
    texts = {one.plan.path: one.plan.before for one in found.files}
    texts |= {file.plan.path: file.plan.after for one in rounds for file in one.files}
    for path, text in texts.items():
        for note in NOTE.finditer(text):
            line = text.count("\n", 0, note.start()) + 1
            told = text[note.end() :].partition("\n")[0].rstrip()
            console.print(f"left: {path}:{line}: {told}", markup=False)
    for file in found.files:
        for one in file.plan.left:
            console.print(f"left: {file.plan.path}:{one.line}: {one.summary}", markup=False)
    for name, problem in found.problems:
        console.print(f"not read: {name}: {problem}", markup=False)
    if unsure := sum(len(one.plan.unsure) for one in found.files):
        console.print(f"{unsure} more with --include likely.")
    for step in dict.fromkeys(step for one in rounds for step in next_steps(one)):
        console.print(f"next: {step}", markup=False)


def print_score(console: Console, score: Score) -> None:
    """Print how much of a project is done, before and after what is planned."""
    console.print(f"{score.uses} uses of APIs, {score.pending} wait for a change or a decision.")
    console.print(f"score: {score.before:.0%} now, {score.after:.0%} after `migrate apply`.")


def _print_file(console: Console, plan: FilePlan) -> None:
    console.print(escape(plan.path), style="bold", highlight=False)
    if plan.problem:
        console.print(f"  [red]not read:[/] {escape(plan.problem)}", highlight=False)
    groups = (
        ("", plan.changes),
        ("not sure enough: ", plan.unsure),
        ("withheld: ", plan.withheld),
        ("left: ", plan.left),
    )
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
        "left": [_change_data(one) for one in plan.left],
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


def _counted(changes: Sequence[Change]) -> str:
    notes = [one for one in changes if one.is_note]
    edits = _number([one for one in changes if not one.is_note], "change")
    return f"{edits} and {_number(notes, 'note')}" if notes else edits


def _number(things: Collection[object], name: str) -> str:
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")
