"""Targets for checks: a real nginx with a fresh connection for each request, plain and over TLS; wrk as the limit."""

import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import trustme

from benchmarks.support import Skipped, free_port

CONFIG = """
{user}worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 0;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_session_cache off; ssl_session_tickets off; ssl_protocols TLSv1.2 TLSv1.3;
  server {{
    listen 127.0.0.1:{port} backlog=4096; listen 127.0.0.1:{tls_port} ssl backlog=4096;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ return 200 "{body}"; }}
  }}
}}
"""
BODY = "x" * 100


class Web(NamedTuple):
    """Where nginx answers, and whom to trust for it. *core* is where it runs."""

    plain: str
    tls: str
    ca_file: Path


@contextmanager
def nginx(folder: Path, core: int | None = None) -> Iterator[Web]:
    """Run nginx.  Raises Skipped: there is none."""
    if shutil.which("nginx") is None:
        raise Skipped("there is no nginx")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    port, tls_port = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, tls_port=tls_port, body=BODY, user="user root; "))
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    process = subprocess.Popen([*pinned, "nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield Web(f"http://127.0.0.1:{port}/", f"https://localhost:{tls_port}/", folder / "ca.pem")
    finally:
        process.terminate()
        process.wait(10)


def wrk_us(url: str, seconds: float) -> float:
    """Return the CPU time in µs that wrk takes for a request on a connection of its own.  Raises Skipped: no wrk."""
    if shutil.which("wrk") is None:
        raise Skipped("there is no wrk")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["taskset", "-c", "0", "wrk", "-t1", "-c32", f"-d{seconds:g}s", "-H", "Connection: close", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    match = re.search(r"(\d+) requests in", text)
    assert match is not None, text
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent / int(match[1]) * 1e6
