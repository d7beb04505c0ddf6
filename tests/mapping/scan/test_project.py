"""What a scan of a tree finds, beyond single uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapping.scan import Level, scan, scan_texts
from mapping.scan.matching import parity_of
from mapping.sources.uses import Api, Confidence

_JOIN = "import { connect } from 'twilio-video'; const room = await connect(t); "


def _rules(texts: dict[str, str]) -> list[str]:
    return [each.rule for each in scan_texts(texts).findings]


@pytest.mark.feature("MIGRATE-003")
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("participantConneted", "participantConnected"),
        ("participantDisconneted", "participantDisconnected"),
        ("trackSubcribed", "trackSubscribed"),
        ("Disconnected", "disconnected"),
        ("dominantSpeakerChange", "dominantSpeakerChanged"),
    ],
)
def test_misspelt_event_is_reported_with_the_nearest_real_name(wrong: str, right: str) -> None:
    finding = scan_texts({"a.js": f"{_JOIN}room.on('{wrong}', f);"}).findings[-1]
    assert (finding.rule, finding.level) == ("TWV-EVENT-001", Level.ERROR)
    assert f"'{right}'" in finding.message
    assert finding.fix is not None
    assert finding.fix.text == right


@pytest.mark.parametrize("name", ["trackUnpublished", "trackUnsubscribed"])
def test_opposite_of_an_event_is_no_misspelling_of_it(name: str) -> None:
    text = _JOIN + f"room.localParticipant.on('{name}', f);"
    finding = scan_texts({"a.js": text}).findings[-1]
    assert (finding.rule, finding.level, finding.fix) == ("TWV-EVENT-002", Level.WARNING, None)


def test_listener_on_what_is_declared_as_participant_is_no_finding() -> None:
    text = """import { Participant } from 'twilio-video';
    export const watch = (who: Participant) => who.on('trackSubscribed', f);"""
    assert _rules({"a.ts": text}) == ["TWV-IMPORT-001"]


def test_option_with_another_word_in_it_is_no_misspelling() -> None:
    call = "import { connect } from 'twilio-video'; connect(t, { maxTracks: 3 });"
    finding = scan_texts({"a.js": call}).findings[-1]
    assert (finding.rule, finding.fix) == ("TWV-OPT-003", None)


def test_requests_of_the_helper_have_the_parity_of_their_operation() -> None:
    assert parity_of(Api.TWILIO_HELPER, "video.rooms.create") == "full"
    assert parity_of(Api.TWILIO_HELPER, "video.rooms.participants.publishedTracks.list") == "full"
    assert parity_of(Api.TWILIO_HELPER, "messages.create") == ""


@pytest.mark.feature("EVENT-009")
def test_listener_for_connected_of_a_room_is_flagged() -> None:
    finding = scan_texts({"a.js": _JOIN + "room.on('connected', f);"}).findings[-1]
    assert finding.rule == "TWV-EVENT-004"
    assert "when connect() resolves" in finding.message
    assert _rules({"a.js": "socket.on('connected', f); // twilio"}) == []


@pytest.mark.feature("MIGRATE-004")
def test_capture_of_screen_and_devices_is_reported_with_its_counterpart() -> None:
    text = _JOIN + "navigator.mediaDevices.getDisplayMedia({}); navigator.mediaDevices."
    found = [
        each
        for each in scan_texts({"a.js": text + "getUserMedia({ audio: true });"}).findings
        if each.rule == "BROWSER-CAPTURE-001"
    ]
    assert [each.symbol.partition(".")[2] for each in found] == ["getDisplayMedia", "getUserMedia"]
    assert all("start_screen_sharing" in each.message for each in found)


@pytest.mark.feature("SCREEN-002")
def test_both_ways_to_capture_a_screen_are_recognized() -> None:
    today = _JOIN + "navigator.mediaDevices.getDisplayMedia({ video: true });"
    firefox = _JOIN + "navigator.mediaDevices.getUserMedia({ video: { mediaSource: 'screen' } });"
    assert "BROWSER-CAPTURE-001" in _rules({"a.js": today})
    assert "BROWSER-CAPTURE-002" in _rules({"a.js": firefox})


def test_names_of_other_files_are_followed_and_hinted_ones_are_no_errors() -> None:
    report = scan_texts(
        {
            "package.json": '{"dependencies": {"twilio-video": "^2.0.0"}}',
            "src/join.ts": "import { connect } from 'twilio-video';\n"
            "export const join = (t: string) => connect(t);",
            "src/view.ts": "import { join } from '@/join';\n"
            "const room = await join('t'); room.on('participantConneted', f);",
            "src/seat.js": "export const seat = ({ participant }) => {\n"
            "participant.on('trackSubscribed', f); participant.on('trackSubscribd', f); };",
        }
    )
    found = {(each.path, each.rule, each.level) for each in report.findings}
    assert ("src/view.ts", "TWV-EVENT-001", Level.ERROR) in found
    assert ("src/seat.js", "TWV-EVENT-001", Level.WARNING) in found
    levels = {use.confidence for file in report.files[2:3] for use in file.uses}
    assert levels == {Confidence.MANUAL}


def test_each_file_has_its_lowest_tier() -> None:
    report = scan_texts(
        {
            "keep.js": _JOIN,
            "old.js": _JOIN + "room.on('trackAdded', f);",
            "acs.js": "import { CallClient } from '@azure/communication-calling';",
        }
    )
    assert {file.path: file.tier for file in report.files} == {
        "keep.js": 0,
        "old.js": 1,
        "acs.js": 2,
    }


@pytest.mark.parametrize(
    ("comment", "is_left"),
    [
        ("// twilio-compat: ignore TWV-EVENT-001", False),
        ("// twilio-compat: ignore", False),
        ("/* twilio-compat: ignore TWV-OPT-001, TWV-EVENT-001 */", False),
        ("// twilio-compat: ignore TWV-OPT-001", True),
        ("// ignore TWV-EVENT-001", True),
    ],
)
def test_comments_suppress_on_their_line_and_the_next(comment: str, is_left: bool) -> None:
    for text in (
        f"{_JOIN}\nroom.on('participantConneted', f); {comment}",
        f"{_JOIN}\n{comment}\nroom.on('participantConneted', f);",
    ):
        assert ("TWV-EVENT-001" in _rules({"a.js": text})) is is_left


def test_python_comments_suppress_too() -> None:
    text = "from twilio_compat import connect\nasync def f():\n    room = await connect(t)\n"
    line = "    room.on('participantConneted', g)"
    assert "TWV-EVENT-001" in _rules({"a.py": text + line})
    assert "TWV-EVENT-001" not in _rules({"a.py": text + line + "  # twilio-compat: ignore"})


def test_retirement_dates_come_from_the_rows() -> None:
    finding = scan_texts({"a.py": "from azure.communication.rooms import RoomsClient\n"}).findings
    retired = [each for each in finding if each.rule == "ACS-RETIRE-001"]
    assert [each.symbol for each in retired] == ["ACS-ROOMS"]
    assert "2028-09-30" in retired[0].message


def test_ignored_generated_and_minified_files_are_left_out(tmp_path: Path) -> None:
    for name in ("src/a.js", "node_modules/x/a.js", "dist/a.js", "out/a.js", "a.min.js", "b.js"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_JOIN)
    (tmp_path / ".gitignore").write_text("# made\nout/\n/b.js\n")
    (tmp_path / "src" / ".gitignore").write_text("c.*\n!c.ts\n")
    for name in ("src/c.js", "src/c.ts"):
        (tmp_path / name).write_text(_JOIN)
    (tmp_path / "data.js").write_bytes(b"twilio-video\0")
    assert [file.path for file in scan(tmp_path).files] == ["src/a.js", "src/c.ts"]


def test_one_file_can_be_scanned(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(_JOIN)
    told: list[tuple[int, str]] = []
    report = scan(tmp_path / "a.js", progress=lambda count, path: told.append((count, path)))
    assert [file.path for file in report.files] == ["a.js"]
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "b.js")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_place_is_that_of_the_editor_in_every_encoding(
    tmp_path: Path, encoding: str, end: str
) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    text = mark + "import { connect } from 'twilio-video';\nconst \xe9t\xe9 = await connect(t);\n"
    text += "\xe9t\xe9.on('connected', f);\n"
    (tmp_path / "a.js").write_bytes(text.replace("\n", end).encode(encoding))
    found = scan(tmp_path).findings
    assert [(each.rule, each.span.line, each.span.column) for each in found] == [
        ("TWV-IMPORT-001", 1, 10),
        ("TWV-EVENT-004", 3, 9),
    ]


def test_what_is_no_text_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"twilio\0" + bytes(range(256)))
    assert scan(tmp_path).scanned == 0


def test_neighbors_say_what_names_mean_where_a_program_uses_two_sdks() -> None:
    watch = "export const watch = participant => participant.on('trackSubscribed', f);"
    texts = {
        "old/room.js": _JOIN,
        "old/tile.js": watch,
        "new/call.js": "import { CallClient } from '@azure/communication-calling';",
        "new/tile.js": "export const leave = call => call.hangUp();",
        "other/tile.js": watch,
    }
    files = {file.path: file for file in scan_texts(texts).files}
    assert [use.symbol for use in files["old/tile.js"].uses] == [
        "RemoteParticipant#trackSubscribed"
    ]
    assert [use.symbol for use in files["new/tile.js"].uses] == ["Call.hangUp"]
    assert "other/tile.js" not in files


def test_odd_member_of_what_only_its_name_made_an_sdks_is_no_finding() -> None:
    tile = """export function Tile({ participant }) {
      const [tracks, setTracks] = useState([]);
      participant.on('trackSubscribed', track => setTracks([track]));
      return () => tracks[0].enable();
    }"""
    assert _rules({"a.js": _JOIN, "tile.jsx": tile}) == ["TWV-IMPORT-001"]


def test_request_to_the_host_of_the_vendor_is_shown_where_it_is_written() -> None:
    text = "import requests\nurl = f'https://video.twilio.com/v1/Rooms/{sid}'\nrequests.get(url)\n"
    finding = scan_texts({"a.py": text}).findings[0]
    assert (finding.rule, finding.span.line, finding.span.column) == ("TWR-REST-002", 2, 17)
