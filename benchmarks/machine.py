"""How fast this machine is at the moment, by the smallest page there is.

A shared machine is now half as fast as a minute ago, and the next twice as fast. So beside what a
request takes stands what it would take where the smallest page takes as long as on the machine that
the bars were set on.
"""

import os
import time
from functools import cache

from flask import Flask
from flask.testing import FlaskClient

#: CPU milliseconds of the smallest page on the machine that the bars were set on.
REFERENCE = 0.23


@cache
def _client() -> FlaskClient:
    site = Flask(__name__)
    site.add_url_rule("/", "hello", lambda: "hello")
    client = site.test_client()
    for _ in range(500):
        client.get("/")
    return client


def hello(times: int = 50) -> float:
    """Return the CPU milliseconds of the smallest page of Flask, asked for in this process."""
    client = _client()
    started = time.process_time()
    for _ in range(times):
        client.get("/")
    return (time.process_time() - started) / times * 1000


def described() -> str:
    """Return how busy and how fast the machine is now."""
    took = hello(500)
    return (
        f"Machine: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; the smallest page of "
        f"Flask takes {took:.2f} ms of CPU, {took / REFERENCE:.2f} times the reference."
    )
