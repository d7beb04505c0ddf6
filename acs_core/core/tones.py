"""The keys of a telephone."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DtmfTone"]


class DtmfTone(StrEnum):
    """A tone of a telephone's keypad.

    Source: RFC 4733 section 3.2.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    FLASH = "Flash"
    NUM0 = "Num0"
    NUM1 = "Num1"
    NUM2 = "Num2"
    NUM3 = "Num3"
    NUM4 = "Num4"
    NUM5 = "Num5"
    NUM6 = "Num6"
    NUM7 = "Num7"
    NUM8 = "Num8"
    NUM9 = "Num9"
    POUND = "Pound"
    STAR = "Star"
