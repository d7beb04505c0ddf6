"""Call Automation: programs that run calls over REST, and hear of them by callbacks.

`part.py` composes it and `rest.py` is its REST interface; `connections.py` are the programs' ends
of calls, `actions.py` is what they do to the people there, `incoming.py` the calls that they
answer, `recordings.py` the recordings of whole calls, and `events.py` what is posted to callbacks.

Source: Azure Communication Services Call Automation, 2023-03-06 to 2026-03-12.
"""
