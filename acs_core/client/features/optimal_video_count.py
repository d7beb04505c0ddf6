"""`Features.OPTIMAL_VIDEO_COUNT`: how many videos of others the application should show now.

What is measured is the difference between two looks at the statistics of the subscribed videos, and
which videos the service holds back; what follows from it is decided in `core/optimal_video.py`.

Source: `OptimalVideoCountCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Final

from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    ForwardingReported,
    News,
    Sampled,
)
from acs_core.client.ports import Session
from acs_core.core.facts import PublicationKind
from acs_core.core.optimal_video import OptimalVideo, OvcChangeReason, VideoLook
from acs_core.core.receiving import PauseReason
from acs_core.events import OptimalVideoCountEvent
from acs_core.media.stats import ReceiverStats

__all__ = ["OptimalVideoCountCallFeature"]

_ENOUGH: Final = 10
"""Packets or pictures in one look; fewer say nothing."""


class OptimalVideoCountCallFeature(CallFeature):
    """How many videos of others network and processor carry."""

    NAME: ClassVar[str] = "OptimalVideoCount"
    EVENTS: ClassVar[frozenset[str]] = frozenset(OptimalVideoCountEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45600

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._core = OptimalVideo(context.limits.rendered_video)
        self._held_back: dict[str, PauseReason] = {}
        self._before: dict[str, ReceiverStats] = {}

    @property
    def optimal_video_count(self) -> int:
        """How many videos should be shown; `CallLimits.rendered_video` at first."""
        return self._core.count

    @property
    def last_ovc_change_reason(self) -> OvcChangeReason:
        """Why the count changed last; `unknown` before it did."""
        return self._core.reason

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case ForwardingReported(changes=changes):
                for change in changes:
                    self._held_back.pop(change.publication, None)
                    if change.reason is not None:
                        self._held_back[change.publication] = change.reason
            case Sampled(now=now):
                if self._core.look(self._look(self._context.joined_session()), now):
                    self._emit(OptimalVideoCountEvent.OPTIMAL_VIDEO_COUNT_CHANGED)
            case _:
                pass

    def _look(self, session: Session) -> VideoLook:
        stats = session.stats().subscribe
        measured = {} if stats is None else stats.receivers
        receivers = {}
        reasons: Counter[PauseReason | None] = Counter()
        for endpoint in session.roster.endpoints.values():
            for info in endpoint.publications:
                receiver = session.receiver(info.id)
                if info.kind is PublicationKind.VIDEO and receiver is not None and info.enabled:
                    reasons[self._held_back.get(info.id)] += 1
                    if receiver.mid in measured:
                        receivers[info.id] = measured[receiver.mid]
        before, self._before = self._before, receivers
        both = [(before[key], item) for key, item in receivers.items() if key in before]
        return VideoLook(
            forwarded=reasons[None],
            over_budget=reasons[PauseReason.BUDGET],
            over_limit=reasons[PauseReason.MAX_TRACKS],
            loss=_loss(both),
            decoded=_decoded(both),
        )


def _loss(pairs: list[tuple[ReceiverStats, ReceiverStats]]) -> float | None:
    lost = sum(new.packets_lost - old.packets_lost for old, new in pairs)
    arrived = sum(new.packets_received - old.packets_received for old, new in pairs)
    if arrived < 0 or lost + arrived < _ENOUGH:
        return None
    return max(0, lost) / (lost + arrived)


def _decoded(pairs: list[tuple[ReceiverStats, ReceiverStats]]) -> float | None:
    read = [(old, new) for old, new in pairs if old.is_read and new.is_read]
    received = sum(new.frames_received - old.frames_received for old, new in read)
    if received < _ENOUGH:
        return None
    return sum(new.frames_decoded - old.frames_decoded for old, new in read) / received
