"""Devices: those of the computer, and those that a program adds."""

from acs_core import CallClient, PermissionConstraints
from acs_core.media.sources import ToneSource


async def main() -> None:
    async with CallClient() as call_client:
        device_manager = await call_client.get_device_manager()
        access = await device_manager.ask_device_permission(
            PermissionConstraints(audio=True, video=True)
        )
        print("true" if access.audio else "false", "true" if access.video else "false")
        added = device_manager.add_virtual_microphone("tone", ToneSource)
        microphones = await device_manager.get_microphones()
        tone = next(microphone for microphone in microphones if microphone.id == added.id)
        await device_manager.select_microphone(tone)
        selected = device_manager.selected_microphone
        print("true" if selected is not None and selected.id == tone.id else "false")
