"""What must survive the process: one database, and a directory for media files.

`database.py` writes behind and reads, `engines.py` connects; each other module holds the tables of
one part of the service and what that part asks of them. `migrations/` brings older databases up to
date.
"""
