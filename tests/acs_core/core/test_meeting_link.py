from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.meeting_link import MeetingLink, format_link, parse_link
from acs_core.errors import InvalidArgumentError

PART = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(PART, PART, st.text(max_size=20).filter(str.isprintable), PART)
def test_links_are_read_as_they_were_written(
    thread: str, message: str, tenant: str, organizer: str
) -> None:
    link = MeetingLink(thread, message, tenant, organizer)
    assert parse_link(format_link(link, host="meet.example")) == link


@pytest.mark.feature("TEAMS-001")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "meeting",
        "http://meet.example/l/meetup-join/19%3ameeting_a%40thread.v2/0",
        "https:///l/meetup-join/thread/0",
        "https://meet.example/l/meetup-join/thread",
        "https://meet.example/l/meetup-join//0",
        "https://meet.example/meet/thread/0",
        "https://meet.example/l/meetup-join/thread/0?context=nothing",
        "https://meet.example/l/meetup-join/thread/0?context=[]",
        "https://meet.example/l/meetup-join/thread/0?context=%7B%22Tid%22%3A1%7D",
        "https://meet.example/l/meetup-join/%ff/0",
        "https://[meet/l/meetup-join/thread/0",
        "https://meet.example/l/meetup-join/thread/0?context=" + "[" * 1500,
        "https://meet.example/l/meetup-join/thread/" + "0" * 3000,
    ],
)
def test_what_is_no_link_is_refused_with_acs_code(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse_link(text)
    assert (caught.value.code, caught.value.sub_code) == (400, 40210)


@given(st.text())
def test_nothing_but_a_typed_error_comes_of_garbage(text: str) -> None:
    for candidate in (text, f"https://meet.example/l/meetup-join/{text}"):
        refusal = None
        try:
            parse_link(candidate)
        except InvalidArgumentError as error:
            refusal = error
        assert refusal is None or refusal.sub_code == 40210


def test_a_link_as_teams_makes_it_is_understood() -> None:
    link = parse_link(
        "https://teams.example/l/meetup-join/19%3ameeting_QWE%40thread.v2/0"
        "?context=%7b%22Tid%22%3a%22t%22%2c%22Oid%22%3a%22o%22%7d"
    )
    assert link == MeetingLink("19:meeting_QWE@thread.v2", "0", "t", "o")
