"""Ready-made texts that ping a heartbeat from where jobs run. Pure."""

from collections.abc import Mapping

from tocsin.heartbeats.models import Heartbeat
from tocsin.heartbeats.schedule import ScheduleKind, kind_of

CURL = "curl -fsS -m 10 --retry 5 -o /dev/null"
WGET = "wget -q -T 10 -t 5 -O /dev/null"
NIGHTLY = "0 2 * * *"
TEMPLATES: Mapping[str, str] = {
    "curl": "{curl} {url}",
    "wget": "{wget} {url}",
    "bash": (
        "#!/bin/bash\n"
        "{curl} {url}/start\n"
        "output=$(/path/to/job 2>&1)\n"
        "code=$?\n"
        'printf "%s" "$output" | tail -c 10000 | {curl} --data-binary @- {url}/$code\n'
        "exit $code"
    ),
    "cron": "{cron} /path/to/job && {curl} {url}",
    "systemd": (
        "# /etc/systemd/system/job.service\n"
        "[Service]\n"
        "Type=oneshot\n"
        "ExecStartPre=-{curl} {url}/start\n"
        "ExecStart=/path/to/job\n"
        "# a signal has a name instead of a number\n"
        'ExecStopPost=-/bin/sh -c \'case "$$EXIT_STATUS" in [0-9]*) said=$$EXIT_STATUS;; *) said=fail;; esac;'
        " {curl} {url}/$$said'"
    ),
    "tocsin_exec": "{cron} tocsin exec {uuid} --url {base} -- /path/to/job",
    "python": (
        "import urllib.request\n"
        "\n"
        "try:\n"
        '    urllib.request.urlopen("{url}"{python_post}, timeout=10)\n'
        "except OSError as error:\n"
        '    print("ping failed:", error)'
    ),
    "go": (
        "client := http.Client{{Timeout: 10 * time.Second}}\n"
        "response, err := client.{go_call}\n"
        "if err != nil {{\n"
        '\tlog.Println("ping failed:", err)\n'
        "}} else {{\n"
        "\tresponse.Body.Close()\n"
        "}}"
    ),
    "powershell": 'Invoke-RestMethod{powershell_post} -Uri "{url}" -TimeoutSec 10',
    "docker": ("services:\n  job:\n    image: alpine\n    command: sh -c '/path/to/job && {wget} {url}'"),
    "docker_healthcheck": "HEALTHCHECK --interval=60s --timeout=10s CMD {curl} {url} || exit 1",
    "kubernetes": (
        "apiVersion: batch/v1\n"
        "kind: CronJob\n"
        "metadata:\n"
        "  name: {slug}\n"
        "spec:\n"
        '  schedule: "{cron}"\n'
        "  jobTemplate:\n"
        "    spec:\n"
        "      template:\n"
        "        spec:\n"
        "          restartPolicy: Never\n"
        "          containers:\n"
        "            - name: job\n"
        "              image: alpine\n"
        '              command: ["sh", "-c", "/path/to/job && {wget} {url}"]'
    ),
    "github_actions": (
        "- name: Tell Tocsin\n  if: always()\n  run: {curl} {url}/${{{{ job.status == 'success' && '0' || '1' }}}}"
    ),
}


def snippets(base_url: str, beat: Heartbeat) -> dict[str, str]:
    """Return the texts by the name of the tool, with its own schedule, and by POST where only that counts."""
    base, schedule = base_url.rstrip("/"), beat.rules.schedule
    is_cron = schedule is not None and kind_of(schedule) is ScheduleKind.CRON
    post = beat.rules.post_only
    url = f"{base}/ping/{beat.uuid}"
    values = {
        "url": url,
        "base": base,
        "uuid": beat.uuid,
        "slug": beat.slug,
        "cron": schedule if is_cron else NIGHTLY,
        "curl": f"{CURL} -X POST" if post else CURL,
        "wget": f"{WGET} --post-data=" if post else WGET,
        "python_post": ', data=b""' if post else "",
        "go_call": f'Post("{url}", "text/plain", nil)' if post else f'Get("{url}")',
        "powershell_post": " -Method Post" if post else "",
    }
    return {name: template.format(**values) for name, template in TEMPLATES.items()}
