"""The commands of `twilio-compat`, one module each.

A distribution adds commands through the entry point group ``twilio_compat.commands``: each entry
names a function that takes the typer application.
"""
