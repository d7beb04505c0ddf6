"""What is posted to the REST API: form fields, read into values of the service.

Source: Twilio Video, parameters of the Rooms, Recording Rules and Subscribe Rules resources; the
codes are those of Twilio's error dictionary (53107 to 53124; 53120 and 53215 for rules).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from acs_core.core.facts import Priority
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule, TrackRules
from acs_core.errors import InvalidArgumentError
from acs_core.service.rooms import RoomKind, RoomOptions
from twilio_compat.rest.refusals import wrong_parameter

__all__ = [
    "RECORDING_RULES",
    "SUBSCRIBE_RULES",
    "CheckCallback",
    "Form",
    "check_status_callback",
    "parse_rules",
    "room_options",
    "rules_as_json",
    "status_callback",
    "status_callback_method",
    "transcription_configuration",
]

MOST_FIELDS: Final = 200
MOST_RULES: Final = 20
MOST_SETTINGS: Final = 20
LONGEST_SETTING: Final = 500 * 101
"""Characters: Twilio takes 500 hints of 100 characters each."""
MEDIA_REGIONS: Final = frozenset(
    {"au1", "br1", "de1", "gll", "ie1", "in1", "jp1", "sg1", "us1", "us2"}
)
HERE: Final = "us1"
"""The region of rooms that leave the choice to the service."""
VIDEO_CODECS: Final = ("VP8", "H264")
ROOM_MINUTES: Final = (1, 60)
PARTICIPANT_SECONDS: Final = (600, 86400)
RECORDING_RULES: Final = (53120, frozenset({"audio", "video"}))
"""The code of wrong recording rules, and the kinds of tracks they may name."""
SUBSCRIBE_RULES: Final = (53215, frozenset({"audio", "video", "data"}))
"""The same of subscribe rules."""
CheckCallback: TypeAlias = Callable[[str], object]
"""Refuses a URL that status callbacks must not go to, with an `InvalidArgumentError`."""
_RULE_FIELDS: Final = frozenset({"type", "all", "kind", "publisher", "track", "priority"})


class Form:
    """Form fields by name; a name may come several times."""

    def __init__(self, body: bytes) -> None:
        """Read ``application/x-www-form-urlencoded``.

        Raises:
            InvalidArgumentError: It is not that.
        """
        try:
            text = body.decode("utf-8")
            pairs = parse_qsl(
                text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
        except ValueError:
            raise wrong_parameter("The body is no form.") from None
        self._fields: dict[str, list[str]] = {}
        for name, value in pairs:
            self._fields.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """The last value of a field; None when it is absent or empty."""
        return self._fields.get(name, [""])[-1] or None

    def texts(self, name: str) -> Sequence[str]:
        """Every value of a field."""
        return self._fields.get(name, [])

    def flag(self, name: str) -> bool:
        """A field that is `true` or `false`; absent is false.

        Raises:
            InvalidArgumentError: It is neither.
        """
        text = (self.text(name) or "false").lower()
        if text not in ("true", "false"):
            raise wrong_parameter(f"{name} is true or false, not {text[:40]!r}.")
        return text == "true"

    def number(self, name: str, code: int, *, least: int, most: int) -> int | None:
        """A whole number; None when it is absent.

        Raises:
            InvalidArgumentError: It is none, or out of range, with this code.
        """
        text = self.text(name)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise wrong_parameter(f"{name} is from {least} to {most}, not {text[:40]!r}.", code)
        return int(text)

    def json(self, name: str, code: int) -> Any:
        """A field of JSON text; None when it is absent.

        Raises:
            InvalidArgumentError: It cannot be read.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            value = json.loads(text)
            # Half a surrogate pair can be escaped in JSON, and neither be stored nor sent.
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise wrong_parameter(f"{name} is no JSON.", code) from None
        return value


def room_options(form: Form, *, largest: int) -> RoomOptions:
    """What a room is to be created with.

    Args:
        form: The fields.
        largest: Participants of a large room that does not say how many.

    Raises:
        InvalidArgumentError: A parameter is wrong or does not fit the others.
    """
    kind = _kind(form)
    # Read for its faults only: Twilio considers it to be true always.
    form.flag("EnableTurn")
    max_participants = form.number("MaxParticipants", 53107, least=1, most=250)
    if form.flag("LargeRoom") and max_participants is None:
        max_participants = largest
    minutes = {
        field: form.number(name, 53109, least=ROOM_MINUTES[0], most=ROOM_MINUTES[1])
        for field, name in (("empty", "EmptyRoomTimeout"), ("unused", "UnusedRoomTimeout"))
    }
    least, most = PARTICIPANT_SECONDS
    return RoomOptions(
        kind=kind,
        max_participants=max_participants,
        is_audio_only=form.flag("AudioOnly"),
        video_codecs=_video_codecs(form),
        media_region=_media_region(form),
        empty_timeout=_seconds(minutes["empty"]),
        unused_timeout=_seconds(minutes["unused"]),
        max_participant_duration=form.number(
            "MaxParticipantDuration", 53109, least=least, most=most
        ),
        recording_rules=_recording_rules(form, kind),
        is_transcribed=_is_transcribed(form, kind),
        transcription=transcription_configuration(form, "TranscriptionsConfiguration") or {},
        status_callback=status_callback(form),
        status_callback_method=status_callback_method(form),
    )


def parse_rules(value: object, code: int, kinds: frozenset[str]) -> TrackRules:
    """Rules as they are posted, `[{"type": "include", "all": true}]`.

    Args:
        value: Decoded JSON.
        code: What to refuse them with.
        kinds: The kinds of tracks that they may name.

    Raises:
        InvalidArgumentError: They are no rules.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RULES:
        raise wrong_parameter(f"Rules are a list of 1 to {MOST_RULES} rules.", code)
    return tuple(_rule(item, code, kinds) for item in value)


def transcription_configuration(form: Form, name: str) -> Mapping[str, str] | None:
    """How a room is to be transcribed, as an object of texts; None when it is absent.

    Args:
        form: The fields.
        name: Of the field.

    Raises:
        InvalidArgumentError: It is no object of texts, numbers and booleans.
    """
    value = form.json(name, 53114)
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MOST_SETTINGS:
        raise wrong_parameter(f"{name} is an object of at most {MOST_SETTINGS} settings.", 53114)
    return {key: _setting(name, item) for key, item in value.items()}


def rules_as_json(rules: TrackRules) -> list[dict[str, object]]:
    """Rules as Twilio answers them; filters that are not used are null."""
    return [
        {
            "type": "include" if rule.is_include else "exclude",
            "all": True if rule.is_about_all else None,
            "publisher": rule.publisher,
            "track": rule.track,
            "kind": rule.kind,
            "priority": rule.priority,
        }
        for rule in rules
    ]


def _rule(item: object, code: int, kinds: frozenset[str]) -> TrackRule:
    if not isinstance(item, Mapping) or not item.keys() <= _RULE_FIELDS:
        raise wrong_parameter("A rule has a type and filters.", code)
    given = {name: value for name, value in item.items() if value is not None}
    if given.get("type") not in ("include", "exclude"):
        raise wrong_parameter("The type of a rule is include or exclude.", code)
    is_include = given.pop("type") == "include"
    is_about_all = given.pop("all", False)
    if is_about_all not in (True, "true", False, "false"):
        raise wrong_parameter("all is true, where it is given.", code)
    if (is_about_all in (True, "true")) is bool(given):
        raise wrong_parameter("A rule has either filters or all, which is true.", code)
    if not all(isinstance(value, str) and value for value in given.values()):
        raise wrong_parameter("The filters of a rule are texts.", code)
    if given.get("kind", next(iter(kinds))) not in kinds:
        raise wrong_parameter(f"The kind of a rule is one of {', '.join(sorted(kinds))}.", code)
    if given.get("priority", Priority.LOW) not in list(Priority):
        raise wrong_parameter("The priority of a rule is low, standard or high.", code)
    priority = given.get("priority")
    return TrackRule(
        is_include=is_include,
        kind=given.get("kind"),
        publisher=given.get("publisher"),
        track=given.get("track"),
        priority=None if priority is None else Priority(priority),
    )


def _kind(form: Form) -> RoomKind:
    text = form.text("Type") or RoomKind.GROUP
    if text not in list(RoomKind):
        raise wrong_parameter(f"There are no rooms of type {text[:40]!r}.", 53108)
    return RoomKind(text)


def _video_codecs(form: Form) -> tuple[str, ...]:
    """Repeated fields, a comma-separated list or a JSON array: helpers differ."""
    names = re.findall(r"[^\s,\[\]\"']+", ",".join(form.texts("VideoCodecs")))
    unknown = [name for name in names if name.upper() not in VIDEO_CODECS]
    if unknown:
        raise wrong_parameter(f"VideoCodecs has an unknown codec {unknown[0][:40]!r}.", 53103)
    return tuple(dict.fromkeys(name.lower() for name in names))


def _media_region(form: Form) -> str:
    text = form.text("MediaRegion") or "gll"
    if text not in MEDIA_REGIONS:
        raise wrong_parameter(f"There is no media region {text[:40]!r}.", 53115)
    return HERE if text == "gll" else text


def _recording_rules(form: Form, kind: RoomKind) -> TrackRules:
    code, kinds = RECORDING_RULES
    rules = EXCLUDE_ALL
    if form.flag("RecordParticipantsOnConnect"):
        rules = INCLUDE_ALL
    posted = form.json("RecordingRules", code)
    if posted is not None:
        rules = parse_rules(posted, code, kinds)
    if kind.is_relayed and any(rule.is_include for rule in rules):
        raise wrong_parameter(f"A {kind} room cannot be recorded.", 53114)
    return rules


def _setting(name: str, value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if len(value) <= LONGEST_SETTING:
            return value
    raise wrong_parameter(f"The settings of {name} are texts, numbers and booleans.", 53114)


def _is_transcribed(form: Form, kind: RoomKind) -> bool:
    is_wanted = form.flag("TranscribeParticipantsOnConnect")
    if is_wanted and kind.is_relayed:
        raise wrong_parameter(f"A {kind} room cannot be transcribed.", 53114)
    return is_wanted


def status_callback(form: Form) -> str | None:
    """Whom to tell; None for nobody.

    Raises:
        InvalidArgumentError: It is no URL of the web.
    """
    text = form.text("StatusCallback")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise wrong_parameter("StatusCallback is an absolute http or https URL.", 53111)
    return text


def check_status_callback(url: str | None, check: CheckCallback) -> None:
    """Refuse a status callback that must not be called.

    Args:
        url: As it was given; None for nobody.
        check: Knows where callbacks may go.

    Raises:
        InvalidArgumentError: 53111, it is refused.
    """
    if url is None:
        return
    try:
        check(url)
    except InvalidArgumentError as error:
        raise wrong_parameter(f"{error.message} {error.advice}", 53111) from error


def status_callback_method(form: Form) -> str:
    """How to tell it.

    Raises:
        InvalidArgumentError: It is neither GET nor POST.
    """
    text = form.text("StatusCallbackMethod") or "POST"
    if text not in ("GET", "POST"):
        raise wrong_parameter("StatusCallbackMethod is GET or POST.", 53110)
    return text


def _seconds(minutes: int | None) -> float | None:
    return None if minutes is None else minutes * 60.0
