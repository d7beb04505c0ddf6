from __future__ import annotations

import pytest

from twilio_compat.commands import media_check
from twilio_compat.commands.arrivals import Arrival
from twilio_compat.commands.checks import Status
from twilio_compat.commands.client_support import Access
from twilio_compat.commands.media_check import check_media
from twilio_compat.server import CompatServer, embedded
from twilio_compat.settings import ServerSettings


def _access(server: CompatServer, given: str | None = None) -> Access:
    settings = server.settings
    assert isinstance(settings, ServerSettings)
    return Access(server.url, settings, given)


def _way(pictures: int, sounds: int, loss: float = 0.0) -> media_check._Way:
    counts = {"video": pictures, "audio": sounds}
    return media_check._Way(
        [
            Arrival(participant="p", track_sid=kind, kind=kind, frames=count, loss=loss)
            for kind, count in counts.items()
        ]
    )


async def test_call_of_two_participants_is_measured() -> None:
    async with embedded() as server:
        checks = await check_media(_access(server))
    assert [check.status for check in checks[:2]] == [Status.OK, Status.OK]
    assert {check.name for check in checks} == {
        "media connection", "media both ways", "packet loss", "round trip",
    }  # fmt: skip


async def test_one_token_is_not_enough_for_two() -> None:
    async with embedded() as server:
        (check,) = await check_media(_access(server, given="token"))
    assert check.status is Status.SKIPPED


async def test_service_that_is_gone_fails() -> None:
    async with embedded() as server:
        access = _access(server)
    (check,) = await check_media(access)
    assert check.status is Status.FAIL
    assert check.advice


@pytest.mark.parametrize("bad", [_way(0, 99), _way(99, 0)])
def test_both_ways_must_bring_pictures_and_sound(bad: media_check._Way) -> None:
    good = _way(99, 99)
    assert media_check._both_ways([good, good]).status is Status.OK
    assert media_check._both_ways([good, bad]).status is Status.FAIL
    assert "media port" in media_check._both_ways([bad, good]).advice


def test_loss_is_that_of_the_worst_way() -> None:
    assert media_check._loss([_way(1, 1), _way(1, 1)]).status is Status.OK
    check = media_check._loss([_way(1, 1), _way(1, 1, loss=0.1)])
    assert (check.status, check.detail) == (Status.WARN, "10.0%")


def test_round_trip_needs_a_report() -> None:
    assert media_check._round_trip([]).status is Status.SKIPPED
