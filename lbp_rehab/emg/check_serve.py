"""The check live in a browser of this machine, without a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.check import CheckReport
from lbp_rehab.emg.check_live import PAGE
from lbp_rehab.emg.check_measures import columns
from lbp_rehab.emg.check_page import figures
from lbp_rehab.emg.check_text import MARKS
from lbp_rehab.errors import InputError

HOST = "127.0.0.1"
TRACE_COLUMNS = 400
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
)


class Live:
    """What the browser is shown.

    Attributes
    ----------
    address : str
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.address = f"http://{HOST}:{server.server_port}"
        self._server: Any = server

    def show(
        self,
        report: CheckReport,
        band: NDArray[np.float64],
        heading: str,
        said: tuple[str, ...] = (),
    ) -> None:
        """Replace what is shown.

        Parameters
        ----------
        report : CheckReport
        band : ndarray, shape (n, c)
            Band-passed signal of the latest seconds, volts; nan where unknown.
        heading : str
        said : tuple of str
            By the source.
        """
        shown = figures(report) | {"heading": heading, "said": list(said), "traces": _traces(band)}
        for row, channel in zip(shown["channels"], report.channels, strict=True):
            row["mark"] = MARKS[channel.channel.quality]
        self._server.shown = json.dumps(shown, separators=(",", ":")).encode()


@contextmanager
def serving(port: int) -> Iterator[Live]:
    """Serve the live page while the context lasts.

    Parameters
    ----------
    port : int
        0: any free one.

    Raises
    ------
    InputError
        If the port cannot be had.
    """
    try:
        server = ThreadingHTTPServer((HOST, port), _Handler)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be served on {HOST} ({error.strerror}); give another --serve PORT"
        ) from None
    server.daemon_threads = True
    live = Live(server)
    live.show(CheckReport(), np.zeros((0, 0)), "no samples yet")
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="check", daemon=True)
    thread.start()
    try:
        yield live
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers with the page and its figures."""

    def do_GET(self) -> None:
        """Answer a request."""
        server: Any = self.server
        # A page of another site that resolves its own name to this machine gets nothing.
        if self.headers.get("Host", "").rpartition(":")[0] not in (HOST, "localhost"):
            self.send_error(403)
        elif self.path == "/":
            self._send(PAGE.encode(), "text/html; charset=utf-8")
        elif self.path == "/data.json":
            self._send(server.shown, "application/json")
        else:
            self.send_error(404)

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the table."""


def _traces(band: NDArray[np.float64]) -> list[list[list[float] | None]]:
    """Return smallest and largest microvolts of each column by channel; None where unknown."""
    if not band.size:
        return []
    low, high = (np.round(1e6 * v, 1) for v in columns(band, min(TRACE_COLUMNS, len(band))))
    return [
        [
            [float(a), float(b)] if np.isfinite(a) else None
            for a, b in zip(low[:, k], high[:, k], strict=True)
        ]
        for k in range(band.shape[1])
    ]
