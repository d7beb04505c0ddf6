"""The commands of `twilio-compat`, one module each; `group` finds them, and those of others."""
