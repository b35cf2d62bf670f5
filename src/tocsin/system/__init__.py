"""Tocsin about itself: health, the runtime it watches, its edition, its metrics."""
