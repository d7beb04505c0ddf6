"""A back end has a call recorded with the helper of either vendor, which nobody modified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.events import next_event
from tests.support.example_programs import EXAMPLES, main_of, running
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants

TOPIC = EXAMPLES / "13_recording_backend"


@pytest.fixture
def calling_server_options() -> dict[str, Any]:
    return {"free_disk_floor": 0}


@pytest.mark.usefixtures("twilio_environment")
@pytest.mark.parametrize("program", ["compat.py"], indirect=True)
async def test_tracks_are_recorded_with_the_helper_of_twilio(
    told: Callable[[str, list[str]], list[str]],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running(main_of(TOPIC / "compat.py"), capsys, room_name) as program:
        await program.prints("recording")
        ann = await fake_participant("ann", tone=440, color="red")
        assert ann.room.is_recording
        ben = await fake_participant("ben")
        await ben.sees(moving=True, from_="ann")
        await ben.hears(tone=440, from_="ann")
        program.types("")
        await program.prints("video is completed")
    assert program.printed == [
        "recording",
        "stopped",
        "audio is completed",
        "video is completed",
    ]
    assert told(TOPIC.name, program.printed) == ["recording", "stopped"]


async def test_the_call_is_recorded_with_the_client_of_microsoft(
    calling_server: CompatServer,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key: Any = calling_server.settings.acs_access_key
    monkeypatch.setenv("ACS_ACCESS_KEY", key.get_secret_value())
    ann = await fake_participant("ann", tone=440, color="red")
    (call,) = calling_server.calls.live.values()
    started = next_event(ann.room, "recordingStarted")
    async with running(main_of(TOPIC / "native.py"), capsys, call.id) as program:
        await started
        stopped = next_event(ann.room, "recordingStopped")
        program.types("")
        await stopped
    assert program.printed == ["recording", "stopped"]


def test_one_line_says_where_the_service_is() -> None:
    before = (TOPIC / "before.py").read_text(encoding="utf-8").splitlines()
    compat = (TOPIC / "compat.py").read_text(encoding="utf-8").splitlines()
    (more,) = [line for line in compat[6:] if line not in before]
    assert [line for line in before[6:] if line not in compat] == []
    assert more.strip() == 'client.video.base_url = os.environ["CALLING_SERVICE_URL"]'
