"""What people copy must work: each text names the URL, and the shell and cron take it."""

import subprocess

import pytest

from support.beats import beat
from tocsin.heartbeats.snippets import TEMPLATES, snippets

BASE = "https://tocsin.example.org"
URL = f"{BASE}/ping/{beat().uuid}"


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("post_only", [False, True])
def test_each_names_the_url_and_leaves_no_gap(name: str, post_only: bool):
    text = snippets(BASE + "/", beat(post_only=post_only))[name]
    assert (beat().uuid if name == "tocsin_exec" else URL) in text
    for rest in ("{url}", "{curl}", "//ping", "{{", "None"):
        assert rest not in text.replace("${{ job", "")


@pytest.mark.parametrize("name", ["curl", "wget", "bash"])
@pytest.mark.parametrize("post_only", [False, True])
def test_a_shell_takes_it(name: str, post_only: bool):
    text = snippets(BASE, beat(post_only=post_only))[name]
    subprocess.run(["bash", "-n"], input=text.encode(), check=True)


@pytest.mark.parametrize(
    ("status", "said"), [("0", "0"), ("3", "3"), ("137", "137"), ("TERM", "fail"), ("KILL", "fail"), ("", "fail")]
)
def test_systemd_tells_a_number_or_a_failure(status: str, said: str):
    """What systemd itself does to the line: `$$` becomes `$`."""
    line = next(line for line in snippets(BASE, beat())["systemd"].splitlines() if line.startswith("ExecStopPost"))
    script = line.partition("'")[2].rstrip("'").replace("$$", "$").replace("curl", "echo")
    done = subprocess.run(["sh", "-c", script], env={"EXIT_STATUS": status}, capture_output=True, check=True)
    assert done.stdout.decode().split()[-1] == f"{URL}/{said}"


def test_its_own_schedule_is_in_them_when_cron_understands_it():
    assert snippets(BASE, beat(schedule="*/5 * * * *"))["cron"].startswith("*/5 * * * * /")
    assert '"*/5 * * * *"' in snippets(BASE, beat(schedule="*/5 * * * *"))["kubernetes"]
    assert snippets(BASE, beat(schedule="Mon..Fri 09:00"))["cron"].startswith("0 2 * * * /")
