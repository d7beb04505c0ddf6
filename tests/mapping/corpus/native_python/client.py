from acs_core import AzureCommunicationTokenCredential, CallClient, Features, LocalVideoStream  # @ import


async def main(token):
    client = CallClient()  # @ CallClient
    agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))  # @ CallClient.createCallAgent, AzureCommunicationTokenCredential
    devices = await client.get_device_manager()  # @ CallClient.getDeviceManager
    cameras = await devices.get_cameras()  # @ DeviceManager.getCameras
    call = agent.join({"groupId": "x"})  # @ CallAgent.join, GroupCallLocator.groupId
    call.on("remoteParticipantsUpdated", print)  # @ Call#remoteParticipantsUpdated
    await call.start_video(LocalVideoStream(cameras[0]))  # @ Call.startVideo, LocalVideoStream
    call.feature(Features.DOMINANT_SPEAKERS)  # @ Call.feature, Features.DominantSpeakers
    await call.hang_up()  # @ Call.hangUp
