"""Recording in the service: each published track into a file of its own, without transcoding.

::

    plane ─ tap ─> TrackRecorder ──────────> WriterThread ─> TrackWriter ─> MatroskaFile
                   (tracks.py, event loop)   (thread.py)     (writer.py)    (container.py)

`recordings.py` is the part of the service: it follows what is to be recorded, keeps the table, and
tells observers. `writer.py` puts packets in order (`order.py`), makes pictures of them
(`samples.py`), and places them in time by the publisher's clock (`clocks.py`). `recovery.py` looks
at what a service that was killed has left. `watch.py` warns publishers whose media is missing.
"""
