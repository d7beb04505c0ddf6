"""Data planes: the same forwarding in implementations of different speed."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from enum import StrEnum

from acs_core.service.sfu.plane.batch import BatchPlane, is_available
from acs_core.service.sfu.plane.messages import EventListener, Plane
from acs_core.service.sfu.plane.portable import PortablePlane

__all__ = ["Plane", "PlaneKind", "create_plane"]

logger = logging.getLogger(__name__)


class PlaneKind(StrEnum):
    """Which plane to use."""

    AUTO = "auto"
    BATCH = "batch"
    PORTABLE = "portable"


def create_plane(
    kind: PlaneKind, sockets: Sequence[socket.socket], on_event: EventListener
) -> Plane:
    """Make the data plane of a worker.

    Args:
        kind: ``AUTO`` takes the fastest that passes its self-test; one that is asked for by name
            and does not pass is replaced by the portable one, with a warning.
        sockets: The UDP port's sockets, at most one per address family; the plane sends on them.
        on_event: Called, from within `receive`, `handle` and `tick`, with each event. It may give
            any command on `StreamDetected`, `ProducerResumed`, `ProducerStalled` and
            `PictureSize`, only `ExpectKeyframe` and `StopTap` on the others.
    """
    if kind is not PlaneKind.PORTABLE:
        if is_available():
            return BatchPlane(sockets, on_event)
        if kind is PlaneKind.BATCH:
            logger.warning("the batch plane does not work here; using the portable one")
    return PortablePlane(sockets, on_event)
