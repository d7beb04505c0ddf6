"""The rows of `mapping/data`: what corresponds to what, and who says so.

One file per class and vendor; a row per public name. `mapping.load` reads and checks them, and
everything else (documentation, matrix, scanner, codemod) is made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

__all__ = [
    "COLUMNS",
    "Belief",
    "ErrorRow",
    "Kind",
    "Parity",
    "RetirementRow",
    "Row",
    "Status",
    "Vendor",
]


class Vendor(StrEnum):
    """Whose names the row is about; the last two are ours, of what no vendor has."""

    TWILIO_VIDEO = "twilio-video"
    TWILIO_PROCESSORS = "@twilio/video-processors"
    TWILIO_REST = "twilio-rest"
    TWILIO_WEBHOOK = "twilio-webhook"
    ACS_CALLING = "acs-calling"
    ACS_COMMON = "acs-common"
    ACS_EFFECTS = "acs-effects"
    ACS_IDENTITY = "acs-identity"
    VIDEOSDK = "videosdk"
    TWILIO_COMPAT = "twilio_compat"
    ACS_CORE = "acs_core"


class Kind(StrEnum):
    """What sort of name it is."""

    CLASS = "class"
    TYPE = "type"
    FUNCTION = "function"
    CONSTANT = "constant"
    CONSTRUCTOR = "constructor"
    PROPERTY = "property"
    METHOD = "method"
    OPTION = "option"
    EVENT = "event"
    VALUE = "value"
    OPERATION = "operation"
    WEBHOOK = "webhook"


class Status(StrEnum):
    """How far the counterpart is from the name.

    `DIRECT`: the same concept in one construct. `ADAPT`: the same concept in another shape.
    `EMULATE`: there is no counterpart, the library provides it. `DOM`: it exists in browsers only
    and has a substitute in Python. `NOOP`: accepted and ignored. `NONE`: it has no counterpart.
    """

    DIRECT = "direct"
    ADAPT = "adapt"
    EMULATE = "emulate"
    DOM = "dom"
    NOOP = "noop"
    NONE = "none"


class Parity(StrEnum):
    """What a column of the matrix promises of a row.

    `FULL`: it behaves as the vendor's does, and a test that the row names shows it. `PARTIAL`: it
    is there, and differs, or no test is named. `EMULATED`: something else stands for it, or it is
    accepted without an effect. `EXTENSION`: this library has it where the vendor has nothing.
    `NOT_APPLICABLE`: the column says nothing about the name. `NO`: it is not there.
    """

    FULL = "full"
    PARTIAL = "partial"
    EMULATED = "emulated"
    EXTENSION = "extension"
    NOT_APPLICABLE = "n/a"
    NO = "no"


COLUMNS: Final = ("js", "rest", "compat", "native", "videosdk")
"""Columns of the matrix.

`js` is the unmodified client against our service, `rest` the REST interface, `compat`
`twilio_compat`, `native` `acs_core`, `videosdk` the facade of `mapping` in VideoSDK's shape.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One public name and its counterparts.

    Attributes:
        vendor: Whose name it is.
        name: As the vendor writes it: `connect`, `Room.participants`, `Room#disconnected` for an
            event, `ConnectOptions.name`, `POST /v1/Rooms`, `participant-connected` for a webhook.
        twilio: Twilio Video's counterpart, or `none`; empty in Twilio's own rows.
        acs: The counterpart in ACS Calling today, or `none`; empty in ACS' own rows.
        videosdk: The counterpart in VideoSDK, or `none`; empty in VideoSDK's own rows.
        compat: The name in `twilio_compat` that stands for it, dotted from the package
            (`Room.participants`), checked to exist; empty when there is none.
        native: Names in `acs_core`, checked to exist.
        parity: Column of the matrix -> what is promised there. Columns are `COLUMNS`; one that
            is not there does not apply to the name.
        why: Why the status is what it is, or why there is no counterpart.
        difference: What behaves differently although the name is the same; may be empty.
        generations: Of ACS' names: what it was called, by generation (`beta`, `v1`, `v2`).
        proofs: Column of the matrix -> tests that show it there, as pytest names them, without
            parameters.
        source: Page or package (with version) that says what the name does.
        as_of: When that was read.
        extends: Classes whose members the class has, too.
        args: What a listener of the event gets, in order; of an operation, its parameters.
        values: Words that a type or an enumeration consists of.
        call: How a program of the vendor's server library asks for it; of operations only.
        since: First version that has the name, of those that were compared; may be empty.
        demand: In how many of twelve public applications the name was seen.
    """

    vendor: Vendor
    name: str
    kind: Kind
    section: str
    status: Status
    twilio: str
    acs: str
    videosdk: str
    compat: str
    native: tuple[str, ...]
    parity: dict[str, Parity]
    why: str
    difference: str
    generations: dict[str, str]
    proofs: dict[str, tuple[str, ...]]
    source: str
    as_of: date
    extends: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    call: str = ""
    since: str = ""
    demand: int = 0

    @property
    def owner(self) -> str:
        """The class, type or resource that the name belongs to; empty for one of the module."""
        head, _, member = self.name.partition("#")
        return head if member else head.rpartition(".")[0]

    @property
    def proof(self) -> tuple[str, ...]:
        """The tests of all columns, each once."""
        return tuple(dict.fromkeys(test for tests in self.proofs.values() for test in tests))


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One of Twilio's error codes and what ACS says instead.

    Attributes:
        code: Twilio's.
        name: Twilio's class, which `twilio_compat` has.
        acs_key: Key of ACS' table of call ends and errors.
        acs_code: Shaped like an HTTP status.
        acs_subcode: ACS' own; 0 where it has none.
        why: When it happens, or what ACS says in its place.
        message: Twilio's words.
    """

    code: int
    name: str
    acs_key: str
    acs_code: int
    acs_subcode: int
    why: str
    proof: tuple[str, ...]
    source: str
    as_of: date
    message: str = ""


@dataclass(frozen=True, slots=True)
class Belief:
    """Something that public guides say and that is not so.

    Attributes:
        id: Stable, as `GUIDE-001`.
        api: Whose API the guide speaks of (a value of `mapping.sources.uses.Api`), or `general`.
        guide: Which guide it is, by its subject.
        says: What is written there.
        real: What is so.
        symbols: Names the scanner looks for, as in `Use.symbol`; empty where nothing can be found
            in a program.
        why: How it came about, or what happens to who believes it.
    """

    id: str
    api: str
    guide: str
    says: str
    real: str
    symbols: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class RetirementRow:
    """When a product, or a part of it, ends.

    Attributes:
        symbols: Packages or names that the scanner finds, as in `Use.symbol` or as package names.
        retires: The day, or None where only a change is announced.
        what: What happens then.
        source: Page that says so.
        as_of: When that was read; dates are announced anew.
    """

    id: str
    product: str
    symbols: tuple[str, ...]
    retires: date | None
    what: str
    source: str
    as_of: date
