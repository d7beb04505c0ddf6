"""`Features.MEDIA_STATS`: samples of a call's media every second, and summaries of them.

The names of the metrics are ACS's in snake_case; they are made in `media_metrics.py`.

Source: `MediaStatsCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from acs_core.client.arguments import check_type
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import CallContext, CallFeature, News, Over, Sampled
from acs_core.client.features.media_metrics import sample_of, summarize
from acs_core.client.features.media_records import (
    MediaStatsReportSample,
    MediaStatsReportSummary,
)
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.events import MediaStatsCollectorEvent

__all__ = ["MediaStatsCallFeature", "MediaStatsCollector", "MediaStatsCollectorOptions"]


@dataclass(frozen=True, slots=True)
class MediaStatsCollectorOptions:
    """How samples become summaries.

    Attributes:
        aggregation_interval: Seconds, that is samples, in one data point.
        data_points_per_aggregation: Data points in one summary.
    """

    aggregation_interval: int = 10
    data_points_per_aggregation: int = 6


class MediaStatsCollector(Emitter):
    """Reports samples and summaries until it is disposed or the call ends."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(MediaStatsCollectorEvent)

    def __init__(
        self,
        options: MediaStatsCollectorOptions,
        owner: TaskOwner,
        on_disposed: Callable[[MediaStatsCollector], None],
    ) -> None:
        super().__init__(owner)
        self._options = options
        self._on_disposed = on_disposed
        self._interval: list[MediaStatsReportSample] = []
        self._points: list[tuple[MediaStatsReportSample, ...]] = []
        self._is_disposed = False

    def take(self, sample: MediaStatsReportSample) -> None:
        """Take a sample; the feature does this every second."""
        if self._is_disposed:
            return
        self._emit(MediaStatsCollectorEvent.SAMPLE_REPORTED, sample)
        self._interval.append(sample)
        if len(self._interval) >= self._options.aggregation_interval:
            self._points.append(tuple(self._interval))
            self._interval.clear()
        if len(self._points) >= self._options.data_points_per_aggregation:
            points, self._points = self._points, []
            summary: MediaStatsReportSummary = summarize(points)
            self._emit(MediaStatsCollectorEvent.SUMMARY_REPORTED, summary)

    def dispose(self) -> None:
        """Report nothing more. Safe to repeat."""
        if not self._is_disposed:
            self._is_disposed = True
            self._on_disposed(self)


class MediaStatsCallFeature(CallFeature):
    """Statistics of a call's media."""

    NAME: ClassVar[str] = "MediaStats"

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._collectors: list[MediaStatsCollector] = []
        self._previous: MediaStatsReportSample | None = None
        self._is_over = False

    def create_collector(
        self, options: MediaStatsCollectorOptions | None = None
    ) -> MediaStatsCollector:
        """Make a collector; it ends with the call.

        Raises:
            InvalidArgumentError: 400/45550, 400/45551: an interval or count below 1.
            InvalidStateError: 400/45552: the call is over.
        """
        chosen = options or MediaStatsCollectorOptions()
        check_type(chosen, MediaStatsCollectorOptions, "The options")
        if chosen.aggregation_interval < 1:
            raise InvalidArgumentError("The aggregation interval is below 1 s.", sub_code=45550)
        if chosen.data_points_per_aggregation < 1:
            raise InvalidArgumentError("A summary needs a data point.", sub_code=45551)
        if self._is_over:
            raise InvalidStateError("The call is over.", code=400, sub_code=45552)
        collector = MediaStatsCollector(chosen, self._context.listeners, self._collectors.remove)
        self._collectors.append(collector)
        return collector

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Sampled() if self._collectors:
                session = self._context.joined_session()
                sample = sample_of(session, datetime.now(UTC), self._previous)
                self._previous = sample
                for collector in tuple(self._collectors):
                    collector.take(sample)
            case Over():
                self._is_over = True
                for collector in tuple(self._collectors):
                    collector.dispose()
            case _:
                pass
