"""Containers: what runs, how it is, what happened to it."""
