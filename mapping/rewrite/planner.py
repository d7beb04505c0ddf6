"""From one text to its changes.

Theory of operation. A pass reads the text, asks the rules, and makes the changes that do not touch
each other; the next pass reads what came out, until a pass changes nothing. So one rule may build
on another, and a second run of the whole finds nothing to do. A change after which the text has
more places that cannot be parsed than before is taken back and reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from mapping.rewrite.actions import Context, Note, Server, change, registered
from mapping.rewrite.edits import Change, apply_changes, without_overlaps
from mapping.rewrite.files import file_changes
from mapping.rewrite.notes import NOTE, comment_change
from mapping.rewrite.rules import RewriteRule, Target, load_rules
from mapping.rewrite.syntax import Language, Syntax, UnparsableTextError, language_of, parse
from mapping.sources.uses import Confidence, SourceFile

__all__ = ["DEFAULT_TARGETS", "FilePlan", "PlanOptions", "plan_text"]

DEFAULT_TARGETS: Final = frozenset(
    {Target.SERVER, Target.TWILIO_COMPAT, Target.ACS_TODAY, Target.CORRECT}
)
"""The cheapest way that works, for each file."""

# A rule's change makes room for another's at most a few times; more would be rules in a circle.
_PASSES: Final = 12

Decide: TypeAlias = Callable[[Change, str], bool]
Modules: TypeAlias = Mapping[str, Mapping[str, str]]
_NO_MODULES: Final[Modules] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What is asked for.

    Attributes:
        targets: Which rules apply.
        confidences: How sure the reader must be.
        only: Ids of the only rules to apply; empty for all.
        without: Ids of rules not to apply.
        server: Where programs find the service.
        modules: Python modules that have Twilio's shape, besides those that are known.
        has_notes: Whether comments are left.
    """

    targets: frozenset[Target] = DEFAULT_TARGETS
    confidences: frozenset[Confidence] = frozenset({Confidence.EXACT})
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    server: Server = field(default_factory=Server)
    modules: tuple[str, ...] = ()
    has_notes: bool = True

    def rules(self) -> list[RewriteRule]:
        """The rules that apply, in their order."""
        return [
            rule
            for rule in load_rules()
            if rule.target in self.targets
            and rule.id not in self.without
            and (not self.only or rule.id in self.only)
        ]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What happens to one text.

    Attributes:
        path: Of the file, as given.
        before: Its text.
        after: Its text with all changes.
        changes: What was changed, pass by pass; later places are those of the changed text.
        unsure: What would be changed if less sure changes were asked for.
        withheld: What would leave a text that does not parse, or was refused.
        left: What a person has to decide and no comment tells: none is wanted, or none can stand
            there. These have no edits.
        problem: Why the text could not be read; empty when all is well.
        uses: At how many places the text uses an API, before the changes.
        comments: How many notes for a person stood in it already.
    """

    path: str
    before: str
    after: str
    changes: tuple[Change, ...] = ()
    unsure: tuple[Change, ...] = ()
    withheld: tuple[Change, ...] = ()
    left: tuple[Change, ...] = ()
    problem: str = ""
    uses: int = 0
    comments: int = 0


@dataclass(slots=True)
class _Progress:
    text: str
    modules: Modules
    uses: int | None = None
    made: list[Change] = field(default_factory=list)
    unsure: list[Change] = field(default_factory=list)
    withheld: list[Change] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)
    refused: set[tuple[str, str, str]] = field(default_factory=set)


def plan_text(
    path: str,
    text: str,
    options: PlanOptions,
    decide: Decide = lambda change, text: True,
    *,
    modules: Modules = _NO_MODULES,
) -> FilePlan:
    """Plan the changes of one text.

    Args:
        path: Its name, which says the language.
        text: All of it, without a byte order mark.
        options: What is asked for.
        decide: Asked once for each change, in the order of the text, with the text that it would
            change; a change that it refuses is not made.
        modules: For specifiers of the program's own scripts, what those export
            (`SourceFile.exports`).
    """
    if not modules and not _could_matter(path, text, options.modules):
        return FilePlan(path, text, text)
    progress = _Progress(text, modules)
    try:
        rules = [rule for rule in options.rules() if language_of(path) in rule.languages]
        for _ in range(_PASSES):
            if not _one_pass(path, progress, rules, options, decide):
                break
    except UnparsableTextError as error:
        return FilePlan(path, text, text, problem=str(error))
    except RecursionError:
        return FilePlan(path, text, text, problem="nests too deeply to be read")
    return FilePlan(
        path,
        text,
        progress.text,
        tuple(progress.made),
        tuple(progress.unsure),
        tuple(progress.withheld),
        tuple(progress.left),
        uses=progress.uses or 0,
        comments=len(NOTE.findall(text)),
    )


def _could_matter(path: str, text: str, modules: Sequence[str]) -> bool:
    """Whether a text mentions anything that rules are about; cheap, and sure when False."""
    if language_of(path) is Language.PYTHON:
        from mapping.sources import python

        return python.could_use(text) or any(module in text for module in modules)
    from mapping.sources import javascript

    return language_of(path) is not None and javascript.could_use(text)


def _one_pass(
    path: str,
    progress: _Progress,
    rules: Sequence[RewriteRule],
    options: PlanOptions,
    decide: Decide,
) -> bool:
    """Make what can be made at once; says whether something was."""
    text = progress.text
    source = _read(path, text, progress.modules)
    if source.problem and not source.uses:
        raise UnparsableTextError(source.problem)
    syntax = parse(path, text)
    if progress.uses is None:
        progress.uses = len(source.uses)
    proposed = list(_propose(syntax, source, rules, options))
    progress.unsure = [one for one in proposed if one.confidence not in options.confidences]
    sure = [one for one in proposed if one.confidence in options.confidences]
    progress.left = [one for one in sure if not one.edits]
    open_ = [one for one in sure if one.edits and _key(one, text) not in progress.refused]
    # What a person has to do is known when there is nothing left that can be done without one.
    edits = [one for one in open_ if not one.is_note]
    made, _ = without_overlaps(edits or open_)
    accepted = [one for one in made if decide(one, text)]
    refused = [one for one in made if one not in accepted]
    accepted, broken = _parsable(path, text, accepted, syntax.problems())
    progress.withheld += [*refused, *broken]
    progress.refused |= {_key(one, text) for one in (*refused, *broken)}
    progress.text = apply_changes(text, accepted)
    progress.made += accepted
    return bool(accepted)


def _read(path: str, text: str, modules: Modules) -> SourceFile:
    if language_of(path) is Language.PYTHON:
        from mapping.sources import python

        return python.read(path, text)
    from mapping.sources import javascript

    return javascript.read(path, text, modules=modules)


def _propose(
    syntax: Syntax, source: SourceFile, rules: Sequence[RewriteRule], options: PlanOptions
) -> Iterable[Change]:
    context = Context(syntax, source.uses, options.server)
    actions = registered()
    seen: set[tuple[str, int]] = set()
    for rule in rules:
        if not rule.symbols:
            for one in file_changes(context, rule, options.modules):
                is_told = one.is_note and not options.has_notes
                yield replace(one, edits=()) if is_told else one
            continue
        for use in source.uses:
            if not rule.is_about(use):
                continue
            result = actions[rule.action](context, use, rule)
            if isinstance(result, Note):
                place = syntax.statement_at(use.span.start)
                start = use.span.start if place is None else place.start
                if (rule.id, start) in seen:
                    continue
                seen.add((rule.id, start))
                if place is None or not options.has_notes:
                    result = replace(change(use, rule, result.text), is_note=True)
                else:
                    result = comment_change(syntax, use, rule, result)
            if result is not None:
                yield result


def _parsable(
    path: str, text: str, changes: Sequence[Change], problems: int
) -> tuple[list[Change], list[Change]]:
    """Divide changes into those after which the text parses, and those that break it."""
    if not changes or _problems(path, apply_changes(text, changes)) <= problems:
        return list(changes), []
    good: list[Change] = []
    broken: list[Change] = []
    for one in changes:
        fits = _problems(path, apply_changes(text, [*good, one])) <= problems
        (good if fits else broken).append(one)
    return good, broken


def _problems(path: str, text: str) -> float:
    try:
        return parse(path, text).problems()
    except UnparsableTextError:
        return float("inf")


def _key(change: Change, text: str) -> tuple[str, str, str]:
    """What makes a change the same in the next pass, although it may have moved."""
    return change.rule, change.summary, text.split("\n")[change.line - 1]
