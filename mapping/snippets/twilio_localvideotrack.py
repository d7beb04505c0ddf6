"""Mute a camera, show it again, and release it."""

from twilio_compat import LocalVideoTrack, connect, create_local_video_track


async def main(alice: str) -> None:
    def tell(what: str, track: LocalVideoTrack) -> None:
        print(f"{track.kind} {what}")

    camera = await create_local_video_track(source="pattern")  # or "camera", the default
    camera.on("disabled", lambda track: tell("disabled", track))
    camera.on("enabled", lambda track: tell("enabled", track))
    camera.on("stopped", lambda track: tell("stopped", track))

    room = await connect(alice, name="daily", tracks=[camera])
    camera.disable()
    camera.disable()  # it is already
    print("true" if camera.is_enabled else "false")
    camera.enable()
    camera.stop()
    room.disconnect()
    await room.closed()
