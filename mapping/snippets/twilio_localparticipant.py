"""Publish a track, and withdraw it."""

import asyncio

from twilio_compat import LocalTrackPublication, connect, create_local_video_track


async def main(alice: str) -> None:
    room = await connect(alice, name="daily", audio=False, video=False)
    me = room.local_participant
    told: asyncio.Future[LocalTrackPublication] = asyncio.get_running_loop().create_future()
    me.once("trackPublished", lambda publication: told.set_result(publication))

    camera = await create_local_video_track(name="camera", source="pattern")  # or "camera"
    publication = await me.publish_track(camera)
    has = "true" if publication.track_sid in me.video_tracks else "false"
    print(has, (await told).track_name)

    me.unpublish_track(camera)
    print(len(me.video_tracks))
    camera.stop()
    room.disconnect()
    await room.closed()
