"""The read model of the first page: what happened lately, and how everything fared over the days."""
