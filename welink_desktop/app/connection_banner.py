"""The banner under the window's edge: offline with a countdown, signed out with a password, account locked."""

import math
import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import SignedOut
from welink_desktop.core.reactive import State
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import column

PATIENCE_MS = 1500
"""A connection that comes back within this time is no news."""


class ConnectionBanner(QWidget):
    """`retry` and `sign_in_again` are what a person wishes."""

    retry = Signal()
    sign_in_again = Signal()

    def __init__(self, connection: State[Connection], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        identify(self, "connection-banner")
        self._connection = connection
        self._banner = Banner("warning", "offline")
        self._retry = self._banner.add_action("", self.retry.emit)
        self._again = self._banner.add_action("", self.sign_in_again.emit)
        identify(self._retry, "connection-retry")
        identify(self._again, "connection-sign-in-again")
        column(self).addWidget(self._banner)
        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._render)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._render)
        translated(self, self._retranslate)
        bind(self, connection, self._changed)

    def _retranslate(self) -> None:
        self._retry.setText(tr("connection-retry-now"))
        self._again.setText(tr("sign-in-submit"))
        self._render()

    def _changed(self, connection: Connection) -> None:
        bad = connection.link is Link.OFFLINE or connection.error is not None
        if bad and not self._banner.isVisibleTo(self) and connection.error is None:
            if not self._patience.isActive():
                self._patience.start()
            return
        if not bad:
            self._patience.stop()
        self._render()

    def _render(self) -> None:
        connection = self._connection.value
        self._again.setVisible(isinstance(connection.error, SignedOut))
        self._retry.setVisible(connection.error is None)
        self._tick.stop()
        if connection.error is not None:
            self._banner.show_fact(tr(connection.error.text), "danger", "error")
        elif connection.link is Link.OFFLINE and not self._patience.isActive():
            left = connection.retry_at - time.monotonic() if connection.retry_at is not None else 0.0
            if left > 1:
                self._banner.show_fact(tr("connection-offline-until", seconds=math.ceil(left)), "warning", "offline")
                self._tick.start()
            else:
                self._banner.show_fact(tr("connection-offline"), "warning", "offline")
        else:
            self._banner.show_fact("")
