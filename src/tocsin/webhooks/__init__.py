"""Webhooks: signed events for other programs, in order, none lost."""
