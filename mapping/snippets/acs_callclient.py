"""A client, its agent and its devices; `async with` ends all of them."""

from acs_core import AzureCommunicationTokenCredential, CallAgentOptions, CallClient


async def main(anna: str) -> None:
    async with CallClient() as call_client:
        credential = AzureCommunicationTokenCredential(anna)
        call_agent = await call_client.create_call_agent(
            credential, CallAgentOptions(display_name="Anna")
        )
        device_manager = await call_client.get_device_manager()
        is_same = device_manager is await call_client.get_device_manager()
        print(call_agent.display_name, "true" if is_same else "false")
        await call_agent.dispose()
