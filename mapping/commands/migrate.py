"""`twilio-compat migrate`: plan, show, make and take back the edits of a migration.

Exit codes: 0 nothing is left to do, or it was done; 1 there is something to do (`plan`, `diff`,
`status`) or it was refused (`apply`, `undo`); 2 wrong usage; 3 a file could not be read.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from rich.console import Console

from acs_core.errors import InvalidArgumentError, Stage
from mapping.commands.extra import INSTALL, missing_package

if TYPE_CHECKING:
    from mapping.rewrite.edits import Change
    from mapping.rewrite.planner import Decide, FilePlan, PlanOptions
    from mapping.rewrite.project import ProjectPlan

__all__ = ["register"]

_REFUSED: Final = 1
_UNREADABLE: Final = 3

Root = Annotated[Path, typer.Argument(help="File or folder.")]
TargetOption = Annotated[
    str,
    typer.Option(
        help="auto (the cheapest way), server, twilio_compat, acs_core, acs-today, azure-server "
        "or correct."
    ),
]
From = Annotated[
    str, typer.Option("--from", help="auto, twilio, twilio_compat or acs: what is migrated.")
]
Include = Annotated[str, typer.Option(help="exact, or likely for changes that are less sure, too.")]
Only = Annotated[list[str] | None, typer.Option(help="Only this rule; may be repeated.")]
Without = Annotated[list[str] | None, typer.Option(help="Not this rule; may be repeated.")]
ServerUrl = Annotated[str, typer.Option("--server", help="URL of your service.")]
Module = Annotated[
    list[str] | None,
    typer.Option(help="A Python module of yours with Twilio's names; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoNotes = Annotated[bool, typer.Option("--no-notes", help="Leave no comments for people.")]
DEFAULT_SERVER: Final = "http://127.0.0.1:7780"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Migrate programs: plan, diff, apply, undo, status."
    )
    for command in (plan, diff, apply, undo, status):
        group.command()(command)
    app.add_typer(group, name="migrate")


def plan(
    path: Root = Path(),
    target: TargetOption = "auto",
    origin: From = "auto",
    include: Include = "exact",
    only: Only = None,
    without: Without = None,
    server: ServerUrl = DEFAULT_SERVER,
    module: Module = None,
    no_notes: NoNotes = False,
    as_json: AsJson = False,
) -> None:
    """Say what would be changed, why, and how sure that is."""
    from mapping.rewrite.report import as_data, print_plan

    options = _options(target, origin, include, only, without, server, module, no_notes)
    found = _plan(path, options)
    if as_json:
        print(json.dumps(as_data(found), indent=2))
    else:
        print_plan(Console(), found)
    _exit(found)


def diff(
    path: Root = Path(),
    target: TargetOption = "auto",
    origin: From = "auto",
    include: Include = "exact",
    only: Only = None,
    without: Without = None,
    server: ServerUrl = DEFAULT_SERVER,
    module: Module = None,
    no_notes: NoNotes = False,
) -> None:
    """Show what would be changed as a unified diff, which `git apply` takes."""
    from mapping.rewrite.report import patch, print_diff

    options = _options(target, origin, include, only, without, server, module, no_notes)
    found = _plan(path, options)
    console = Console()
    for one in found.changed:
        if console.is_terminal:
            print_diff(console, one.plan)
        else:
            typer.echo(patch(one), nl=False)
    for name, problem in found.problems:
        _tell(f"{name}: not read: {problem}")
    _exit(found)


def apply(
    path: Root = Path(),
    target: TargetOption = "auto",
    origin: From = "auto",
    include: Include = "exact",
    only: Only = None,
    without: Without = None,
    server: ServerUrl = DEFAULT_SERVER,
    module: Module = None,
    no_notes: NoNotes = False,
    interactive: Annotated[bool, typer.Option(help="Ask for each change.")] = False,
    split_commits: Annotated[bool, typer.Option(help="Commit each rule's changes alone.")] = False,
    force: Annotated[bool, typer.Option(help="Although something is uncommitted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change the files; `undo` takes it back."""
    from mapping.rewrite.report import as_data, print_done

    if interactive and as_json:
        raise InvalidArgumentError(
            "--interactive asks where --json prints.",
            stage=Stage.ARGUMENT,
            next_step="Give one of them.",
        )
    options = _options(target, origin, include, only, without, server, module, no_notes)
    decide = _Asking().decide if interactive else None
    found, rounds = _apply(path, options, decide, is_split=split_commits, force=force)
    if as_json:
        print(json.dumps(as_data(found), indent=2))
    else:
        undoing = f"`twilio-compat migrate undo {shlex.quote(str(path))}`"
        taken_back = "`git revert`" if split_commits else undoing
        print_done(Console(highlight=False, soft_wrap=True), found, rounds, taken_back)
    if found.problems:
        raise typer.Exit(_UNREADABLE)


def undo(
    path: Root = Path(),
    force: Annotated[bool, typer.Option(help="Although files were changed since.")] = False,
) -> None:
    """Take back what the newest `apply` in a folder has written."""
    from mapping.rewrite.applying import RefusedError, undo_newest

    try:
        entry = undo_newest(path, force=force)
    except RefusedError as error:
        _fail(str(error))
    print(f"As they were before {entry.made_at}:")
    for name in entry.files:
        print(f"  {name}")


def status(
    path: Root = Path(),
    target: TargetOption = "auto",
    origin: From = "auto",
    server: ServerUrl = DEFAULT_SERVER,
    module: Module = None,
    as_json: AsJson = False,
) -> None:
    """Say how much of a project is done, and what is left."""
    from mapping.rewrite.report import print_score
    from mapping.rewrite.score import score
    from mapping.rewrite.store import UndoStore

    options = _options(target, origin, "exact", None, None, server, module, False)
    found = _plan(path, options)
    result = score(found)
    try:
        entries = UndoStore(found.root).entries()
    except ValueError as error:
        _fail(str(error))
    if as_json:
        print(json.dumps({
            "uses": result.uses, "pending": result.pending, "left": result.left,
            "before": result.before, "after": result.after,
            "rules": dict(sorted(found.counts().items())),
            "problems": dict(found.problems),
            "applied": [{"at": one.made_at, "files": one.files, "rules": one.rules}
                        for one in entries],
        }, indent=2))  # fmt: skip
    else:
        print_score(Console(highlight=False), result)
        for one in entries:
            print(f"applied {one.made_at}: {sum(one.rules.values())} changes in "
                  f"{len(one.files)} files")  # fmt: skip
        for name, problem in found.problems:
            print(f"not read: {name}: {problem}")
    _exit(found)


def _options(
    target: str,
    origin: str,
    include: str,
    only: list[str] | None,
    without: list[str] | None,
    server: str,
    module: list[str] | None,
    no_notes: bool,
) -> PlanOptions:
    """Read the options, which are the same for all commands.

    Raises:
        InvalidArgumentError: One has none of its values, or the extra is not installed.
    """
    _need_extra()
    from mapping.rewrite.choices import WrongChoiceError, read_choices

    try:
        return read_choices(
            target=target,
            origin=origin,
            include=include,
            only=only or (),
            without=without or (),
            server=server,
            modules=module or (),
            has_notes=not no_notes,
        )
    except WrongChoiceError as error:
        raise InvalidArgumentError(
            str(error), stage=Stage.ARGUMENT, next_step=error.next_step
        ) from error


def _need_extra() -> None:
    missing = missing_package("ast_grep_py", "libcst")
    if missing is not None:
        raise InvalidArgumentError(
            f"Programs are read with {missing}, which is not installed.",
            stage=Stage.ARGUMENT,
            next_step=INSTALL,
        )


def _plan(
    path: Path, options: PlanOptions, decide: Callable[[FilePlan], Decide] | None = None
) -> ProjectPlan:
    from mapping.rewrite.project import plan_project

    try:
        return plan_project(path, options, decide=decide)
    except FileNotFoundError as error:
        raise InvalidArgumentError(str(error), stage=Stage.ARGUMENT) from error


def _apply(
    path: Path,
    options: PlanOptions,
    decide: Callable[[FilePlan], Decide] | None,
    *,
    is_split: bool,
    force: bool,
) -> tuple[ProjectPlan, list[ProjectPlan]]:
    """What was found, and what was written, one round after the other."""
    from mapping.rewrite.applying import (
        RefusedError,
        apply_plan,
        apply_rule_by_rule,
        check_clean,
    )

    try:
        if decide is not None:
            check_clean(path, force=force)  # Before the questions, not after them.
        if is_split:
            found = _plan(path, options)
            return found, apply_rule_by_rule(path, options, force=force, decide=decide)
        found = _plan(path, options, decide)
        apply_plan(found, force=force)
    except RefusedError as error:
        _fail(str(error))
    return found, [found]


def _exit(found: ProjectPlan) -> None:
    if found.problems:
        raise typer.Exit(_UNREADABLE)
    if found.changed:
        raise typer.Exit(_REFUSED)


def _tell(message: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)


def _fail(message: str) -> NoReturn:
    _tell(message)
    raise typer.Exit(_REFUSED)


class _Asking:
    """Asks for each change: yes, no, all that follow, or quit, which refuses all that follow."""

    _ANSWERS: Final = ("y", "n", "a", "q")

    def __init__(self) -> None:
        self._rest: bool | None = None

    def decide(self, plan: FilePlan) -> Decide:
        """Ask about the changes of a file."""
        from mapping.rewrite.report import changed_lines

        def ask(change: Change, text: str) -> bool:
            if self._rest is not None:
                return self._rest
            print(f"{plan.path}:{change.line}:{change.column} {change.rule}: {change.summary}")
            for line in changed_lines(change, text):
                print(line)
            answer = ""
            while answer not in self._ANSWERS:
                question = "y yes, n no, a all that follow, q none that follow"
                answer = typer.prompt(question, default="y").strip()[:1].lower()
            if answer in ("a", "q"):
                self._rest = answer == "a"
            return answer in ("y", "a")

        return ask
