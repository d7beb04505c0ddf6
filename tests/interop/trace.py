"""What was said on the signaling sockets, short enough to be read in a failed test's report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["Frame", "Trace"]

LONGEST: Final = 1500
NOTED: Final = ("mid:", "msid:", "ice-ufrag:", "ssrc-group:")
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket frame, or the socket's end.

    Attributes:
        at: Seconds since the trace began.
        direction: "<" from the page, ">" to the page, "x" the end.
        path: Of the socket's URL.
        message: The JSON object, or the text where it is none.
    """

    at: float
    direction: Literal["<", ">", "o", "x"]
    path: str
    message: Any

    @property
    def body(self) -> dict[str, Any]:
        """The RSP or ICE object inside the frame; empty when there is none."""
        body = self.message.get("body") if isinstance(self.message, dict) else None
        return body if isinstance(body, dict) else {}


@dataclass(slots=True)
class Trace:
    """All frames of one page."""

    frames: list[Frame] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, direction: Literal["<", ">", "o", "x"], path: str, text: str | bytes) -> None:
        """Write down one frame."""
        try:
            message = json.loads(text)
        except ValueError:
            message = str(text)
        self.frames.append(Frame(time.monotonic() - self.began, direction, path, message))

    def bodies(self, direction: str, kind: str) -> Iterator[dict[str, Any]]:
        """The RSP or ICE objects of one type, in order."""
        for frame in self.frames:
            if frame.direction == direction and frame.body.get("type") == kind:
                yield frame.body

    def text(self) -> str:
        """One line per frame; heartbeats left out, tokens and SDP shortened."""
        lines = [
            f"{frame.at:8.3f} {frame.direction} {_shown(frame)}"
            for frame in self.frames
            if not _is_dull(frame)
        ]
        return "\n".join(lines)


def _is_dull(frame: Frame) -> bool:
    """Heartbeats, and what the Insights socket is told."""
    kind = frame.message.get("type") if isinstance(frame.message, dict) else None
    return kind in ("heartbeat", "event")


def _shown(frame: Frame) -> str:
    text = json.dumps(_shorten(frame.message), separators=(",", ":"))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)})"


def _shorten(value: Any, key: str = "") -> Any:
    if key in ("token", "credential"):
        return "…"
    if key == "sdp" and isinstance(value, str):
        return _sections(value)
    if key == "user_agent":
        return "…"
    if isinstance(value, dict):
        return {name: _shorten(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_shorten(item) for item in value]
    return value


def _sections(sdp: str) -> list[str]:
    """The m-sections of an SDP: kind, mid, direction, msid."""
    sections = []
    for part in sdp.split("\r\nm=")[1:]:
        lines = part.split("\r\n")
        words = [lines[0].split()[0], *("port0" for _ in range(lines[0].split()[1] == "0"))]
        for line in lines[1:]:
            name = line.removeprefix("a=")
            if name in DIRECTIONS or name.startswith(NOTED):
                words.append(name)
        sections.append(" ".join(words))
    return sections
