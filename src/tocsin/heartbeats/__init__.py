"""Heartbeats: jobs that report in, and ring when they do not."""
