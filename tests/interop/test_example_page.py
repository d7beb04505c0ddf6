"""The page of the quickstart, migrated: in Chromium it tells what its Python programs tell."""

from __future__ import annotations

import pytest

from tests.interop.stage import Stage
from tests.support.example_programs import EXAMPLES, main_of, migrated_page, running
from tests.support.media_checks import RED
from tests.support.people import ROOM

TOPIC = EXAMPLES / "01_quickstart"
BEFORE = (TOPIC / "before.js").read_text(encoding="utf-8")
OPEN = """(_, harness, {source, token, name}) => {
  document.body.insertAdjacentHTML('beforeend', '<div id="media"></div>');
  window.told = [];
  const console = {log: text => window.told.push(text)};
  return new Function('console', `${source}; return main`)(console)(token, name);
}"""


def test_only_where_the_service_is_was_added_to_the_page() -> None:
    after = (TOPIC / "after.js").read_text(encoding="utf-8")
    assert migrated_page(BEFORE) == after
    before_page, after_page = ((TOPIC / name).read_text() for name in ("before.html", "after.html"))
    assert before_page.replace("before.", "after.") == after_page


async def test_the_page_tells_what_compat_tells(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLING_SERVICE_URL", stage.url)
    source = migrated_page(BEFORE, server=stage.url)
    ann = await stage.guest("ann", color=RED)
    (camera,) = ann.local_participant.video_tracks.values()
    page = await stage.page("page")
    token = stage.server.access_token("program")
    async with running(main_of(TOPIC / "compat.py"), capsys, token, ROOM) as program:
        await program.prints("video of ann arrives")
        await page.run(
            OPEN, {"source": source, "token": stage.server.access_token("page"), "name": ROOM}
        )
        told_of = "(_, harness, line) => window.told.includes(line)"
        await page.until(told_of, "video of ann arrives")
        await page.until("() => document.querySelector('#media video').videoWidth > 0")
        await program.prints("video of page arrives")
        ann.local_participant.unpublish_track(camera.track)
        await page.until(told_of, "video of ann ends")
        await program.prints("video of ann ends")
        ann.disconnect()
        await ann.closed()
        await page.until(told_of, "ann left")
        await program.prints("ann left")
        await page.run("() => { window.dispatchEvent(new Event('beforeunload')); }")
        await program.prints("page left")
    lines = await page.run("() => window.told")
    of_ann = [line for line in lines if "ann" in line]
    assert (lines[0], lines[-1]) == (f"connected to {ROOM}", "disconnected")
    assert of_ann == [line for line in program.printed if "ann" in line]
    assert of_ann == [
        "ann is here",
        "video of ann arrives",
        "video of ann ends",
        "ann left",
    ]
