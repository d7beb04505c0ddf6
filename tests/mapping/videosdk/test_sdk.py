from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from acs_core import InvalidArgumentError
from mapping.videosdk import VideoSDK

WITHOUT_TOKEN = """
from acs_core import InvalidStateError
from mapping.videosdk import VideoSDK
try:
    VideoSDK.initMeeting(meetingId="daily")
except InvalidStateError as error:
    print(error)
"""


def test_without_a_token_no_meeting_is_made() -> None:
    # The token is the program's, so this needs one of its own.
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_TOKEN], capture_output=True, text=True, check=True
    )
    assert "Call VideoSDK.config with one first" in told.stdout


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
