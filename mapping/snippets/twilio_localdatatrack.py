"""Send a message to everybody."""

import asyncio

from twilio_compat import LocalDataTrack, RemoteDataTrack, connect


async def main(alice: str, bob: str) -> None:
    loop = asyncio.get_running_loop()
    subscribed: asyncio.Future[RemoteDataTrack] = loop.create_future()
    heard: asyncio.Future[str] = loop.create_future()

    chat = LocalDataTrack(name="chat")
    sender = await connect(alice, name="daily", tracks=[chat])
    receiver = await connect(bob, name="daily", audio=False, video=False)
    receiver.once("trackSubscribed", lambda track: subscribed.set_result(track))

    track = await subscribed
    track.once("message", lambda data: heard.set_result(data))
    chat.send("hello")
    print(f"{track.name}: {await heard}")
    receiver.disconnect()
    sender.disconnect()
    await asyncio.gather(receiver.closed(), sender.closed())
