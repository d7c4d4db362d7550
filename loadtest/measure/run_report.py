"""The report of a run: one file, with everything in it, that a later run can be compared with."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from .plot import Chart, Series, page, table
from .process import MeasureError
from .report import machine, number
from .watch import TIERS

LATENCY = "customer_duration"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def write(path: Path, run: dict, earlier: dict | None) -> None:
    """Writes the report of a run, which is data alone."""
    title = f"{run['scenario']} on {run['stage']}"
    host = run["machine"]
    what = (
        f"<p>{escape(run['about'])}. {run['seconds']:g} s from {escape(run['began'])}; 1× is {run['rate']:g} requests/s; "
        f"{run['products']:,} products; generator and servers share {escape(host['cpu'])}, {host['cores']} cores, "
        f"Linux {escape(host['kernel'])}.</p>"
    )
    kept = json.dumps(run).replace("</", "<\\/")
    parts = [what, table(["", "measured", "has to be", ""], run["verdicts"]), totals(run, earlier)]
    parts += [chart.svg() for chart in charts(run, earlier)]
    parts += [f"<h2>Notes</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in run['notes'])}</ul>"] if run["notes"] else []
    parts.append(f'<script type="application/json" id="data">{kept}</script>')
    path.write_text(page(title, parts))


def read(path: Path) -> dict:
    """The run that a report is about."""
    found = DATA.search(path.read_text())
    if not found:
        raise MeasureError(f"{path} is no report of loadtest/run")
    return json.loads(found.group(1).replace("<\\/", "</"))


def totals(run: dict, earlier: dict | None) -> str:
    """Figures over the whole run, and those of an earlier one beside them."""
    rows = []
    for name, value in run["totals"].items():
        row = [name, number(value)]
        if earlier:
            then = earlier["totals"].get(name)
            row += [number(then) if then is not None else "", f"{value / then - 1:+.0%}" if then else ""]
        rows.append(row)
    return table(["", "this run", *([f"{earlier['began']}", "change"] if earlier else [])], rows)


def charts(run: dict, earlier: dict | None) -> list[Chart]:
    """Over time."""
    marks = [(second, name) for second, name in run["events"]]
    shown = run["customers"]
    latencies = [Series(name, points(shown, LATENCY, statistic)) for name, statistic in (("p50", "med"), ("p95", "p95"), ("p99", "p99"))]
    rates = [Series("answered", points(run["all"], "http_reqs", "rate"))]
    if earlier:
        latencies.append(Series("p99 then", points(earlier["customers"], LATENCY, "p99"), dashed=True))
        rates.append(Series("then", points(earlier["all"], "http_reqs", "rate"), dashed=True))
    failed = [(second, None if rate is None else 100 * rate) for second, rate in points(shown, "customer_failed", "rate")]
    watched = run["watched"]

    def seen(key: str) -> list[tuple[float, float]]:
        return [(point["second"], point[key]) for point in watched]

    tiers = [Series(name, seen(name)) for name in TIERS if any(point[name] for point in watched)]
    return [
        Chart("Latency of customers", "ms", latencies, log=True, limits=[("SLO of p99", run["slo"]["p99_ms"])], marks=marks),
        Chart("Throughput", "requests/s", rates, marks=marks),
        Chart("Failed requests of customers", "%", [Series("failed", failed)], marks=marks),
        Chart("What answered", "per second", tiers or [Series("nothing", [(0, 0)])], marks=marks),
        Chart("Features given up under pressure", "steps of the ladder", [Series("steps", seen("ladder"), steps=True)], marks=marks),
        Chart("Processor of the nodes", "cores", [Series("user and system", seen("cpu"))], marks=marks),
        Chart("Resident memory of the nodes", "MiB", [Series("all nodes", seen("memory"))], marks=marks),
    ]


def points(recorded: dict, metric: str, statistic: str) -> list[tuple[float, float | None]]:
    return [(second, value) for second, value in recorded.get(f"{metric}.{statistic}", [])]


def about_this_machine() -> dict:
    return machine()
