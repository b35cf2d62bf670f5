"""`tocsin exec` as cron and systemd run it: real processes, a real server, and a job that must notice nothing."""

import asyncio
import os
import pty
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.long import long
from support.program import Program, until

HERE = Path(sys.executable).parent
EXEC = (str(HERE / "tocsin"), "exec")


async def made(program: Program, **more: Any) -> dict[str, Any]:
    answer = await program.client.post("/api/v1/heartbeats", {"name": "backup", "interval_seconds": 3600, **more})
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def runs(program: Program, heartbeat_id: int = 1) -> list[dict[str, Any]]:
    return list((await program.client.get(f"/api/v1/heartbeats/{heartbeat_id}/executions")).json["executions"])


@asynccontextmanager
async def job(*arguments: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start `tocsin exec` as a service manager would: without a terminal, in a session of its own."""
    process = await asyncio.create_subprocess_exec(
        *EXEC,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def done(*arguments: str, **options: Any) -> tuple[int, bytes, bytes]:
    async with job(*arguments, **options) as process:
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, out, err


async def test_output_and_status_are_those_of_the_job_and_both_are_told(program: Program):
    uuid = (await made(program))["uuid"]
    script = "echo begun; sleep 0.2; echo 'no space left' >&2; exit 3"
    assert await done(uuid, "--url", program.client.base, "--", "sh", "-c", script) == (
        3,
        b"begun\n",
        b"no space left\n",
    )

    (run,) = await runs(program)
    assert (run["outcome"], run["exit_code"]) == ("failure", 3)
    assert run["duration_ms"] >= 200
    assert sorted(run["payload"].splitlines()) == ["begun", "no space left"]
    (alert,) = (await program.client.get("/api/v1/alerts/active")).json["critical"]
    assert alert["message"] == "backup failed with exit code 3"
    assert "no space left" in alert["details"]["log_excerpt"]

    assert (await done(uuid, "--url", program.client.base, "--", "true"))[0] == 0
    assert (await program.client.get("/api/v1/alerts/active")).json["total"] == 0


async def test_a_key_and_a_slug_or_the_whole_url_do_as_well(program: Program):
    known = await made(program)
    key = (await program.client.get("/api/v1/heartbeats/ping-key")).json
    assert (await done(f"{key['key']}/{known['slug']}", "--url", program.client.base, "--", "true"))[0] == 0
    url = f"{program.client.base}/ping/{known['uuid']}"
    assert (await done(url, "--", "true"))[0] == 0
    environment = {**os.environ, "TOCSIN_BASE_URL": program.client.base + "/"}
    assert (await done(known["uuid"], "--", "true", env=environment))[0] == 0
    assert [run["outcome"] for run in await runs(program)] == ["success"] * 3


async def test_runs_that_overlap_are_told_apart(program: Program):
    uuid = (await made(program))["uuid"]
    both = (done(uuid, "--url", program.client.base, "--", "sleep", seconds) for seconds in ("0.5", "1"))
    await asyncio.gather(*both)
    found = await runs(program)
    assert [run["outcome"] for run in found] == ["success", "success"]
    assert len({run["run_id"] for run in found}) == 2
    assert all(400 < run["duration_ms"] < 5000 for run in found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
async def test_a_signal_reaches_the_job_and_its_end_is_told(program: Program, number: signal.Signals):
    uuid = (await made(program))["uuid"]
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.1; done"
    async with job(uuid, "--url", program.client.base, "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"ready\n"
        process.send_signal(number)
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (7, f"got {name}\n".encode())
    assert (await runs(program))[0]["exit_code"] == 7


async def test_a_job_that_a_signal_ended_has_the_status_a_shell_would_give(program: Program):
    uuid = (await made(program))["uuid"]
    assert (await done(uuid, "--url", program.client.base, "--", "sh", "-c", "kill -9 $$"))[0] == 137
    assert (await runs(program))[0]["exit_code"] == 137


@pytest.mark.parametrize(("command", "status"), [("no-such-command", 127), ("/etc/hostname", 126)])
async def test_a_command_that_cannot_be_run_is_told_as_well(program: Program, command: str, status: int):
    uuid = (await made(program))["uuid"]
    code, _, err = await done(uuid, "--url", program.client.base, "--", command)
    assert code == status
    assert command.encode() in err
    assert (await runs(program))[0]["exit_code"] == status


async def test_without_tocsin_the_job_runs_as_it_would_alone(unused_port: int):
    url = f"http://127.0.0.1:{unused_port}"
    code, out, err = await done("a-uuid-0001", "--url", url, "--retry-for", "0", "--", "sh", "-c", "echo hi; exit 5")
    assert (code, out) == (5, b"hi\n")
    assert b"Tocsin cannot be reached" in err


async def test_an_unknown_uuid_is_said_once_and_breaks_nothing(program: Program):
    code, out, err = await done("a-uuid-0001", "--url", program.client.base, "--", "echo", "hi")
    assert (code, out) == (0, b"hi\n")
    assert b"refused the ping (404)" in err


async def test_the_end_is_told_when_tocsin_is_back(program: Program):
    """Something else listens there first and breaks every connection off, as a proxy without a server does."""
    uuid = (await made(program))["uuid"]
    port = int(program.client.base.rpartition(":")[2])
    tries = 0

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        head = await reader.readuntil(b"\r\n\r\n")
        if tries < 4 or b"/start" in head:
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", port)
        back.write(head)
        while not (part := await there.read(65536)):
            pass
        writer.write(part)
        writer.close()
        back.close()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as proxy:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        assert (await done(uuid, "--url", url, "--retry-for", "20", "--", "true"))[0] == 0
    assert [run["outcome"] for run in await runs(program)] == ["success"]


async def test_only_the_last_of_much_output_is_told_and_all_of_it_passes(program: Program):
    uuid = (await made(program))["uuid"]
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; printf '\\377no newline'"
    code, out, _ = await done(uuid, "--url", program.client.base, "--", "sh", "-c", script)
    assert code == 0
    assert out.count(b"\n") == 20000
    assert out.endswith(b"\xffno newline")
    payload = (await runs(program))[0]["payload"]
    assert payload.endswith("line 19999\n�no newline")
    assert len(payload.encode()) <= 10_240


async def test_output_can_be_kept_back(program: Program):
    uuid = (await made(program))["uuid"]
    assert await done(uuid, "--url", program.client.base, "--no-output", "--", "echo", "secret") == (
        0,
        b"secret\n",
        b"",
    )
    assert "payload" not in (await runs(program))[0]


async def test_what_a_job_leaves_running_holds_nobody_up(program: Program):
    uuid = (await made(program))["uuid"]
    code, out, _ = await asyncio.wait_for(
        done(uuid, "--url", program.client.base, "--", "sh", "-c", "sleep 6 >/dev/null & echo done"), 20
    )
    assert (code, out) == (0, b"done\n")


async def test_a_reader_that_goes_away_does_not_stop_the_job(program: Program, tmp_path: Path):
    uuid = (await made(program))["uuid"]
    mark = tmp_path / "finished"
    script = f"i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; touch {mark}"
    command = f"{' '.join(EXEC)} {uuid} --url {program.client.base} -- sh -c '{script}' | head -1"
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert out == b"line 0\n"
    assert mark.exists()
    await until(lambda: runs(program), lambda found: [run["outcome"] for run in found] == ["success"])


async def test_the_terminal_interrupts_a_job_once(program: Program):
    """Ctrl-C goes to the job and to us alike; passed on as well, it would come twice."""
    uuid = (await made(program))["uuid"]
    primary, secondary = pty.openpty()
    script = "n=0; trap 'n=$((n+1))' INT; echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; exit $n"
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", *EXEC, uuid, "--url", program.client.base, "--", "sh", "-c", script),
        stdin=secondary,
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(secondary)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"ready\n"
    os.write(primary, b"\x03")
    await asyncio.wait_for(process.wait(), 30)
    os.close(primary)
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a-uuid-0001",), b"there is no command"),
        (("a-uuid-0001", "--"), b"there is no command"),
        (("a uuid", "--", "true"), b"is neither a UUID nor KEY/SLUG nor a ping URL"),
        (("--retry-for", "soon", "a-uuid-0001", "--", "true"), b"invalid float value"),
    ],
)
async def test_a_wrong_call_is_one_sentence(arguments: tuple[str, ...], words: bytes):
    code, _, err = await done(*arguments)
    assert code == 2
    assert words in err


@long
@pytest.mark.skipif(shutil.which("cron") is None, reason="there is no cron here")
async def test_a_crontab_entry_reports_in_every_minute(program: Program):
    uuid = (await made(program))["uuid"]
    entry = Path("/etc/cron.d/tocsin-test")
    entry.write_text(f"* * * * * root {' '.join(EXEC)} {uuid} --url {program.client.base} -- echo from cron\n")
    cron = await asyncio.create_subprocess_exec("cron", "-f")
    try:
        found = await until(lambda: runs(program), bool, 130)
    finally:
        entry.unlink()
        cron.kill()
        await cron.wait()
    assert (found[0]["outcome"], found[0]["payload"]) == ("success", "from cron\n")


@pytest.fixture
def unused_port(unused_tcp_port: int) -> int:
    return unused_tcp_port
