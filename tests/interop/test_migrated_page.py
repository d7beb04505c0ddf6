"""A page for Twilio's cloud, migrated: the unmodified SDK joins our room, and hears of others."""

from __future__ import annotations

import asyncio

import pytest

from mapping.rewrite.choices import read_choices
from mapping.rewrite.planner import plan_text
from tests.interop.stage import Stage
from tests.support.people import ROOM

PAGE = """\
(_, harness, {token, name}) => new Promise((resolve, reject) => {
  Twilio.Video.connect(token, {
    name,
    tracks: [],
  }).then(room => {
    room.on('participantConneted', participant => resolve([room.name, participant.identity]));
    window.hasJoined = true;
  }, reject);
})
"""


@pytest.mark.feature("MIGRATE-002")
async def test_a_migrated_page_joins_our_room_and_hears_of_others(stage: Stage) -> None:
    plan = plan_text("page.js", PAGE, read_choices(server=stage.server.url))
    assert {change.rule for change in plan.changes} == {"TWV-SERVER-001", "TWV-EVENT-001"}
    page = await stage.page("alice")
    running = asyncio.create_task(
        page.run(
            plan.after, {"token": stage.server.access_token("alice"), "name": ROOM}, deadline=30
        )
    )
    try:
        await page.until("() => window.hasJoined")
        await stage.joined("bob")
        assert await running == [ROOM, "bob"]
    finally:
        running.cancel()
        await asyncio.wait([running])
