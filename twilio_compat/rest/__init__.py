"""Twilio's Video REST API, version 1, as far as rooms need it.

`api.py` holds the routes, who may call them and how refusals are told; `rooms.py`,
`participants.py` and `recordings.py` are the resources; `parameters.py` reads what is posted and
`pages.py` writes lists. The state is the service's: nothing is kept here.

Source: Twilio Video REST API v1; the `twilio` helper library 9.13 for what is read of an answer.
"""

from twilio_compat.rest.api import REST_PATHS, RestApi

__all__ = ["REST_PATHS", "RestApi"]
