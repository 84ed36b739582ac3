"""Runs every check and says what each found and took: `checks.py test` or `checks.py attacks`.

All steps run even after one has failed, so that one run shows everything there is to mend. The
table at the end repeats the last line of each step.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

Steps = Mapping[str, Sequence[str]]

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
WORKERS = str(min(8, max(2, os.cpu_count() or 2)))
PYTEST = ("pytest", "--all-parts", "-n", WORKERS, "--dist", "worksteal", "--durations", "5")

#: Short, and they do not disturb one another: run side by side.
STATIC = {
    "style": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "types": ("mypy",),
    "layers": ("lint-imports", "--no-logo"),
    "templates": ("djlint", "templates", "--lint", "--quiet"),
    "security": (
        # B704 is ruff's S704, where each exception bears its reason.
        *("bandit", "-q", "-ll", "-s", "B704", "-r", "app.py", "config", "crm_admin"),
        *("-f", "custom", "--msg-template", "{relpath}:{line}: {test_id} {msg}"),
    ),
    "catalogues": ("python", "-m", "scripts.translations", "check"),
}
TESTS = {
    "tests on SQLite": (*PYTEST, "-m", "not attack and not browser"),
    "tests on PostgreSQL": (*PYTEST, "-m", "not attack and not browser", "--postgresql"),
    "browser stories": (*PYTEST, "-m", "browser and not attack"),
}
ATTACKS = {
    "attacks on SQLite": (*PYTEST, "-m", "attack"),
    "attacks on PostgreSQL": (*PYTEST, "-m", "attack", "--postgresql"),
}


@dataclass(frozen=True)
class Outcome:
    """What a step came to: its exit code, its last line and how long it took, in seconds."""

    name: str
    code: int
    last_line: str
    seconds: float


def run(name: str, command: Sequence[str], *, quietly: bool = False) -> Outcome:
    """Run a step; its output is shown as it comes, or `quietly` in one piece when it has ended."""
    started = time.monotonic()
    lines: list[str] = []
    if not quietly:
        print(f"\n== {name}", flush=True)
    with subprocess.Popen(
        [TOOLS / command[0], *command[1:]],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.rstrip())
            if not quietly:
                print(lines[-1], flush=True)
    if quietly:
        print("\n".join([f"\n== {name}", *lines]), flush=True)
    last_line = next((line for line in reversed(lines) if line.strip()), "")
    return Outcome(name, process.returncode, last_line.strip(" ="), time.monotonic() - started)


def run_all(static: Steps, tests: Steps) -> list[Outcome]:
    """Run the short steps side by side, then the tests, each of which takes all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = [*pool.map(lambda step: run(*step, quietly=True), static.items())]
    return outcomes + [run(name, command) for name, command in tests.items()]


def main(what: str) -> int:
    """Run what is asked for, print the table, and return 0 when all is well."""
    started = time.monotonic()
    outcomes = run_all(STATIC, TESTS) if what == "test" else run_all({}, ATTACKS)
    print(f"\n== make {what}: {time.monotonic() - started:.0f} s")
    for outcome in outcomes:
        verdict = "ok    " if outcome.code == 0 else "FAILED"
        print(f"{verdict} {outcome.name:22} {outcome.seconds:6.1f} s  {outcome.last_line[:100]}")
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"test", "attacks"}:
        sys.exit("usage: checks.py test|attacks")
    sys.exit(main(sys.argv[1]))
