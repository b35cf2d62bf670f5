"""Tocsin watches everything a person runs, and rings when it breaks."""

__version__ = "0.1.0"
