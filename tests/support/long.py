"""Tests that take long: run by `make chaos`, where `TOCSIN_CHAOS_ROUNDS` is set."""

import os

import pytest

long = pytest.mark.skipif("TOCSIN_CHAOS_ROUNDS" not in os.environ, reason="takes long: make chaos runs it")
