"""Join a meeting, and leave it."""

from mapping.videosdk import VideoSDK


async def main(ann: str) -> None:
    VideoSDK.config(ann)
    meeting = VideoSDK.initMeeting(
        meetingId="daily", name="Ann", micEnabled=False, webcamEnabled=False
    )

    def joined() -> None:
        print(f"{meeting.localParticipant.displayName} joined")

    meeting.on("meeting-joined", joined)
    meeting.on("meeting-left", lambda: print("left"))
    await meeting.join()
    print(meeting.participants.size)
    await meeting.leave()
