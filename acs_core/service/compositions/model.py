"""What a composition is: what was ordered, how far it is, and the questions about all of them.

States: enqueued → processing → completed or failed; from each of them → deleted. What was
processing when the service ended is enqueued at its next start.

Source: Twilio Video, Composition and Composition Hook resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Row, Select, select

from acs_core.compositing.job import AudioPart, FileFormat, RenderJob, SourceTrack, VideoPart
from acs_core.compositing.layout import Region
from acs_core.service.store.calls import Window, in_window
from acs_core.service.store.compositions import COMPOSITION_HOOKS, COMPOSITIONS

__all__ = [
    "UNDER_WAY",
    "Composition",
    "CompositionEvent",
    "CompositionHook",
    "CompositionObserver",
    "CompositionOrder",
    "CompositionQuery",
    "CompositionState",
    "HookQuery",
    "Purpose",
]


class CompositionState(StrEnum):
    """How far a composition is, in Twilio's words."""

    ENQUEUED = "enqueued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETED = "deleted"


UNDER_WAY: Final = (CompositionState.ENQUEUED, CompositionState.PROCESSING)
"""States in which there is no file yet, and there will be one."""


class CompositionEvent(StrEnum):
    """What observers hear, in Twilio's words."""

    ENQUEUED = "composition-enqueued"
    STARTED = "composition-started"
    PROGRESS = "composition-progress"
    AVAILABLE = "composition-available"
    FAILED = "composition-failed"
    HOOK_FAILED = "composition-hook-failed"
    """A hook could not order one: what is told of has no id and is kept nowhere."""


class Purpose(StrEnum):
    """Who it was made for."""

    COMPOSITION = "composition"
    """Somebody ordered it, or a hook."""
    CALL_RECORDING = "call recording"
    """It is the file of a recording of a whole call, which has the same id."""


class CompositionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rendered.

    Attributes:
        format: Kind of file.
        regions: Where which tracks are shown, by name; None for sound only.
        width: Of the picture, in pixels.
        height: Likewise.
        audio: None for pictures only.
        is_trimmed: Whether to leave out when nobody is there.
        begins_at: Unix seconds at which a file that is not trimmed begins; None: with the first
            track.
        periods: What to keep, each from and to Unix seconds; None for all.
        status_callback: Whom to tell; None for nobody.
        status_callback_method: GET or POST.
    """

    format: FileFormat
    regions: dict[str, Region] | None = None
    width: int = 640
    height: int = 480
    audio: AudioPart | None = None
    is_trimmed: bool = True
    begins_at: float | None = None
    periods: tuple[tuple[float, float], ...] | None = None
    status_callback: str | None = None
    status_callback_method: str = "POST"

    def job(self, output: str, tracks: tuple[SourceTrack, ...], *, floor: int = 0) -> RenderJob:
        """What the renderer is to do.

        Args:
            output: Path of the file.
            tracks: All of the call.
            floor: Bytes that are to stay free on the disk.
        """
        periods, end = self.periods, max((track.end for track in tracks), default=0.0)
        if periods is None and not self.is_trimmed and self.begins_at is not None:
            periods = ((self.begins_at, end),)
        elif periods is not None:
            # Nothing comes after the last track; a service that was killed does not know when it
            # stopped to record.
            periods = tuple((begin, min(stop, end)) for begin, stop in periods)
        video = None
        if self.regions is not None:
            regions = tuple(self.regions.values())
            video = VideoPart(width=self.width, height=self.height, regions=regions)
        return RenderJob(
            output=output,
            format=self.format,
            tracks=tracks,
            video=video,
            audio=self.audio,
            periods=periods,
            is_trimmed=self.is_trimmed,
            floor=floor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """One composition.

    Attributes:
        id: 32 hex digits; with `CJ` Twilio's composition SID. Empty where there is only the news
            that a hook failed.
        call: Id of the call whose tracks it is made of.
        order: What was ordered.
        created_at: Unix seconds.
        purpose: Who it was made for.
        hook: Id of the hook that made it.
        hook_name: What that was called then.
        completed_at: Unix seconds.
        deleted_at: Unix seconds.
        duration: Seconds; None until it is completed.
        size: Bytes; likewise.
        failure: Why it failed; empty unless it did.
        progress: 0 to 1, while it is processing; not kept.
        seconds_left: Seconds that it takes to complete it, as far as one can tell; likewise.
    """

    id: str
    call: str
    order: CompositionOrder
    created_at: float
    purpose: Purpose = Purpose.COMPOSITION
    hook: str | None = None
    hook_name: str | None = None
    state: CompositionState = CompositionState.ENQUEUED
    completed_at: float | None = None
    deleted_at: float | None = None
    duration: float | None = None
    size: int | None = None
    failure: str = ""
    progress: float = 0.0
    seconds_left: float | None = None

    @property
    def file_name(self) -> str:
        """Of its file, in the folder of the compositions."""
        return f"{self.id}.{self.order.format}"

    def as_row(self) -> dict[str, Any]:
        """By name of column."""
        row = {column.name: getattr(self, column.name) for column in COMPOSITIONS.columns}
        return row | {"order": msgspec.to_builtins(self.order)}

    @classmethod
    def from_row(cls, row: Row[Any]) -> Composition:
        """Read a row of the table."""
        values = dict(row._mapping)
        values["order"] = msgspec.convert(values["order"], CompositionOrder)
        values["purpose"] = Purpose(values["purpose"])
        values["state"] = CompositionState(values["state"])
        return cls(**values)


CompositionObserver: TypeAlias = Callable[[CompositionEvent, Composition], None]
"""Hears what happened to which composition; on the event loop, must not block. Its failure is
logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionHook:
    """Makes a composition of each room that was recorded, when it is over.

    Attributes:
        id: 32 hex digits; with `HK` Twilio's SID.
        name: Unique.
        order: Of its compositions.
        created_at: Unix seconds.
        updated_at: Unix seconds; None until it is changed.
    """

    id: str
    name: str
    order: CompositionOrder
    created_at: float
    is_enabled: bool = True
    updated_at: float | None = None

    def changed(
        self, *, name: str, order: CompositionOrder, is_enabled: bool, now: float
    ) -> CompositionHook:
        """The same hook with everything new."""
        return replace(self, name=name, order=order, is_enabled=is_enabled, updated_at=now)

    def as_row(self) -> dict[str, Any]:
        """By name of column."""
        row = {item.name: getattr(self, item.name) for item in fields(self)}
        return row | {"order": msgspec.to_builtins(self.order)}

    @classmethod
    def from_row(cls, row: Row[Any]) -> CompositionHook:
        """Read a row of the table."""
        values = dict(row._mapping)
        return cls(**(values | {"order": msgspec.convert(values["order"], CompositionOrder)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionQuery:
    """Which compositions; a filter that is None lets everything pass.

    Attributes:
        call: Of this call.
        state: In this state.
        after: Created then or later, Unix seconds.
        before: Created then or earlier.
    """

    call: str | None = None
    state: CompositionState | None = None
    after: float | None = None
    before: float | None = None

    def select(self, window: Window) -> Select[Any]:
        """The rows of those that were ordered, newest first."""
        columns = COMPOSITIONS.c
        query = select(COMPOSITIONS).where(columns.purpose == Purpose.COMPOSITION.value)
        if self.call is not None:
            query = query.where(columns.call == self.call)
        if self.state is not None:
            query = query.where(columns.state == self.state.value)
        query = _created(query, columns.created_at, self.after, self.before)
        return in_window(query, window, columns.created_at, columns.id, newest_first=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookQuery:
    """Which hooks; a filter that is None lets everything pass.

    Attributes:
        is_enabled: Whether it makes compositions.
        name: This one, in capitals or not, or with ``*`` for any text.
        after: Created then or later, Unix seconds.
        before: Created then or earlier.
    """

    is_enabled: bool | None = None
    name: str | None = None
    after: float | None = None
    before: float | None = None

    def select(self, window: Window) -> Select[Any]:
        """The rows, newest first."""
        columns = COMPOSITION_HOOKS.c
        query = select(COMPOSITION_HOOKS)
        if self.is_enabled is not None:
            query = query.where(columns.is_enabled.is_(self.is_enabled))
        if self.name is not None:
            # Only the star means more than itself.
            escaped = self.name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            query = query.where(columns.name.ilike(escaped.replace("*", "%"), escape="\\"))
        query = _created(query, columns.created_at, self.after, self.before)
        return in_window(query, window, columns.created_at, columns.id, newest_first=True)


def _created(
    query: Select[Any], at: ColumnElement[float], after: float | None, before: float | None
) -> Select[Any]:
    if after is not None:
        query = query.where(at >= after)
    return query if before is None else query.where(at <= before)
