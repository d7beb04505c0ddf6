"""Somebody joins; their microphone and camera are off unless they were asked for."""

import asyncio

from mapping.videosdk import Meeting, Participant, VideoSDK


async def main(ann: str, ben: str) -> None:
    came: asyncio.Future[Participant] = asyncio.get_running_loop().create_future()

    async def enter(token: str, name: str) -> Meeting:
        VideoSDK.config(token)
        meeting = VideoSDK.initMeeting(
            meetingId="daily", name=name, micEnabled=False, webcamEnabled=False
        )
        await meeting.join()
        return meeting

    first = await enter(ann, "ann")
    first.once("participant-joined", lambda participant: came.set_result(participant))
    second = await enter(ben, "ben")
    participant = await came
    facts = participant.micOn, participant.webcamOn
    print(participant.displayName, *("true" if fact else "false" for fact in facts))
    await second.leave()
    await first.leave()
