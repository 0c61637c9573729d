"""Soak of encryption: devices come, go, are killed and cut off while thousands of messages go; then everybody must read all.

`python tools/soak.py --messages 20000 --devices 30` writes `build/soak/report.json` and ends with 1 if anything is unreadable
that should be readable, lost or doubled.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.fault_proxy import fault_proxy  # noqa: E402 - after the path is set
from tests.support.servers import TestSynapse, running_synapse  # noqa: E402
from tests.support.soak_verdict import Sent, Verdict, as_sent, bodies, judge, load_all  # noqa: E402
from tests.support.soak_world import Plan, World  # noqa: E402
from welink_desktop.adapters.matrix.client import MatrixSession  # noqa: E402
from welink_desktop.core.errors import WeLinkError  # noqa: E402
from welink_desktop.core.ids import RoomId  # noqa: E402
from welink_desktop.evaluation.client import MatrixClient  # noqa: E402

SETTLING = 120.0
"""Seconds for keys to come and backups to be fetched after the last message; then every device fetches its whole backup."""


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--devices", type=int, default=30)
    parser.add_argument("--rooms", type=int, default=8)
    parser.add_argument("--children", type=int, default=3, help="processes with devices that are killed")
    parser.add_argument("--rotation", type=int, default=40, help="messages per session")
    parser.add_argument("--minutes", type=float, default=25.0, help="sending ends after this time")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "soak" / "report.json")
    return parser.parse_args(words)


async def soak(synapse: TestSynapse, folder: Path, plan: Plan) -> dict[str, object]:
    """Run it and judge."""
    started = time.monotonic()
    async with fault_proxy(synapse.base_url) as proxy:
        world = World(synapse, proxy, folder, plan)
        try:
            await world.people()
            ready = time.monotonic()
            _say(f"{len(world.users)} people, {plan.devices} devices, {ready - started:.0f} s")
            await world.run()
            sending = time.monotonic() - ready
            _say(f"{world.sent} messages accepted, {sending:.0f} s")
            await world.calm()
            report = await _judged(world)
        finally:
            await world.close()
    report |= {"seconds": round(time.monotonic() - started), "sending_seconds": round(sending), "plan": asdict(plan)}
    return report


async def _judged(world: World) -> dict[str, object]:
    truth = {room: await asyncio.to_thread(as_sent, _member(world, room), room) for room in world.rooms}
    _say("loading histories")
    for device in world.devices:
        for room in world.rooms:
            await _loaded(device.running, room)
    before = await _settled(world, truth)
    restored = before
    if before.unreadable:
        _say(f"before a full restore: {dict(before.unreadable)}")
        for device in world.devices:
            await device.running.security.restore_all()
        restored = await _settled(world, truth)
    accepted, missing, doubled = _lost(world)
    figures = asdict(world.figures)
    return {
        "messages": sum(len(messages) for messages in truth.values()),
        "accepted": accepted,
        "devices_at_the_end": len(world.devices),
        **figures,
        "should_be_readable": restored.expected,
        "unreadable": sum(restored.unreadable.values()),
        "unreadable_by_reason": dict(restored.unreadable),
        "unreadable_before_full_restore": dict(before.unreadable),
        "examples": restored.examples[:200],
        "lost": missing,
        "duplicates": restored.duplicates + doubled,
        "ok": not restored.unreadable and not missing and not restored.duplicates and not doubled,
    }


async def _loaded(session: MatrixSession, room: RoomId) -> None:
    """Rooms that the person may not see have nothing to load."""
    try:
        await load_all(session, room)
    except WeLinkError:
        return


async def _settled(world: World, truth: dict[RoomId, list[Sent]]) -> Verdict:
    until = time.monotonic() + (SETTLING if world.plan.messages > 1_000 else 20.0)
    while True:
        verdict = Verdict()
        for device in world.devices:
            verdict.add(judge(device.running, device.name, truth))
            await asyncio.sleep(0)
        if not verdict.unreadable or time.monotonic() > until:
            return verdict
        await asyncio.sleep(2)


def _lost(world: World) -> tuple[int, int, int]:
    """How many were accepted, how many of them a member's device does not have, how many it has twice."""
    accepted: Counter[tuple[str, str]] = Counter((str(room), body) for room, body in world.accepted)
    if world.log.exists():
        for line in world.log.read_text(encoding="utf-8").splitlines():
            room, _, body = line.partition(" ")
            accepted[(room, body)] += 1
    missing = doubled = 0
    for room in world.rooms:
        member = next(user for user in world.users if room in user.rooms and not user.guest)
        here = bodies(world.first_of(member).running, room)
        missing += sum(1 for place, body in accepted if place == room and body not in here)
        doubled += sum(count - 1 for body, count in here.items() if body)
    return len(accepted), missing, doubled


def _member(world: World, room: RoomId) -> MatrixClient:
    return next(user.client for user in world.users if room in user.rooms and not user.guest)


def _say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    given = arguments(words)
    plan = Plan(given.messages, given.devices, given.rooms, given.children, given.rotation, given.minutes * 60, given.seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, running_synapse(Path(folder) / "homeserver") as synapse:
        report = asyncio.run(soak(synapse, Path(folder) / "devices", plan))
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(json.dumps(report, indent=1), encoding="utf-8")
    sys.stdout.write(json.dumps({key: value for key, value in report.items() if key != "examples"}, indent=1) + "\n")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
