"""Files as text, and back, without touching a byte that no edit asks for.

Source: PEP 263 for the encoding that a Python file declares; HTML and ECMAScript files are UTF-8,
or say otherwise by a byte order mark.
"""

from __future__ import annotations

import codecs
import contextlib
import glob
import io
import os
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FileText",
    "UnreadableFileError",
    "decode",
    "encode",
    "newline_of",
    "remove_leftovers",
    "write_atomically",
]

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
# With it a process that was killed leaves a file that is known to be nobody's.
_UNFINISHED = ".twilio-compat"


class UnreadableFileError(ValueError):
    """The bytes of a file are no text in the encoding that it has."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A file's text, and what is needed to write it as it was.

    Attributes:
        text: Without byte order mark; line ends as they are in the file.
        encoding: Name of a codec.
        mark: The byte order mark; empty without one.
    """

    text: str
    encoding: str
    mark: bytes = b""


def decode(data: bytes, *, is_python: bool) -> FileText:
    """The text of a file.

    Raises:
        UnreadableFileError: It is not in the encoding that it declares, or declares none that
            exists, or could not be written back as it was.
    """
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    body = data[len(mark) :]
    try:
        if is_python and not mark:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = body.decode(encoding)
        if text.encode(encoding) != body:
            raise UnreadableFileError(f"is not the same after decoding as {encoding}")
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise UnreadableFileError(f"cannot be read as {encoding}: {error}") from error
    return FileText(text, encoding, mark)


def encode(file: FileText, text: str) -> bytes:
    """The bytes of a changed text, in the encoding of the file that it was.

    Raises:
        UnreadableFileError: The encoding has no such characters.
    """
    try:
        return file.mark + text.encode(file.encoding)
    except UnicodeError as error:
        raise UnreadableFileError(f"cannot be written as {file.encoding}: {error}") from error


def newline_of(text: str, offset: int = 0) -> str:
    """The line end that follows a place, or else the first one of the text, or else a newline."""
    for start in (offset, 0):
        end = text.find("\n", start)
        if end >= 0:
            return "\r\n" if text[end - 1 : end] == "\r" else "\n"
    return "\n"


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one step, keeping mode and owner; a crash leaves the old or the new one.

    Raises:
        OSError: It cannot be written.
    """
    target = path.resolve()
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name}.", suffix=_UNFINISHED, dir=target.parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            before = target.stat()
            with contextlib.suppress(PermissionError):  # Only root gives files away.
                os.chown(name, before.st_uid, before.st_gid)
            os.chmod(name, before.st_mode & 0o7777)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of replacing a file.

    Raises:
        OSError: It cannot be removed.
    """
    target = path.resolve()
    for unfinished in target.parent.glob(f".{glob.escape(target.name)}.*{_UNFINISHED}"):
        unfinished.unlink()
