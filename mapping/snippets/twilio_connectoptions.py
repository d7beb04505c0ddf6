"""Options are keywords, or Twilio's bag as it is: `connect(token, {"dominantSpeaker": True})`."""

import asyncio

from twilio_compat import RemoteParticipant, connect


async def main(alice: str, bob: str) -> None:
    speaks: asyncio.Future[RemoteParticipant] = asyncio.get_running_loop().create_future()

    room = await connect(bob, name="daily", audio=False, video=False, dominant_speaker=True)
    room.once("dominantSpeakerChanged", lambda speaker: speaks.set_result(speaker))
    other = await connect(
        alice, name="daily", audio={"source": "tone"}, video=False, max_audio_bitrate=16_000
    )
    speaker = await speaks
    print(speaker.identity, "true" if speaker is room.dominant_speaker else "false")
    other.disconnect()
    room.disconnect()
    await asyncio.gather(other.closed(), room.closed())
