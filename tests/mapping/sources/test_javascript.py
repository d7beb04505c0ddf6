"""Which names of an SDK a script uses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.sources import javascript
from mapping.sources.uses import Api, Confidence, UseKind


def symbols(text: str, path: str = "a.js", **options: object) -> list[str]:
    """The names that a text uses, imports left out."""
    found = javascript.read(path, text, **options)  # type: ignore[arg-type]
    assert not found.problem
    for use in found.uses:
        assert text[use.span.start : use.span.end] == use.text
    return [use.symbol for use in found.uses if use.kind is not UseKind.IMPORT]


@pytest.mark.feature("MIGRATE-001", "MIGRATE-005")
@pytest.mark.parametrize(
    "text",
    [
        "import * as Video from 'twilio-video'; Video.connect(t);",
        "import Video from 'twilio-video'; Video.connect(t);",
        "import { connect } from 'twilio-video'; connect(t);",
        "import { connect as join } from 'twilio-video'; join(t);",
        "const Video = require('twilio-video'); Video.connect(t);",
        "const { connect } = require('twilio-video'); connect(t);",
        "const { connect: join } = require('twilio-video'); join(t);",
        "require('twilio-video').connect(t);",
        "import Video = require('twilio-video'); Video.connect(t);",
        "const Video = await import('twilio-video'); Video.connect(t);",
        "import('twilio-video').then(({ connect }) => connect(t));",
        "const video = Twilio.Video; video.connect(t);",
        "window.Twilio.Video.connect(t);",
        "const { connect } = Twilio.Video; connect(t);",
        "const { Video } = Twilio; Video.connect(t);",
        "const { Video: { connect } } = window.Twilio; connect(t);",
    ],
)
def test_every_way_to_import_leads_to_connect(text: str) -> None:
    assert symbols(text, "a.ts") == ["connect"]


@pytest.mark.parametrize(
    "text",
    [
        "const client = require('./twilio'); client.video.rooms.list();",
        "const client = require('./twilio').default; client.video.rooms.list();",
        "import client from './twilio'; client.video.rooms.list();",
    ],
)
def test_what_a_file_exports_as_a_whole_is_followed(text: str) -> None:
    exports = {"./twilio": {"default": "twilio:=Client"}}
    uses = javascript.read("rooms.js", text, modules=exports).uses
    assert [use.symbol for use in uses] == ["Client.video", "video.rooms", "video.rooms.list"]


def test_room_is_followed_through_await_then_fields_and_parameters() -> None:
    text = """import { connect } from 'twilio-video';
    class App {
      async open() { this.room = await connect(t); this.show(this.room); }
      show(shown) { shown.sid; }
      close() { this.room.disconnect(); }
    }
    connect(t).then(room => room.on('disconnected', gone));
    function gone(left) { left.name; }"""
    assert symbols(text) == [
        "connect",
        "Room.sid",
        "Room.disconnect",
        "connect",
        "Room#disconnected",
        "Room.name",
    ]


def test_names_of_events_are_found_in_loops_constants_and_objects() -> None:
    text = """const { connect } = require('twilio-video');
    connect(t).then(room => {
      ['participantConnected', 'participantDisconnected'].forEach(name => room.on(name, f));
      for (const name of ['reconnecting']) room.on(name, f);
      const EVENT = 'reconnected'; room.on(EVENT, f);
      const EVENTS = { a: 'disconnected' }; room.once(EVENTS.a, f);
    });"""
    assert symbols(text)[1:] == [
        "Room#participantConnected",
        "Room#participantDisconnected",
        "Room#reconnecting",
        "Room#reconnected",
        "Room#disconnected",
    ]


def test_receivers_of_callbacks_are_likely_and_say_why() -> None:
    text = "import { connect } from 'twilio-video'; const room = await connect(t);"
    text += "room.on('participantConnected', p => p.identity);"
    connected, identity = javascript.read("a.js", text).uses[-2:]
    assert connected.confidence is Confidence.EXACT
    assert identity.symbol == "Participant.identity"
    assert identity.confidence is Confidence.LIKELY
    assert "Room#participantConnected" in identity.why


def test_types_of_parameters_make_members_exact() -> None:
    text = "import { Room } from 'twilio-video'; function f(room: Room) { room.participants; }"
    use = javascript.read("a.ts", text).uses[-1]
    assert (use.symbol, use.confidence) == ("Room.participants", Confidence.EXACT)


def test_options_are_found_where_they_are_written() -> None:
    text = """import { connect } from 'twilio-video';
    const options = { name: 'x', bandwidthProfile: { video: { maxTracks: 1 } } };
    options.tracks = [];
    connect(t, options);"""
    assert symbols(text) == [
        "ConnectOptions.name",
        "ConnectOptions.bandwidthProfile",
        "BandwidthProfileOptions.video",
        "VideoBandwidthProfileOptions.maxTracks",
        "ConnectOptions.tracks",
        "connect",
    ]


@pytest.mark.feature("MIGRATE-006")
def test_listeners_of_publications_are_found() -> None:
    text = """import { connect } from 'twilio-video';
    const room = await connect(t);
    room.participants.forEach(p => p.tracks.forEach(publication => {
      publication.on('subscribed', f);
      publication.on('unsubscribed', f);
    }));"""
    assert symbols(text)[-2:] == [
        "RemoteTrackPublication#subscribed",
        "RemoteTrackPublication#unsubscribed",
    ]


@pytest.mark.feature("MIGRATE-007", "INSTALL-003")
@pytest.mark.parametrize(
    "text",
    [
        "import { VideoSDK } from '@videosdk.live/js-sdk'; VideoSDK.initMeeting({}).join();",
        "window.VideoSDK.initMeeting({}).join();",
        "const m = VideoSDK.initMeeting({}); m.join();",
    ],
)
def test_videosdk_is_recognized_as_package_and_as_global(text: str) -> None:
    found = javascript.read("a.js", text)
    assert {use.api for use in found.uses} == {Api.VIDEOSDK}
    assert [use.symbol for use in found.uses][-2:] == ["VideoSDK.initMeeting", "Meeting.join"]


def test_exports_of_one_file_are_imports_of_another() -> None:
    one = javascript.read(
        "join.js",
        "import { connect } from 'twilio-video'; export const join = async t => connect(t);",
    )
    assert one.exports == {"join": "twilio-video:()Promise<Room>"}
    text = "import { join } from './join'; const room = await join(t); room.disconnect();"
    found = javascript.read("use.js", text, modules={"./join": one.exports})
    assert [(use.symbol, use.confidence) for use in found.uses] == [
        ("Room.disconnect", Confidence.LIKELY)
    ]


def test_names_alone_count_only_in_programs_that_use_the_sdk() -> None:
    text = "export const f = participant => participant.on('trackSubscribed', g);"
    assert symbols(text) == []
    used = javascript.read("a.js", text, project=frozenset({Api.TWILIO_VIDEO})).uses
    assert [(use.symbol, use.confidence) for use in used] == [
        ("RemoteParticipant#trackSubscribed", Confidence.MANUAL)
    ]


def test_scripts_of_pages_keep_their_offsets() -> None:
    text = "<p>é😀</p>\r\n<script>\r\nTwilio.Video.connect(t)\r\n</script>"
    use = javascript.read("a.html", text).uses[-1]
    assert (use.symbol, use.span.line, use.span.column) == ("connect", 3, 14)
    assert text[use.span.start : use.span.end] == "connect"


def test_what_shadows_a_name_hides_it() -> None:
    text = "import { connect } from 'twilio-video'; function f(connect) { connect(1); }"
    assert symbols(text) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["a.js", "a.ts", "a.tsx", "a.html", "a.vue"]))
def test_no_text_makes_the_reader_fail(text: str, path: str) -> None:
    javascript.read(path, "import { connect } from 'twilio-video';" + text)
    javascript.read(path, text + " twilio")


_PROGRAM = """import { connect } from 'twilio-video'; room . on ( ) [ ] => { } 'disconnected'
await const for of participants forEach , = : ; ? new class this async function return `a` ${ < / >
@ # 1 export default ... => useState"""
_PIECES = st.sampled_from(re.split(r"\s+", _PROGRAM))


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECES, max_size=60), st.sampled_from(["a.js", "a.ts", "a.tsx"]))
def test_no_scramble_of_a_program_makes_the_reader_fail(pieces: list[str], path: str) -> None:
    text = "import { connect } from 'twilio-video'; const room = await connect(t); "
    javascript.read(path, text + " ".join(pieces))


def test_deep_nesting_is_a_problem_and_no_failure() -> None:
    text = "import 'twilio-video';" + "[" * 3000 + "]" * 3000
    assert javascript.read("a.js", text).problem == "nested too deeply"
