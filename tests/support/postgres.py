"""A private PostgreSQL cluster: one for the whole run, a fresh database for each test."""

import secrets
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg


class Postgres:
    """Started as user postgres (never as root) in *folder*, which that user must be able to reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._bin = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder, "postgres")
        password = self.folder / "password"
        password.write_text("secret")
        shutil.chown(password, "postgres")
        init = ["-D", "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile=password", "-E", "UTF8"]
        self._run("initdb", *init, "--locale=C.UTF-8", "--no-sync")
        self._control("start")

    def stop(self) -> None:
        self._control("stop")

    def restart(self) -> None:
        """End every connection without a word and come back."""
        self._run("pg_ctl", "-D", "data", "-s", "-m", "immediate", "-w", "stop")
        self._control("start")

    def new_database(self) -> str:
        """Return the address of an empty database."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://postgres:secret@127.0.0.1:{self.port}/{database}"

    def _control(self, action: str) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
            "-c fsync=off -c full_page_writes=off -c shared_buffers=64MB -c max_connections=200"
        )
        extra = ["-l", "log", "-o", options] if action == "start" else ["-m", "fast"]
        self._run("pg_ctl", "-D", "data", "-s", "-w", "-t", "30", *extra, action)

    def _run(self, program: str, *arguments: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(self._bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.decode()}{done.stdout.decode()}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
