import threading

from acs_core.media.pool import media_pool


def test_each_kind_has_one_pool_with_named_threads() -> None:
    for kind in ("audio", "video"):
        assert media_pool(kind) is media_pool(kind)
        name = media_pool(kind).submit(lambda: threading.current_thread().name).result()
        assert name.startswith(f"acs-{kind}")


def test_sound_does_not_wait_behind_pictures() -> None:
    gate = threading.Event()
    pictures = [media_pool("video").submit(gate.wait) for _ in range(64)]
    assert media_pool("audio").submit(lambda: "heard").result(timeout=5) == "heard"
    gate.set()
    assert all(picture.result(timeout=5) for picture in pictures)
