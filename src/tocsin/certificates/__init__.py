"""Certificates: how long they hold, and whether anybody may trust them."""
