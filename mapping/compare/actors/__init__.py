"""Participants of a scenario, one module per implementation."""
