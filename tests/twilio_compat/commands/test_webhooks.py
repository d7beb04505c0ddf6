from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from twilio.rest import Client

from tests.support.command_line import Served, run


@contextmanager
def receiver(status: int, body: bytes = b"") -> Iterator[str]:
    """A web server that answers everything with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def room(service: Served, callback: str) -> str:
    """The SID of a room that has just been created."""
    env = service.credentials
    client = Client(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"])
    client.video.base_url = service.url
    sid: str = client.video.v1.rooms.create(status_callback=callback).sid
    return sid


def test_what_was_told_is_listed_shown_and_told_again(service: Served) -> None:
    with receiver(200) as url:
        sid = room(service, f"{url}/hook")
        (row,) = service.run("webhooks", "list", "--group", sid, "--json").events("webhook")
        assert (row["name"], row["group"], row["url"]) == ("room-created", sid, f"{url}/hook")
        shown = service.run("webhooks", "show", row["id"])
        assert shown.code == 0
        assert f"POST {url}/hook" in shown.out
        assert "X-Twilio-Signature: " in shown.out
        assert f"RoomSid = {sid}" in shown.out
        again = service.run("webhooks", "replay", row["id"], "--json")
        (told,) = again.events("webhook")
        assert (again.code, told["state"], told["replay_of"]) == (0, "delivered", row["id"])
        listed = service.run_process("webhooks", "list", "--state", "delivered")
        assert listed.code == 0
        assert any(
            line.split()[:2] == ["delivered", told["id"]] for line in listed.out.splitlines()
        )


def test_what_is_not_taken_is_told_with_its_reason_and_exit_code_1(service: Served) -> None:
    with receiver(200) as url:
        sid = room(service, url)
        (row,) = service.run("webhooks", "list", "--group", sid, "--json").events("webhook")
    again = service.run("webhooks", "replay", row["id"])
    assert again.code == 1
    assert "Connection refused" in again.out


def test_nothing_to_list_and_wrong_usage_are_told(service: Served) -> None:
    assert "no such webhooks" in service.run("webhooks", "list", "--group", "RMx").out
    unknown = service.run("webhooks", "show", "0" * 32)
    assert (unknown.code, "webhooks list" in unknown.err) == (4, True)
    assert service.run("webhooks", "list", "--state", "lost").code == 2
    wrong = service.run("webhooks", "list", TWILIO_AUTH_TOKEN="wrong")
    assert (wrong.code, "TWILIO_AUTH_TOKEN" in wrong.err) == (4, True)


def test_a_service_that_is_not_there_is_told_with_exit_code_3() -> None:
    environment = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"}
    done = run("webhooks", "list", "--url", "http://127.0.0.1:9", environment=environment)
    assert done.code == 3
    assert run("webhooks", "list", "--url", "http://127.0.0.1:9").code == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"webhooks": null}',
        b'{"webhooks": [{"id": "1"}], "events": [{"name": "x"}], "next": 1}',
    ],
)
@pytest.mark.parametrize(
    "command",
    [("webhooks", "list"), ("webhooks", "show", "1"), ("webhooks", "replay", "1"), ("insights",)],
)
def test_a_server_of_another_kind_is_told(command: tuple[str, ...], body: bytes) -> None:
    environment = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"}
    with receiver(200, body) as url:
        done = run(*command, "--url", url, environment=environment)
    assert (done.code, done.out) == (1, "")
    assert f"{url}/" in done.err
    assert "does not understand" in done.err
    assert "Check --url" in done.err
