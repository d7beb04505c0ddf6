from __future__ import annotations

import asyncio

import pytest

from acs_core.errors import AuthenticationError, CallingError, DeadlineError
from acs_core.service.rest.teams import (
    DevTeamsTokens,
    TeamsUser,
    issue_dev_teams_token,
    teams_user_of,
)

KEY = b"k" * 64
NOW = 1_800_000_000.0


class Silent:
    """A directory that does not answer."""

    async def verify(self, token: str, *, now: float) -> TeamsUser:
        """Nobody knows."""
        await asyncio.Event().wait()
        raise AssertionError


async def test_names_of_users_and_applications_may_be_in_any_case() -> None:
    token = issue_dev_teams_token(KEY, "abc", "DEF", now=NOW)
    user = await teams_user_of(DevTeamsTokens(KEY), token, app_id="def", user_id="ABC", now=NOW)
    assert user == TeamsUser("abc", "DEF")


@pytest.mark.parametrize("now", [NOW - 120, NOW + 7200])
async def test_a_token_is_good_in_its_time_only(now: float) -> None:
    token = issue_dev_teams_token(KEY, "u", "a", now=NOW)
    with pytest.raises(AuthenticationError):
        await teams_user_of(DevTeamsTokens(KEY), token, app_id="a", user_id="u", now=now)


async def test_a_directory_that_does_not_answer_is_not_waited_for_long() -> None:
    with pytest.raises(DeadlineError) as caught:
        await teams_user_of(Silent(), "x", app_id="a", user_id="u", now=NOW, deadline=0.01)
    assert caught.value.code == 408


async def test_without_a_directory_nobody_is_asked() -> None:
    with pytest.raises(CallingError) as caught:
        await teams_user_of(None, "x", app_id="a", user_id="u", now=NOW)
    assert caught.value.code == 501
