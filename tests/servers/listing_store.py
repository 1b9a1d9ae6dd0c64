"""A store of very many empty objects that only answers listings, by the letter of the S3 API, and counts them."""

import bisect
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_PAGE = 1000
_NO_CONFIGURATION = b"<Error><Code>NoSuchConfiguration</Code></Error>"


class ListingStore:
    """One bucket. `keys` may be changed between requests; `is_ordered` False lists them in their own order and pages by number."""

    def __init__(self, keys: Sequence[str], *, is_ordered: bool = True) -> None:
        self.keys = sorted(keys, key=str.encode) if is_ordered else list(keys)
        self.is_ordered = is_ordered
        self.listings = 0
        self.endpoint = ""

    def add(self, key: str) -> None:
        bisect.insort(self.keys, key, key=str.encode)

    def answer(self, query: dict[str, str]) -> bytes:
        """The XML of one request; empty for what such a store does not have."""
        if "versioning" in query:
            return b"<VersioningConfiguration/>"
        if "uploads" in query:
            return b"<ListMultipartUploadsResult/>"
        if query.get("list-type") != "2":
            return b""
        self.listings += 1
        return self._page(query)

    def _page(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        entries: list[str] = []
        shared: dict[str, None] = {}
        at = self._begin(query, prefix)
        is_cut = False
        while at < len(self.keys) and (not self.is_ordered or self.keys[at].startswith(prefix)):
            key = self.keys[at]
            if len(entries) + len(shared) == _PAGE:
                is_cut = True
                break
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if not key.startswith(prefix):
                at += 1
            elif cut >= 0:
                shared[key[: cut + 1]] = None
                at = max(at + 1, bisect.bisect_left(self.keys, f"{key[:cut]}0")) if self.is_ordered else at + 1
            else:
                entries.append(key)
                at += 1
        return _xml(entries, list(shared), str(at) if is_cut else "")

    def _begin(self, query: dict[str, str], prefix: str) -> int:
        if "continuation-token" in query:
            return int(query["continuation-token"])
        if not self.is_ordered:
            return 0
        after = query.get("start-after", "")
        begin = bisect.bisect_left(self.keys, prefix.encode(), key=str.encode)
        return max(begin, bisect.bisect_right(self.keys, after.encode(), key=str.encode)) if after else begin


def _xml(keys: list[str], shared: list[str], token: str) -> bytes:
    rows = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;0&quot;</ETag><Size>0</Size></Contents>"
        for key in keys
    )
    prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in shared)
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else "<IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{more}{rows}{prefixes}</ListBucketResult>".encode()


@contextmanager
def serving(store: ListingStore) -> Iterator[ListingStore]:
    """The store behind a port of its own on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
            body = store.answer(query)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body or _NO_CONFIGURATION)))
            self.end_headers()
            self.wfile.write(body or _NO_CONFIGURATION)

        def log_message(self, *_: object) -> None:
            """Tests read no log of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
