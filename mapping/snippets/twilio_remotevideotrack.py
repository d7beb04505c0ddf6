"""Show somebody's picture; there is no DOM, so `attach()` gives a surface with the newest frame."""

import asyncio

from twilio_compat import RemoteVideoTrack, connect


async def main(alice: str, bob: str) -> None:
    loop = asyncio.get_running_loop()
    subscribed: asyncio.Future[RemoteVideoTrack] = loop.create_future()
    started = asyncio.Event()

    sender = await connect(alice, name="daily", audio=False, video={"source": "pattern"})
    receiver = await connect(bob, name="daily", audio=False, video=False)
    receiver.once("trackSubscribed", lambda track: subscribed.set_result(track))

    track = await subscribed
    track.once("started", started.set)
    track.attach()  # .image is a NumPy array; attach("bob.mp4") writes a file
    await started.wait()
    plays = track.dimensions.width is not None and track.dimensions.width > 0
    print(f"{track.kind} plays: {'true' if plays else 'false'}")
    track.detach()
    receiver.disconnect()
    sender.disconnect()
    await asyncio.gather(receiver.closed(), sender.closed())
