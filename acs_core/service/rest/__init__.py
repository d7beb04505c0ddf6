"""The service's REST interfaces in Azure's way: one front, and resources behind it.

`front.py` is what all requests go through: who may ask, in which version, once or again. A resource
is a coroutine function of an `AzureRequest` that gives an `AzureAnswer`, and has an `AzureRoute`.
"""

from acs_core.service.rest.front import AzureFront
from acs_core.service.rest.messages import AzureAnswer, AzureRequest, AzureRoute

__all__ = ["AzureAnswer", "AzureFront", "AzureRequest", "AzureRoute"]
