"""`before.js`, line by line.

python after.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is. Ends with Ctrl-C.
"""

import asyncio
import signal
import sys

import twilio_compat as Video


async def main(token: str, roomName: str, closed: asyncio.Event) -> None:
    room = await Video.connect(
        token,
        {
            "name": roomName,
            "audio": False,
            "video": False,
            "dominantSpeaker": True,
            "bandwidthProfile": {"video": {"mode": "collaboration"}},
        },
    )
    prominent = None

    def log(text: str) -> None:
        print(text, flush=True)

    def setPriority(participant, priority) -> None:
        for publication in participant.videoTracks.values():
            if publication.track:
                publication.track.setPriority(priority)

    def dominantSpeakerChanged(participant) -> None:
        nonlocal prominent
        if prominent is not None:
            setPriority(prominent, None)
        prominent = participant
        if participant is None:
            log("nobody speaks")
            return
        setPriority(participant, "high")
        log(f"{participant.identity} speaks")

    if room.dominantSpeaker is not None:
        dominantSpeakerChanged(room.dominantSpeaker)
    room.on("dominantSpeakerChanged", dominantSpeakerChanged)
    room.once("disconnected", lambda: log("disconnected"))

    await closed.wait()  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def until_interrupted() -> None:
    closed = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, closed.set)
    await main(sys.argv[1], sys.argv[2], closed)


if __name__ == "__main__":
    asyncio.run(until_interrupted())
