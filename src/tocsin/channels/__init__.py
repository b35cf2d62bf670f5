"""Channels: where notifications go, who gets which, and the outbox that loses none."""
