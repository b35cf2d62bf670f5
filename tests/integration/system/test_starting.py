"""Starting where something is wrong: one sentence, exit status 1, and nothing lost."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.process import Process

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def refused(data: Path, **environment: str) -> str:
    """Start where it must not work; return the one line it said."""
    process = Process(data, **environment)
    process.start(wait=False)
    assert process.wait() == 1, process.log
    said = [line for line in process.log.splitlines() if line.startswith("tocsin: ")]
    assert len(said) == 1, process.log
    assert "Traceback" not in process.log
    return said[0]


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    target = arguments[-1]
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", target], check=True, capture_output=True)


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A data folder that was used, and left in order."""
    process = Process(tmp_path / "data", TOCSIN_ADMIN_USER="ada", TOCSIN_ADMIN_PASSWORD="correct horse battery")
    process.start()
    process.stop()
    return tmp_path / "data"


def users(data: Path) -> list[str]:
    with sqlite3.connect(data / "tocsin.db") as connection:
        return [row[0] for row in connection.execute("SELECT name FROM users")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOCSIN_LOG_LEVEL", "loud"),
        ("TOCSIN_ADDR", "here"),
        ("TOCSIN_DATABASE_URL", "mysql://x/y"),
        ("TOCSIN_DOCKER_HOST", "ssh://host"),
        ("TOCSIN_ADMIN_PASSWORD", "short"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path: Path, name: str, value: str):
    said = refused(tmp_path / "data", **{name: value})
    assert name in said
    assert "allowed" in said
    assert (value in said) is (name not in {"TOCSIN_DATABASE_URL", "TOCSIN_ADMIN_PASSWORD"})


def test_an_address_in_use_ends_the_start(used: Path, tmp_path: Path):
    first = Process(used).start()
    try:
        assert "in use" in refused(tmp_path / "other", TOCSIN_ADDR=f"127.0.0.1:{first.port}")
    finally:
        first.stop()


def test_two_programs_do_not_share_a_data_folder(used: Path):
    first = Process(used).start()
    try:
        assert "Another Tocsin" in refused(used)
    finally:
        first.stop()


def test_an_address_that_is_not_ours(tmp_path: Path):
    assert "TOCSIN_ADDR" in refused(tmp_path / "data", TOCSIN_ADDR="203.0.113.7:8080")


@ROOT_ONLY
def test_a_read_only_data_folder_says_so(used: Path):
    with mounted("--bind", str(used), str(used)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(used)], check=True)
        assert str(used) in refused(used)
    assert users(used) == ["ada"]


def test_a_damaged_database_is_left_as_it_is(used: Path):
    file = used / "tocsin.db"
    content = bytearray(file.read_bytes())
    content[4096:12288] = os.urandom(8192)
    file.write_bytes(content)
    said = refused(used)
    assert "damaged" in said
    assert "backup" in said
    assert file.read_bytes() == bytes(content)


def test_something_that_is_no_database(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/tocsin.db").write_text("this is a letter, not a database\n" * 100)
    assert "damaged" in refused(tmp_path / "data")


def test_a_schema_from_the_future(used: Path):
    with sqlite3.connect(used / "tocsin.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer Tocsin" in refused(used)


def test_a_database_server_that_does_not_answer(tmp_path: Path):
    said = refused(tmp_path / "data", TOCSIN_DATABASE_URL="postgresql://u:hidden-password@127.0.0.1:1/tocsin")
    assert "TOCSIN_DATABASE_URL" in said
    assert "hidden-password" not in said


@ROOT_ONLY
def test_a_full_disk_refuses_and_recovers(used: Path, tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)):
        data = disk / "data"
        shutil.copytree(used, data)
        process = Process(data, TOCSIN_ADMIN_USER="ada", TOCSIN_ADMIN_PASSWORD="correct horse battery")
        process._log = tmp_path / "full.log"
        process.start()
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        statuses = [_login(process) for _ in range(6)]
        assert (503, "storage_unavailable") in statuses, statuses
        assert process.get("/api/v1/containers")["groups"] == []  # reading goes on
        assert process.get("/api/v1/health")["database"] == "failing"

        filler.unlink()
        assert _login(process)[0] == 200
        assert process.get("/api/v1/health")["database"] == "ok"
        process.stop()
        assert users(data) == ["ada"]


def _login(process: Process) -> tuple[int, str]:
    body = json.dumps({"name": "ada", "password": "correct horse battery"}).encode()
    request = urllib.request.Request(
        process.base + "/api/v1/auth/login", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, ""
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read())["error"]["code"]


def test_tokens_and_users_are_made_from_the_shell_while_the_server_runs(used: Path):
    process = Process(used).start()
    environment = {**process._environment}

    def tocsin(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tocsin", *arguments]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)

    try:
        made = tocsin("token", "create", "--name", "ci", "--scope", "read")
        assert made.returncode == 0, made.stderr
        again = tocsin("token", "create", "--name", "ci")
        assert again.returncode == 1
        assert "already" in again.stderr
        assert tocsin("user", "add", "vera", stdin="short\n").returncode == 1
        assert tocsin("user", "add", "vera", "--role", "editor", stdin="long enough password\n").returncode == 0
        assert "vera\teditor" in tocsin("user", "list").stdout
        assert tocsin("user", "remove", "nobody").returncode == 1
        assert tocsin("token", "revoke", "--name", "ci").returncode == 0
    finally:
        process.stop()
