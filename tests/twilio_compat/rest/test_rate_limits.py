from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from tests.twilio_compat.rest.conftest import Rest, basic
from twilio_compat.rest.rate_limits import RateLimits, TokenBucket
from twilio_compat.server import embedded


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_one_second_and_fills_steadily() -> None:
    clock = Clock()
    bucket = TokenBucket(4.0, clock)
    assert [bucket.take() for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.25]
    clock.now += 0.25
    assert [bucket.take(), bucket.take()] == [0.0, 0.25]
    clock.now += 1000
    assert sum(bucket.take() == 0.0 for _ in range(10)) == 4


def test_a_slow_bucket_lets_one_in() -> None:
    bucket = TokenBucket(0.1, Clock())
    assert bucket.take() == 0.0
    assert bucket.take() == pytest.approx(10.0)


def test_reads_and_writes_are_counted_apart_and_waits_are_whole_seconds() -> None:
    limits = RateLimits(2.0, 0.5, clock=Clock())
    assert [limits.take("GET") for _ in range(3)] == [0, 0, 1]
    assert [limits.take(method) for method in ("POST", "DELETE")] == [0, 2]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, float]:
    monkeypatch.chdir(tmp_path)
    return {"rest_reads": 0.01, "rest_writes": 0.01}


async def test_who_asks_too_often_is_told_when_to_come_back(slow: dict[str, float]) -> None:
    async with embedded(options=slow) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        # Strangers use up nothing.
        for _ in range(3):
            nobody = {"Authorization": basic("AC0", "wrong")}
            assert (await rest.ask("GET", "/v1/Rooms", headers=nobody))[0] == 401
        assert (await rest.get("/v1/Rooms"))[0] == 200
        status, body, headers = await rest.ask("GET", "/v1/Rooms")
        assert (status, body["status"], body["code"]) == (429, 429, 20429)
        assert 90 <= int(headers["Retry-After"]) <= 100
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in headers["Access-Control-Expose-Headers"]
        assert (await rest.post("/v1/Rooms", {"UniqueName": "first"}))[0] == 201
        with pytest.raises(TwilioRestException) as caught:
            await rest.call(lambda: rest.rooms.create(unique_name="second"))
        assert (caught.value.status, caught.value.code) == (429, 20429)
        # It was not carried out.
        assert rest.server.calls.find_room("second") is None
