"""The table on the terminal, and the file that is kept."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from bench.measure import Figure

_GIB: Final = 1024**3


async def machine(dsn: str) -> dict[str, Any]:
    """What the figures depend on beside the code. Nothing that tells whose machine it is."""
    connection = await asyncpg.connect(dsn)
    try:
        postgres = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / _GIB, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": postgres,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table(title="Fleetwrite, measured", title_justify="left")
    for column, justify in (("figure", "left"), ("aim", "right"), ("median", "right"), ("spread", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("ratio", justify="right")
    table.add_column("to")
    for figure in figures:
        mark = {None: "", True: "[green]", False: "[red]"}[figure.is_reached]
        aim = "" if figure.aim is None else f"{figure.aim.comparison} {_number(figure.aim.value)}"
        if figure.aim is not None and figure.aim.of_ratio:
            aim = f"ratio {aim}"
        table.add_row(
            figure.title,
            aim,
            f"{mark}{_number(figure.measured)} {figure.unit}".rstrip(),
            f"{_number(min(figure.values))} - {_number(max(figure.values))}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.floor_name,
        )
    console.print(table)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1_000_000:
        return f"{int(value)}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"


def write(folder: Path, name: str, figures: Sequence[Figure], facts: dict[str, Any]) -> Path:
    """Keep the figures; returns the file."""
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%d}-{name}.json"
    content = {
        "measured_at": now.isoformat(timespec="seconds"),
        **facts,
        "figures": [
            {
                **msgspec.to_builtins(figure),
                "median": figure.measured,
                "ratio": figure.ratio,
                "reached": figure.is_reached,
            }
            for figure in figures
        ],
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    return path
