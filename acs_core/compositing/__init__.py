"""Renders one file from recorded tracks, in a process of its own: `python -m acs_core.compositing`.

`job.py` says what is to be rendered, `layout.py` and `periods.py` decide where and when (pure),
`pictures.py` and `sounds.py` read the tracks, `output.py` writes the file, and `render.py` puts
them together. The service knows the job and the layout only; it starts the process.
"""
