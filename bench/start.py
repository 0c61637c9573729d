"""A signed-in profile with 200 rooms: process start → room list painted; memory and processor when idle."""

import asyncio
import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.report import Report, median, pss_mb
from tests.support.engine import RoomsSeen, home, no_pictures, until
from tests.support.servers import TestSynapse, running_synapse
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.app.profile import Profile
from welink_desktop.app.secrets import ProfileSecrets

ROOMS = 200
STARTS = 5
AT_ONCE = 8
IDLE_SECONDS = 30
MEASURED_SECONDS = 10


async def create_rooms(synapse: TestSynapse, token: str) -> None:
    """200 encrypted rooms with a message each."""
    numbers = iter(range(ROOMS))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{synapse.base_url}/_matrix/client/v3", headers=headers, timeout=120) as http:

        async def create() -> None:
            for number in numbers:
                state = [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
                answer = await http.post("/createRoom", json={"name": f"Room {number} 会议室", "initial_state": state})
                path = f"/rooms/{answer.json()['room_id']}/send/m.room.message/{number}"
                (await http.put(path, json={"msgtype": "m.text", "body": f"message {number}"})).raise_for_status()

        await asyncio.gather(*(create() for _ in range(AT_ONCE)))


async def fill(synapse: TestSynapse, profile: Profile) -> None:
    """Sign in, create 200 rooms, and keep them in the profile's store."""
    secrets = ProfileSecrets(profile)
    secrets.use_file()
    accounts = MatrixAccounts(profile.root, secrets, decode=no_pictures)
    registered = synapse.register("amy")
    await create_rooms(synapse, registered.access_token)
    account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Bench")
    session = await accounts.open(account.key)
    seen = RoomsSeen(session)
    await until(lambda: len(seen.rooms) >= ROOMS)
    seen.cancel()
    await session.close()


def start(profile: Path, report: Path) -> tuple[subprocess.Popen[bytes], float]:
    """Start the app; its process and the milliseconds until its room list was painted."""
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    process = subprocess.Popen([sys.executable, "-m", "bench._start_child", str(profile), str(report)], env=environment)
    while not report.exists():
        if process.poll() is not None or time.monotonic() - begun > 120:
            raise SystemExit("the app did not paint its room list")
        time.sleep(0.005)
    painted = float(json.loads(report.read_text(encoding="utf-8"))["painted"])
    return process, (painted - begun) * 1000


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            found += children(int(child))
    return found


def stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(30)


def main() -> None:
    report = Report("start")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_synapse(Path(folder) / "homeserver") as synapse:
        profile = Profile(Path(folder) / "profile")
        profile.prepare()
        asyncio.run(fill(synapse, profile))
        for package in ("welink_desktop", "bench"):
            compileall.compile_dir(package, quiet=2)
        marker = Path(folder) / "painted.json"
        times = []
        for _ in range(STARTS):
            process, milliseconds = start(profile.root, marker)
            times.append(milliseconds)
            stop(process)
        process, _ = start(profile.root, marker)
        time.sleep(IDLE_SECONDS)
        before = processor_seconds(process.pid)
        time.sleep(MEASURED_SECONDS)
        idle = (processor_seconds(process.pid) - before) / MEASURED_SECONDS * 100
        memory = pss_mb(children(process.pid))
        stop(process)
    report.figure("painted_first_ms", times[0])
    report.figure("painted_median_ms", median(times), max=600)
    report.figure("idle_pss_mb", memory, max=130)
    report.figure("idle_cpu_percent", idle, max=1)
    report.finish()


if __name__ == "__main__":
    main()
