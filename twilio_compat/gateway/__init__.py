"""The wire protocol of twilio-video.js: an adapter between its messages and the service's model.

`gateway.py` takes sockets and starts sessions; `session.py` is one participant; the other modules
are its parts. Call logic and media stay in `acs_core.service`.
"""
