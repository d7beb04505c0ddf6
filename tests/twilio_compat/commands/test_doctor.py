from __future__ import annotations

from tests.support.command_line import Served, run

EVERYTHING = {
    "versions", "codec VP8", "codec H264", "codec opus", "devices", "IPv6", "TURN", "service",
    "ready", "clock", "token", "signaling", "media connection", "media both ways", "packet loss",
    "round trip",
}  # fmt: skip


def test_all_is_checked_and_nothing_fails_beside_a_good_service(service: Served) -> None:
    done = service.run_process("doctor", "--json")
    found = {check["name"]: check for check in done.events("check")}
    assert {name for name, check in found.items() if check["status"] == "fail"} == set()
    assert set(found) == EVERYTHING
    assert found["media both ways"]["status"] == "ok"
    assert done.events("summary") == [{"event": "summary", "ok": True, "failed": 0}]
    assert done.code == 0


def test_service_that_is_not_there_fails_with_advice_and_skips_the_rest() -> None:
    done = run("doctor", "--url", "http://127.0.0.1:9")
    assert done.code == 1
    assert "fail  service: http://127.0.0.1:9 cannot be reached" in done.out
    assert "twilio-compat serve" in done.out
    assert "skipped  media" in done.out


def test_token_that_is_refused_fails_and_media_is_skipped(service: Served) -> None:
    done = service.run("doctor", "--token", "rubbish", "--json")
    found = {check["name"]: check for check in done.events("check")}
    assert found["service"]["status"] == "ok"
    assert found["signaling"]["status"] == "fail"
    assert found["media"]["status"] == "skipped"
    assert done.code == 1


def test_credentials_that_are_not_there_are_named(service: Served) -> None:
    done = run("doctor", "--url", service.url, "--json")
    (failure,) = [check for check in done.events("check") if check["status"] == "fail"]
    assert failure["name"] == "token"
    assert "TWILIO_ACCOUNT_SID" in failure["advice"]
