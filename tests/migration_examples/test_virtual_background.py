"""The others see the background that was chosen, and the person as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from acs_core.media.frames import save_rgb
from acs_core.media.sinks import FrameSurface
from tests.features.test_effects import RED, near, shirt, wall
from tests.migration_examples.conftest import Run
from tests.support.events import next_event, until
from tests.support.person import SHIRT, WALL, PersonScene, PersonSource
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(
    run: Run, tmp_path: Path, fake_participant: FakeParticipants
) -> None:
    picture = tmp_path / "red.png"
    save_rgb(np.full((90, 160, 3), RED, dtype=np.uint8), picture)
    camera = PersonSource(PersonScene(160, 90, sway=0.04))
    ann = await fake_participant("ann")
    subscribed = next_event(ann.room, "trackSubscribed", lambda track, *_: track.kind == "video")
    async with run("11_virtual_background", str(picture), camera) as program:
        track, _, participant = await subscribed
        assert participant.identity == "me"
        surface = track.attach()
        assert isinstance(surface, FrameSurface)

        async def shows(back: tuple[int, int, int]) -> None:
            await until(
                lambda: (
                    not surface.is_blank
                    and near(wall(surface.image), back)
                    and near(shirt(surface.image), SHIRT)
                )
            )

        await shows(WALL)
        program.types("picture")
        await shows(RED)
        program.types("blur")
        await shows(WALL)
        program.types("none")
        await program.prints("background: none")
        track.detach()
    await camera.close()
    assert program.printed == ["background: picture", "background: blur", "background: none"]
