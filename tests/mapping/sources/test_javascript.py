"""Which names of an SDK a script uses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.sources import javascript
from mapping.sources.uses import Api, Confidence, SourceFile, UseKind


def symbols(text: str, path: str = "a.js", **options: object) -> list[str]:
    """The names that a text uses, imports left out."""
    found = javascript.read(path, text, **options)  # type: ignore[arg-type]
    assert not found.problem
    for use in found.uses:
        assert text[use.span.start : use.span.end] == use.text
    return [use.symbol for use in found.uses if use.kind is not UseKind.IMPORT]


def assert_uses_are_parts_of(text: str, found: SourceFile) -> None:
    """Each use stands where it says, and they come in the order of the text."""
    for use in found.uses:
        assert text[use.span.start : use.span.end] == use.text
        assert use.expression.start <= use.span.start <= use.span.end <= use.expression.end
    places = [(use.span.start, use.span.end) for use in found.uses]
    assert places == sorted(places)


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


@pytest.mark.parametrize(
    ("declared", "member", "symbol"),
    [
        ("Participant", "on('trackSubscribed', f)", "RemoteParticipant#trackSubscribed"),
        ("Participant", "publishTrack(t)", "LocalParticipant.publishTrack"),
        ("TrackPublication", "isSubscribed", "RemoteTrackPublication.isSubscribed"),
    ],
)
def test_what_only_an_heir_has_is_likely_where_the_base_is_declared(
    declared: str, member: str, symbol: str
) -> None:
    text = (
        f"import {{ {declared} }} from 'twilio-video'; function f(x: {declared}) {{ x.{member}; }}"
    )
    use = javascript.read("a.ts", text).uses[-1]
    assert (use.symbol, use.confidence) == (symbol, Confidence.LIKELY)
    assert use.why == "declared as a class that it extends"


def test_name_for_this_is_this() -> None:
    text = """import { connect, createLocalTracks } from 'twilio-video';
    export default { methods: {
      open: function () {
        const self = this;
        connect(t).then(function (joined) { self.joined = joined; });
      },
      close: function () { this.joined.disconnect(); },
    } };"""
    assert symbols(text) == ["connect", "Room.disconnect"]


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("room.participants.values().next().value.identity;", ["Participant.identity"]),
        ("room.participants.entries().next().value[1].identity;", ["Participant.identity"]),
        (
            "const p: unknown = new Promise<Room>(f); (await new Promise<Room>(f)).sid;",
            ["Room.sid"],
        ),
    ],
)
def test_iterators_and_promises_hand_through(rest: str, found: list[str]) -> None:
    text = "import { Room } from 'twilio-video'; async function f(room: Room) { " + rest + " }"
    assert symbols(text, "a.ts")[-len(found) :] == found


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


def test_options_that_depend_on_something_are_found() -> None:
    text = """import { connect } from 'twilio-video';
    const bandwidthProfile = { video: {} };
    const options = named ? { name: 'x', bandwidthProfile } : { tracks: [] };
    connect(t, options);"""
    assert symbols(text) == [
        "BandwidthProfileOptions.video",
        "ConnectOptions.name",
        "ConnectOptions.bandwidthProfile",
        "ConnectOptions.tracks",
        "connect",
    ]


@pytest.mark.parametrize(
    ("key", "symbol"),
    [
        ("groupId", "GroupCallLocator.groupId"),
        ("meetingLink", "TeamsMeetingLinkLocator.meetingLink"),
        ("roomId", "RoomCallLocator.roomId"),
    ],
)
def test_every_kind_of_call_can_be_joined(key: str, symbol: str) -> None:
    text = f"""import {{ CallAgent }} from '@azure/communication-calling';
    export const join = (agent: CallAgent) => agent.join({{ {key}: x }});"""
    assert symbols(text, "a.ts")[-1] == symbol


def test_component_of_an_sdk_is_found_where_it_opens() -> None:
    text = """import { MeetingProvider } from '@videosdk.live/react-sdk';
    const page = <MeetingProvider
      token={t}>
    </MeetingProvider>;"""
    uses = [use for use in javascript.read("a.tsx", text).uses if use.kind is UseKind.VALUE]
    assert [(use.symbol, use.span.line) for use in uses] == [("MeetingProvider", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "const Twilio = require('twilio'); new Twilio(a, b).video.rooms.list();",
        "import twilio from 'twilio'; twilio(a, b).video.rooms.list();",
        "exports.handler = (context) => context.getTwilioClient().video.rooms.list();",
    ],
)
def test_every_way_to_make_a_client_of_the_helper_leads_to_requests(text: str) -> None:
    assert symbols(text) == ["Client.video", "video.rooms", "video.rooms.list"]


@pytest.mark.parametrize("name", ["twilio", "twilioClient", "this.twilio_client"])
def test_name_of_a_client_of_the_helper_is_enough_for_requests(name: str) -> None:
    text = f"""import {{ twilioClient }} from './made';
    {name}.video.rooms.list(); {name}.messages.create();"""
    uses = javascript.read("a.js", text).uses
    assert [use.symbol for use in uses] == ["Client.video", "video.rooms", "video.rooms.list"]
    assert {use.confidence for use in uses} == {Confidence.LIKELY}


def test_what_a_hook_is_given_is_found() -> None:
    text = """import { useMeeting } from '@videosdk.live/react-sdk';
    const { join } = useMeeting({ onMeetingJoined: () => {}, onError(error) {} });"""
    assert sorted(symbols(text)) == [
        "useMeeting",
        "useMeeting.join",
        "useMeeting.onError",
        "useMeeting.onMeetingJoined",
    ]


def test_name_imported_from_a_promise_is_one_import() -> None:
    text = "const { VideoSDK } = await import('@videosdk.live/js-sdk');"
    assert [use.symbol for use in javascript.read("a.js", text).uses] == ["VideoSDK"]


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
        "import VideoSDK from '@videosdk.live/js-sdk'; VideoSDK.initMeeting({}).join();",
        "const m = await import('@videosdk.live/js-sdk'); m.default.initMeeting({}).join();",
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


@pytest.mark.parametrize("path", ["room.blade.php", "room.html.erb", "room.ejs", "room.html"])
@pytest.mark.parametrize(
    "value",
    [
        "'{{ $token }}'",
        "{{ token }}",
        "<?= $token ?>",
        "<?php echo json_encode(\n$token) ?>",
        "<%= token %>",
        "{!! $token !!}",
        "{% if a %}t{% endif %}",
    ],
)
def test_scripts_of_templates_are_read_around_what_the_server_fills_in(
    path: str, value: str
) -> None:
    text = f"""<?php $token = f(); ?><script>
    Twilio.Video.connect({value}, {{ name: 'x' }}).then(room => room.disconnect());
    </script>"""
    assert symbols(text, path) == ["connect", "ConnectOptions.name", "Room.disconnect"]


def test_double_braces_of_components_and_templates_of_texts_stay() -> None:
    text = "<script type='text/babel'>const a = <b style={{ x: Twilio.Video.connect }} />;</script>"
    assert symbols(text, "a.html") == ["connect"]
    text = "<script>const a = `${{ b: Twilio.Video.connect }}`;</script>"
    assert symbols(text, "a.html") == ["connect"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "interface Held<T extends Room = Room> { readonly room: T }\n"
            "const name = (held: Held) => held.room.name;",
            ["Room", "Room", "Room.name"],
        ),
        ("function f<T extends Room>(room: T) { room.sid; }", ["Room", "Room.sid"]),
        ("class Keeper<T> { room: T }; function f<T extends Room>(given: T[]) {}", ["Room"]),
        ("let kept: Video.Map<Video.Room>;", ["Map", "Room"]),
        ("function f(video: typeof Video) { video.connect(t); }", ["connect"]),
        ("type V = typeof import('twilio-video'); const f = (v: V) => v.connect(t);", ["connect"]),
    ],
)
def test_types_with_parameters_and_types_of_names_are_followed(
    text: str, expected: list[str]
) -> None:
    head = "import Video, { Room } from 'twilio-video';\n"
    assert symbols(head + text, "a.ts") == expected


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("const [room, setRoom] = useState<Room | null>(null); room.sid;", Confidence.EXACT),
        ("const room = useRef<Room>(null); room.current.sid;", Confidence.EXACT),
        ("const [room, setRoom] = useState(null); setRoom(await connect(t)); room.sid;",
         Confidence.LIKELY),
    ],
)  # fmt: skip
def test_what_a_hook_holds_is_sure_where_it_is_declared(text: str, confidence: Confidence) -> None:
    found = javascript.read("a.tsx", "import { connect, Room } from 'twilio-video';\n" + text)
    assert [use.confidence for use in found.uses if use.symbol == "Room.sid"] == [confidence]


def test_what_shadows_a_name_hides_it() -> None:
    text = "import { connect } from 'twilio-video'; function f(connect) { connect(1); }"
    assert symbols(text) == []


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=200), st.sampled_from(["a.js", "a.ts", "a.tsx", "a.html", "a.php", "a.vue"])
)
def test_uses_of_any_text_are_parts_of_it(text: str, path: str) -> None:
    for whole in ("import { connect } from 'twilio-video';" + text, text + " twilio"):
        assert_uses_are_parts_of(whole, javascript.read(path, whole))


_PROGRAM = """import { connect } from 'twilio-video'; room . on ( ) [ ] => { } 'disconnected'
await const for of participants forEach , = : ; ? new class this async function return `a` ${ < / >
@ # 1 export default ... => useState"""
_PIECES = st.sampled_from(re.split(r"\s+", _PROGRAM))


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECES, max_size=60), st.sampled_from(["a.js", "a.ts", "a.tsx"]))
def test_scrambled_program_keeps_its_import(pieces: list[str], path: str) -> None:
    start = "import { connect } from 'twilio-video'; const room = await connect(t); "
    text = start + " ".join(pieces)
    found = javascript.read(path, text)
    assert_uses_are_parts_of(text, found)
    assert "connect" in [use.symbol for use in found.uses]


def test_deep_nesting_is_a_problem_and_no_failure() -> None:
    text = "import 'twilio-video';" + "[" * 3000 + "]" * 3000
    assert javascript.read("a.js", text).problem == "nested too deeply"


def test_packed_code_is_a_problem_and_a_long_text_is_none() -> None:
    packed = "import 'twilio-video';" + "a(b,function(){return c.d});" * 5000
    assert javascript.read("a.js", packed).problem == "minified, so not read"
    page = f"<script>{packed}</script><script>Twilio.Video.connect(t)</script>"
    assert [use.symbol for use in javascript.read("a.html", page).uses] == ["*", "connect"]
    picture = f"const logo = 'data:image/png;base64,{'A' * 500_000}'; Twilio.Video.connect(t);"
    assert symbols(picture) == ["connect"]
