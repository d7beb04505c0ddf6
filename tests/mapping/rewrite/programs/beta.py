"""Joins a group call with the names of ACS' first public versions."""

from acs_core import AzureCommunicationTokenCredential, GroupCallLocator
from acs_core.legacy import CallClient


async def main(token, group, over):
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        devices = await client.get_device_manager()
        print(len(devices.get_camera_list()), devices.get_microphone(), flush=True)
        call = agent.join(GroupCallLocator(group))
        call.on("callStateChanged", lambda: print(call.state, call.is_microphone_muted, flush=True))
        await call.connected()
        await call.mute()
        print(call.is_microphone_muted, flush=True)
        await call.hold()
        await call.unhold()
        await call.hang_up()
        over.set()
