"""ONNX files made by hand: networks of one layer that take red for a person.

Source: onnx.proto of the ONNX project, the message fields by number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["red_is_person"]

FLOAT = 1


def red_is_person(size: Sequence[int | str], *, channels: int = 1, is_planar: bool = True) -> bytes:
    """A model file: 20 * red - 20 * blue, as a map of odds or as two classes.

    Args:
        size: Height and width of the input; names where it is open.
        channels: 1, or 2 for classes.
        is_planar: The input is (1, 3, h, w), else (1, h, w, 3).
    """
    rows = [[20.0, 0.0, -20.0]] if channels == 1 else [[0.0] * 3, [20.0, 0.0, -20.0]]
    weights = np.array(rows, dtype="<f4")
    tensor = _packed(1, [channels, 3, 1, 1]) + _number(2, FLOAT) + _text(8, "w")
    tensor += _bytes(9, weights.tobytes())
    nodes = _bytes(1, _text(1, "planes") + _text(1, "w") + _text(2, "out") + _text(4, "Conv"))
    shape = [1, 3, *size] if is_planar else [1, *size, 3]
    entrance = "planes"
    if not is_planar:
        entrance = "picture"
        order = _text(1, "perm") + _number(20, 7) + _packed(8, [0, 3, 1, 2])
        turn = _text(1, entrance) + _text(2, "planes") + _text(4, "Transpose") + _bytes(5, order)
        nodes = _bytes(1, turn) + nodes
    graph = nodes + _text(2, "red") + _bytes(5, tensor)
    graph += _bytes(11, _value(entrance, shape)) + _bytes(12, _value("out", [1, channels, *size]))
    operators = _text(1, "") + _number(2, 13)
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, operators)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sides = b"".join(
        _bytes(1, _number(1, side) if isinstance(side, int) else _text(2, side)) for side in shape
    )
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, sides)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _packed(field: int, values: Sequence[int]) -> bytes:
    return b"".join(_number(field, value) for value in values)
