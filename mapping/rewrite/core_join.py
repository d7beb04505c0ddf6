"""Tier 2, its first step: from `connect()` of `twilio_compat` to a call of `acs_core`.

Options are taken over where both say the same; `JoinRefusedError` names the first that does not.

Source: twilio_compat.connect, which does the same by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import libcst as cst
from libcst.helpers import get_full_name_for_node

from mapping.rewrite.legacy import snake_case
from mapping.rewrite.python_syntax import PythonSyntax

__all__ = ["JoinRefusedError", "JoinText", "join_text"]

_FLAGS: Final = {
    "automatic_subscription": "receive_automatically",
    "receive_automatically": "receive_automatically",
}
_LONGEST_LINE: Final = 88
# Options that change nothing in a call: insights are the service's business, and dominant speakers
# are always known.
_IGNORED: Final = frozenset({"dominant_speaker", "insights"})


class JoinRefusedError(ValueError):
    """An option of `connect` has no counterpart that can be written down."""


@dataclass(slots=True)
class JoinText:
    """The code that joins.

    Attributes:
        client: What makes the call client.
        lines: Statements that follow, in terms of `client`, `agent` and `room`.
        names: What they need of `acs_core`.
        sources: What they need of `acs_core.media.sources`.
    """

    client: str
    lines: list[str]
    names: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


def join_text(
    syntax: PythonSyntax, call: cst.Call, *, client: str, agent: str, room: str
) -> JoinText:
    """Write the code that does what a call of `connect` did.

    Args:
        syntax: The text that has the call.
        call: The call.
        client: Name of the variable for the call client.
        agent: Name of the variable for the call agent.
        room: Name of the variable for the call.

    Raises:
        JoinRefusedError: An argument has no counterpart.
    """
    token, options = _arguments(syntax, call)
    made = JoinText(
        "CallClient()",
        [],
        {"AzureCommunicationTokenCredential", "CallClient", "JoinCallOptions", "RoomCallLocator"},
    )
    service = options.pop("service_url", None)
    if service is not None:
        made.names.add("CallClientOptions")
        made.client = f"CallClient(CallClientOptions(service_url={_code(syntax, service)}))"
    name = options.pop("name", None)
    if name is None:
        raise JoinRefusedError("connect() without a name")
    audio, video = _audio(syntax, options, made), _video(syntax, options, made)
    # Without a microphone of its own, and without `streams`, a call takes the default one.
    how = ["streams=()"] if audio is None else [audio]
    how += [] if video is None else [video]
    for option in sorted(options.keys() - _IGNORED):
        if option not in _FLAGS:
            raise JoinRefusedError(f"the option {option}")
        how.append(f"{_FLAGS[option]}={_code(syntax, options[option])}")
    made.lines = [
        f"{agent} = await {client}.create_call_agent(AzureCommunicationTokenCredential({token}))",
        *_joining(f"{room} = {agent}.join", _code(syntax, name), how),
        f"await {room}.connected()",
    ]
    return made


def _joining(begin: str, name: str, how: list[str]) -> list[str]:
    """The call of `join`, over several lines if it is long."""
    line = f"{begin}(RoomCallLocator({name}), JoinCallOptions({', '.join(how)}))"
    if len(line) <= _LONGEST_LINE:
        return [line]
    inner = [f"        {one}," for one in how]
    return [
        f"{begin}(",
        f"    RoomCallLocator({name}),",
        "    JoinCallOptions(",
        *inner,
        "    ),",
        ")",
    ]


def _arguments(syntax: PythonSyntax, call: cst.Call) -> tuple[str, dict[str, cst.BaseExpression]]:
    """The token, and the options in Python's spelling, of bag and keywords."""
    options: dict[str, cst.BaseExpression] = {}
    positional = [one.value for one in call.args if one.keyword is None and not one.star]
    if any(one.star for one in call.args) or not 1 <= len(positional) <= 2:
        raise JoinRefusedError("arguments that are spread")
    for one in call.args:
        if one.keyword is not None:
            options[snake_case(one.keyword.value)] = one.value
    if len(positional) == 2:
        options |= _entries(syntax, positional[1])
    return _code(syntax, positional[0]), options


def _entries(syntax: PythonSyntax, bag: cst.BaseExpression) -> dict[str, cst.BaseExpression]:
    """The entries of a dictionary, with keys in Python's spelling; it may be a constant's."""
    if isinstance(bag, cst.Name):
        bag = syntax.constant_named(bag.value) or bag
    if not isinstance(bag, cst.Dict):
        raise JoinRefusedError("options that are not written out")
    found: dict[str, cst.BaseExpression] = {}
    for element in bag.elements:
        key = element.key if isinstance(element, cst.DictElement) else None
        if not isinstance(key, cst.SimpleString) or not isinstance(key.evaluated_value, str):
            raise JoinRefusedError("options that are not written out")
        found[snake_case(key.evaluated_value)] = element.value
    return found


def _audio(
    syntax: PythonSyntax, options: dict[str, cst.BaseExpression], made: JoinText
) -> str | None:
    given = _track(syntax, options, "audio")
    if given is None:
        return None
    if _word(given.pop("source", None)) != "tone":
        raise JoinRefusedError("an audio track from a device or a file")
    frequency = given.pop("frequency", None)
    if given:
        raise JoinRefusedError(f"the option {min(given)} of audio")
    made.names |= {"AudioOptions", "LocalAudioStream"}
    made.sources.add("ToneSource")
    source = f"ToneSource({_code(syntax, frequency) if frequency else '440.0'})"
    return f"audio_options=AudioOptions(local_audio_streams=(LocalAudioStream({source}),))"


def _video(
    syntax: PythonSyntax, options: dict[str, cst.BaseExpression], made: JoinText
) -> str | None:
    given = _track(syntax, options, "video")
    if given is None:
        return None
    if _word(given.pop("source", None)) != "pattern":
        raise JoinRefusedError("a video track from a device or a file")
    # Defaults of twilio_compat.media_sources.
    parts = []
    for key, default in (("width", "640"), ("height", "360"), ("frame_rate", "24")):
        value = given.pop(key, None)
        parts.append(default if value is None else _code(syntax, value))
    color = given.pop("color", None)
    if color is not None:
        parts.append(f"color={_code(syntax, color)}")
    if given:
        raise JoinRefusedError(f"the option {min(given)} of video")
    made.names |= {"LocalVideoStream", "VideoOptions"}
    made.sources.add("PatternSource")
    source = f"PatternSource({', '.join(parts)})"
    return f"video_options=VideoOptions(local_video_streams=(LocalVideoStream({source}),))"


def _track(
    syntax: PythonSyntax, options: dict[str, cst.BaseExpression], kind: str
) -> dict[str, cst.BaseExpression] | None:
    """The options of a track; None if there is to be none."""
    value = options.pop(kind, None)
    if value is not None and get_full_name_for_node(value) == "False":
        return None
    if value is None or not isinstance(value, cst.Dict | cst.Name):
        raise JoinRefusedError(f"the default device for {kind}")
    return _entries(syntax, value)


def _word(value: cst.BaseExpression | None) -> str:
    is_plain = isinstance(value, cst.SimpleString) and isinstance(value.evaluated_value, str)
    return str(value.evaluated_value) if is_plain and isinstance(value, cst.SimpleString) else ""


def _code(syntax: PythonSyntax, node: cst.BaseExpression) -> str:
    return syntax.module.code_for_node(node)
