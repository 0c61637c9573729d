"""The evaluation backend as the app sees it (port `EvaluationBackend`)."""

import asyncio
import os
from pathlib import Path

from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import EvaluationPlace
from welink_desktop.core.reactive import Inbox
from welink_desktop.evaluation import control
from welink_desktop.evaluation.state import BackendState


class LocalEvaluation:
    """Starts the backend of `profile`; it ends together with this program unless it ran before."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    async def start(self, progress: Listener[str]) -> EvaluationPlace:
        """See the port. The waiting happens in a worker thread; `progress` is called on the calling loop."""
        inbox = Inbox(progress)
        try:
            state = await asyncio.to_thread(control.start, self._profile, inbox.put, owner=os.getpid())
        finally:
            inbox.close()
        return place_of(state)


def place_of(state: BackendState) -> EvaluationPlace:
    return EvaluationPlace(state.base_url, state.server_name, state.viewer, state.viewer_password)
