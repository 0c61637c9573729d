"""Our client in an encrypted meeting with nine cameras of 320 × 180 at 15 pictures a second: processor and memory.

The client is the media process and the app's side of it, which takes every new frame at 20 Hz as the stage does (painting is
the stage bench's). Senders and SFU run in processes of their own and do not count.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._colleagues import identity, key, request
from bench.report import Report, median, percentile, pss_mb
from welink_desktop.adapters.media.client import ProcessMediaEngine, ProcessMediaSession
from welink_desktop.core.calls import LinkChanged, MediaEvent, MediaLink, TileRequest, TrackSource
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.process import ServerProcess

TILES = 9
ROUNDS, ROUND_SECONDS = 3, 8.0
SETTLE_SECONDS = 12.0
PULL_SECONDS = 0.05


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def pull(session: ProcessMediaSession, seconds: float) -> list[int]:
    """New frames per tile within `seconds`, looked at as often as the stage does."""
    last = [-1] * TILES
    counts = [0] * TILES
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if session.frames.changed():
            for tile in range(TILES):
                frame = session.frames.take(tile)
                if frame is not None and frame.sequence != last[tile]:
                    last[tile] = frame.sequence
                    counts[tile] += 1
        await asyncio.sleep(PULL_SECONDS)
    return counts


async def join(session: ProcessMediaSession, livekit: LiveKit) -> float:
    """Enter and see the first picture; seconds it took."""
    connected = asyncio.Event()

    def note(event: MediaEvent) -> None:
        if isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED:
            connected.set()

    session.watch(note)
    session.show(tuple(TileRequest(number, identity(number), TrackSource.CAMERA, 533, 300) for number in range(TILES)))
    began = time.monotonic()
    keys = (key(number) for number in range(TILES))
    session.join(request(livekit.url, livekit.key, livekit.secret, TILES, *keys))
    await connected.wait()
    while session.frames.take(0) is None:
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def measure(report: Report, livekit: LiveKit) -> None:
    mine = os.getpid()
    before = pss_mb([mine])
    began = time.monotonic()
    session = await ProcessMediaEngine().open()
    report.figure("engine_ready_s", time.monotonic() - began)
    report.figure("first_picture_after_join_s", await join(session, livekit))
    await pull(session, SETTLE_SECONDS)
    app, child, rates, memory = [], [], [], []
    for _ in range(ROUNDS):
        start, app_start, child_start = time.monotonic(), time.process_time(), cpu_seconds(session.pid)
        counts = await pull(session, ROUND_SECONDS)
        wall = time.monotonic() - start
        app.append((time.process_time() - app_start) / wall)
        child.append((cpu_seconds(session.pid) - child_start) / wall)
        rates += [count / wall for count in counts]
        memory.append((pss_mb([mine]), pss_mb([session.pid])))
    report.figure("app_cores", median(app))
    report.figure("media_cores", median(child))
    report.figure("cores", median([one + other for one, other in zip(app, child, strict=True)]))
    report.figure("frames_per_second_per_tile", median(rates), min=12)
    report.figure("frames_per_second_worst_tile", percentile(rates, 0.0))
    report.figure("app_pss_mb", median([one for one, _ in memory]))
    report.figure("media_pss_mb", median([other for _, other in memory]))
    report.figure("pss_mb", median([one + other for one, other in memory]))
    began = time.monotonic()
    await session.close()
    report.figure("leave_s", time.monotonic() - began)
    report.figure("app_growth_after_mb", pss_mb([mine]) - before)


def main() -> None:
    report = Report("meeting")
    with tempfile.TemporaryDirectory(prefix="welink-bench-") as folder:
        livekit = LiveKit(Path(folder) / "livekit", free_ports(1)[0], "bench", secrets.token_hex(24))
        server = ServerProcess(livekit, Path(folder))
        server.start()
        try:
            server.wait_healthy()
            command = [sys.executable, "-m", "bench._colleagues", livekit.url, livekit.key, livekit.secret, str(TILES)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as colleagues:
                assert colleagues.stdout is not None
                if not colleagues.stdout.readline().startswith("ready"):
                    raise RuntimeError("the colleagues did not come")
                asyncio.run(measure(report, livekit))
                colleagues.kill()
        finally:
            server.stop()
    report.notes = f"{TILES} encrypted cameras 320x180 at 15 fps; the app's side pulls at 20 Hz, painting not included"
    report.finish()


if __name__ == "__main__":
    main()
