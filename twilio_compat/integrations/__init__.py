"""Ready-made connections to other frameworks; each is imported by its own name.

    from twilio_compat.integrations.pipecat import TwilioCompatTransport

None of them is a dependency of this package: import what you installed.
"""

from __future__ import annotations

from acs_core.errors import CallingError

__all__ = ["IntegrationUnavailableError"]


class IntegrationUnavailableError(CallingError, ImportError):
    """The framework of an integration is not installed; the next step says how to."""

    default_code = 412
