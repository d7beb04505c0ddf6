from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.command_line import Served, clean_environment, command, run, served


def _get(url: str) -> tuple[int, str, str]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status, answer.headers.get_content_type(), answer.read().decode()


def test_ready_line_says_where_everything_is(service: Served) -> None:
    assert service.ready["event"] == "ready"
    assert urlsplit(service.url).port == service.ready["port"]
    assert service.ready["media_port"] > 0
    assert service.ready["media_addresses"]
    assert service.ready["plane"] in ("batch", "portable")


def test_development_credentials_are_shown_as_a_shell_takes_them(service: Served) -> None:
    shown = service.credentials
    assert shown["TWILIO_ACCOUNT_SID"].startswith("AC")
    assert shown["TWILIO_API_KEY_SID"].startswith("SK")
    assert shown["CALLING_SERVICE_URL"] == service.url
    assert all(shown[name] for name in ("TWILIO_API_KEY_SECRET", "ACS_ACCESS_KEY"))


def test_health_and_readiness_are_answered(service: Served) -> None:
    status, kind, body = _get(f"{service.url}/healthz")
    assert (status, kind, json.loads(body)["status"]) == (200, "application/json", "ok")
    status, _, body = _get(f"{service.url}/readyz")
    assert (status, json.loads(body)["ready"]) == (200, True)


def test_metrics_are_in_the_text_format_of_prometheus(service: Served) -> None:
    _, kind, body = _get(f"{service.url}/metrics")
    assert kind == "text/plain"
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert families["calling_endpoints"].type == "gauge"
    assert "calling_dropped_datagrams" in families


def test_service_is_reached_over_ipv6_where_there_is_any(service: Served) -> None:
    try:
        status, _, _ = _get(f"http://[::1]:{service.ready['port']}/healthz")
    except urllib.error.URLError:
        pytest.skip("this machine has no IPv6 loopback")
    assert status == 200


def test_sigterm_drains_and_exits_0() -> None:
    with served("--plane", "portable") as running:
        assert running.ready["plane"] == "portable"
        assert running.stop() == 0
        assert running.process.stdout is not None
        rest = [json.loads(line) for line in running.process.stdout.read().splitlines()]
    assert rest == [{"event": "draining", "calls": 0}, {"event": "stopped"}]


def test_secrets_are_not_shown_without_dev(service: Served) -> None:
    process = subprocess.Popen(
        command("serve", "--port", "0", "--media-port", "0"),
        env=clean_environment(service.credentials),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert json.loads(first)["event"] == "ready"
    assert process.returncode == 0
    assert not any(
        value in first + rest
        for name, value in service.credentials.items()
        if name.endswith(("SECRET", "KEY", "TOKEN"))
    )


@pytest.mark.parametrize("which", ["port", "media_port"])
def test_port_in_use_is_said_with_the_way_out(service: Served, which: str) -> None:
    ports = {"port": "0", "media_port": "0", which: str(service.ready[which])}
    done = run("serve", "--dev", "--port", ports["port"], "--media-port", ports["media_port"])
    assert done.code == 3
    assert "cannot be bound" in done.err
    assert "what to do: Choose another" in done.err
    assert "Traceback" not in done.err


def test_setting_out_of_range_is_wrong_usage() -> None:
    done = run("serve", "--port", "70000")
    assert done.code == 2
    assert "port: Input should be less than or equal to 65535" in done.err


def test_page_to_try_is_there_with_dev(service: Served) -> None:
    assert service.ready["page"] == f"{service.url}/"
    status, kind, body = _get(service.ready["page"])
    assert (status, kind) == (200, "text/html")
    assert "twilio-compat" in body
    request = urllib.request.Request(
        f"{service.url}/dev/token",
        data=b'{"identity": "ann", "room": "daily"}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.load(answer)["token"].count(".") == 2


def test_sdk_of_the_page_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "twilio-video.min.js").write_text("the SDK")
    with served("--sdk-path", str(tmp_path)) as running:
        assert running.ready["sdk"] is True
        assert _get(f"{running.url}/page/sdk.js")[2] == "the SDK"


def test_sdk_path_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = run("serve", "--dev", "--sdk-path", str(tmp_path))
    assert done.code == 2
    assert "npm install twilio-video" in done.err


def test_page_to_try_is_not_there_without_dev(service: Served) -> None:
    done = run("serve", "--sdk-path", "x")
    assert done.code == 2
    assert "--dev" in done.err
    process = subprocess.Popen(
        command("serve", "--port", "0", "--media-port", "0"),
        env=clean_environment(service.credentials),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        assert "page" not in ready
        for path in ("/", "/dev/page", "/page/page.js"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                _get(f"{ready['url']}{path}")
    finally:
        process.terminate()
        process.communicate(timeout=20)
