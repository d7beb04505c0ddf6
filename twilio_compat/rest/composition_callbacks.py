"""Tells status callbacks what happens to compositions.

Source: Twilio Video, "Status Callbacks", of compositions.
"""

from __future__ import annotations

from typing import Final

from acs_core.service.compositions import (
    Composition,
    CompositionEvent,
    CompositionObserver,
    Purpose,
)
from twilio_compat.rest.callback_news import CompositionNews, HookNews
from twilio_compat.rest.status_callbacks import StatusCallbacks

__all__ = ["composition_observer"]

FAILED_RENDERING: Final = "CompositionRendering"
FAILED_HOOK: Final = "CompositionEnqueue"
"""Twilio has no list of operations that fail; these are ours."""


def composition_observer(callbacks: StatusCallbacks) -> CompositionObserver:
    """What `Compositions.observe` takes so that `callbacks` tell who ordered a composition.

    Args:
        callbacks: Sign and send.
    """
    tell = {
        CompositionEvent.ENQUEUED: callbacks.composition_enqueued,
        CompositionEvent.STARTED: callbacks.composition_started,
        CompositionEvent.PROGRESS: callbacks.composition_progress,
        CompositionEvent.AVAILABLE: callbacks.composition_available,
        CompositionEvent.FAILED: callbacks.composition_failed,
        CompositionEvent.HOOK_FAILED: callbacks.composition_hook_failed,
    }

    def observe(event: CompositionEvent, item: Composition) -> None:
        url = item.order.status_callback
        if url is not None and item.purpose is Purpose.COMPOSITION:
            tell[event](_news(item, url))

    return observe


def _news(item: Composition, url: str) -> CompositionNews:
    operation = FAILED_RENDERING if item.id else FAILED_HOOK
    hook = None
    if item.hook is not None:
        hook = HookNews(sid=f"HK{item.hook}", friendly_name=item.hook_name or "")
    return CompositionNews(
        sid=f"CJ{item.id}" if item.id else "",
        room_sid=f"RM{item.call}",
        url=url,
        method=item.order.status_callback_method,
        hook=hook,
        duration=item.duration,
        size=item.size,
        percentage=item.progress * 100,
        seconds_remaining=item.seconds_left,
        failed_operation=operation if item.failure else "",
        error_message=item.failure,
    )
