"""Publishers as a child process: `python -m benchmarks.publishers URL TOKEN...`.

Four different moving pictures of 640x360 at 30 frames/s are encoded once and then replayed, one
publisher after the other, so that publishing does not take the processor from what is measured.
Prints a line when all publish; ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import sys
import time
from collections.abc import Sequence

import av
import numpy as np

from acs_core import wire
from acs_core.media.encode import EncodedPicture, VideoEncoder
from acs_core.media.outgoing import OutgoingStream, SendEncoding
from acs_core.rtc.feedback import FullIntraRequest, Nack, PictureLossIndication, RtcpPacket
from benchmarks.participant import Participant

__all__: list[str] = []

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
CLIPS = 4
CLIP_FRAMES = 60
BITRATE = 600_000
TICKS = 90_000 // FRAME_RATE
REPORT_FRAMES = 15


class Replay:
    """Sends an encoded clip again and again; a request for a keyframe goes back to its start."""

    def __init__(self, clip: Sequence[EncodedPicture]) -> None:
        self._clip = clip
        self._position = 0
        self._stream: OutgoingStream | None = None
        self._loop = asyncio.get_running_loop()

    def feedback(self, packets: list[RtcpPacket]) -> None:
        """Take what the service says."""
        for packet in packets:
            if isinstance(packet, PictureLossIndication | FullIntraRequest):
                self._position = 0
            elif isinstance(packet, Nack) and self._stream is not None:
                self._stream.resend(packet.lost, self._loop.time())

    async def run(self, participant: Participant) -> None:
        """Send until canceled."""
        published = participant.published[0]
        leg = participant.publish_leg
        assert leg is not None
        assert leg.endpoint is not None
        encoding = SendEncoding(
            mid=published.mid,
            codec_name="VP8",
            ssrc=published.ssrc,
            payload_type=published.codec.payload_type,
            extensions=published.extensions,
        )
        stream = self._stream = OutgoingStream(leg.endpoint, encoding, clock_rate=90_000)
        due = self._loop.time()
        count = 0
        while True:
            self._send(stream, count)
            count += 1
            if count % REPORT_FRAMES == 0:
                ntp = int((time.time() + 2_208_988_800) * 2**32)
                stream.send_report(participant.id, self._loop.time(), ntp)
            due += 1 / FRAME_RATE
            await asyncio.sleep(due - self._loop.time())

    def _send(self, stream: OutgoingStream, count: int) -> None:
        now = self._loop.time()
        payloads = self._clip[self._position].payloads
        self._position = (self._position + 1) % len(self._clip)
        for index, payload in enumerate(payloads):
            is_last = index == len(payloads) - 1
            stream.send(count * TICKS, payload, marker=is_last, captured=now, now=now)


def _clip(seed: int) -> list[EncodedPicture]:
    """Noise that moves over a gradient: about `BITRATE`, a keyframe first."""
    random = np.random.default_rng(seed)
    texture = random.integers(0, 64, (HEIGHT, WIDTH), np.uint8)
    slope = np.linspace(32, 160, WIDTH, dtype=np.uint8)[None, :].repeat(HEIGHT, 0)
    encoder = VideoEncoder("VP8", bitrate_bps=BITRATE, max_bitrate_bps=BITRATE)
    pictures = []
    for index in range(CLIP_FRAMES):
        gray = slope + np.roll(texture, 2 * index, axis=1)
        rgb = np.stack([gray, np.full_like(gray, 60 * seed), 255 - gray], axis=2)
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        pictures.append(encoder.encode(frame, index * TICKS, index / FRAME_RATE))
    return [picture for picture in pictures if picture.payloads]


async def _publish(url: str, room: str, tokens: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    clips = [_clip(seed) for seed in range(min(CLIPS, len(tokens)))]
    participants: list[Participant] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        for index, token in enumerate(tokens):
            replay = Replay(clips[index % len(clips)])
            participant = Participant(url, token, replay.feedback)
            participants.append(participant)
            await participant.join(wire.RoomLocator(room=room), ["video"], receives=False)
            tasks.append(asyncio.create_task(replay.run(participant)))
        print(json.dumps({"publishers": len(participants)}), flush=True)
        # In a thread: the loop must not wait for us.
        await loop.run_in_executor(None, functools.partial(sys.stdin.read, 1))
    finally:
        for task in tasks:
            task.cancel()
        for participant in participants:
            await participant.leave()


def main() -> None:
    """Publish until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("room")
    parser.add_argument("tokens", nargs="+")
    arguments = parser.parse_args()
    asyncio.run(_publish(arguments.url, arguments.room, arguments.tokens))


if __name__ == "__main__":
    main()
