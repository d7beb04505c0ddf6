"""The programs that documents show as "before" run in a browser, and print what those after do."""

from __future__ import annotations

import re
from typing import Final

import pytest

from mapping.documents.snippets import SNIPPETS
from tests.interop.stage import Stage

BEFORE: Final = sorted(path.stem for path in SNIPPETS.glob("twilio_*.js"))

RUN: Final = """async ({ program, tokens, server }) => {
  const printed = [];
  const sdk = Twilio.Video;
  const Video = {
    ...sdk,
    connect: (token, options) => sdk.connect(token, { ...options, ...server }),
  };
  const console = { log: (...texts) => printed.push(texts.join(' ')) };
  const main = new Function('Twilio', 'console', `${program}; return main;`)({ Video }, console);
  await main(...tokens);
  return printed.map((line) => `${line}\\n`).join('');
}"""
"""Runs a program with the one option that says where the service is."""


@pytest.mark.parametrize("name", BEFORE)
async def test_a_program_of_before_prints_what_the_one_after_it_does(
    name: str, stage: Stage
) -> None:
    program = (SNIPPETS / f"{name}.js").read_text(encoding="utf-8")
    parameters = re.search(r"^async function main\((.*)\)", program, re.M)
    assert parameters is not None
    people = [one.strip() for one in parameters[1].split(",") if one.strip()]
    page = await stage.page("reader")
    address = stage.url.replace("http", "ws", 1)
    printed = await page.evaluate(
        RUN,
        {
            "program": program,
            "tokens": [stage.server.access_token(person) for person in people],
            "server": {
                "wsServer": f"{address}/signaling",
                "wsServerInsights": f"{address}/v1/VideoEvents",
                "logLevel": "off",
            },
        },
    )
    assert printed == (SNIPPETS / f"{name}.txt").read_text(encoding="utf-8")
