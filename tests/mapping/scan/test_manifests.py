"""Versions of SDKs in manifests and lock files."""

from __future__ import annotations

import pytest

from mapping.scan.manifests import packages_of, versions_match


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "package.json",
            '{"dependencies": {"twilio-video": "^2.28.1", "react": "1"}}',
            [("twilio-video", "^2.28.1")],
        ),
        (
            "package-lock.json",
            '{"packages": {"": {}, "node_modules/twilio-video": {"version": "2.28.1"}}}',
            [("twilio-video", "2.28.1")],
        ),
        (
            "package-lock.json",
            '{"dependencies": {"twilio-video": {"version": "1.20.1", "requires": {}}}}',
            [("twilio-video", "1.20.1")],
        ),
        (
            "yarn.lock",
            'twilio-video@^2.7.2:\n  version "2.7.3"\n  resolved "x"\n',
            [("twilio-video", "2.7.3")],
        ),
        (
            "yarn.lock",
            '"@azure/communication-calling@npm:^1.0.0":\n  version: 1.36.1\n',
            [("@azure/communication-calling", "1.36.1")],
        ),
        ("pnpm-lock.yaml", "packages:\n  /twilio-video/2.7.2:\n", [("twilio-video", "2.7.2")]),
        ("pnpm-lock.yaml", "packages:\n  twilio-video@2.7.2:\n", [("twilio-video", "2.7.2")]),
        ("requirements.txt", "flask\ntwilio>=9.0,<10 # x\n", [("twilio", ">=9.0,<10")]),
        ("requirements-dev.txt", "twilio\n", [("twilio", "")]),
        ("pyproject.toml", 'dependencies = [\n  "twilio>=9",\n]\n', [("twilio", ">=9")]),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nazure-communication-rooms = "^1.2"\n',
            [("azure-communication-rooms", "^1.2")],
        ),
        ("poetry.lock", 'name = "twilio"\nversion = "9.3.0"\n', [("twilio", "9.3.0")]),
        ("Pipfile", '[packages]\ntwilio = "*"\n', [("twilio", "*")]),
        (
            "Pipfile.lock",
            '{"default": {"twilio": {"version": "==9.3.0"}}}',
            [("twilio", "==9.3.0")],
        ),
        (
            "index.html",
            '<script src="https://sdk.twilio.com/js/video/releases/2.28.1/twilio-video.min.js">',
            [("twilio-video", "2.28.1")],
        ),
        (
            "index.html",
            '<script src="https://media.twiliocdn.com/sdk/js/video/v1/twilio-video.min.js">',
            [("twilio-video", "v1")],
        ),
        (
            "index.html",
            '<script src="https://sdk.videosdk.live/js-sdk/0.0.82/videosdk.js">',
            [("videosdk", "0.0.82")],
        ),
        ("package.json", '{"name": "x"}', []),
    ],
)
def test_packages_are_read_with_their_versions(
    path: str, text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(each.name, each.version) for each in packages_of(path, text)] == expected


@pytest.mark.parametrize(
    ("written", "is_first_series"),
    [
        ("1.20.1", True),
        ("^1.0.0", True),
        ("~1.2", True),
        ("1.0.0-beta5", True),
        ("v1", True),
        ("^2.0.0", False),
        (">=2.0.0-beta1", False),
        ("latest", False),
        ("git+https://x/y.git#v1", False),
        ("", False),
    ],
)
def test_versions_are_compared_by_the_lowest_they_allow(
    written: str, is_first_series: bool
) -> None:
    assert versions_match(written, "<2.0.0b0") is is_first_series
