"""Where the SDK runs, and whether it is made for that.

ACS speaks of platforms and browsers; here the Python interpreter takes the browser's place.

Source: `EnvironmentInfo` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Final

__all__ = ["Environment", "EnvironmentInfo", "get_environment_info"]

PLATFORMS: Final = ("linux", "darwin", "win32")
OLDEST: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the program runs.

    Attributes:
        platform: As `sys.platform`.
        browser: Name of the Python interpreter, for instance "CPython".
        browser_version: Its version, for instance "3.11.9".
    """

    platform: str
    browser: str
    browser_version: str


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """Where the program runs, and what of it the SDK supports."""

    environment: Environment
    is_supported_platform: bool
    is_supported_browser: bool
    is_supported_browser_version: bool
    is_supported_environment: bool


def get_environment_info(
    *,
    system: str = sys.platform,
    interpreter: str = platform.python_implementation(),
    version: tuple[int, ...] = sys.version_info[:3],
) -> EnvironmentInfo:
    """What is known of an environment; by default of this one.

    Args:
        system: As `sys.platform`.
        interpreter: As `platform.python_implementation()`.
        version: Of the interpreter.
    """
    has_platform = system in PLATFORMS
    has_interpreter = interpreter == "CPython"
    has_version = has_interpreter and version >= OLDEST
    return EnvironmentInfo(
        Environment(system, interpreter, ".".join(str(part) for part in version)),
        is_supported_platform=has_platform,
        is_supported_browser=has_interpreter,
        is_supported_browser_version=has_version,
        is_supported_environment=has_platform and has_version,
    )
