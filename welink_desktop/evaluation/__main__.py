"""`python -m welink_desktop.evaluation start|stop|status|reset|run|tour`: the evaluation backend on this computer."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation import control
from welink_desktop.evaluation.state import BackendState, default_profile

WORDS = {
    "evaluation-step-servers": "starting the servers",
    "evaluation-step-people": "making the people of the sample organisation",
    "evaluation-step-departments": "making its departments",
    "evaluation-step-rooms": "making its rooms",
    "evaluation-step-colleagues": "waking the colleagues",
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.action(options)
    except EvaluationFailed as error:
        part, reason = error.args_for_text.get("part", "?"), error.args_for_text.get("reason", "?")
        print(f"evaluation: {part}: {reason}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="welink_desktop.evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, action, words in (
        ("start", _start, "start the backend and leave it running"),
        ("stop", _stop, "stop it; everything is kept"),
        ("status", _status, "show how it stands"),
        ("reset", _reset, "stop it and delete everything of it"),
        ("run", _run, "start it and open the app; without a display: the tour"),
        ("tour", _tour, "the main job, scripted, with pictures in build/tour"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument(
            "--profile-dir", type=Path, default=None, help="folder for everything (default: a profile of its own)"
        )
        command.add_argument("--json", action="store_true", help="answer in JSON")
        command.set_defaults(action=action)
    serve = commands.add_parser("serve")
    serve.add_argument("--folder", type=Path, required=True)
    serve.add_argument("--owner", type=int, default=0)
    serve.add_argument("--without-colleagues", action="store_true")
    serve.set_defaults(action=_serve)
    return parser


def _profile(options: argparse.Namespace) -> Path:
    profile: Path = options.profile_dir or default_profile()
    return profile.resolve()


def _say(step: str) -> None:
    print(f"evaluation: {WORDS.get(step, step)} …", file=sys.stderr, flush=True)


def _start(options: argparse.Namespace) -> int:
    _show(control.start(_profile(options), _say), options.json)
    return 0


def _stop(options: argparse.Namespace) -> int:
    print("stopped" if control.stop(_profile(options)) else "was not running")
    return 0


def _status(options: argparse.Namespace) -> int:
    state = control.status(_profile(options))
    _show(state, options.json)
    return 0 if state.phase == "ready" else 3


def _reset(options: argparse.Namespace) -> int:
    control.reset(_profile(options))
    print("everything of the evaluation backend is deleted")
    return 0


def _run(options: argparse.Namespace) -> int:
    if not _has_display():
        return _tour(options)
    profile = _profile(options)
    ran = control.status(profile).phase == "ready"
    control.start(profile, _say, owner=os.getpid())
    try:
        command = [sys.executable, "-m", "welink_desktop", "--profile-dir", str(profile), "--evaluation"]
        return subprocess.run(command, check=False).returncode  # noqa: S603  # our own program, no shell
    finally:
        if not ran:
            control.stop(profile)


def _tour(options: argparse.Namespace) -> int:
    from welink_desktop.evaluation.tour.run import run_tour

    return run_tour(options.profile_dir)


def _serve(options: argparse.Namespace) -> int:
    from welink_desktop.evaluation.supervisor import serve

    return serve(options.folder, owner=options.owner, colleagues=not options.without_colleagues)


def _has_display() -> bool:
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show(state: BackendState, as_json: bool) -> None:
    parts = [
        {"name": p.name, "state": p.state, "pid": p.pid, "port": p.port, "restarts": p.restarts, "log": p.log}
        for p in state.parts
    ]
    facts = {
        "phase": state.phase,
        "error": state.error,
        "base_url": state.base_url,
        "server_name": state.server_name,
        "user": state.viewer,
        "password": state.viewer_password,
        "parts": parts,
    }
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    print(f"backend: {state.phase}" + (f" ({state.failed_part}: {state.error})" if state.error else ""))
    if state.phase == "ready":
        print(f"server: {state.base_url}   user: {state.viewer}   password: {state.viewer_password}")
    for part in state.parts:
        restarts = f", restarted {part.restarts}×" if part.restarts else ""
        print(f"  {part.name}: {part.state}, port {part.port}, log {part.log}{restarts}")


if __name__ == "__main__":
    sys.exit(main())
