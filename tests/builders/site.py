"""A web site of one file on this machine, with the faults that sites have."""

import hashlib
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import numpy as np

HDF5 = b"\x89HDF\r\n\x1a\n"  # as which the file begins
BODY = HDF5 + np.random.default_rng(0).bytes(300_000 - len(HDF5))
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"
OTHER = HDF5 + np.random.default_rng(1).bytes(300_000 - len(HDF5))


class Site:
    """What it serves and how; `asked` has the Range of every request, None if it named none.

    `cuts` are the bytes after which one answer after the other breaks off; `hold` makes the first
    answer wait there, until `release` is set.
    """

    def __init__(self):
        self.body, self.etag, self.changed = BODY, '"1"', None
        self.status, self.headers, self.location = None, {}, None
        self.ranges, self.heeds_conditions, self.sized = True, True, True
        self.shift = 0  # bytes by which it misses the range that is asked for
        self.excess = b""  # what follows such a range, and is none of the file
        self.most = 10**9  # bytes of a range that it gives at once
        self.cuts, self.hold, self.release = [], False, Event()
        self.asked, self.conditions = [], []
        self.url = ""

    @contextmanager
    def open(self):
        """Serve while the block lasts."""
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                site.answer(self)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}/file"
            try:
                yield self
            finally:
                self.release.set()
                server.shutdown()

    def answer(self, request):
        self.asked.append(request.headers["Range"])
        self.conditions.append(request.headers["If-Range"])
        if self.status or (self.location and request.path == "/file"):
            request.send_response(self.status or 302)
            if self.location:
                request.send_header("Location", self.location)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = self.begin(request)
        request.end_headers()
        rest = self.body[start : self.end(start)] + (self.excess if start else b"")
        cut = self.cuts.pop(0) if self.cuts else len(rest)
        request.wfile.write(rest[:cut])
        if cut < len(rest) and self.hold:
            self.hold = False
            self.release.wait(60)

    def end(self, start):
        """Where a body that begins there ends."""
        return min(len(self.body), start + self.most) if start else len(self.body)

    def begin(self, request):
        """Send the status and the headers; where the body begins."""
        named = re.fullmatch(r"bytes=(\d+)-", request.headers["Range"] or "")
        condition = request.headers["If-Range"] if self.heeds_conditions else None
        same = condition in (None, self.etag or self.changed)
        start = int(named[1]) + self.shift if named and self.ranges and same else 0
        end, total = self.end(start), len(self.body)
        request.send_response(416 if start and start >= total else 206 if start else 200)
        if start:
            rest = f"{start}-{end - 1}" if start < total else "*"
            request.send_header("Content-Range", f"bytes {rest}/{total}")
        said = {"ETag": self.etag, "Last-Modified": self.changed}
        said |= {"Accept-Ranges": "bytes" if self.ranges else None}
        if self.sized:
            said["Content-Length"] = str(max(0, end - start) + (len(self.excess) if start else 0))
        for name, value in (said | self.headers).items():
            if value:
                request.send_header(name, value)
        return start
