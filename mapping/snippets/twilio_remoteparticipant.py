"""Who is there already, and what becomes of their tracks."""

import asyncio

from twilio_compat import RemoteTrackPublication, connect, create_local_video_track


async def main(alice: str, bob: str) -> None:
    unpublished = asyncio.Event()

    def track_unpublished(gone: RemoteTrackPublication) -> None:
        print(f"{gone.track_name} is gone")
        unpublished.set()

    camera = await create_local_video_track(name="camera", source="pattern")
    first = await connect(alice, name="daily", tracks=[camera])
    room = await connect(bob, name="daily", audio=False, video=False)

    # Who was there before is state, and no event.
    (participant,) = room.participants.values()
    print(f"{participant.identity} is {participant.state}")
    participant.on("trackUnpublished", track_unpublished)
    first.local_participant.unpublish_track(camera)
    await unpublished.wait()
    print(len(participant.tracks))
    camera.stop()
    room.disconnect()
    first.disconnect()
    await asyncio.gather(room.closed(), first.closed())
