"""Mute a microphone, open it again, and release it."""

from twilio_compat import LocalAudioTrack, connect, create_local_audio_track


async def main(alice: str) -> None:
    def tell(what: str, track: LocalAudioTrack) -> None:
        print(f"{track.kind} {what}")

    microphone = await create_local_audio_track(source="tone")  # or "microphone", the default
    microphone.on("disabled", lambda track: tell("disabled", track))
    microphone.on("enabled", lambda track: tell("enabled", track))
    microphone.on("stopped", lambda track: tell("stopped", track))

    room = await connect(alice, name="daily", tracks=[microphone])
    microphone.disable()
    microphone.disable()  # it is already
    print("true" if microphone.is_enabled else "false")
    microphone.enable()
    microphone.stop()
    room.disconnect()
    await room.closed()
