"""Where a program uses an API: the findings that scanner, codemod and documentation share.

A reader of a language (`mapping.sources.python`, `mapping.sources.javascript`) turns text into
uses; it resolves imports, aliases and receivers, and says how sure it is. Nothing here knows what
a use means for a migration: rules do (`mapping.scan`, `mapping.rewrite`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Api", "Confidence", "SourceFile", "Span", "Use", "UseKind"]


class Api(StrEnum):
    """Whose name it is."""

    TWILIO_VIDEO = "twilio-video"
    TWILIO_PROCESSORS = "@twilio/video-processors"
    TWILIO_HELPER = "twilio"
    ACS_CALLING = "azure-communication-calling"
    ACS_COMMON = "azure-communication-common"
    ACS_IDENTITY = "azure-communication-identity"
    ACS_ROOMS = "azure-communication-rooms"
    ACS_CALL_AUTOMATION = "azure-communication-callautomation"
    ACS_OTHER = "azure-communication"
    VIDEOSDK = "videosdk"
    TWILIO_COMPAT = "twilio_compat"
    ACS_CORE = "acs_core"
    BROWSER = "browser"


class Confidence(StrEnum):
    """How a name was found to be the API's.

    `EXACT`: through an import in the same file. `LIKELY`: inferred, as the receiver of a callback
    is. `MANUAL`: it looks like it, and a person must say.
    """

    EXACT = "exact"
    LIKELY = "likely"
    MANUAL = "manual"


class UseKind(StrEnum):
    """What stands at the place."""

    IMPORT = "import"
    CALL = "call"
    MEMBER = "member"
    EVENT = "event"
    OPTION = "option"
    TYPE = "type"
    VALUE = "value"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of a text.

    Attributes:
        start: Offset of the first character, from 0, in characters (not bytes).
        end: Offset behind the last one.
        line: Of the first character, from 1.
        column: Of the first character, from 1, in characters.
    """

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a program uses a name of an API.

    Attributes:
        api: Whose name it is.
        symbol: The name as `mapping/data` writes it: `connect`, `Room.participants`,
            `Room#participantConnected` (an event), `ConnectOptions.dominantSpeaker`, or of an
            unknown member of a known object, `Room.isConnected`. An import of the whole package
            has `*`.
        span: The name itself, without quotes: what an edit of the name replaces.
        expression: The whole of it: a call with its arguments, an import statement, `key: value`.
        confidence: How sure the reader is.
        why: How a name that is not `EXACT` was inferred, for people.
        text: The name as it stands in the text.
        module: For an import, what is imported from, as written.
    """

    api: Api
    symbol: str
    kind: UseKind
    span: Span
    expression: Span
    confidence: Confidence
    why: str = ""
    text: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What a reader found in one file.

    Attributes:
        path: As given, with `/`.
        uses: In the order of their spans.
        problem: Why the text could not be read, or not wholly; empty when all is well. Uses
            found in spite of it are kept.
        exports: Names that other files may import from this one and what they are
            (`makeRoom` -> `twilio-video:connect`), for one hop of re-exports.
    """

    path: str
    uses: tuple[Use, ...]
    problem: str = ""
    exports: dict[str, str] = field(default_factory=dict)
