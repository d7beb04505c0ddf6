"""Noise cancellation: which vendors' a page may use is for the service to say."""

from __future__ import annotations

import pytest

from tests.interop.stage import MakeStage
from tests.interop.values import microphone


@pytest.mark.parametrize(
    ("settings", "told", "allowed"),
    [({}, [], []), ({"audio_processors": ("krisp",)}, ["krisp"], ["krisp", "rnnoise"])],
)
async def test_the_vendors_of_the_settings_reach_the_client(
    make_stage: MakeStage, settings: dict[str, tuple[str, ...]], told: list[str], allowed: list[str]
) -> None:
    stage = await make_stage(**settings)
    page = await stage.joined("alice", media=(microphone(440),))
    (connected,) = page.trace.bodies(">", "connected")
    assert connected["options"]["audio_processors"] == told
    # The SDK takes RNNoise for a part of Krisp's plugin. Nothing public tells what it allows.
    assert (
        await page.run("room => [...room.localParticipant._signaling.audioProcessors].sort()")
        == allowed
    )
    bob = await stage.joined("bob")
    await bob.hears("alice", 440)
