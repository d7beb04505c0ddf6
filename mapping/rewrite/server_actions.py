"""Tier 0: programs that keep their SDK and are told where their server is.

Source: twilio-video.js 2.36, `lib/connect.js` (`wsServer`, `wsServerInsights`) and
`lib/preflight/preflighttest.ts`; the helper libraries' `Domain` (`base_url` in Python, `baseUrl` in
Node).
"""

from __future__ import annotations

import re
from typing import Final

from mapping.rewrite.actions import Context, Note, change
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.javascript_syntax import JavaScriptSyntax, ObjectLiteral
from mapping.rewrite.rules import RewriteRule
from mapping.rewrite.syntax import Argument, Call, Language
from mapping.rewrite.texts import newline_of
from mapping.sources.uses import Use, UseKind

__all__ = ["connect_options", "helper_base_url", "helper_client_left"]

_COMMENT: Final = re.compile(r"(?:[ \t]*/\*(?:(?!\*/)[^\n])*\*/)+")
_CLIENTS: Final = ("Client", "Twilio", "twilio", "twilio.rest.Client")
_PLACES: Final = {"wsServer": "signaling", "wsServerInsights": "insights"}


def connect_options(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Give a call of Twilio's `connect(token, options)` the options that name the server.

    The rule's `to` says which options, separated by spaces.
    """
    syntax = context.syntax
    assert isinstance(syntax, JavaScriptSyntax)
    if use.kind in (UseKind.IMPORT, UseKind.TYPE) or _is_called_around(context, use):
        return None
    call = syntax.call_of(use.span.start, use.span.end)
    if call is None and syntax.assigned_at(use.expression.start, use.expression.end) is not None:
        return None  # It gets another name, which is followed.
    if call is None or any(one.is_spread for one in call.arguments) or not call.arguments:
        return Note(rule.note)
    wanted = rule.to.split()
    mark = '"' if context.text.count('"') > context.text.count("'") else "'"
    places = {name: getattr(context.server, _PLACES[name]) for name in wanted}
    members = [f"{name}: {mark}{place}{mark}" for name, place in places.items()]
    summary = f"{use.text}() is told where the server is"
    if len(call.arguments) == 1:
        return change(use, rule, summary, _as_argument(context, call.arguments[0], members))
    options = call.arguments[1]
    written = syntax.object_at(options.start, options.end)
    if written is None:
        text = context.text[options.start : options.end]
        if wanted[0] in syntax.keys_of(text):
            return None
        made = _besides(context, text, members)
        return change(use, rule, summary, Edit(options.start, options.end, made))
    if wanted[0] in written.keys:
        return None
    return change(use, rule, summary, *_into(context, written, members))


def _is_called_around(context: Context, use: Use) -> bool:
    """Whether a use is the name in `Video['connect']()`, which is a use of its own."""
    return any(
        one.symbol == use.symbol
        and one.span != use.span
        and one.span.start <= use.span.start
        and use.span.end <= one.span.end
        for one in context.uses
        if one.kind is UseKind.CALL
    )


def helper_base_url(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Set the base URL of the helper library's Video client behind the line that makes it.

    The rule's `to` is the path of that attribute. Only for clients that the file uses for video.
    """
    edits: list[Edit] = []
    names: list[str] = []
    for call in _client_calls(context, use):
        name = _client_name(context, call)
        if not name or not _reaches(context.text, name, "video"):
            continue
        if _reaches(_until_replaced(context.text, call, name), name, rule.to):
            continue
        place = context.syntax.statement_at(call.start)
        assert place is not None
        end = _line_end(context.text, place.end)
        mark, stop = ('"', "") if context.syntax.language is Language.PYTHON else ("'", ";")
        line = f"{name}.{rule.to} = {mark}{context.server.url}{mark}{stop}"
        edits.append(Edit(end, end, f"{newline_of(context.text, end)}{place.indent}{line}"))
        names.append(f"{name}.{rule.to}")
    return change(use, rule, f"{', '.join(names)} names the server", *edits) if edits else None


def helper_client_left(context: Context, use: Use, rule: RewriteRule) -> Note | None:
    """Tell of a client that is used for video, and whose base URL nothing in the file sets.

    The rule's `to` is the path of that attribute. Told once for each name of a client.
    """
    owner = _owner(context, use)
    if owner and _reaches(context.text, owner, rule.to):
        return None
    made = {call for one in context.uses if one.api is use.api
            for call in _client_calls(context, one)}  # fmt: skip
    names = [_client_name(context, call) for call in made]
    if made and all(name and _reaches(context.text, name, rule.to) for name in names):
        return None  # It is one of these, under another name.
    others = [one for one in context.uses if rule.is_about(one)]
    first = next(one for one in others if _owner(context, one) == owner)
    return Note(rule.note) if first is use else None


def _owner(context: Context, use: Use) -> str:
    """The expression that a member is reached from; empty where it is taken out of an object."""
    before = context.text[use.expression.start : use.span.start].rstrip()
    return before[:-1].rstrip().removesuffix("?") if before.endswith(".") else ""


def _client_name(context: Context, call: Call) -> str:
    """What a new client is kept in; empty unless a line can follow that sets something of it."""
    target = context.syntax.assigned_at(call.start, call.end)
    place = context.syntax.statement_at(call.start)
    if target is None or place is None or not place.is_alone or place.end != target[1]:
        return ""
    # Not the body of an `if` without braces: a second line would stand outside of it.
    begin = rf"\s*(?:export\s+)?(?:(?:const|let|var)\s+)?{re.escape(target[0])}\b"
    return target[0] if re.match(begin, context.text[place.start :]) else ""


def _client_calls(context: Context, use: Use) -> list[Call]:
    """Where a use makes clients of the helper library."""
    syntax = context.syntax
    if use.kind is UseKind.IMPORT:
        if use.symbol not in ("*", "twilio") or not isinstance(syntax, JavaScriptSyntax):
            return []
        return syntax.calls_of_module(use.text, use.module)
    if use.kind is not UseKind.CALL or use.symbol not in _CLIENTS:
        return []
    call = syntax.call_of(use.span.start, use.span.end)
    return [] if call is None else [call]


def _until_replaced(text: str, call: Call, client: str) -> str:
    """What follows a client that is made, up to where another one gets its name."""
    begin = rf"(?<![\w.]){re.escape(client)}\s*(?::[^=\n]+)?=(?![=>])"
    following = re.compile(begin).search(text, call.end)
    return text[call.end : following.start() if following else len(text)]


def _reaches(text: str, client: str, path: str) -> bool:
    """Whether a text reaches for a path of attributes of a client."""
    parts = (re.escape(part) for part in path.split("."))
    whole = r"\s*\??\.\s*".join([re.escape(client), *parts])
    return re.search(rf"(?<![\w.]){whole}\b", text) is not None


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1] == "\r" else end


def _as_argument(context: Context, token: Argument, members: list[str]) -> Edit:
    return Edit(token.end, token.end, f", {_alone(context, members)}")


def _alone(context: Context, members: list[str]) -> str:
    """An object with nothing but members."""
    # The SDK's types do not name these options; as an `object` they are let through.
    typed = " as object" if _is_typed(context) else ""
    return f"{{ {', '.join(members)} }}{typed}"


def _besides(context: Context, given: str, members: list[str]) -> str:
    """An object with members and what an expression has."""
    if given in ("undefined", "null"):
        return _alone(context, members)
    return f"{{ ...{given}, {', '.join(_unnamed(context, members))} }}"


def _unnamed(context: Context, members: list[str]) -> list[str]:
    """Members for an object that has others, in a way that types let through."""
    # An object that spreads another is not searched for options that its type does not name.
    return [f"...{{ {', '.join(members)} }}"] if _is_typed(context) else members


def _into(context: Context, written: ObjectLiteral, members: list[str]) -> list[Edit]:
    """Add members at the end of an object, laid out as its last one."""
    text = context.text
    inner = ", ".join(members)
    if written.last_start is None or written.last_end is None:
        typed = " as object" if _is_typed(context) else ""
        if not text[written.start + 1 : written.end - 1].strip():
            return [Edit(written.start, written.end, f"{{ {inner} }}{typed}")]
        begin = Edit(written.start + 1, written.start + 1, f" {inner},")  # Before a comment.
        return [begin, *([Edit(written.end, written.end, typed)] if typed else [])]
    members = _unnamed(context, members)
    line = text.rfind("\n", 0, written.last_start) + 1
    indent = text[line : written.last_start]
    end = written.comma_end or written.last_end
    comma = [] if written.comma_end else [Edit(written.last_end, written.last_end, ",")]
    if (comment := _COMMENT.match(text, end)) is not None:
        end = comment.end()  # It stays with the member that it follows.
    if indent.strip() or line <= written.start:
        return [*comma, Edit(end, end, f" {', '.join(members)}")]
    newline = newline_of(text, end)
    stop = _line_end(text, end)
    rest = text[end:stop].strip()
    end = stop if not rest or rest.startswith("//") else end
    lines = f",{newline}{indent}".join(members)
    last = "," if written.comma_end else ""
    return [*comma, Edit(end, end, f"{newline}{indent}{lines}{last}")]


def _is_typed(context: Context) -> bool:
    return context.syntax.language in (Language.TYPESCRIPT, Language.TSX)
