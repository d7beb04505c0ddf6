"""How many videos of others should be shown: as many as network and processor carry.

Theory of operation. The count begins at the limit of the call and goes down only by evidence, seen
in two looks in a row: the service holds videos back for lack of bandwidth, pictures lose packets,
or the decoder does not keep up. An estimate of the bandwidth alone is no evidence, because it does
not exceed by much what is being sent. After a cut the application has time to follow. Calm for a
while lets one video more be tried. Pure: the caller measures and gives the time.

Source: `OptimalVideoCountCallFeature` of @azure/communication-calling 2.0.0 for the reasons; the
rules are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["OptimalVideo", "OvcChangeReason", "VideoLook"]

LOSS: Final = 0.05
"""Share of packets whose loss a viewer sees."""
DECODED: Final = 0.9
"""Share of pictures that a decoder that keeps up decodes within the same look, at least."""
FOLLOW_SECONDS: Final = 3.0
CALM_SECONDS: Final = 5.0


class OvcChangeReason(StrEnum):
    """Why the optimal number of videos changed last."""

    BANDWIDTH = "bandwidth"
    PERFORMANCE = "performance"
    EXTERNAL_LIMIT = "externalLimit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VideoLook:
    """What was seen of all received videos since the last look.

    Attributes:
        forwarded: Videos that the service sends us.
        over_budget: Videos that it holds back for lack of bandwidth.
        over_limit: Videos that it holds back because the application wants so many at most.
        loss: 0 to 1, of their packets; None when too few came.
        decoded: 0 to 1, of their complete pictures; None when too few came.
    """

    forwarded: int
    over_budget: int = 0
    over_limit: int = 0
    loss: float | None = None
    decoded: float | None = None


class OptimalVideo:
    """The optimal number of videos in one call.

    Attributes:
        count: The number, from 0 or 1 up to the limit.
        reason: Why it changed last.
    """

    def __init__(self, limit: int) -> None:
        """Begin with `limit`, the number of videos that the call shows at most."""
        self.count = limit
        self.reason = OvcChangeReason.UNKNOWN
        self._limit = limit
        self._suspect: OvcChangeReason | None = None
        self._cut_at: float | None = None
        self._calm_since: float | None = None

    def look(self, seen: VideoLook, now: float) -> bool:
        """Take what was seen until `now`; return whether the count changed."""
        limit = min(self._limit, seen.forwarded) if seen.over_limit else self._limit
        if self.count > limit:
            self._calm_since = None
            return self._set(limit, OvcChangeReason.EXTERNAL_LIMIT)
        trouble = _trouble(seen)
        is_confirmed = trouble is not None and trouble is self._suspect
        self._suspect = trouble
        if trouble is not None:
            self._calm_since = None
            return is_confirmed and self._cut(seen, trouble, now)
        if self._calm_since is None:
            self._calm_since = now
        if self.count < limit and now - self._calm_since >= CALM_SECONDS:
            self._calm_since = now
            return self._set(self.count + 1, self.reason)
        return False

    def _cut(self, seen: VideoLook, trouble: OvcChangeReason, now: float) -> bool:
        if self._cut_at is not None and now - self._cut_at < FOLLOW_SECONDS:
            return False
        carried = seen.forwarded if seen.over_budget else seen.forwarded - 1
        self._cut_at = now
        return self._set(min(self.count, max(1, carried)), trouble)

    def _set(self, count: int, reason: OvcChangeReason) -> bool:
        if count == self.count:
            return False
        self.count, self.reason = count, reason
        return True


def _trouble(seen: VideoLook) -> OvcChangeReason | None:
    if seen.over_budget or (seen.forwarded and seen.loss is not None and seen.loss >= LOSS):
        return OvcChangeReason.BANDWIDTH
    if seen.forwarded and seen.decoded is not None and seen.decoded < DECODED:
        return OvcChangeReason.PERFORMANCE
    return None
