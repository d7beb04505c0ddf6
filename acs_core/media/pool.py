"""The threads in which this process encodes and decodes."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

__all__ = ["media_pool"]


@functools.cache
def media_pool(kind: Literal["audio", "video"]) -> ThreadPoolExecutor:
    """Give a kind's pool; its threads live as long as the process and keep no stream's state.

    Pictures have one thread per processor: codecs release the interpreter lock, so more would
    only queue inside the operating system instead of here, where a backlog is bounded. Sound has
    a thread of its own: it takes little, and must not wait behind pictures.
    """
    threads = 1 if kind == "audio" else max(2, os.cpu_count() or 1)
    return ThreadPoolExecutor(threads, thread_name_prefix=f"acs-{kind}")
