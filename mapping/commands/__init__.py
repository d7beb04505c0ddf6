"""The commands of `twilio-compat` that plan, do and prove a migration.

Each module has a `register(app)` that adds its command, and an entry point of the group
`twilio_compat.commands` that names it. They import what they need when they run:
the extra `migrate` may not be installed, and then say so.
"""
