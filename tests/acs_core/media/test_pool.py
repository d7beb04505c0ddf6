import threading

from acs_core.media.pool import media_pool


def test_there_is_one_pool_with_named_threads() -> None:
    assert media_pool() is media_pool()
    name = media_pool().submit(lambda: threading.current_thread().name).result()
    assert name.startswith("acs-media")
