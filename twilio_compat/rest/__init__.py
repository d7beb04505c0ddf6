"""Twilio's Video REST API, version 1.

`routing.py` is the table of operations, to which each resource adds its rows; `api.py` serves them,
knows who may call and how refusals are told. `rooms.py`, `participants.py` and so on are the
resources; `parameters.py` reads what is posted, `pages.py` writes lists and `schemas.py` says what
is answered. The state is the service's: nothing is kept here.

Source: Twilio Video REST API v1; the `twilio` helper library 9.13 for what is read of an answer.
"""

from twilio_compat.rest.api import RestApi
from twilio_compat.rest.routing import REST_PATH, REST_PATHS, Operation

__all__ = ["REST_PATH", "REST_PATHS", "Operation", "RestApi"]
