"""Waiting until it makes sense to try again."""

from welink_desktop.adapters.matrix.http import Http


async def wait_for_line(http: Http) -> None:
    """After a transient failure: returns at the time of the next try, or at once when the line is back.

    A failure that the door itself did not count (a refused certificate) is counted here, so that nobody tries in a circle.
    """
    planned = http.backoff.retry_at.value
    if planned is None or planned <= http.clock.monotonic():
        http.backoff.failed()
    await http.backoff.wait()
