"""`before.js`, line by line.

python after.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is. Ends with Ctrl-C.
"""

import asyncio
import signal
import sys

import twilio_compat as Video


async def main(token: str, roomName: str, closed: asyncio.Event) -> None:
    room = await Video.connect(token, {"name": roomName, "audio": False, "video": False})

    def log(text: str) -> None:
        print(text, flush=True)

    def reconnecting(error) -> None:
        if error.code == 53001:
            log("reconnecting: signaling was lost")
        elif error.code == 53405:
            log("reconnecting: media was lost")

    room.on("reconnecting", reconnecting)
    room.on("reconnected", lambda: log(f"reconnected: {room.state}"))

    def participantChanged(participant) -> None:
        log(f"{participant.identity} is {participant.state}")

    room.on("participantReconnecting", participantChanged)
    room.on("participantReconnected", participantChanged)
    room.on("participantDisconnected", participantChanged)

    def disconnected(disconnectedRoom, error) -> None:
        if error:
            log(f"disconnected: {error.code} {error.message}")
        else:
            log("disconnected")
        closed.set()

    room.on("disconnected", disconnected)

    await closed.wait()  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def until_interrupted() -> None:
    closed = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, closed.set)
    await main(sys.argv[1], sys.argv[2], closed)


if __name__ == "__main__":
    asyncio.run(until_interrupted())
