"""Measurements of the service and the client: `python -m benchmarks --help`."""
