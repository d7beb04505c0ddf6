"""The documents of `mapping/docs`, made from the rows: pure functions of data, without a clock.

`made()` gives every file and its text; `python -m mapping docs` writes them, and `--check` says
which are stale. A document is Markdown that reads well as it is; `mapping/mkdocs.yml`, which is
made as well, turns all of them into pages with a search box (`make site`).
"""

from mapping.documents.library import Library, load_library
from mapping.documents.writing import made, stale, write

__all__ = ["Library", "load_library", "made", "stale", "write"]
