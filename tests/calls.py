"""How much work something is: its calls counted, which no other work on the machine changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect what this thread calls and returns from until the block ends."""
    calls: list[str] = []
    sys.setprofile(lambda _frame, what, _of: calls.append(what))
    try:
        yield calls
    finally:
        sys.setprofile(None)
