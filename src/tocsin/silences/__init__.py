"""Silences: times in which alerts of some kind are not sent."""
