"""Receive bytes, and know who sent them."""

import asyncio

from twilio_compat import LocalDataTrack, RemoteDataTrack, RemoteParticipant, connect


async def main(alice: str, bob: str) -> None:
    loop = asyncio.get_running_loop()
    subscribed: asyncio.Future[RemoteDataTrack] = loop.create_future()
    heard: asyncio.Future[tuple[bytes, str]] = loop.create_future()

    def message(data: bytes, _track: RemoteDataTrack, participant: RemoteParticipant) -> None:
        heard.set_result((data, participant.identity))

    chat = LocalDataTrack(max_packet_life_time=500)
    sender = await connect(alice, name="daily", tracks=[chat])
    receiver = await connect(bob, name="daily", audio=False, video=False)
    receiver.once("trackSubscribed", lambda track: subscribed.set_result(track))

    track = await subscribed
    receiver.on("trackMessage", message)
    chat.send(bytes([1, 2, 3]))
    data, identity = await heard
    reliable = "true" if track.reliable else "false"
    print(f"{identity}: {len(data)} bytes, reliable: {reliable}")
    receiver.disconnect()
    sender.disconnect()
    await asyncio.gather(receiver.closed(), sender.closed())
