"""What tests ask a page for, and what they get back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.media_checks import Color

__all__ = ["AUTOMATIC", "MANUAL", "Event", "PageError", "Picture", "data", "microphone", "video"]

AUTOMATIC: Final = {
    "video": {"clientTrackSwitchOffControl": "auto", "contentPreferencesMode": "auto"}
}
"""A bandwidth profile in which the SDK tells what is shown, and how large."""

MANUAL: Final = {
    "video": {"clientTrackSwitchOffControl": "manual", "contentPreferencesMode": "manual"}
}
"""One in which the application says it."""


def video(color: Color, name: str = "camera", **options: Any) -> dict[str, Any]:
    """A video track to make in a page; options `width`, `height`, `rate`."""
    return {"kind": "video", "name": name, "color": list(color), **options}


def microphone(frequency: float, name: str = "microphone", **options: Any) -> dict[str, Any]:
    """An audio track to make in a page: a sine of so many Hz."""
    return {"kind": "audio", "name": name, "frequency": frequency, **options}


def data(name: str = "chat", **options: Any) -> dict[str, Any]:
    """A data track to make in a page; options of LocalDataTrack."""
    return {"kind": "data", "name": name, **options}


class PageError(Exception):
    """What the page's program raised.

    Attributes:
        name: Class of the error there.
        code: Twilio's code, where it has one.
        message: What it said.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.name = str(error["error"])
        self.code: int | None = error["code"]
        self.message = str(error["message"])
        super().__init__(f"{self.name} {self.code}: {self.message}")


@dataclass(frozen=True, slots=True)
class Event:
    """One event that the page's program heard.

    Attributes:
        index: Its place among all events of the page.
        emitter: "room", "local", "participant:bob", "bob/track:video:camera", …
        name: The event.
        args: Its arguments; objects of the SDK as texts such as "publication:video:camera".
        at: Milliseconds since the page was opened.
    """

    index: int
    emitter: str
    name: str
    args: tuple[Any, ...]
    at: int

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Event:
        return cls(
            entry["index"], entry["emitter"], entry["event"], tuple(entry["args"]), entry["at"]
        )

    @property
    def code(self) -> int | None:
        """The code of the error among its arguments."""
        for item in self.args:
            if isinstance(item, dict) and "code" in item:
                return int(item["code"])
        return None


@dataclass(frozen=True, slots=True)
class Picture:
    """What a remote video shows.

    Attributes:
        color: Identity color.
        counter: The frame's number; None when the barcode is not certain.
        width: Of the video, in pixels.
        height: The same.
    """

    color: Color
    counter: int | None
    width: int
    height: int
