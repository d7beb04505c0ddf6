"""`twilio-compat demo`: three Twilio-style programs and one ACS-style program in one room.

`scenario.py` tells the story; `participant.py` and `observer.py` are its programs; `watch.py`
measures what arrives, `checks.py` judges it, `show.py` prints it and `report.py` leaves it in a
folder.
"""
