"""Readers of source text: which names of which API a program uses, and where."""
