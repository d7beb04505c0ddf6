"""Pages that are not about single names: beliefs, retirements, words, calls, scope, platforms."""

from __future__ import annotations

import re
from typing import Final

from mapping.concepts import Platform, Term
from mapping.documents.library import Library
from mapping.documents.markdown import Column, bullet, code, codes, href, table, typed_table
from mapping.documents.reference import tests_of
from mapping.model import Belief, RetirementRow, Vendor

__all__ = [
    "render_beliefs",
    "render_call_types",
    "render_glossary",
    "render_platforms",
    "render_retirements",
    "render_scope",
]


_PROSE: Final = re.compile(r"\b(?:a|and|in|is|of|or|takes|with|which)\b(?! [=:(])")
"""Words that say of a text that it is no mere code."""


def render_beliefs(library: Library) -> str:
    """What public guides say and is not so."""
    columns: list[Column[Belief]] = [
        Column("Id", lambda row: row.id),
        Column("It says", lambda row: _quoted(row.says)),
        Column("It is", lambda row: _quoted(row.real)),
        Column("Why", lambda row: row.why),
        Column("The scanner finds", lambda row: codes(row.symbols)),
    ]
    lines = [
        "# Errors of public guides",
        "",
        f"{len(library.beliefs)} statements of published tutorials and migration guides that the",
        "packages contradict. Programs were written from them, so `twilio-compat scan` knows them.",
        "",
    ]
    for guide in dict.fromkeys(row.guide for row in library.beliefs):
        chosen = [row for row in library.beliefs if row.guide == guide]
        lines += [f"## {guide}", "", *typed_table(columns, chosen), ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Code as code; sentences, and code among words, as they are."""
    is_sentence = text.endswith(".") and not text.endswith("...")
    return text if is_sentence or _PROSE.search(text) else code(text)


def render_retirements(library: Library) -> str:
    """When products end."""
    columns: list[Column[RetirementRow]] = [
        Column("Product", lambda row: row.product),
        Column("Ends", lambda row: row.retires.isoformat() if row.retires else "no day said"),
        Column("What happens", lambda row: row.what),
        Column("Packages and names", lambda row: codes(row.symbols)),
        Column("Who says so", lambda row: row.source),
        Column("Read on", lambda row: row.as_of.isoformat()),
    ]
    lines = [
        "# Retirements",
        "",
        "Days are announced anew now and then, and public copies of the announcements disagree:",
        "each row says who said so, and when that was read. Ask again before you plan with it.",
        "",
        *typed_table(columns, library.retirements),
    ]
    return "\n".join(lines) + "\n"


def render_glossary(library: Library) -> str:
    """Words, and each vendor's names for the thing."""
    source = "glossary.md"

    def names(vendor: Vendor, texts: tuple[str, ...]) -> str:
        return ", ".join(library.link(source, vendor, text) for text in texts)

    columns: list[Column[Term]] = [
        Column("Word", lambda row: f"**{row.word}**"),
        Column("Meaning", lambda row: row.means),
        Column("Twilio", lambda row: names(Vendor.TWILIO_VIDEO, row.twilio)),
        Column("ACS", lambda row: names(Vendor.ACS_CALLING, row.acs)),
        Column("VideoSDK", lambda row: names(Vendor.VIDEOSDK, row.videosdk)),
        Column("Easily confused", lambda row: row.note),
    ]
    lines = [
        "# Glossary",
        "",
        "The words of this library, and what the vendors call the same thing. Each package speaks",
        "its vendor's words.",
        "",
        *typed_table(columns, library.concepts.terms),
    ]
    return "\n".join(lines) + "\n"


def render_call_types(library: Library) -> str:
    """The five kinds of calls."""
    source = "call-types.md"
    lines = [
        "# Kinds of calls",
        "",
        "ACS tells five kinds of calls apart; Twilio and VideoSDK know rooms only.",
        "",
        *table(
            ("Kind", "Meaning", "Twilio", "ACS", "VideoSDK", "Tests"),
            [
                (
                    f"**{row.type}**",
                    row.means,
                    row.twilio,
                    library.link(source, Vendor.ACS_CALLING, row.acs),
                    library.link(source, Vendor.VIDEOSDK, row.videosdk),
                    tests_of(row.proof),
                )
                for row in library.concepts.call_types
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def render_scope(library: Library) -> str:
    """What is not mapped."""
    lines = [
        "# Not mapped",
        "",
        "What the vendors have and this mapping leaves out, with the reason.",
        "",
        *table(
            ("What", "Whose", "Why", "Instead"),
            [
                (f"**{row.what}**", row.vendors, row.why, row.instead)
                for row in library.concepts.outside
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def render_platforms(library: Library) -> str:
    """A section per platform that the vendors' guides are written for."""
    lines = [
        "# Platforms",
        "",
        "The vendors' guides come once for the web, once for iOS and once for Android.",
        "",
    ]
    for platform in library.concepts.platforms:
        lines += [*platform_section("platforms.md", platform), ""]
    return "\n".join(lines)


def platform_section(source: str, platform: Platform) -> list[str]:
    """What there is for a platform, or why there is nothing.

    Args:
        source: Path of the document that the section stands in.
        platform: Which it is.
    """
    state = "Mapped." if platform.is_mapped else "Not mapped."
    lines = [f"## {platform.name}", "", f"{state} {platform.why}"]
    links = [f"[{title}]({href(source, path)})" for path, title in platform.tutorials.items()]
    return [*lines, "", *bullet(links)] if links else lines
