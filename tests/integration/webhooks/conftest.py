"""The same program and receiver as for channels."""

from integration.channels.conftest import quick, receiver, sending  # noqa: F401 -- fixtures
