"""Passing on what clients say of their own trouble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from acs_core import wire
from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.endpoints import Endpoint

__all__ = ["pass_on"]

MOST_REPORTS: Final = 32
LONGEST_NAME: Final = 64


def pass_on(endpoint: Endpoint, reports: Sequence[wire.DiagnosticReport]) -> None:
    """Tell everybody else in the call.

    Raises:
        InvalidArgumentError: 400/45400: there are none, too many, or names of no diagnostic.
    """
    if not 0 < len(reports) <= MOST_REPORTS or any(
        not 0 < len(item.diagnostic) <= LONGEST_NAME for item in reports
    ):
        raise InvalidArgumentError(
            f"{len(reports)} diagnostics cannot be passed on.",
            sub_code=45400,
            stage=Stage.ARGUMENT,
            next_step=f"Report 1 to {MOST_REPORTS} diagnostics by the names that ACS gives them.",
        )
    for listener in list(endpoint.call.endpoints.values()):
        if listener is not endpoint:
            notice = wire.DiagnosticsReported(
                endpoint=listener.id, sender=endpoint.id, reports=tuple(reports)
            )
            listener.notify(notice)
