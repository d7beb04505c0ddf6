"""How far a migration is: which uses of the former APIs still wait for something."""

from __future__ import annotations

from dataclasses import dataclass

from mapping.rewrite.project import ProjectPlan

__all__ = ["Score", "score"]


@dataclass(frozen=True, slots=True)
class Score:
    """How much is done.

    Attributes:
        uses: Places at which the project uses an API that rules know.
        pending: Of these, those that wait for a change or for a person's decision.
        left: Of these, those that wait after the planned changes, too.
    """

    uses: int
    pending: int
    left: int

    @property
    def before(self) -> float:
        """Share of uses for which nothing is to be done, 0 to 1."""
        return 1.0 if not self.uses else 1 - self.pending / self.uses

    @property
    def after(self) -> float:
        """The same once the planned changes are made; comments left for a person still wait."""
        return 1.0 if not self.uses else 1 - self.left / self.uses


def score(plan: ProjectPlan) -> Score:
    """Score a project by what would be done now."""
    changes = plan.changes
    waiting = [
        change
        for one in plan.files
        for change in (*one.plan.unsure, *one.plan.withheld, *one.plan.left)
    ]
    notes = sum(change.is_note for change in changes)
    comments = sum(one.plan.comments for one in plan.files)
    left = len(waiting) + notes + comments
    pending = len(changes) + len(waiting) + comments
    total = max(plan.uses, pending)
    return Score(total, pending, min(left, total))
