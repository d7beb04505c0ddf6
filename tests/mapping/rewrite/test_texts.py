"""Files are written as they were read: encoding, byte order mark and line ends."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.rewrite.texts import (
    UnreadableFileError,
    decode,
    encode,
    newline_of,
    write_atomically,
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a = 1\r\nb = 2\n",
        codecs.BOM_UTF8 + "é = 1\r\n".encode(),
        codecs.BOM_UTF16_LE + "let a\r\n".encode("utf-16-le"),
        "# coding: latin-1\nname = 'é'\n".encode("latin-1"),
        "#!/usr/bin/python\n# -*- coding: cp1252 -*-\nname = '€'\n".encode("cp1252"),
    ],
)
def test_bytes_come_back(data: bytes) -> None:
    file = decode(data, is_python=True)
    assert encode(file, file.text) == data


@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_come_back_or_are_refused(data: bytes, is_python: bool) -> None:
    try:
        file = decode(data, is_python=is_python)
    except UnreadableFileError:
        return
    assert encode(file, file.text) == data


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        decode(b"# coding: klingon\n", is_python=True)
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        decode(b"\xff\xff\xff", is_python=False)


def test_characters_that_the_encoding_lacks_are_refused() -> None:
    file = decode(b"# coding: ascii\n", is_python=True)
    with pytest.raises(UnreadableFileError, match="cannot be written"):
        encode(file, "é")


def test_line_ends_are_those_of_the_place() -> None:
    assert newline_of("a\r\nb\n", 0) == "\r\n"
    assert newline_of("a\r\nb\n", 3) == "\n"
    assert newline_of("a\r\nb", 3) == "\r\n"
    assert newline_of("a", 0) == "\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(b"old")
    os.chown(path, 1234, 5678)
    write_atomically(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(b"old")
    path.chmod(0o755)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, link.is_symlink()) == (
        b"new",
        0o755,
        True,
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.py", "program.py"]


def test_a_file_that_cannot_be_replaced_is_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(folder, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
    assert folder.is_dir()
