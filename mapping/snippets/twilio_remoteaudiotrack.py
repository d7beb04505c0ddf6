"""Hear somebody, and be told when they mute themselves."""

import asyncio

from twilio_compat import RemoteAudioTrack, connect


async def main(alice: str, bob: str) -> None:
    loop = asyncio.get_running_loop()
    subscribed: asyncio.Future[RemoteAudioTrack] = loop.create_future()
    disabled = asyncio.Event()

    sender = await connect(alice, name="daily", audio={"source": "tone"}, video=False)
    receiver = await connect(bob, name="daily", audio=False, video=False)
    receiver.once("trackSubscribed", lambda track: subscribed.set_result(track))

    track = await subscribed
    track.attach()  # .drain() gives the samples; attach("alice.wav") writes a file
    track.once("disabled", disabled.set)
    for publication in sender.local_participant.audio_tracks.values():
        publication.track.disable()
    await disabled.wait()
    print(f"{track.kind} enabled: {'true' if track.is_enabled else 'false'}")
    track.detach()
    receiver.disconnect()
    sender.disconnect()
    await asyncio.gather(receiver.closed(), sender.closed())
