"""Ready-made texts that ping a heartbeat from where jobs run. Pure."""

from collections.abc import Mapping

CURL = "curl -fsS -m 10 --retry 5 -o /dev/null"
TEMPLATES: Mapping[str, str] = {
    "curl": "{curl} {url}",
    "wget": "wget -q -T 10 -t 5 -O /dev/null {url}",
    "bash": (
        "#!/bin/bash\n"
        "{curl} {url}/start\n"
        "output=$(/path/to/job 2>&1)\n"
        "code=$?\n"
        'printf "%s" "$output" | tail -c 10000 | {curl} --data-binary @- {url}/$code\n'
        "exit $code"
    ),
    "cron": "0 2 * * * /path/to/job && {curl} {url}",
    "systemd": (
        "# /etc/systemd/system/job.service\n"
        "[Service]\n"
        "Type=oneshot\n"
        "ExecStartPre=-{curl} {url}/start\n"
        "ExecStart=/path/to/job\n"
        "ExecStopPost=-/bin/sh -c '{curl} {url}/$${{EXIT_STATUS:-0}}'"
    ),
    "tocsin_exec": "0 2 * * * tocsin exec {uuid} --url {base} -- /path/to/job",
    "python": (
        "import urllib.request\n"
        "\n"
        "try:\n"
        '    urllib.request.urlopen("{url}", timeout=10)\n'
        "except OSError as error:\n"
        '    print("ping failed:", error)'
    ),
    "go": (
        "client := http.Client{{Timeout: 10 * time.Second}}\n"
        'response, err := client.Get("{url}")\n'
        "if err != nil {{\n"
        '\tlog.Println("ping failed:", err)\n'
        "}} else {{\n"
        "\tresponse.Body.Close()\n"
        "}}"
    ),
    "powershell": 'Invoke-RestMethod -Uri "{url}" -TimeoutSec 10',
    "docker": (
        "services:\n  job:\n    image: alpine\n    command: sh -c '/path/to/job && wget -q -T 10 -O /dev/null {url}'"
    ),
    "docker_healthcheck": "HEALTHCHECK --interval=60s --timeout=10s CMD {curl} {url} || exit 1",
    "kubernetes": (
        "apiVersion: batch/v1\n"
        "kind: CronJob\n"
        "metadata:\n"
        "  name: {slug}\n"
        "spec:\n"
        '  schedule: "0 2 * * *"\n'
        "  jobTemplate:\n"
        "    spec:\n"
        "      template:\n"
        "        spec:\n"
        "          restartPolicy: Never\n"
        "          containers:\n"
        "            - name: job\n"
        "              image: alpine\n"
        '              command: ["sh", "-c", "/path/to/job && wget -q -T 10 -O /dev/null {url}"]'
    ),
    "github_actions": (
        "- name: Tell Tocsin\n  if: always()\n  run: {curl} {url}/${{{{ job.status == 'success' && '0' || '1' }}}}"
    ),
}


def snippets(base_url: str, uuid: str, slug: str) -> dict[str, str]:
    """Return the texts by the name of the tool."""
    base = base_url.rstrip("/")
    values = {"url": f"{base}/ping/{uuid}", "base": base, "uuid": uuid, "slug": slug, "curl": CURL}
    return {name: template.format(**values) for name, template in TEMPLATES.items()}
