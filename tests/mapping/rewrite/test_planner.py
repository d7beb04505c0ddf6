"""Whatever a program looks like: it is done once, it parses, and nothing else changes."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.rewrite.actions import Server
from mapping.rewrite.choices import read_choices
from mapping.rewrite.edits import Change
from mapping.rewrite.planner import plan_text
from mapping.rewrite.project import plan_project
from mapping.rewrite.rules import RuleError, load_rules, read_rules
from mapping.rewrite.syntax import UnparsableTextError, parse

CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]
CORPUS = Path(__file__).parents[1] / "corpus"
EVERYTHING = read_choices(include="likely")

JS_HEADS = (
    "import { connect, Room as R } from 'twilio-video';",
    "const Video = require('twilio-video');",
    "import * as ACS from '@azure/communication-calling';",
    "import { CallClient, Renderer } from '@azure/communication-calling';",
)
JS_LINES = (
    "connect(token);",
    "connect(token, {});",
    "connect(token, { name: 'x', });",
    "Video.connect(...all).then(room => room.on('participantConneted', f));",
    "const room = await Video.connect(token, options); room.on('reconected', () => {});",
    "const agent = await new CallClient().createCallAgent(credential);",
    "async () => (await agent).call([{}])",
    "new Renderer(stream).createView({ mirrored });",
    "export { Renderer };",
    "const text = `${connect(token)}`;",
    "if (token)",
    "}",
    "/* connect(token) */",
    "<div>{connect(token)}</div>",
    "class A { connect = connect(token); }",
    "\u2028const é = '😀';",
)
PY_HEADS = (
    "from twilio_video import connect",
    "import twilio.video",
    "from acs_core.legacy import CallClient, Renderer",
    "from twilio_compat import connect, Room",
    "from twilio.rest import Client",
)
PY_LINES = (
    "async def main(token):",
    "    room = await connect(token, name='x', audio=False, video=False)",
    "    async with await connect(token, {'name': 'é', 'audio': False, 'video': False}) as room:",
    "        room.on('participantConnected', lambda one: print(f'{one.identity}'))",
    "    print(room.participants, twilio.video)",
    "    room.disconnect(); room.disconnect()",
    "    agent = await CallClient().create_call_agent(credential)",
    "    return agent.call([])",
    "client = Client(sid, token)",
    "client.video.rooms.list()",
    "x = '''",
    "#\tcomment",
    "if x: pass",
)


def programs(heads: tuple[str, ...], lines: tuple[str, ...]) -> st.SearchStrategy[str]:
    body = st.lists(st.sampled_from(lines), max_size=6)
    some = st.lists(st.sampled_from(heads), min_size=1, max_size=3, unique=True)
    return st.builds(
        lambda first, second, end: end.join([*first, *second, ""]),
        some,
        body,
        st.sampled_from(["\n", "\r\n", "\n\n"]),
    )


@settings(max_examples=60)
@given(programs(JS_HEADS, JS_LINES), st.sampled_from(["a.js", "a.tsx", "a.html"]))
def test_any_script_is_done_in_one_run_and_parses_as_well_as_before(text: str, path: str) -> None:
    text = f"<script>{text}</script>" if path.endswith("html") else text
    plan = plan_text(path, text, EVERYTHING)
    assert plan_text(path, plan.after, EVERYTHING).changes == ()
    assert parse(path, plan.after).problems() <= parse(path, text).problems()


@settings(max_examples=60)
@given(programs(PY_HEADS, PY_LINES), st.sampled_from(["auto", "acs_core"]))
def test_any_python_is_done_in_one_run_and_parses(text: str, target: str) -> None:
    options = read_choices(target=target, include="likely")
    plan = plan_text("a.py", text, options)
    if plan.problem:
        with pytest.raises(UnparsableTextError):
            parse("a.py", text)
        assert plan.after == text
    else:
        assert plan_text("a.py", plan.after, options).changes == ()
        if plan.changes:
            parse("a.py", plan.after)


@settings(max_examples=60)
@given(st.text(max_size=200), st.sampled_from(["a.py", "a.js", "a.ts", "a.tsx", "a.vue", "a.md"]))
def test_a_text_without_the_sdks_stays(text: str, path: str) -> None:
    assert plan_text(path, text, EVERYTHING).after == text


def test_the_corpus_of_the_scanner_is_done_in_one_run_and_parses() -> None:
    plan = plan_project(CORPUS, EVERYTHING)
    assert plan.problems == []
    assert len(plan.changed) >= 20
    for one in plan.changed:
        again = plan_text(one.plan.path, one.plan.after, EVERYTHING)
        assert again.changes == (), one.plan.path
        assert parse(one.plan.path, one.plan.after).problems() == (
            parse(one.plan.path, one.plan.before).problems()
        )
    assert [one.plan.path for one in plan.changed if one.plan.path.startswith("negative")] == []


def test_a_change_that_would_not_parse_is_withheld() -> None:
    text = "import { connect } from 'twilio-video';\nconnect(token);\n"
    plan = plan_text("a.js", text, replace(EVERYTHING, server=Server("http://'{(")))
    assert [change.rule for change in plan.withheld] == ["TWV-SERVER-001"]
    assert plan.after == text


@pytest.mark.parametrize("path", ["a.py", "a.js"])
def test_a_text_that_nests_deeply_is_changed_or_reported(path: str) -> None:
    head = {
        "a.py": "from twilio_video import connect\n",
        "a.js": "import { connect } from 'twilio-video';\nconnect(token);\n",
    }
    text = head[path] + "x = a" + ".b" * 150 + "\n"
    plan = plan_text(path, text, EVERYTHING)
    assert plan.problem or plan.changes
    assert plan.after.endswith(text[-100:])


def test_a_refused_change_is_not_asked_about_again() -> None:
    asked: list[str] = []

    def refuse(change: Change, text: str) -> bool:
        asked.append(change.rule)
        return False

    text = "import { connect } from 'twilio-video';\nconnect(token);\n"
    plan = plan_text("a.js", text, EVERYTHING, refuse)
    assert (plan.after, asked) == (text, ["TWV-SERVER-001"])
    assert [one.rule for one in plan.withheld] == ["TWV-SERVER-001"]


def test_less_sure_changes_are_told_and_not_made() -> None:
    text = (
        "import { connect } from 'twilio-video';\n"
        "connect(token, { wsServer }).then(room => room.participants.forEach(p =>\n"
        "  p.tracks.forEach(t => t.on('trackEnabledd', f))));\n"
        "function show(room) { room.on('participantConneted', f); }\n"
    )
    sure = plan_text("a.js", text, read_choices())
    both = plan_text("a.js", text, EVERYTHING)
    assert len(sure.changes) + len(sure.unsure) == len(both.changes)


@pytest.mark.parametrize(
    ("path", "text", "target"),
    [
        ("a.js", "import { connect } from 'twilio-video';\nconnect(...given);\n", "auto"),
        ("a.py", "from twilio_compat import connect\nroom = connect(t)\n", "acs_core"),
    ],
)
def test_what_a_person_decides_is_told_without_comments_too(
    path: str, text: str, target: str
) -> None:
    plan = plan_text(path, text, read_choices(target=target, has_notes=False))
    assert (plan.after, plan.changes) == (text, ())
    assert [(one.line, one.is_note, one.edits) for one in plan.left] == [(2, True, ())]


def test_what_a_person_decides_is_told_where_no_comment_can_stand() -> None:
    text = "import { connect } from 'twilio-video'; connect(...given);\n"
    plan = plan_text("a.js", f"/* one */ {text}", read_choices())
    assert plan.changes == ()
    assert [one.summary.split()[0] for one in plan.left] == ["give"]


@pytest.mark.interop
@pytest.mark.parametrize("case", [c for c in CASES if c["path"].endswith((".js", ".mjs"))])
def test_node_takes_the_result(case: dict[str, str], tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    path = tmp_path / "program.mjs"
    path.write_text(case.get("after", case["before"]), encoding="utf-8")
    done = subprocess.run([node, "--check", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_rules_are_checked_when_they_are_read() -> None:
    good = (
        '[[rule]]\nid = "A-1"\ntarget = "server"\nlanguages = ["python"]\n'
        'action = "note"\nwhy = "w"\nsource = "s"\n'
    )
    assert read_rules(good, "a.toml")[0].id == "A-1"
    for wrong in (
        "[[rule",
        good.replace("why", "wy"),
        good.replace('"server"', '"moon"'),
        good.replace('why = "w"\n', ""),
        good + 'symbols = ["x"]\n',
        good + 'apis = "twilio"\n',
    ):
        with pytest.raises(RuleError, match=r"a\.toml"):
            read_rules(wrong, "a.toml")


def test_an_id_is_given_once(tmp_path: Path) -> None:
    text = (
        '[[rule]]\nid = "A-1"\ntarget = "server"\nlanguages = ["python"]\n'
        'action = "note"\nwhy = "w"\nsource = "s"\n'
    )
    (tmp_path / "a.toml").write_text(text + text)
    with pytest.raises(RuleError, match="twice"):
        load_rules(tmp_path)
