"""`python -m benchmarks demo`: how long demo data takes to load, and how much memory."""

import argparse

from benchmarks import instances, tables
from benchmarks.instances import Instance
from benchmarks.tables import Bar, judged

#: Seconds of CPU and MiB for 10,000 customers with 150,000 interactions.
SECONDS, MEMORY = Bar(60), Bar(400)


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Load into an empty installation and print what it took; return what was over its bar."""
    tables.head(f"Loading {instance.customers:,} customers")
    wall, cpu, memory = instances.load(instance, jobs=False)
    rows = instance.customers * (1 + 2.5 + 1 + 15)
    whole = Bar(SECONDS.figure * max(1, instance.customers / 10_000))
    print(f"wall {wall:7.1f} s")
    print(f"CPU  {cpu:7.1f} s   {judged(cpu, whole)}   {rows / cpu:,.0f} records a second of CPU")
    print(f"peak {memory:7.0f} MiB {judged(memory, MEMORY)}")
    return sum(not bar.keeps(value) for bar, value in ((whole, cpu), (MEMORY, memory)))
