"""What a page sees and hears of others, judged by the readers of `acs_core.media.patterns`."""

from __future__ import annotations

import base64
import time

import numpy as np

from acs_core.media.patterns import dominant_color, dominant_frequency, read_counter
from tests.interop.chromium import DEADLINE
from tests.interop.tab import Tab
from tests.interop.values import PageError, Picture
from tests.support.media_checks import Color, is_color

__all__ = ["Senses"]


class Senses(Tab):
    """A tab that looks at and listens to remote tracks."""

    async def picture_of(self, identity: str, name: str | None = None) -> Picture | None:
        """What the video of somebody shows now; None while there is none."""
        read = await self.run(
            "(_, harness, {identity, name}) => harness.picture(identity, name)",
            {"identity": identity, "name": name},
        )
        if read is None:
            return None
        pixels = np.frombuffer(base64.b64decode(read["rgb"]), dtype=np.uint8)
        picture = pixels.reshape(read["height"], read["width"], 3)
        return Picture(
            dominant_color(picture), read_counter(picture), read["videoWidth"], read["videoHeight"]
        )

    async def sees(
        self, identity: str, color: Color, name: str | None = None, *, deadline: float = DEADLINE
    ) -> Picture:
        """Wait until a remote video has a color and moves.

        Raises:
            AssertionError: It has not in time; says what was seen.
        """
        end = time.monotonic() + deadline
        seen: list[Picture | None] = []
        while time.monotonic() < end:
            picture = await self._attempt_picture(identity, name)
            if picture is not None and is_color(picture.color, color):
                seen.append(picture)
                if len({item.counter for item in seen if item is not None}) > 1:
                    return picture
            else:
                seen = [picture]
            await self.pause()
        raise AssertionError(f"{self.name} saw of {identity} {seen[-3:]}, not {color} moving")

    async def _attempt_picture(self, identity: str, name: str | None) -> Picture | None:
        try:
            return await self.picture_of(identity, name)
        except PageError:
            return None

    async def sees_width(
        self, identity: str, least: int, most: int | None = None, *, deadline: float = 25
    ) -> None:
        """Wait until a remote video has a width of `least` (to `most`) pixels.

        Raises:
            AssertionError: It has not in time; says which it had.
        """
        widths: set[int] = set()
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            picture = await self._attempt_picture(identity, None)
            width = 0 if picture is None else picture.width
            if least <= width <= (most or least):
                return
            widths.add(width)
            await self.pause()
        raise AssertionError(f"{self.name} saw {identity} at widths {widths}, not {least}")

    async def frames_of(self, identity: str, name: str | None = None) -> int:
        """How many frames of somebody's video were shown so far."""
        return int(
            await self.run(
                "(_, harness, {identity, name}) => harness.framesShown(identity, name)",
                {"identity": identity, "name": name},
            )
        )

    async def bytes_of(self, identity: str, kind: str = "video") -> int:
        """How many bytes of somebody's media were received so far, as the SDK's stats tell."""
        return int(
            await self.run(
                """async (room, harness, {identity, kind}) => {
                    const {trackSid} = harness.publication(identity, kind, null);
                    const reports = await room.getStats();
                    const all = reports.flatMap(
                        one => [...one.remoteVideoTrackStats, ...one.remoteAudioTrackStats]);
                    return all.filter(one => one.trackSid === trackSid).reduce(
                        (sum, one) => sum + one.bytesReceived, 0);
                }""",
                {"identity": identity, "kind": kind},
            )
        )

    async def tone_of(self, identity: str, name: str | None = None) -> float:
        """The strongest frequency in somebody's sound, in Hz; 0.0 for silence."""
        read = await self.run(
            "(_, harness, {identity, name}) => harness.sound(identity, name)",
            {"identity": identity, "name": name},
        )
        if read is None:
            return 0.0
        pcm = np.frombuffer(base64.b64decode(read["pcm"]), dtype=np.int16)
        return dominant_frequency(pcm, int(read["rate"]))

    async def hears(
        self,
        identity: str,
        frequency: float,
        name: str | None = None,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        """Wait until somebody's sound has a frequency, within 3 %; 0 waits for silence.

        Raises:
            AssertionError: It has not in time; says what was heard.
        """
        end = time.monotonic() + deadline
        heard: list[float] = []
        while time.monotonic() < end:
            try:
                heard.append(await self.tone_of(identity, name))
            except PageError:
                heard.append(-1.0)
            if abs(heard[-1] - frequency) <= 0.03 * frequency:
                return
            await self.pause()
        raise AssertionError(f"{self.name} heard of {identity} {heard[-5:]} Hz, not {frequency:g}")
