"""Reads the frames of one recorded track, in order and past damage. Blocks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Literal

import av

from acs_core.errors import MediaError, Stage

__all__ = ["TrackReader"]

_log = logging.getLogger(__name__)


class TrackReader:
    """The frames of a file's first stream of a kind; iterate once, then `close`.

    A packet or frame that cannot be decoded is left out; the end of a file that was cut off is its
    end.

    Args:
        path: The file.
        kind: Which stream to read.

    Raises:
        MediaError: The file cannot be opened or has no such stream.
    """

    def __init__(self, path: str, kind: Literal["audio", "video"]) -> None:
        try:
            self._container = av.open(path)
        except (av.FFmpegError, OSError) as error:
            raise _unreadable(path, str(error)) from error
        try:
            streams = getattr(self._container.streams, kind)
            if not streams:
                raise _unreadable(path, f"there is no {kind} in it")
            self._stream = streams[0]
            # One picture at a time: there are several tracks, and the service wants its share.
            self._stream.codec_context.thread_count = 1
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[tuple[float, av.VideoFrame | av.AudioFrame]]:
        """Frames, each after its time in seconds; those without one are left out."""
        for packet in self._packets():
            for frame in self._decode(packet):
                if frame.pts is not None and frame.time_base:
                    yield float(frame.pts * frame.time_base), frame

    def close(self) -> None:
        """Close the file; safe to repeat."""
        self._container.close()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        try:
            yield from self._container.demux(self._stream)
        except (av.FFmpegError, OSError) as error:
            _log.warning("a recorded track ends early: %s", error)

    def _decode(self, packet: av.Packet[Any]) -> list[av.VideoFrame | av.AudioFrame]:
        try:
            return list(packet.decode())
        except av.FFmpegError as error:
            _log.info("a part of a recorded track is damaged: %s", error)
            return []


def _unreadable(path: str, reason: str) -> MediaError:
    return MediaError(f"The recorded track {path} cannot be read: {reason}.", stage=Stage.MEDIA)
