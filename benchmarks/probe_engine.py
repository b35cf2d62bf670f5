"""One HTTP or HTTPS check by the probe engine alone: what it costs.

How:   32 checks in flight against nginx, each on a fresh connection, TLS fully verified without session tickets; the
       engine on one core, nginx on the other; CPU time per check, in turn with the limits, median of the ratios.
Limit: wrk, written in C, with `Connection: close`; and the blackbox exporter (Go), one `/probe` call for each check,
       which is how it is used.
Goal:  ≤ 1.5 × wrk over HTTP, ≤ 1.1 × over HTTPS; cheaper than the blackbox exporter over both.
"""

import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks.support import (
    Figure,
    Program,
    cpu_seconds,
    free_port,
    median_ratio,
    run,
    scratch_folder,
    wait_for_answer,
)
from benchmarks.web import Web, nginx, wrk_us

GOAL_HTTP, GOAL_HTTPS, GOAL_BLACKBOX = 1.5, 1.1, 1.0
ENGINE = [
    "taskset", "-c", "0", sys.executable, "-c",
    "from benchmarks.probe_engine import serve_checks; serve_checks()",
]  # fmt: skip


def measure(quick: bool) -> list[Figure]:
    rounds, seconds, checks = (3, 1.0, 2000) if quick else (7, 2.0, 6000)
    with scratch_folder() as folder, nginx(folder, core=1) as web:
        http = compared(web, web.plain, rounds, seconds, checks)
        https = compared(web, web.tls, rounds, seconds, checks // 4)
        exporter = blackbox_us(folder, web, checks // 4)
    figures = [
        *figures_of("HTTP", http, GOAL_HTTP),
        *figures_of("HTTPS", https, GOAL_HTTPS),
    ]
    for name, pairs, other in (("HTTP", http, exporter[0]), ("HTTPS", https, exporter[1])):
        ours = statistics.median(us for us, _ in pairs)
        what = f"{name} check / blackbox exporter"
        if other is not None:
            figures.append(Figure(what, ours / other, "× CPU", GOAL_BLACKBOX, detail=f"{other:.0f} µs there"))
    return figures


def figures_of(name: str, pairs: list[tuple[float, float]], goal: float) -> list[Figure]:
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    detail = f"{ours:.0f} µs against {theirs:.0f} µs"
    return [Figure(f"{name} check / wrk", median_ratio(pairs), "× CPU", goal, detail=detail)]


def compared(web: Web, url: str, rounds: int, seconds: float, checks: int) -> list[tuple[float, float]]:
    """Return CPU µs of a check and of a request by wrk, in turn."""
    pairs = []
    with Program(ENGINE) as engine:
        engine.tell(f"{url} {web.ca_file} {checks // 4}")
        engine.hear()  # warm
        for _ in range(rounds):
            limit = wrk_us(url, seconds)
            engine.tell(f"{url} {web.ca_file} {checks}")
            pairs.append((float(engine.hear()), limit))
    return pairs


def serve_checks() -> None:
    """The measured process: for each line (URL, trusted file, count) do so many checks, and print their CPU µs."""
    import asyncio
    import time

    import uvloop

    from tocsin.core.egress import EgressPolicy, parse_rules
    from tocsin.probes.http import HttpProbe
    from tocsin.probes.kinds import Probes
    from tocsin.probes.request import HttpSpec, build_request, parse_target

    async def rounds() -> None:
        policy = EgressPolicy(parse_rules("127.0.0.1,localhost,::1"), parse_rules(""))
        probes: dict[str, HttpProbe] = {}
        for line in sys.stdin:
            url, ca_file, count = line.split()
            if ca_file not in probes:
                everything = Probes(policy, time.monotonic, Path(ca_file))
                everything.slots.per_host = 1000
                probes[ca_file] = everything.http
            spec = HttpSpec(parse_target(url), expected=frozenset(range(200, 300)))
            spec = spec._replace(request=build_request(spec))
            print(await one_round(probes[ca_file], spec, int(count)), flush=True)

    async def one_round(probe: HttpProbe, spec: HttpSpec, count: int) -> float:
        left = count

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                result = await probe.probe(spec, 10)
                if result.cause is not None:
                    raise RuntimeError(f"a check failed: {result.error}")

        began = time.process_time()
        await asyncio.gather(*(worker() for _ in range(32)))
        return (time.process_time() - began) / count * 1e6

    uvloop.run(rounds())


def blackbox_us(folder: Path, web: Web, checks: int) -> tuple[float | None, float | None]:
    """Return the CPU µs of a probe by the blackbox exporter over HTTP and HTTPS; None when there is no exporter."""
    if shutil.which("prometheus-blackbox-exporter") is None or shutil.which("wrk") is None:
        return None, None
    (folder / "blackbox.yml").write_text(
        "modules:\n  http:\n    prober: http\n    timeout: 10s\n    http:\n"
        f"      tls_config:\n        ca_file: {web.ca_file}\n      preferred_ip_protocol: ip4\n"
    )
    with exporter(folder) as (program, port):
        return tuple(  # type: ignore[return-value]
            probe_us(program, port, url, checks) for url in (web.plain, web.tls)
        )


@contextmanager
def exporter(folder: Path) -> Iterator[tuple[Program, int]]:
    port = free_port()
    command = [
        "taskset", "-c", "0", "prometheus-blackbox-exporter", f"--config.file={folder}/blackbox.yml",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with Program(command, folder / "blackbox.log", GOMAXPROCS="1") as program:
        wait_for_answer(port, "/-/healthy", program.ended, folder / "blackbox.log")
        yield program, port


def probe_us(program: Program, port: int, url: str, checks: int) -> float:
    target = f"http://127.0.0.1:{port}/probe?module=http&target={quote(url, safe='')}"
    load = ["taskset", "-c", "1", "wrk", "-t1", "-c8", "-d1s", target]
    subprocess.run(load, capture_output=True, check=True)
    before = cpu_seconds(program.pid)
    text = subprocess.run([*load[:5], "-c8", "-d3s", target], capture_output=True, text=True, check=True).stdout
    asked = int(text.split(" requests in")[0].split()[-1])
    return (cpu_seconds(program.pid) - before) / max(1, asked) * 1e6


if __name__ == "__main__":
    run(measure)
