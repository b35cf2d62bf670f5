"""Alerts: what is wrong now, since when, and why. One row for each episode."""
