"""Endpoints: what answers, how fast, and since when not."""
