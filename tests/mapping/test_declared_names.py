"""The vendors' names as their packages declare them today, asked of TypeScript's compiler.

`mapping/data/names` says what the names are, `mapping/data/rewrites` which of the ACS beta have
others today; both were read from packages, and here is what the packages say themselves.
"""

from __future__ import annotations

from typing import Final

import pytest

from mapping import load
from mapping.rewrite.rules import RewriteRule, load_rules
from mapping.sources.uses import Api
from tests.support.declared_names import undeclared, unnamed
from tests.support.type_checker import require_compiler

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]

CALLING: Final = "@azure/communication-calling"
COMMON: Final = "@azure/communication-common"
PACKAGES: Final = {
    "acs-calling-1.46.1": CALLING,
    "communication-common-2.5.0": COMMON,
    "communication-identity-1.3.1": "@azure/communication-identity",
    "twilio-video-2.36.0": "twilio-video",
}

LOG: Final = (
    "LogLevel",
    "LogLevelDesc",
    "LogLevelNumbers",
    "Logger",
    "LoggingMethod",
    "MethodFactory",
)
# Types that programs see and cannot import from the package itself, by the files that declare them.
_FILES: Final = {
    "types": (
        "CancelablePromise",
        "ClientTrackSwitchOffControl",
        "MediaImplementationOptions",
        "NotifyWarning",
        "VideoContentPreferencesMode",
        "VideoEncodingMode",
    ),
    "MediaTrack": ("MediaTrack",),
    "PreflightTypes": (
        "NetworkTiming",
        "PreflightReportStats",
        "ProgressEvent",
        "RTCIceCandidateStats",
        "SelectedIceCandidatePairStats",
        "Stats",
        "TimeMeasurement",
    ),
    "RemoteVideoTrack": ("VideoContentPreferences",),
    "loglevel": ("Log", *(f"Log.{name}" for name in LOG)),
}
PLACES: Final = {
    **{
        name: f"import('twilio-video/tsdef/{file}').{name}"
        for file, names in _FILES.items()
        for name in names
    },
    "EventEmitter": "import('events').EventEmitter",
    "VideoFrame": "VideoFrame",
}

# Names that are there although the declarations of today's version don't have them.
ELSEWHERE: Final[dict[str, frozenset[str]]] = {
    # It is heard with a method of its own, `onCallInfoChanged`.
    "acs-calling-1.46.1": frozenset({"CallInfo#callInfoChanged"}),
    # What 2.5.0 has added; 2.4.2 is installed.
    "communication-common-2.5.0": frozenset(
        {
            "CommunicationTokenRefreshOptions.undecodableTokenExpiryIntervalInSeconds",
            "ExchangeTokenResponse",
            "ExchangeTokenResponse.accessToken",
            "ExchangeTokenResponse.identity",
        }
    ),
    # In lib/ only: programs in TypeScript cannot use them.
    "twilio-video-2.36.0": frozenset(
        {
            "LocalParticipant.setBandwidthProfile",
            "MediaTrack.processedTrack",
            "Participant.toJSON",
            "Participant.toString",
            "RemoteDataTrack.isSwitchedOff",
            "Room.toJSON",
            "Room.toString",
            "Track.toJSON",
            "Track.toString",
            "TrackPublication.toJSON",
            "TrackPublication.toString",
        }
    ),
}


@pytest.fixture(scope="module")
def missing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Of each list, the names that today's declarations do not have."""
    require_compiler()
    names = load.names()
    asked = {PACKAGES[name]: names[name] for name in PACKAGES}
    found = undeclared(tmp_path_factory.mktemp("names"), asked, PLACES)
    return {name: found[package] for name, package in PACKAGES.items()}


@pytest.mark.parametrize("name", PACKAGES)
def test_names_are_declared(name: str, missing: dict[str, set[str]]) -> None:
    assert sorted(missing[name]) == sorted(ELSEWHERE.get(name, ()))


def test_what_is_declared_has_a_name() -> None:
    require_compiler()
    names = set(load.names()["acs-calling-1.46.1"])
    declarations = f"{CALLING}/types/communication-calling.d.ts"
    assert unnamed(declarations, names) == set()
    lost = {
        "CallFeatureContext.call",
        "TransferCallFeature#transferAccepted",
        "Features",
        "DtmfTone",
    }
    assert unnamed(declarations, names - lost) == lost


RENAMING: Final = [
    rule
    for rule in load_rules()
    if rule.id.startswith("ACSB-") and rule.symbols and rule.action != "two_flags"
]


def package_of(rule: RewriteRule) -> str:
    return COMMON if Api.ACS_COMMON in rule.apis else CALLING


def becomes(rule: RewriteRule, symbol: str) -> str:
    """The name that a symbol of the beta gets, with the name that its class has today."""
    owner, mark, _ = symbol.partition("#") if "#" in symbol else symbol.rpartition(".")
    return f"{TODAY.get(owner, owner)}{mark}{rule.to}"


TODAY: Final = {
    symbol: rule.to
    for rule in RENAMING
    if rule.action == "rename_imported"
    for symbol in rule.symbols
}


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Of the names that rules about the beta have, before and after, those of no declaration."""
    require_compiler()
    asked: dict[str, list[str]] = {CALLING: [*load.names()["acs-calling-1.0.0-beta.4"]], COMMON: []}
    for rule in RENAMING:
        asked[package_of(rule)] += rule.symbols
        asked[package_of(rule)] += [becomes(rule, one) for one in rule.symbols if rule.to]
    return undeclared(tmp_path_factory.mktemp("beta"), asked)


@pytest.mark.feature("MIGRATE-002")
@pytest.mark.parametrize("rule", RENAMING, ids=lambda rule: rule.id)
def test_rules_are_about_names_that_are_gone_and_give_names_that_are_there(
    rule: RewriteRule, gone: dict[str, set[str]]
) -> None:
    missing = gone[package_of(rule)]
    assert set(rule.symbols) <= missing
    assert not rule.to or {becomes(rule, one) for one in rule.symbols}.isdisjoint(missing)


def test_each_name_of_the_beta_that_is_gone_has_a_rule(gone: dict[str, set[str]]) -> None:
    ruled = {symbol for rule in RENAMING for symbol in rule.symbols}
    lost = gone[CALLING] & set(load.names()["acs-calling-1.0.0-beta.4"])
    assert "CallAgent.call" in lost
    # Members of a class that has another name are those of that class.
    left = {name for name in lost - ruled if name.replace("#", ".").split(".")[0] not in ruled}
    assert left == set()
