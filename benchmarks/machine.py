"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from acs_core.aiortc_private import srtp_ffi, srtp_lib
from acs_core.version import __version__
from benchmarks.janus import janus_version

__all__ = ["describe_machine"]

_PACKAGES = ("aiortc", "aioice", "pylibsrtp", "av", "aiohttp")


def describe_machine() -> Mapping[str, str]:
    """Machine, kernel and versions, by name."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, load average {load}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "twilio-compat": __version__,
        **{name: metadata.version(name) for name in _PACKAGES},
        "libsrtp": _libsrtp_version(),
        "openssl (python)": ssl.OPENSSL_VERSION,
        "gcc": _first_line("gcc", "--version"),
        "janus": janus_version() or "not installed",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _libsrtp_version() -> str:
    version = getattr(srtp_lib, "srtp_get_version_string", None)
    if version is not None:
        return str(srtp_ffi.string(version()).decode())
    return f"bundled with pylibsrtp {metadata.version('pylibsrtp')}"


def _first_line(*command: str) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "not installed"
    return output.stdout.splitlines()[0]
