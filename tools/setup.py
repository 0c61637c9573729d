"""Prepare this checkout: `tools/setup.py app` for running it, `tools/setup.py test` for its tests.

Standard library only. Everything lands below `build/`, except system packages, which are installed where that is allowed
(root and apt); otherwise the exact command is printed and the rest goes on. Says nothing when there is nothing to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
STAMPS = BUILD / "stamps"
WINDOWS = sys.platform == "win32"
LIVEKIT = "github.com/livekit/livekit-server/cmd/server@v1.13.5"

APP_PACKAGES = (
    "fonts-noto-cjk",
    "fonts-noto-color-emoji",
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libglib2.0-0",
    "libportaudio2",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "xvfb",
)
RUN_PACKAGES = ("dbus", "espeak-ng", "gnome-keyring", "pulseaudio", "pulseaudio-utils")
"""What the tour needs on a machine without a display; `make run` shows it there."""
TEST_PACKAGES = (*RUN_PACKAGES, "at-spi2-core", "chromium", "gir1.2-atspi-2.0", "nodejs", "npm", "python3-gi")

COMMANDS = {"nodejs": "node", "npm": "npm", "chromium": "chromium", "xvfb": "Xvfb"}
"""Packages that may just as well come from elsewhere: their command counts."""


class SetupFailed(Exception):
    """The checkout cannot be made ready. The message says what to do."""


def say(words: str) -> None:
    sys.stdout.write(f"setup: {words}\n")
    sys.stdout.flush()


def run(command: Sequence[str | Path], *, what: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run quietly; its output is shown only if it fails. Raises `SetupFailed`."""
    say(what)
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupFailed(f"{what}: failed\n{(done.stdout + done.stderr)[-4000:]}")


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_done(name: str, mark: str) -> bool:
    stamp = STAMPS / name
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == mark


def set_done(name: str, mark: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(mark, encoding="utf-8")


@contextmanager
def alone() -> Iterator[None]:
    """Two set-ups of one checkout run one after the other."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "setup.lock").open("w") as lock:
        if not WINDOWS:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# System packages


def missing_packages(packages: Sequence[str]) -> list[str]:
    """Those that dpkg does not list as installed; none on systems without dpkg."""
    if not shutil.which("dpkg-query"):
        return []
    command = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${binary:Package}\n", *packages]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = (line.split() for line in listing.splitlines())
    installed = {words[1].partition(":")[0] for words in lines if len(words) == 2 and words[0] == "installed"}
    provided = {"libglib2.0-0": "libglib2.0-0t64"}
    return [
        name
        for name in packages
        if name not in installed
        and not (name in COMMANDS and shutil.which(COMMANDS[name]))
        and not (name in provided and _installed(provided[name]))
    ]


def _installed(package: str) -> bool:
    command = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "installed"


def system_packages(packages: Sequence[str]) -> None:
    if sys.platform != "linux":
        return
    missing = missing_packages(packages)
    if not missing:
        return
    apt = shutil.which("apt-get")
    by_hand = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if apt is None or os.geteuid() != 0:
        say(f"these system packages are missing; please run as root:\n  {by_hand}")
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        if not is_done("apt-update", "1"):
            run([apt, "update"], what="reading the list of system packages", env=env)
            set_done("apt-update", "1")
        command = [apt, "install", "-y", "--no-install-recommends", *missing]
        run(command, what=f"installing {len(missing)} system packages", env=env)
    except SetupFailed as error:
        say(f"{error}\nGoing on without them; later please run as root:\n  {by_hand}")


# Python environments


def interpreter(environment: str) -> Path:
    return BUILD / environment / ("Scripts/python.exe" if WINDOWS else "bin/python")


def python_environment(name: str, lock: Path) -> Path:
    """`build/NAME` with exactly what `lock` lists, checked by hash. Returns its interpreter."""
    mark = digest(lock.read_bytes(), sys.version.encode())
    python = interpreter(name)
    if is_done(name, mark) and python.is_file():
        return python
    if not python.is_file():
        say(f"creating {name}")
        make_environment(BUILD / name)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
        "-r",
        str(lock),
    ]
    run(command, what=f"installing {lock.relative_to(ROOT)}")
    set_done(name, mark)
    return python


def make_environment(folder: Path) -> None:
    try:
        venv.create(folder, with_pip=True)
    except (subprocess.CalledProcessError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        system_packages(["python3-venv"])
        try:
            venv.create(folder, with_pip=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise SetupFailed(f"a virtual environment cannot be made ({error}); install python3-venv and try again") from error


def link_checkout(python: Path) -> None:
    """Make `welink_desktop` importable in the environment from this checkout."""
    for packages in (python.parent.parent / "Lib" / "site-packages", *python.parent.parent.glob("lib/python3*/site-packages")):
        link = packages / "welink_desktop.pth"
        if packages.is_dir() and (not link.is_file() or link.read_text(encoding="utf-8") != f"{ROOT}\n"):
            link.write_text(f"{ROOT}\n", encoding="utf-8")


def compile_package(python: Path) -> None:
    """A first start finds the app compiled. Files that did not change are left alone."""
    subprocess.run([str(python), "-m", "compileall", "-q", str(ROOT / "welink_desktop")], capture_output=True, check=False)


# Servers and tools of other languages


def livekit_server() -> None:
    binary = BUILD / "bin" / ("server.exe" if WINDOWS else "server")
    if binary.is_file() or shutil.which("livekit-server"):
        return
    go = shutil.which("go") or next((str(p) for p in (Path("/usr/local/go/bin/go"),) if p.is_file()), None)
    if go is None:
        say("no LiveKit server and no Go to build it: everything works but meetings. Install Go 1.26 and run this again.")
        return
    env = {**os.environ, "GOBIN": str(binary.parent), "GOTOOLCHAIN": os.environ.get("GOTOOLCHAIN", "auto"), "CGO_ENABLED": "0"}
    try:
        run([go, "install", LIVEKIT], what="building the LiveKit server (once, some minutes)", env=env)
    except SetupFailed as error:
        say(f"{error}\nGoing on without it: everything works but meetings.")


def node_packages() -> None:
    """The packages of the counterparts in interoperability tests, below `build/node`."""
    listing = ROOT / "tests" / "interop" / "package.json"
    lock = listing.with_name("package-lock.json")
    if not listing.is_file():
        return
    npm = shutil.which("npm")
    if npm is None:
        say("no npm: tests with other clients are skipped. Install Node.js 20 or newer and run this again.")
        return
    folder = BUILD / "node"
    mark = digest(listing.read_bytes(), lock.read_bytes() if lock.is_file() else b"")
    if is_done("node", mark) and (folder / "node_modules").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for file in (listing, lock):
        if file.is_file():
            shutil.copy(file, folder / file.name)
    action = "ci" if lock.is_file() else "install"
    env = {**os.environ, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
    run([npm, action, "--no-audit", "--no-fund", "--loglevel=error"], what="installing Node packages", env=env, cwd=folder)
    set_done("node", mark)


def main(arguments: Sequence[str]) -> int:
    level = arguments[0] if arguments else "app"
    if level not in {"app", "test"}:
        say("usage: setup.py app|test")
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is run by whatever "python3" is
        say(f"Python 3.11 or newer is needed; this is {sys.version.split(maxsplit=1)[0]}")
        return 1
    try:
        with alone():
            headless = not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
            extra = TEST_PACKAGES if level == "test" else RUN_PACKAGES if headless else ()
            system_packages((*APP_PACKAGES, *extra))
            python = python_environment("venv", ROOT / "locks" / "dev.txt")
            link_checkout(python)
            compile_package(python)
            python_environment("venv-synapse", ROOT / "locks" / "synapse.txt")
            livekit_server()
            if level == "test":
                node_packages()
    except SetupFailed as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
