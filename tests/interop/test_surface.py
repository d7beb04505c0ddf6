"""What the vendor's objects show and do in a room of ours, name by name.

Other tests tell stories; here are the names that none of those needs, because a program that
stays as it is may use any of them.
"""

from __future__ import annotations

from typing import Any, Final

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.values import MANUAL, data, microphone, video
from tests.support.media_checks import BLUE, RED

MEDIA: Final = (microphone(440), video(RED), data())
KINDS: Final = ("audio", "data", "video")
NAMES: Final = {"audio": "microphone", "data": "chat", "video": "camera"}


async def subscribed(stage: Stage, *, media: Any = MEDIA, **options: Any) -> tuple[Page, Page]:
    """Alice who publishes, and Bob who receives all of it."""
    alice = await stage.joined("alice", media=media, **options)
    bob = await stage.joined("bob", **options)
    await bob.until(
        """(_, h, count) => {
            const all = [...h.participant('alice').tracks.values()];
            return all.length === count && all.every(one => one.track);
        }""",
        len(media),
    )
    return alice, bob


async def test_local_objects_show_what_is_published(stage: Stage) -> None:
    alice, _ = await subscribed(stage)
    shown = await alice.run(
        """room => {
            const me = room.localParticipant;
            const maps = {audio: me.audioTracks, data: me.dataTracks, video: me.videoTracks};
            return Object.fromEntries(Object.entries(maps).map(([kind, map]) => {
                const [[sid, one]] = map;
                const {track} = one;
                return [kind, {
                    kinds: [one.kind, track.kind],
                    sids: [one.trackSid, one.toJSON().trackSid, me.tracks.get(sid).trackSid]
                        .every(each => each === sid && /^MT[0-9a-f]{32}$/.test(each)),
                    name: track.name,
                    text: `${one}`,
                    id: track.id === (track.mediaStreamTrack || track).id && track.id.length > 0,
                    state: [track.isEnabled, track.isStopped, track.isMuted, track.isStarted],
                    json: track.toJSON().name,
                }];
            }));
        }"""
    )
    for kind in KINDS:
        one = shown[kind]
        assert (one["kinds"], one["sids"], one["id"]) == ([kind, kind], True, True), kind
        assert (one["name"], one["json"]) == (NAMES[kind], NAMES[kind])
        assert one["text"].startswith(f"[Local{kind.title()}TrackPublication #")
    assert shown["audio"]["state"][:3] == shown["video"]["state"][:3] == [True, False, False]


async def test_remote_objects_show_what_is_received(stage: Stage) -> None:
    _, bob = await subscribed(stage)
    await bob.sees("alice", RED)
    shown = await bob.run(
        """(_, h) => {
            const alice = h.participant('alice');
            const maps = {audio: alice.audioTracks, data: alice.dataTracks,
                video: alice.videoTracks};
            return Object.fromEntries(Object.entries(maps).map(([kind, map]) => {
                const [[sid, one]] = map;
                const {track} = one;
                return [kind, {
                    kinds: [one.kind, track.kind],
                    sids: [one.trackSid, track.sid, alice.tracks.get(sid).trackSid,
                        one.toJSON().trackSid, track.toJSON().sid].every(each => each === sid),
                    names: [one.trackName, track.name],
                    texts: [`${one}`, `${track}`],
                    state: [track.isEnabled, track.isSwitchedOff, track.priority],
                }];
            }));
        }"""
    )
    for kind in KINDS:
        one = shown[kind]
        assert (one["kinds"], one["sids"]) == ([kind, kind], True), kind
        assert one["names"] == [NAMES[kind]] * 2
        assert one["texts"][0].startswith(f"[Remote{kind.title()}TrackPublication #")
        assert one["texts"][1].startswith(f"[Remote{kind.title()}Track #") or kind == "data"
        assert one["state"] == [True, False, None]
    await bob.until(
        """(_, h) => {
            const {dimensions} = h.publication('alice', 'video', null).track;
            return dimensions.width > 0 && dimensions.width * 3 === dimensions.height * 4;
        }"""
    )


async def test_room_and_participants_write_themselves(stage: Stage) -> None:
    alice, bob = await subscribed(stage)
    texts, room, participant = await bob.run(
        """(room, h) => [[`${room}`, `${room.localParticipant}`, `${h.participant('alice')}`],
            room.toJSON(), h.participant('alice').toJSON()]"""
    )
    assert texts[0].startswith("[Room #")
    assert texts[1].startswith("[LocalParticipant #")
    assert texts[2].startswith("[RemoteParticipant #")
    assert (room["sid"], room["state"]) == (bob.room_sid, "connected")
    assert (participant["sid"], participant["identity"]) == (alice.sid, "alice")
    assert len(participant["tracks"]) == 3


async def test_a_track_that_is_switched_says_so_wherever_it_is(stage: Stage) -> None:
    alice, bob = await subscribed(stage)
    await alice.run(
        """room => {
            const told = window.told = [];
            for (const {track} of room.localParticipant.tracks.values()) {
                if (track.kind !== 'data') {
                    for (const event of ['disabled', 'enabled', 'stopped']) {
                        track.on(event, one => told.push([event, one === track, track.kind]));
                    }
                }
            }
        }"""
    )
    both = ("audio", "video")
    for word in ("Disabled", "Enabled"):
        await alice.run(
            """(room, _, isOn) => room.localParticipant.tracks.forEach(
                ({track}) => track.enable && track.enable(isOn))""",
            word == "Enabled",
        )
        for kind in both:
            what = f"{kind}:{NAMES[kind]}"
            await alice.event(f"track{word}", f"track:{what}", emitter="local")
            await alice.event(f"track{word}", emitter=f"local/publication:{what}")
            await bob.event(word.lower(), f"track:{what}", emitter=f"alice/track:{what}")
            await bob.event(f"track{word}", emitter=f"alice/publication:{what}")
            await bob.event(f"track{word}", f"publication:{what}", emitter="participant:alice")
            await bob.event(f"track{word}", f"publication:{what}", "participant:alice")
    told = [[event, True, kind] for event in ("disabled", "enabled") for kind in both]
    assert await alice.run("() => window.told") == told
    stopped = await alice.run(
        """room => {
            const told = [];
            for (const kind of ['audioTracks', 'videoTracks']) {
                const [{track}] = room.localParticipant[kind].values();
                track.on('stopped', one => told.push(one === track && track.isStopped));
                track.stop();
            }
            return told;
        }"""
    )
    assert stopped == [True, True]
    await alice.event("trackStopped", "track:video:camera", emitter="local")


async def test_a_track_that_starts_says_so_wherever_it_is(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    for track in (microphone(440), video(RED)):
        await alice.publish(track)
        what = f"track:{track['kind']}:{track['name']}"
        await alice.event("trackStarted", what, emitter="local")
        await bob.event("started", what, emitter=f"alice/{what}")
        await bob.event("trackStarted", what, emitter="participant:alice")
        await bob.event("trackStarted", what, "participant:alice")
    await bob.event("dimensionsChanged", what, emitter=f"alice/{what}")
    await bob.event("trackDimensionsChanged", what, emitter="participant:alice")
    await bob.event("trackDimensionsChanged", what, "participant:alice")
    await alice.event("trackDimensionsChanged", what, emitter="local")


async def test_a_video_that_is_switched_off_says_so_wherever_it_is(stage: Stage) -> None:
    await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", bandwidthProfile=MANUAL)
    await bob.sees("alice", RED)
    for method, ending in (("switchOff", "Off"), ("switchOn", "On")):
        await bob.run(
            "(_, h, method) => { h.publication('alice', 'video', null).track[method](); }", method
        )
        track, publication = "track:video:camera", "publication:video:camera"
        await bob.event(f"switched{ending}", track, emitter=f"alice/{track}")
        await bob.event(f"trackSwitched{ending}", track, emitter=f"alice/{publication}")
        await bob.event(f"trackSwitched{ending}", track, publication, emitter="participant:alice")


async def test_functions_capture_what_they_are_asked_for(stage: Stage) -> None:
    page = await stage.page("alice")
    captured = await page.run(
        """async () => {
            const quiet = {logLevel: 'off'};
            const made = [
                await Twilio.Video.createLocalAudioTrack({...quiet, name: 'voice'}),
                await Twilio.Video.createLocalVideoTrack({...quiet, name: 'face', width: 160}),
                ...await Twilio.Video.createLocalTracks({...quiet, audio: true,
                    video: {name: 'second', width: 320}}),
            ];
            const shown = made.map(one => [one.kind, one.name === one.id || one.name,
                one.kind === 'video' && one.mediaStreamTrack.getSettings().width]);
            made.forEach(one => one.stop());
            return shown;
        }"""
    )
    assert captured[:2] == [["audio", "voice", False], ["video", "face", 160]]
    assert sorted(captured[2:]) == [["audio", True, False], ["video", "second", 320]]


async def test_a_processor_changes_what_the_others_see(stage: Stage) -> None:
    alice, bob = await subscribed(stage, media=(video(RED),))
    await bob.sees("alice", RED)
    has = await alice.run(
        """(room, _, color) => {
            const [{track}] = room.localParticipant.videoTracks.values();
            const painter = {processFrame: (input, output) => {
                const context = output.getContext('2d');
                context.drawImage(input, 0, 0, output.width, output.height);
                context.globalCompositeOperation = 'difference';
                context.fillStyle = 'white';
                context.fillRect(0, 0, output.width, output.height);
                context.globalCompositeOperation = 'source-over';
            }};
            track.addProcessor(painter, {inputFrameBufferType: 'canvas',
                outputFrameBufferContextType: '2d'});
            window.painter = painter;
            return track.processor === painter && track.processedTrack !== null;
        }"""
    )
    assert has
    await bob.sees("alice", tuple(255 - part for part in RED))
    await alice.run(
        """room => {
            const [{track}] = room.localParticipant.videoTracks.values();
            track.removeProcessor(window.painter);
        }"""
    )
    await bob.sees("alice", RED)


async def test_sound_keeps_within_its_bit_rate(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(microphone(440),), maxAudioBitrate=8000)
    await stage.joined("bob")

    async def rate() -> float:
        """Bits per second of what Alice sends, headers included."""
        return float(
            await alice.run(
                """async room => {
                    const sent = async () => (await room.getStats())[0].localAudioTrackStats[0];
                    const before = await sent();
                    await new Promise(resolve => setTimeout(resolve, 2000));
                    const after = await sent();
                    const bits = (after.bytesSent - before.bytesSent) * 8;
                    return bits / (after.timestamp - before.timestamp) * 1000;
                }"""
            )
        )

    await alice.until(
        "async room => (await room.getStats())[0].localAudioTrackStats[0].packetsSent > 10"
    )
    assert await rate() < 12_000
    await alice.run("room => room.localParticipant.setParameters({maxAudioBitrate: null})")
    assert await rate() > 16_000


async def test_the_preferred_codec_is_sent(stage: Stage) -> None:
    alice = await stage.joined(
        "alice",
        media=(microphone(440), video(RED)),
        preferredAudioCodecs=["PCMU"],
        preferredVideoCodecs=["VP9"],
    )
    bob = await stage.joined("bob")
    await bob.hears("alice", 440)
    await bob.sees("alice", RED)
    codecs = await alice.run(
        """async room => (await room.getStats()).flatMap(one =>
            [...one.localAudioTrackStats, ...one.localVideoTrackStats].map(({codec}) => codec))"""
    )
    assert codecs == ["PCMU", "VP9"]


async def test_publications_tell_of_their_subscription_and_priority(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    for track in MEDIA:
        await alice.publish(track)
    of_bob = [f"{kind}:{NAMES[kind]}" for kind in KINDS]
    for what in of_bob:
        await bob.event("subscribed", f"track:{what}", emitter=f"alice/publication:{what}")
    await alice.run("room => room.localParticipant.tracks.forEach(one => one.setPriority('high'))")
    for what in of_bob:
        told = await bob.event("publishPriorityChanged", emitter=f"alice/publication:{what}")
        assert told.args == ("high",)
    await alice.run("room => room.localParticipant.tracks.forEach(one => { one.unpublish(); })")
    for what in of_bob:
        await bob.event("unsubscribed", f"track:{what}", emitter=f"alice/publication:{what}")
        await bob.event("trackUnsubscribed", f"track:{what}", emitter="participant:alice")


async def test_a_receiver_gives_priorities(stage: Stage) -> None:
    _, bob = await subscribed(stage)
    for kind in KINDS:
        given = await bob.run(
            """(_, h, kind) => {
                const {track} = h.publication('alice', kind, null);
                const before = track.priority;
                track.setPriority('low');
                const given = track.priority;
                track.setPriority(null);
                return [before, given, track.priority];
            }""",
            kind,
        )
        assert given == [None, "low", None], kind


async def test_several_tracks_are_published_and_withdrawn_at_once(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    names = await alice.run(
        """async (room, h, media) => {
            const made = media.map(item => h.makeTrack(item));
            const published = await room.localParticipant.publishTracks(made);
            window.made = made;
            return published.map(one => one.trackName).sort();
        }""",
        list(MEDIA),
    )
    assert names == sorted(NAMES.values())
    for kind in KINDS:
        await bob.event("trackSubscribed", f"track:{kind}:{NAMES[kind]}")
    withdrawn = await alice.run(
        "room => room.localParticipant.unpublishTracks(window.made).map(one => one.kind).sort()"
    )
    assert withdrawn == list(KINDS)
    for kind in KINDS:
        await bob.event("trackUnpublished", f"publication:{kind}:{NAMES[kind]}")


async def test_data_tracks_say_how_reliable_they_are(stage: Stage) -> None:
    alice = await stage.joined("alice")
    shown = await alice.run(
        """() => [{}, {maxRetransmits: 3}, {maxPacketLifeTime: 200, ordered: false}].map(
            options => new Twilio.Video.LocalDataTrack(options)).map(one => [one.kind,
            one.ordered, one.reliable, one.maxPacketLifeTime, one.maxRetransmits])"""
    )
    assert shown == [
        ["data", True, True, None, None],
        ["data", True, False, None, 3],
        ["data", False, False, 200, None],
    ]


async def test_elements_show_a_track_until_they_are_detached(stage: Stage) -> None:
    _, bob = await subscribed(stage)
    await bob.sees("alice", RED)
    for kind, tag in (("video", "VIDEO"), ("audio", "AUDIO")):
        outcome = await bob.run(
            """(_, h, kind) => {
                const {track} = h.publication('alice', kind, null);
                const made = track.attach();
                const own = document.createElement(kind);
                const given = track.attach(own) === own;
                const one = track.detach(own) === own;
                const rest = track.detach();
                const isEmpty = element => element.srcObject.getTracks().length === 0;
                return [made.tagName, isEmpty(made), given, one, rest.includes(made),
                    isEmpty(own), track.processedTrack];
            }""",
            kind,
        )
        assert outcome == [tag, True, True, True, True, True, None], kind
    assert await bob.run(
        "(_, h) => ['audio', 'video'].every(kind => h.publication('alice', kind, null)"
        ".track.isStarted)"
    )


async def test_statistics_have_what_the_declarations_say(stage: Stage) -> None:
    alice, bob = await subscribed(stage, media=(microphone(440), video(RED)))
    await bob.publish(microphone(660))
    await bob.publish(video(BLUE, "other"))
    await bob.sees("alice", RED)
    await alice.sees("bob", BLUE)
    common = {"trackId", "trackSid", "timestamp", "ssrc", "packetsLost", "codec"}
    local = common | {"bytesSent", "packetsSent", "roundTripTime"}
    remote = common | {"bytesReceived", "packetsReceived", "jitter"}
    picture = {"dimensions", "frameRate"}
    wanted = {
        "localAudioTrackStats": local | {"audioLevel", "jitter"},
        "localVideoTrackStats": local | picture | {"captureDimensions", "qualityLimitationReason"},
        "remoteAudioTrackStats": remote | {"audioLevel"},
        "remoteVideoTrackStats": remote | picture | {"freezeCount"},
    }
    report: dict[str, Any] = {}

    async def lacking() -> list[str]:
        """What is not told yet: some of it comes with reports of the other end."""
        (report["all"],) = await alice.run("room => room.getStats()")
        return [
            f"{name}.{key}"
            for name, keys in wanted.items()
            for key in keys
            if not report["all"][name] or report["all"][name][0].get(key) is None
        ]

    for _ in range(40):
        if not (left := await lacking()):
            break
        await alice.pause(250)
    assert left == []
    report = report["all"]
    assert report["peerConnectionId"]
    for name in wanted:
        (one,) = report[name]
        assert one["codec"] == ("opus" if "Audio" in name else "VP8")
    assert set(report["localVideoTrackStats"][0]["dimensions"]) == {"width", "height"}


async def test_network_quality_has_every_statistic(stage: Stage) -> None:
    quality = {"local": 3, "remote": 3}
    alice, _ = await subscribed(stage, networkQuality=quality)
    for emitter in ("local", "participant:bob"):
        told = await alice.event("networkQualityLevelChanged", emitter=emitter)
        level, stats = told.args[:2]
        assert stats["level"] == level
        for kind in ("audio", "video"):
            media = stats[kind]
            for direction in ("send", "recv"):
                assert isinstance(media[direction], int)
                detail = media[f"{direction}Stats"]
                assert {"actual", "available", "level"} <= set(detail["bandwidth"])
                assert {"jitter", "rtt", "level"} <= set(detail["latency"])
                assert {"fractionLost", "level"} <= set(detail["fractionLost"])
    shown = await alice.run("room => room.localParticipant.networkQualityStats.audio.send")
    assert isinstance(shown, int)


async def test_rooms_participants_and_tracks_are_emitters(stage: Stage) -> None:
    _, bob = await subscribed(stage)
    outcome = await bob.run(
        """(room, h) => {
            const one = h.publication('alice', 'audio', null);
            const all = [room, room.localParticipant, h.participant('alice'), one, one.track];
            return all.map(emitter => {
                const told = [];
                const say = word => () => told.push(word);
                const [first, last, once, gone] = ['first', 'last', 'once', 'gone'].map(say);
                const chained = emitter.on('x', last) === emitter;
                emitter.prependListener('x', first).once('x', once).addListener('x', gone);
                emitter.off('x', gone).prependOnceListener('x', say('before'));
                const count = emitter.listenerCount('x');
                const heard = emitter.emit('x');
                const raw = emitter.rawListeners('x').length;
                const left = emitter.listeners('x').length;
                const named = emitter.eventNames().includes('x');
                emitter.removeListener('x', last).removeAllListeners('x');
                emitter.setMaxListeners(77);
                return [chained, told, count, heard, raw, left, named, emitter.emit('x'),
                    emitter.getMaxListeners()];
            });
        }"""
    )
    told = ["before", "first", "last", "once"]
    assert outcome == [[True, told, 4, True, 2, 2, True, False, 77]] * 5


async def test_the_logger_has_levels_that_are_obeyed(stage: Stage) -> None:
    page = await stage.page("alice")
    outcome = await page.run(
        """() => {
            const {Logger} = Twilio.Video;
            const one = Logger.getLogger('ours');
            const written = [];
            one.methodFactory = (method, level, name) => text =>
                written.push([method, String(name), text]);
            one.setLevel('warn', false);
            for (const method of ['trace', 'debug', 'log', 'info', 'warn', 'error']) {
                one[method](method);
            }
            const levels = [one.getLevel()];
            one.enableAll(false);
            levels.push(one.getLevel());
            one.trace('trace');
            one.disableAll(false);
            one.error('error');
            levels.push(one.getLevel());
            one.setDefaultLevel('info');
            return {written, levels, names: Object.keys(one.levels),
                known: 'ours' in Logger.getLoggers(), same: Logger.getLogger('ours') === one};
        }"""
    )
    assert outcome["written"] == [
        ["warn", "ours", "warn"],
        ["error", "ours", "error"],
        ["trace", "ours", "trace"],
    ]
    assert outcome["levels"] == [3, 0, 5]
    assert outcome["names"] == ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"]
    assert outcome["known"]
    assert outcome["same"]
