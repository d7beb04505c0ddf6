"""C files of this package, compiled at run time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["compile_library"]

COMPILE_TIMEOUT = 60.0


def compile_library(name: str, folder: Path) -> Path:
    """Compile `name`.c beside this file into a shared library in `folder`.

    Raises:
        RuntimeError: There is no gcc, or it refuses the file.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("gcc is needed to compile the load generator")
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    command = [compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(source)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{source.name} does not compile: {done.stderr}")
    return library
