from __future__ import annotations

from tests.support.events import until
from twilio_compat.gateway.reminders import Reminder


async def test_it_is_said_a_few_times_and_anew_after_another_start() -> None:
    said: list[int] = []

    def remind() -> bool:
        said.append(len(said))
        return True

    reminder = Reminder(remind, first=0.001, times=3)
    reminder.start()
    await until(lambda: reminder._timer is None)
    assert len(said) == 3
    reminder.start()
    reminder.start()
    await until(lambda: reminder._timer is None)
    assert len(said) == 6
    reminder.start()
    reminder.stop()
    reminder.stop()
    assert reminder._timer is None


async def test_it_ends_when_it_is_needed_no_more() -> None:
    said: list[int] = []
    reminder = Reminder(lambda: bool(said.append(1)), first=0.001)
    reminder.start()
    await until(lambda: reminder._timer is None)
    assert said == [1]
