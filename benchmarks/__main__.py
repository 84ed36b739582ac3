"""`python -m benchmarks [requests|mix|editing|cockpit|demo|rechecks|all]`: measures by bars."""

import argparse
import sys

from benchmarks import (
    cockpit,
    editing,
    instances,
    loading,
    machine,
    mix,
    rechecks,
    requests,
    tables,
)


def main() -> int:
    """Run what was asked for; return 1 where a figure is over its bar or an edit was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=("all", *PARTS))
    parser.add_argument("--customers", type=int, default=10_000, help="how large (10,000)")
    parser.add_argument("--workers", type=int, default=1, help="web processes (1)")
    parser.add_argument("--clients", type=int, default=40, help="people at once (40)")
    parser.add_argument("--seconds", type=float, default=20, help="how long the mix runs (20)")
    parser.add_argument("--times", type=int, default=300, help="how often each is asked (300)")
    parser.add_argument("--keep-going", action="store_true", help="end with 0 whatever was found")
    options = parser.parse_args()
    asked = ("requests", "mix", "editing") if options.what == "all" else (options.what,)
    print(machine.described())
    over = 0
    for name in asked:
        with instances.copy(options.customers, needed=name not in ("demo", "rechecks")) as instance:
            over += PARTS[name](instance, options)
    print(f"\n{machine.described()}")
    print(tables.verdict(over))
    return int(bool(over) and not options.keep_going)


PARTS = {
    "requests": requests.run,
    "mix": mix.run,
    "editing": editing.run,
    "cockpit": cockpit.run,
    "demo": loading.run,
    "rechecks": rechecks.run,
}

if __name__ == "__main__":
    sys.exit(main())
