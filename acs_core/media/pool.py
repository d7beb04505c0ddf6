"""The threads in which this process encodes and decodes."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor

__all__ = ["media_pool"]


@functools.cache
def media_pool() -> ThreadPoolExecutor:
    """Give the pool; its threads live as long as the process and carry no state of a stream.

    One thread per processor: codecs release the interpreter lock, so more would only queue
    inside the operating system instead of here, where a backlog is bounded.
    """
    return ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="acs-media")
