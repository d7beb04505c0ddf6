from __future__ import annotations

import inspect

from twilio_compat import error_classes
from twilio_compat.error_classes import TwilioError
from twilio_compat.error_details import DETAILS


def test_each_class_has_a_row_of_its_own() -> None:
    classes = [
        error
        for _, error in inspect.getmembers(error_classes, inspect.isclass)
        if issubclass(error, TwilioError) and error is not TwilioError
    ]
    assert sorted(error.details.code for error in classes) == sorted(DETAILS)


def test_the_message_can_be_given() -> None:
    error = TwilioError(7, "Because", explanation="It rained.", next_step="Wait.")
    assert (error.code, error.message) == (7, "Because")
    assert (error.explanation, error.next_step) == ("It rained.", "Wait.")
    assert (error.causes, error.solutions) == ((), ())
