from __future__ import annotations

from typing import Any

import pytest

from acs_core import InvalidArgumentError, InvalidStateError
from mapping.videosdk import VideoSDK


def test_without_a_token_no_meeting_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VideoSDK, "_token", "")  # The program's, so other tests have set it.
    with pytest.raises(InvalidStateError, match="config with one first"):
        VideoSDK.initMeeting(meetingId="daily")


@pytest.mark.feature("CALL-019")
async def test_a_token_is_configured_before_meetings_are_made() -> None:
    VideoSDK.config("token")
    meeting = VideoSDK.initMeeting({"meetingId": "daily"}, name="Ann")
    assert (meeting.id, meeting.localParticipant.displayName) == ("daily", "Ann")
    await meeting.aclose()


@pytest.mark.parametrize("token", ["", None, 5])
def test_something_else_is_no_token(token: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="takes a token"):
        VideoSDK.config(token)
