from __future__ import annotations

import pytest

from acs_core import CallingError
from mapping.videosdk import Errors, NotProvidedError
from mapping.videosdk.absent import instead_of, not_provided


def test_a_refusal_names_the_method_and_what_to_use() -> None:
    method = not_provided("Meeting.fly", "Use wings.")
    with pytest.raises(NotProvidedError, match=r"Meeting.fly is not part.*Use wings\.") as raised:
        method("anything", at="all")
    assert raised.value.code == Errors.ERROR_ACTION_NOT_SUPPORTED
    assert raised.value.next_step == "Use wings."
    assert isinstance(raised.value, CallingError)
    assert instead_of(method) == "Use wings."
    assert method.__doc__ == "Not provided. Use wings."


def test_other_methods_are_not_refused() -> None:
    assert instead_of(str.upper) is None
