"""Logs: reading, filtering, streaming, and the last lines that outlive their container."""
