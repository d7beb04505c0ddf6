from twilio_video import connect, create_local_video_track  # @ import


async def join(token):
    return await connect(token, name="standup")  # @ connect, ConnectOptions.name


async def camera():
    track = await create_local_video_track(name="cam")  # @ createLocalVideoTrack, CreateLocalTrackOptions.name
    return track
