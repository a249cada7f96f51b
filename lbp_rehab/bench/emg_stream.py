"""``lbp-rehab bench emg-stream``: twelve channels at 2 kHz over LSL through the live graph.

A process of its own sends known samples in real time with true stamps. ``emg_bridge`` receives
them, as ``lbp-rehab run`` starts it, beside the camera graph; this process subscribes and checks
every sample to the bit. LSL, DDS and the clock of the machine are the real ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from lbp_rehab import msg
from lbp_rehab.bench.emg_known import CHANNELS, Checker, known
from lbp_rehab.bench.live import Spinner, usage
from lbp_rehab.bench.statistics import percentiles_ms
from lbp_rehab.errors import InputError
from lbp_rehab.graph import NodeSpec, SessionOptions, session_graph
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.paths import resource_dir
from lbp_rehab.runner import Supervisor
from lbp_rehab.stamps import NANOSECONDS

RATE_HZ = 2000.0
PUSH_S = 0.01  # an amplifier's packets
BRIDGE = "emg_bridge"
START_TIMEOUT_S = 120.0
WARM_UP_S = 5.0  # of the stream: until the clocks' offset and the filters have settled
DRAIN_S = 3.0
MEMORY_EVERY_S = 5.0
# More than comes while the listener is held up: the transport is measured, not the listener.
_LISTEN = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=2000, reliability=ReliabilityPolicy.RELIABLE
)


class _Listener:
    """Keeps what arrives, with the time of arrival; it is looked at when all is over."""

    def __init__(self) -> None:
        self.node = rclpy.create_node("emg_stream_listener")
        self.raw: list[tuple[int, msg.EmgRaw]] = []
        self.activations: list[tuple[int, int, float]] = []  # arrival, stamp, delay
        self.poses = 0
        node = self.node
        node.create_subscription(msg.EmgRaw, "emg/raw", self._on_raw, _LISTEN)
        node.create_subscription(msg.EmgActivation, "emg/activation", self._on_activation, _LISTEN)
        node.create_subscription(msg.PelvisState, "pelvis/state", self._on_pelvis, _LISTEN)

    def _now(self) -> int:
        return int(self.node.get_clock().now().nanoseconds)

    def _on_raw(self, message: msg.EmgRaw) -> None:
        self.raw.append((self._now(), message))

    def _on_activation(self, message: msg.EmgActivation) -> None:
        now = self._now()
        self.activations.append((now, to_ns(message.header.stamp), float(message.delay_s)))

    def _on_pelvis(self, message: msg.PelvisState) -> None:
        self.poses += 1


class _Usage:
    """CPU time and memory of ``emg_bridge``."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._cpu_s, self._begin = usage(supervisor)[BRIDGE][0], time.monotonic()
        self.memory_mb: list[float] = []
        self._next = 0.0

    def noted(self) -> bool:
        """Note the memory, every few seconds; always true."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + MEMORY_EVERY_S
            self.memory_mb.append(usage(self._supervisor)[BRIDGE][1] / 1e6)
        return True

    def percent(self) -> float:
        """Return the share of one core since the beginning."""
        spent_s = usage(self._supervisor)[BRIDGE][0] - self._cpu_s
        return 100.0 * spent_s / (time.monotonic() - self._begin)


def measure(specs: Sequence[NodeSpec], stream: str, seconds: float) -> dict[str, Any]:
    """Run nodes and a sender for some seconds of stream, and return the figures.

    Parameters
    ----------
    specs : sequence of NodeSpec
        ``emg_bridge`` among them, with the stream as its source.
    stream : str
        Name of the LSL stream.
    seconds : float

    Returns
    -------
    dict
        See `figures`, and cpu_percent_of_one_core, memory_start_mb, memory_end_mb,
        memory_growth_mb (of ``emg_bridge``, from the end of the warm-up), pelvis_states,
        restarts.
    """
    rclpy.init()
    listener = _Listener()
    executor = SingleThreadedExecutor()
    executor.add_node(listener.node)
    supervisor = Supervisor(specs)
    supervisor.start()
    sender: _Sender | None = None
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "pushed.npy"
        try:
            sender = _Sender(stream, seconds, log)
            spin = Spinner(executor, supervisor, sender.check)
            camera = any(spec.name == "camera_driver" for spec in specs)
            spin.until(
                lambda: (
                    listener.node.count_publishers("emg/raw") > 0
                    and (listener.poses > 0 or not camera)
                    and sender.ready()
                ),
                START_TIMEOUT_S,
            )
            before = listener.poses
            sender.tell("go")
            warm_up_s = min(WARM_UP_S, seconds / 2.0)
            spin.wait(warm_up_s)
            bridge = _Usage(supervisor)
            spin.until(lambda: bridge.noted() and log.exists(), seconds - warm_up_s + DRAIN_S)
            percent = bridge.percent()
            spin.wait(DRAIN_S)
            poses = listener.poses - before
            sender.tell("end")
            pushed = np.load(log)
        finally:
            supervisor.end()
            if sender is not None:
                sender.end()
            listener.node.destroy_node()
            rclpy.try_shutdown()
    memory = bridge.memory_mb
    return {
        **figures(listener.raw, listener.activations, pushed, round(warm_up_s * RATE_HZ)),
        "cpu_percent_of_one_core": round(percent, 1),
        "memory_start_mb": round(memory[0], 1),
        "memory_end_mb": round(memory[-1], 1),
        "memory_growth_mb": round(memory[-1] - memory[0], 1),
        "pelvis_states": poses,
        "restarts": sum(p.restarts for p in supervisor.processes.values()),
        "minutes": round(seconds / 60.0, 3),
    }


def figures(
    raw: Sequence[tuple[int, msg.EmgRaw]],
    activations: Sequence[tuple[int, int, float]],
    pushed: NDArray[np.int64],
    warm_up: int,
) -> dict[str, Any]:
    """Return the figures of what arrived.

    Parameters
    ----------
    raw : sequence of (arrival_ns, EmgRaw)
    activations : sequence of (arrival_ns, stamp_ns, delay_s)
    pushed : ndarray of int64, shape (k, 3)
        Of each push: number of samples pushed by then, true time of its last sample, and when it
        was pushed.
    warm_up : int
        Samples at the beginning that are checked, but not timed.

    Returns
    -------
    dict
        - sent, received, late_join (sent before the receiver had joined), lost, out_of_order,
          wrong (in samples), declared_lost (by the messages themselves), chunks, activations.
        - latency_p50_ms, latency_p99_ms, latency_max_ms: from the push of the newest sample that
          an activation needs to its arrival; that sample is the first one not older than the
          activation's stamp plus the filter's stated delay. delay_ms is that delay.
        - raw_latency_...: from the push of the last sample of a chunk of ``emg/raw``.
        - stamp_error_p99_ms: of the chunks' stamps against the true time.
    """
    check = Checker()
    rate = RATE_HZ / NANOSECONDS
    total, last_ns = pushed[-1, 0], pushed[-1, 1]
    true_ns = last_ns - (total - 1) / rate  # of sample 0
    push_of, chunk_latency, stamp_error = pushed[:, 0] - 1, [], []
    declared = 0
    for arrival_ns, message in raw:
        data = np.asarray(message.data, np.float32).reshape(message.n_samples, -1)
        first = check.check(data)
        declared += message.lost_before
        if first is not None and first >= warm_up:
            row = int(np.searchsorted(push_of, first + len(data) - 1))
            chunk_latency.append(arrival_ns - int(pushed[min(row, len(pushed) - 1), 2]))
            stamp_error.append(abs(to_ns(message.header.stamp) - (true_ns + first / rate)))
    latency = []
    for arrival_ns, stamp_ns, delay_s in activations:
        newest = int(np.ceil((stamp_ns + delay_s * NANOSECONDS - true_ns) * rate - 0.5))
        if warm_up <= newest < total:
            latency.append(arrival_ns - int(pushed[np.searchsorted(push_of, newest), 2]))
    sent = int(total)
    first_index = check.first if check.first is not None else sent
    return {
        "sent": sent,
        "received": check.received,
        "late_join": first_index,
        "lost": check.lost + max(0, sent - max(check.expected, first_index)),
        "out_of_order": check.out_of_order,
        "wrong": check.wrong,
        "declared_lost": declared,
        "chunks": len(raw),
        "activations": len(activations),
        **_named("latency", latency),
        "delay_ms": round(1000.0 * activations[-1][2], 3) if activations else None,
        **_named("raw_latency", chunk_latency),
        "stamp_error_p99_ms": round(float(np.percentile(stamp_error, 99)) / 1e6, 3)
        if stamp_error
        else None,
    }


def _named(name: str, latencies_ns: Sequence[int]) -> dict[str, float | None]:
    """Return the percentiles under a name; null for those of nothing."""
    found = percentiles_ms(latencies_ns)
    return {f"{name}_{key}": found.get(key) for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms")}


class _Sender:
    """The process that sends, and what is said to it."""

    def __init__(self, stream: str, seconds: float, log: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", __name__, stream, str(seconds), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ready = False

    def ready(self) -> bool:
        """Whether it says that somebody listens to its stream; waits for it to say so."""
        if not self._ready:
            assert self._popen.stdout is not None
            self._ready = self._popen.stdout.readline().strip() == "ready"
        return self._ready

    def tell(self, word: str) -> None:
        """Say a word to it."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{word}\n")
        self._popen.stdin.flush()

    def check(self) -> None:
        """Raise InputError if it has failed."""
        if self._popen.poll():
            raise InputError("the sender of the LSL stream ended; its message says why")

    def end(self) -> None:
        """End it, whatever it does."""
        self._popen.kill()


def send(stream: str, seconds: float, log: Path) -> int:
    """Push the known samples in real time, and write when each push was."""
    try:
        import pylsl  # noqa: PLC0415
    except (ImportError, RuntimeError) as error:
        print(f"LSL needs pylsl ({error}): pip install 'lbp-rehab[emg]'", file=sys.stderr)
        return 1
    info = pylsl.StreamInfo(stream, "EMG", CHANNELS, RATE_HZ, "float32", stream)
    channels = info.desc().append_child("channels")
    for k in range(CHANNELS):
        channel = channels.append_child("channel")
        channel.append_child_value("label", f"known{k + 1}")
        channel.append_child_value("unit", "V")
    outlet = pylsl.StreamOutlet(info)
    if not outlet.wait_for_consumers(START_TIMEOUT_S):
        print("nobody listens to the LSL stream", file=sys.stderr)
        return 1
    print("ready", flush=True)
    sys.stdin.readline()
    n, total = round(PUSH_S * RATE_HZ), round(seconds * RATE_HZ)
    pushed = np.zeros((total // n, 3), np.int64)
    start_s = pylsl.local_clock()
    # The clocks of LSL and ROS are read as near to each other as can be.
    start_ns = min(
        (pylsl.local_clock() - before, now - round((before - start_s) * NANOSECONDS))
        for before, now in ((pylsl.local_clock(), time.time_ns()) for _ in range(20))
    )[1]
    for k in range(total // n):
        last = (k + 1) * n - 1  # its stamp is when it was taken; then the chunk is complete
        at_s = start_s + last / RATE_HZ
        chunk = np.ascontiguousarray(known(k * n, n))
        time.sleep(max(0.0, at_s - pylsl.local_clock()))
        pushed[k] = last + 1, start_ns + round(last / RATE_HZ * NANOSECONDS), time.time_ns()
        outlet.push_chunk(chunk, at_s)
    with log.with_suffix(".part").open("wb") as file:
        np.save(file, pushed)
    log.with_suffix(".part").rename(log)
    sys.stdin.readline()  # the stream stays until all has been read
    return 0


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    from lbp_rehab.commands.demo import SAMPLE  # noqa: PLC0415

    if not arguments.minutes > 0:
        raise InputError("--minutes must be positive")
    stream = f"lbp_rehab_bench_{time.time_ns()}"
    camera = arguments.camera or f"bag:{resource_dir() / SAMPLE}"
    graph = session_graph(
        SessionOptions(
            camera=camera,
            camera_rate=arguments.rate,
            camera_loop=True,
            emg=f"lsl:name={stream}",
            exercise="glute_bridge",
            mute=True,
        )
    )
    if camera == "none":
        graph = tuple(spec for spec in graph if spec.name == BRIDGE)
    return measure(graph, stream, 60.0 * arguments.minutes)


if __name__ == "__main__":
    _stream, _seconds, _log = sys.argv[1:4]
    sys.exit(send(_stream, float(_seconds), Path(_log)))
