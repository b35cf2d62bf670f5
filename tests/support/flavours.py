"""The engines a test can run on. Each is started when a test first wants it, and lives until the last test."""

import os
from pathlib import Path

import pytest

from support.engine import Engine
from support.podman import Podman
from support.trixie import Trixie

DEFAULT = "docker20"
FLAVOURS: dict[str, type[Engine]] = {DEFAULT: Engine, "docker26": Trixie, "podman": Podman}

on_every_engine = pytest.mark.parametrize("flavour", FLAVOURS, indirect=True)
"""Marks a test, or a module as `pytestmark`, to run on each of them."""


class Engines:
    """Hands out one shared engine of each flavour, and fresh ones for tests that kill theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared: dict[str, Engine] = {}

    def shared(self, flavour: str) -> Engine:
        """Return the running engine, or skip the test: in CI an engine that cannot be had is an error."""
        if flavour not in self._shared:
            engine = self.make(flavour, flavour)
            engine.start()
            self._shared[flavour] = engine
            engine.build_images()
        return self._shared[flavour]

    def make(self, flavour: str, name: str) -> Engine:
        """Return one that is not started yet; whoever asks destroys it."""
        kind = FLAVOURS[flavour]
        if reason := kind.missing():
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse(f"NOT TESTED on {flavour}: {reason}")
        number = list(FLAVOURS).index(flavour) + (0 if name == flavour else 3)
        return kind(self._folder / name, bridge=f"tocsin{number}", network=f"172.31.{97 - number}")

    def destroy(self) -> None:
        for engine in self._shared.values():
            engine.destroy()
