"""One call with everybody in it: all see the same story."""

from __future__ import annotations

from acs_core import LocalAudioStream, LocalVideoStream
from acs_core.media.sources import ToneSource
from tests.interop.python_side import check_acs_sees_and_hears, check_python_sees_and_hears
from tests.interop.stage import Stage
from tests.interop.values import microphone, video
from tests.support.events import next_event
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import pattern, seen_by


async def test_a_page_python_acs_and_rest_tell_one_story(stage: Stage) -> None:
    page = await stage.joined("alice", media=(microphone(440), video(RED)))
    room = await stage.guest("pablo", color=GREEN, tone=660.0)
    anton = await stage.user("Anton")
    call = await anton.join(
        video=LocalVideoStream(pattern(BLUE)), audio=LocalAudioStream(ToneSource(880.0))
    )

    # Everybody sees and hears everybody.
    await seen_by(call, 2)
    for identity, color, tone in (("pablo", GREEN, 660), ("Anton", BLUE, 880)):
        await page.sees(identity, color)
        await page.hears(identity, tone)
    await check_python_sees_and_hears(room, "alice", RED, 440)
    await check_python_sees_and_hears(room, "Anton", BLUE, 880)
    await check_acs_sees_and_hears(call, "alice", RED, 440)
    await check_acs_sees_and_hears(call, "pablo", GREEN, 660)

    # Their names for each other are the same.
    names = await page.run("room => [...room.participants.keys()].sort()")
    assert sorted({*room.participants, room.local_participant.sid} - {page.sid}) == names
    assert room.sid == page.room_sid == "RM" + await call.info.get_server_call_id()

    # A request removes one of them.
    removed = next_event(room, "disconnected")
    acs_told = next_event(call, "remoteParticipantsUpdated")
    status, body = await stage.rest(
        "POST",
        f"/v1/Rooms/{page.room_sid}/Participants/{room.local_participant.sid}",
        Status="disconnected",
    )
    assert (status, body["status"]) == (202, "disconnected")
    await removed
    gone = await page.event("participantDisconnected", "participant:pablo")
    assert gone.args == ("participant:pablo",)
    await acs_told
    assert [one.display_name for one in call.remote_participants] == ["alice"]

    # A request ends it for all.
    status, body = await stage.rest("POST", f"/v1/Rooms/{page.room_sid}", Status="completed")
    assert (status, body["status"]) == (202, "completed")
    ended = await page.event("disconnected")
    assert ended.code == 53118
