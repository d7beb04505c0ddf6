from __future__ import annotations

import pytest

from acs_core import get_environment_info


def test_this_environment_is_supported() -> None:
    info = get_environment_info()
    assert info.is_supported_environment
    assert info.environment.browser == "CPython"


@pytest.mark.parametrize(
    ("system", "interpreter", "version", "supported"),
    [
        ("linux", "CPython", (3, 11, 0), (True, True, True, True)),
        ("win32", "CPython", (3, 10, 9), (True, True, False, False)),
        ("emscripten", "CPython", (3, 12, 1), (False, True, True, False)),
        ("darwin", "PyPy", (3, 11, 1), (True, False, False, False)),
    ],
)
def test_platform_interpreter_and_version_count(
    system: str, interpreter: str, version: tuple[int, ...], supported: tuple[bool, ...]
) -> None:
    info = get_environment_info(system=system, interpreter=interpreter, version=version)
    assert (
        info.is_supported_platform,
        info.is_supported_browser,
        info.is_supported_browser_version,
        info.is_supported_environment,
    ) == supported
    assert info.environment.browser_version == ".".join(map(str, version))
