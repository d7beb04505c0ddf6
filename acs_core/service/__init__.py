"""The self-hosted calling service: identities, rooms, call control and the SFU.

`embedded()` runs it in this process; `CallingService` is what it runs.
"""

from acs_core.service.app import CallingService, embedded
from acs_core.service.settings import ServiceSettings

__all__ = ["CallingService", "ServiceSettings", "embedded"]
