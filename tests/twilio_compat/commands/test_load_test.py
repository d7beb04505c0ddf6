from __future__ import annotations

import pytest

from tests.support.command_line import Served, run


def test_every_track_comes_to_every_subscriber(service: Served) -> None:
    done = service.run_process(
        "load-test", "--publishers", "2", "--subscribers", "2", "--seconds", "2", "--json"
    )
    (report,) = done.events("load-test")
    assert (report["tracks_received"], report["tracks_expected"]) == (8, 8)
    assert report["complete"] is True
    assert report["failed_joins"] == 0
    assert report["received_bps"] > 20_000
    assert report["loss"] < 0.05
    assert 0 < report["first_frame_p50"] <= report["first_frame_p95"]
    assert 0 < report["latency_p50"] < 1.0
    assert done.code == 0


def test_sound_alone_is_printed_as_a_table(service: Served) -> None:
    done = service.run(
        "load-test", "--publishers", "1", "--subscribers", "1", "--seconds", "1", "--no-video"
    )
    assert "1 of 1" in done.out
    assert "not measured" in done.out
    assert done.code == 0


def test_service_that_lets_nobody_in_is_an_error(service: Served) -> None:
    done = service.run("load-test", "--json", TWILIO_API_KEY_SECRET="x" * 32)
    (error,) = done.events("error")
    assert (error["code"], done.code) == (20107, 4)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-video", "--no-audio"),
        ("--publishers", "50", "--subscribers", "100"),
        ("--subscribers", "0"),
    ],
)
def test_what_cannot_be_measured_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = run("load-test", *arguments)
    assert done.code == 2
    assert "Traceback" not in done.err
