"""Rules that include or exclude tracks: what is recorded, and what a participant may receive.

The rules of a list are read in order and the last one that matches a track decides; what no rule
matches is excluded. A rule without filters is about every track, one with several filters about the
tracks that pass all of them.

Source: Twilio Video, Recording Rules and Track Subscriptions (Subscribe Rules) REST resources.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from acs_core.core.facts import Priority

__all__ = ["EXCLUDE_ALL", "INCLUDE_ALL", "RuleSubject", "TrackRule", "TrackRules", "includes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSubject:
    """A publication as rules see it.

    Attributes:
        kind: What carries it: audio, video or data.
        publisher: Every way to name who publishes it.
        track: Every way to name the publication.
    """

    kind: str
    publisher: frozenset[str]
    track: frozenset[str]
    priority: Priority = Priority.STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRule:
    """One rule; a filter that is None lets everything pass.

    Attributes:
        is_include: Whether what matches is included; else it is excluded.
        kind: Audio, video or data.
        publisher: An identity, or an id of a participant.
        track: A name, or an id of a publication.
    """

    is_include: bool
    kind: str | None = None
    publisher: str | None = None
    track: str | None = None
    priority: Priority | None = None

    @property
    def is_about_all(self) -> bool:
        """Whether it has no filter."""
        filters = (self.kind, self.publisher, self.track, self.priority)
        return all(value is None for value in filters)

    def matches(self, subject: RuleSubject) -> bool:
        """Whether the publication passes every filter."""
        return (
            self.kind in (None, subject.kind)
            and (self.publisher is None or self.publisher in subject.publisher)
            and (self.track is None or self.track in subject.track)
            and self.priority in (None, subject.priority)
        )


TrackRules: TypeAlias = tuple[TrackRule, ...]

INCLUDE_ALL: Final[TrackRules] = (TrackRule(is_include=True),)
EXCLUDE_ALL: Final[TrackRules] = (TrackRule(is_include=False),)


def includes(rules: Iterable[TrackRule], subject: RuleSubject) -> bool:
    """Whether the last rule that matches the publication includes it."""
    is_included = False
    for rule in rules:
        if rule.matches(subject):
            is_included = rule.is_include
    return is_included
