"""Public names: listed, there, documented."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

PACKAGES = [
    "acs_core",
    "acs_core.legacy",
    "acs_core.service",
    "mapping.videosdk",
    "twilio_compat",
    "twilio_compat.server",
    "twilio_compat.testing",
]


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_every_listed_name_exists_once_and_nothing_else_is_public(package: ModuleType) -> None:
    names = list(package.__all__)
    assert len(set(names)) == len(names)
    assert all(hasattr(package, name) for name in names)
    if package.__name__ in ("acs_core", "twilio_compat"):
        public = {
            name
            for name, value in vars(package).items()
            if not name.startswith("_") and not inspect.ismodule(value)
        }
        assert public - set(names) == set()


def test_every_public_class_and_function_says_what_it_is_for(package: ModuleType) -> None:
    silent = [
        f"{name}.{member}" if member else name
        for name in package.__all__
        for member, value in members(getattr(package, name))
        if not (inspect.getdoc(value) or "").strip()
    ]
    assert silent == []


def members(value: object) -> list[tuple[str, object]]:
    # A type alias is callable as well, but has no docstring of its own.
    is_code = inspect.isclass(value) or inspect.isroutine(value)
    found: list[tuple[str, object]] = [("", value)] if is_code else []
    if inspect.isclass(value) and value.__module__.startswith(("acs_core", "twilio_compat")):
        found += [
            (name, member)
            for name, member in vars(value).items()
            if not name.startswith("_")
            and (inspect.isfunction(member) or isinstance(member, property))
        ]
    return found
