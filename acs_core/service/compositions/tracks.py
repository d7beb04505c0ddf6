"""How compositions see what was recorded of a call.

Whoever records offers a `RecordingSource`; `source_tracks` says of its recordings what the renderer
is to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from acs_core.compositing.job import SourceTrack

__all__ = ["NothingRecorded", "RecordedTrack", "RecordingSource", "source_tracks"]


class RecordedTrack(Protocol):
    """A recording that is complete.

    Attributes:
        id: 32 hex digits.
        endpoint: Whose track it is.
        identity: Who that is.
        publication: Id of the track.
        name: The track's name.
        kind: "audio" or "video".
        created_at: When it begins, Unix seconds on a clock that is not set while the service runs.
        duration: Seconds.
    """

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def endpoint(self) -> str: ...  # noqa: D102
    @property
    def identity(self) -> str: ...  # noqa: D102
    @property
    def publication(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def created_at(self) -> float: ...  # noqa: D102
    @property
    def duration(self) -> float | None: ...  # noqa: D102


class RecordingSource(Protocol):
    """Whoever records."""

    async def of_call(self, call_id: str) -> Sequence[Any]:
        """The complete recordings of a call, each a `RecordedTrack`."""

    def path_of(self, info: Any) -> Path:
        """Where the file of one of them is."""

    async def settled(self, call_id: str) -> None:
        """Return when nothing of a call is being recorded any more."""


class NothingRecorded:
    """For a service that records nothing."""

    async def of_call(self, call_id: str) -> Sequence[Any]:
        """Nothing."""
        return ()

    def path_of(self, info: Any) -> Path:
        """There is none to ask for."""
        raise LookupError(info)

    async def settled(self, call_id: str) -> None:
        """At once."""


def source_tracks(
    recordings: Sequence[RecordedTrack], path_of: Callable[[Any], Path]
) -> tuple[SourceTrack, ...]:
    """Recordings of a call as the renderer takes them, in Unix seconds and in order.

    What lies between two of one run of the service is exact: they have one clock.

    Args:
        recordings: Complete ones.
        path_of: Tells where the file of one is.
    """
    return tuple(
        SourceTrack(
            path=str(path_of(recording)),
            is_video=recording.kind == "video",
            start=recording.created_at,
            duration=recording.duration or 0.0,
            labels=(
                recording.name,
                f"MT{recording.publication}",
                f"PA{recording.endpoint}",
                f"RT{recording.id}",
            ),
            group=recording.identity,
        )
        for recording in sorted(recordings, key=lambda item: (item.created_at, item.id))
    )
