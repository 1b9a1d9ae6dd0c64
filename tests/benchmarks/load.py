"""Calls the API as many programs at once do, from a process of its own: so many calls in a second, whether earlier ones were answered or not.

Reads what to do as JSON from standard input, and writes how long it took. A call's time begins when it was to be sent (no coordinated omission).
Calls come from several addresses of the loopback and with several tokens, because the server counts calls by both.
"""

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from statistics import quantiles
from threading import local
from urllib.parse import urlsplit

#: Programs that call at once, and the addresses that they call from.
_PROGRAMS, _ADDRESSES = 16, 8
_mine = local()


def call(host: str, number: int, at: float, token: str, path: str) -> tuple[str, str, float]:
    """Sends one call at its moment; gives its path, its status and the seconds until the answer was read."""
    time.sleep(max(0.0, at - time.perf_counter()))
    if not hasattr(_mine, "connection"):
        _mine.connection = HTTPConnection(host, timeout=30, source_address=(f"127.0.0.{2 + number % _ADDRESSES}", 0))
    try:
        _mine.connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = _mine.connection.getresponse()
        answer.read()
        status = str(answer.status)
    except OSError as error:
        _mine.connection.close()
        status = type(error).__name__
    return path, status, time.perf_counter() - at


def main() -> None:
    asked = json.load(sys.stdin)
    host = urlsplit(sys.argv[1]).netloc
    paths, tokens, rate = asked["paths"], asked["tokens"], asked["rate"]
    with ThreadPoolExecutor(_PROGRAMS) as programs:
        begun = time.perf_counter() + 0.5
        handed = [
            programs.submit(call, host, number, begun + number / rate, tokens[number % len(tokens)], paths[number % len(paths)])
            for number in range(rate * asked["seconds"])
        ]
        done = [each.result() for each in handed]
    cuts = quantiles(sorted(took for _, _, took in done), n=100)
    worst = {path: round(max(took for each, _, took in done if each == path), 3) for path in paths}
    statuses = Counter(status for _, status, _ in done)
    json.dump({"calls": len(done), "statuses": statuses, "p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "worst": worst}, sys.stdout)


if __name__ == "__main__":
    main()
