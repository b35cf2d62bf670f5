"""Secrets that must be readable again, such as channel URLs: encrypted with a key kept beside the database."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

KEY_BYTES = 32


class VaultError(Exception):
    """The key is unusable, or something was encrypted with another one: one sentence for a person."""


class Vault:
    """Encrypts with Fernet (AES-128-CBC and HMAC-SHA256). The library is loaded when the first secret is used.

    *load* returns the key; `unlock` calls it, and comes before everything else.
    """

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load
        self._key = b""

    def unlock(self) -> None:
        """Raises VaultError. Reads, and at the very first start writes, a file: not for the event loop."""
        self._key = base64.urlsafe_b64encode(self._load())

    def encrypt(self, text: str) -> str:
        from cryptography.fernet import Fernet

        return Fernet(self._key).encrypt(text.encode()).decode("ascii")

    def opens(self, *sealed: str) -> bool:
        """Say whether all of these can be read; empty ones hold nothing."""
        try:
            for one in filter(None, sealed):
                self.decrypt(one)
        except VaultError:
            return False
        return True

    def decrypt(self, sealed: str) -> str:
        """Raises VaultError: it was encrypted with another key."""
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return Fernet(self._key).decrypt(sealed).decode()
        except InvalidToken:
            raise VaultError(
                "A stored secret cannot be read: secret.key, or TOCSIN_SECRET_KEY, is not the one it was made with"
            ) from None


def load_key(given: str | None, file: Path) -> bytes:
    """Return the key: *given* (base64 of 32 bytes), or the one in *file*, which is made when there is none.

    Raises VaultError: not a key, or the file cannot be read or written.
    """
    if given is not None:
        return _decode(given, "TOCSIN_SECRET_KEY")
    try:
        if not file.exists():
            _create(file)
        return _decode(file.read_text(encoding="ascii").strip(), str(file))
    except (OSError, UnicodeDecodeError) as exc:
        raise VaultError(f"The key {file} cannot be used: {getattr(exc, 'strerror', None) or 'not a key'}") from exc


def _create(file: Path) -> None:
    """Write a new key whole or not at all: a second process, or a crash, must not leave half of one."""
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode("ascii") + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(file)


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"{where} does not hold a key: allowed are 32 bytes in base64")
    return key
