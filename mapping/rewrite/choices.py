"""What is asked for on the command line, as options of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

from mapping.rewrite.actions import Server
from mapping.rewrite.planner import DEFAULT_TARGETS, PlanOptions
from mapping.rewrite.rules import Target, load_rules
from mapping.sources.uses import Confidence

__all__ = ["WrongChoiceError", "read_choices"]

_Value = TypeVar("_Value")

_ORIGINS: Final = {
    "auto": frozenset(Target),
    "twilio": frozenset({Target.SERVER, Target.TWILIO_COMPAT, Target.ACS_CORE, Target.CORRECT}),
    "twilio_compat": frozenset({Target.ACS_CORE, Target.CORRECT}),
    "acs": frozenset({Target.ACS_TODAY, Target.AZURE_SERVER, Target.CORRECT}),
}
_INCLUDED: Final = {
    "exact": frozenset({Confidence.EXACT}),
    "likely": frozenset({Confidence.EXACT, Confidence.LIKELY}),
}


class WrongChoiceError(ValueError):
    """An option has none of its values.

    Attributes:
        next_step: What to give instead.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


def read_choices(
    *,
    target: str = "auto",
    origin: str = "auto",
    include: str = "exact",
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    server: str = "http://127.0.0.1:7780",
    modules: Sequence[str] = (),
    has_notes: bool = True,
) -> PlanOptions:
    """Read the choices of a user.

    Args:
        target: `auto`, or a value of `Target`; `acs_core` takes what leads there with it.
        origin: `auto`, `twilio`, `twilio_compat` or `acs`.
        include: `exact` or `likely`.
        only: Ids of rules.
        without: Ids of rules.
        server: URL of the service.
        modules: Python modules of Twilio's shape.
        has_notes: Whether comments are left.

    Raises:
        WrongChoiceError: One has none of its values.
    """
    known = {rule.id for rule in load_rules()}
    for rule in (*only, *without):
        if rule not in known:
            raise WrongChoiceError(f"There is no rule {rule!r}.", "`migrate plan` names the rules.")
    return PlanOptions(
        targets=_targets(target) & _one_of(_ORIGINS, origin, "--from"),
        confidences=_one_of(_INCLUDED, include, "--include"),
        only=frozenset(only),
        without=frozenset(without),
        server=_server(server),
        modules=tuple(modules),
        has_notes=has_notes,
    )


def _targets(target: str) -> frozenset[Target]:
    chosen: dict[str, frozenset[Target]] = {
        "auto": DEFAULT_TARGETS,
        **{one.value: frozenset({one}) for one in Target},
    }
    # The way to acs_core leads over twilio_compat and over today's names.
    to_core = {Target.ACS_CORE, Target.TWILIO_COMPAT, Target.ACS_TODAY, Target.CORRECT}
    chosen[Target.ACS_CORE.value] = frozenset(to_core)
    return _one_of(chosen, target, "--target")


def _one_of(values: Mapping[str, frozenset[_Value]], given: str, option: str) -> frozenset[_Value]:
    try:
        return values[given]
    except KeyError:
        raise WrongChoiceError(f"{option} is not {given!r}.", f"Use {', '.join(values)}.") from None


def _server(url: str) -> Server:
    try:
        parts = urlsplit(url)
        is_right = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.path in ("", "/")
            and not parts.query
            and parts.port != 0
            and not set(url) & set("'\"\\ \n`${}")
        )
    except ValueError:
        is_right = False
    if not is_right:
        raise WrongChoiceError(
            f"{url!r} is no URL of a service.", "Give http or https, a host and a port."
        )
    return Server(url.rstrip("/"))
