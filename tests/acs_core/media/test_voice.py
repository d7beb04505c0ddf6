"""What is wrong with a file is told; how voices sound is proved where programs play files."""

from __future__ import annotations

from pathlib import Path

import pytest

from acs_core.errors import CallingError, MediaError
from acs_core.media.voice import FileVoice


async def test_a_file_without_sound_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"no sound")
    voice = FileVoice()
    try:
        assert f" {voice.key}" in await voice.offer()
        for file in (broken, tmp_path / "missing"):
            with pytest.raises(MediaError):
                await voice.play(file)
    finally:
        await voice.close()


async def test_an_answer_that_does_not_fit_is_an_error() -> None:
    voice = FileVoice(timeout=0.1)
    try:
        await voice.offer()
        with pytest.raises(CallingError):
            await voice.connect("v=0")
    finally:
        await voice.close()
