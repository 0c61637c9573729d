"""A clean end of test runs that loaded the native media library.

Its threads may still call into Python while the interpreter is torn down, which aborts the process after all tests have passed
(livekit 1.2.1). Registered before the library is loaded, so that it runs after the library's own clean-up.
"""

import atexit
import os
import sys

import pytest


class _Outcome:
    status = 0


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    del session
    _Outcome.status = int(exitstatus)


@atexit.register
def _leave() -> None:
    if "livekit.rtc" in sys.modules and "pytest" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_Outcome.status)
