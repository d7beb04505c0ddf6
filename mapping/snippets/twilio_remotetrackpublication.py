"""A publication outlives its subscription; the track is there while it is subscribed."""

import asyncio

from twilio_compat import RemoteTrack, RemoteTrackPublication, connect, create_local_video_track


async def main(alice: str, bob: str) -> None:
    loop = asyncio.get_running_loop()
    subscribed: asyncio.Future[RemoteTrackPublication] = loop.create_future()
    over = asyncio.Event()

    def track_subscribed(_track: RemoteTrack, publication: RemoteTrackPublication) -> None:
        subscribed.set_result(publication)

    camera = await create_local_video_track(name="camera", source="pattern")
    sender = await connect(alice, name="daily", tracks=[camera])
    receiver = await connect(bob, name="daily", audio=False, video=False)
    receiver.once("trackSubscribed", track_subscribed)

    publication = await subscribed
    is_subscribed = "true" if publication.is_subscribed else "false"
    print(publication.track_name, is_subscribed, publication.publish_priority)

    publication.once("unsubscribed", over.set)
    sender.local_participant.unpublish_track(camera)
    await over.wait()
    is_subscribed = "true" if publication.is_subscribed else "false"
    print(is_subscribed, "null" if publication.track is None else "track")
    camera.stop()
    receiver.disconnect()
    sender.disconnect()
    await asyncio.gather(receiver.closed(), sender.closed())
