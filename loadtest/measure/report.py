"""Figures against their targets, as a Markdown table and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from .load import Subject


@dataclass(frozen=True)
class Figure:
    """A measured value with its limit, if it has one."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    # Whether the limit is the most (True) or the least (False) that is allowed.
    at_most: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value keeps its limit; None without one."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def row(self) -> str:
        sign = "≤" if self.at_most else "≥"
        target = "" if self.limit is None else f"{sign} {number(self.limit)} {self.unit}".strip()
        verdict = {True: "met", False: "**missed**", None: ""}[self.met]
        name = f"{self.name} ({self.note})" if self.note else self.name
        return f"| {name} | {number(self.value)} {self.unit}".rstrip() + f" | {target} | {verdict} |"


def number(value: float) -> str:
    """Enough digits to compare, no more."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def machine() -> dict[str, str | int]:
    """What the figures were measured on, and when."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "Model"))
    ]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count() or 1,
        "kernel": platform.release(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def markdown(subjects: list[Subject], figures: list[Figure], notes: list[str]) -> str:
    """The table for the README."""
    host = machine()
    lines = [
        f"Measured {host['date']} on {host['cpu']}, {host['cores']} cores, Linux {host['kernel']}.",
        "",
    ]
    if subjects:
        by_key = {subject.key: subject for subject in subjects}
        lines += [
            "| subject | CPU µs/request | spread | requests/s | p50 µs | p99 µs | × bare actix-web | × L1 hit |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for subject in subjects:
            ratios = [
                f"{subject.ratio_to(by_key[key]):.2f}" if key in by_key else ""
                for key in ("actix", "hit")
            ]
            lines.append(
                f"| {subject.title} | {subject.median('cpu_us_per_request'):.2f} | {subject.spread():.0%}"
                f" | {subject.median('requests_per_second'):,.0f} | {subject.median('p50_us'):.0f}"
                f" | {subject.median('p99_us'):.0f} | {ratios[0]} | {ratios[1]} |"
            )
        lines.append("")
    if figures:
        lines += ["| figure | measured | target | |", "|---|---:|---:|---|"]
        lines += [figure.row() for figure in figures]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join(lines)


def document(subjects: list[Subject], figures: list[Figure], notes: list[str]) -> dict:
    """The same for machines, with every round."""
    return {
        "machine": machine(),
        "subjects": [
            {
                "key": subject.key,
                "title": subject.title,
                "cpu_us_per_request": subject.median("cpu_us_per_request"),
                "requests_per_second": subject.median("requests_per_second"),
                "rounds": [asdict(one) for one in subject.rounds],
            }
            for subject in subjects
        ],
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
        "notes": notes,
    }
