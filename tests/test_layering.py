"""The arrows of import: who may know whom. A new arrow is a decision, so it fails here first."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]

# Package (longest prefix wins) -> the packages of ours that it may import.
ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "acs_core": ("acs_core",),
    "acs_core.errors": (),
    "acs_core.version": (),
    "acs_core.events": (),
    "acs_core.signed_request": ("acs_core.errors",),
    "acs_core.signed_token": ("acs_core.errors",),
    "acs_core.identifiers": ("acs_core.errors",),
    "acs_core.locators": ("acs_core.errors", "acs_core.core"),
    "acs_core.options": ("acs_core.identifiers", "acs_core.media"),
    # The rest gets locators and options from here.
    "acs_core.models": (
        "acs_core.errors",
        "acs_core.core",
        "acs_core.identifiers",
        "acs_core.locators",
        "acs_core.media",
        "acs_core.options",
    ),
    "acs_core.wire": ("acs_core.wire", "acs_core.core", "acs_core.errors"),
    "acs_core.core": ("acs_core.core", "acs_core.errors"),
    "acs_core.rtc": ("acs_core.rtc", "acs_core.errors", "acs_core.aiortc_private"),
    "acs_core.aiortc_private": ("acs_core.rtc", "acs_core.errors"),
    "acs_core.media": (
        "acs_core.media",
        "acs_core.rtc",
        "acs_core.errors",
        "acs_core.aiortc_private",
    ),
    # Runs in a process of its own; the service knows what a job is and nothing else of it.
    "acs_core.disks": ("acs_core.errors",),
    "acs_core.compositing": (
        "acs_core.compositing",
        "acs_core.disks",
        "acs_core.media",
        "acs_core.errors",
    ),
    "acs_core.compositing.job": ("acs_core.compositing.layout", "acs_core.errors"),
    "acs_core.compositing.layout": (),
    "acs_core.compositing.periods": (),
    "acs_core.client": (
        "acs_core.client",
        "acs_core.core",
        "acs_core.wire",
        "acs_core.media",
        "acs_core.rtc",
        "acs_core.errors",
        "acs_core.events",
        "acs_core.identifiers",
        "acs_core.models",
        "acs_core.version",
    ),
    "acs_core.service": (
        "acs_core.service",
        "acs_core.core",
        "acs_core.wire",
        "acs_core.rtc",
        "acs_core.compositing.job",
        "acs_core.compositing.layout",
        "acs_core.disks",
        "acs_core.errors",
        "acs_core.identifiers",
        "acs_core.signed_request",
        "acs_core.signed_token",
        "acs_core.version",
    ),
    # Alone: whoever moves the rest of the service need not move its tables.
    "acs_core.service.store": ("acs_core.service.store", "acs_core.core", "acs_core.errors"),
    "acs_core.service.sfu": (
        "acs_core.service.sfu",
        "acs_core.core",
        "acs_core.rtc",
        "acs_core.errors",
        "acs_core.aiortc_private",
    ),
    "twilio_compat": ("twilio_compat", "acs_core"),
    "mapping": ("mapping", "twilio_compat", "acs_core"),
}

# The facade stands on the public calling SDK; only the server may know the service.
FACADE_MUST_NOT_IMPORT: Final = ("acs_core.service", "acs_core.wire", "acs_core.client.session")
SERVER_SIDE: Final = (
    "gateway",
    "rest",
    "server",
    "settings",
    "verifier",
    "__main__",
    "commands",
    "demo",
    "pytest_plugin",
)

# Only these may import aiortc's inner modules; everybody else goes through them.
AIORTC_HOMES: Final = ("acs_core.aiortc_private", "acs_core.rtc", "acs_core.media")


@cache
def modules(package: str) -> Mapping[str, frozenset[str]]:
    """What each module imports, by its name."""
    found: dict[str, frozenset[str]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = frozenset(imports(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """What a module imports when it runs; imports for the type checker bind nobody."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "acs_core":
            yield from (f"acs_core.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rule_for(name: str) -> tuple[str, ...]:
    return ALLOWED[max((key for key in ALLOWED if is_within(name, key)), key=len)]


@pytest.mark.parametrize("package", ["acs_core", "twilio_compat", "mapping"])
def test_imports_follow_the_arrows(package: str) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, targets in modules(package).items()
        for target in targets
        if target.partition(".")[0] in ("acs_core", "twilio_compat", "mapping")
        and not any(is_within(target, allowed) for allowed in rule_for(name))
    ]
    assert wrong == []


def test_the_facade_stands_on_the_public_calling_sdk() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, targets in modules("twilio_compat").items()
        if name.split(".")[1:2] and name.split(".")[1] not in SERVER_SIDE
        for target in targets
        if any(is_within(target, forbidden) for forbidden in FACADE_MUST_NOT_IMPORT)
    ]
    assert wrong == []


def test_aiortc_is_known_in_few_places() -> None:
    wrong = [
        f"{name} imports {target}"
        for package in ("acs_core", "twilio_compat", "mapping")
        for name, targets in modules(package).items()
        if not any(is_within(name, home) for home in AIORTC_HOMES)
        for target in targets
        if is_within(target, "aiortc")
    ]
    assert wrong == []


def test_the_core_is_pure() -> None:
    allowed = {"msgspec"}
    stdlib_with_effects = {"asyncio", "socket", "time", "random", "secrets", "os", "threading"}
    wrong = [
        f"{name} imports {target}"
        for name, targets in modules("acs_core/core").items()
        for target in targets
        if (root := target.partition(".")[0]) not in {"acs_core", *allowed}
        and (root not in sys.stdlib_module_names or root in stdlib_with_effects)
    ]
    assert wrong == []
