"""`Features.NETWORK_QUALITY`: levels from 0 (broken) to 5 of everybody in the call (ours).

The service measures; join with `report_network_quality=True` to hear it.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from acs_core.client.features.base import CallContext, CallFeature, News, QualityReported
from acs_core.events import NetworkQualityEvent
from acs_core.wire import QualityLevel

__all__ = ["NetworkQualityFeature"]


class NetworkQualityFeature(CallFeature):
    """Network quality of this client and of the others (not an ACS feature)."""

    NAME: ClassVar[str] = "NetworkQuality"
    EVENTS: ClassVar[frozenset[str]] = frozenset(NetworkQualityEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._levels: dict[str, QualityLevel] = {}

    @property
    def local(self) -> QualityLevel | None:
        """Our own level; None before the first report."""
        return self.level(self._context.endpoint_id)

    def level(self, endpoint_id: str) -> QualityLevel | None:
        """The level of an endpoint, None before its first report.

        Its details are as of the last report, which comes when levels change.
        """
        return self._levels.get(endpoint_id)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if not isinstance(news, QualityReported):
            return
        for level in news.levels:
            before = self._levels.get(level.endpoint)
            self._levels[level.endpoint] = level
            if before is None or _levels(before) != _levels(level):
                is_local = level.endpoint == self._context.endpoint_id
                whose = None if is_local else level.endpoint
                self._emit(NetworkQualityEvent.LEVEL_CHANGED, whose, level)


def _levels(quality: QualityLevel) -> QualityLevel:
    """The levels alone: details differ in every report."""
    return msgspec.structs.replace(quality, details=None)
