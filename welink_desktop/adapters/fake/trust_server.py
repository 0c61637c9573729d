"""What the devices of the fake world share: accounts with identities and kept secrets, and verifications."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from welink_desktop.core.errors import Offline, PasswordNeeded, WrongPassword
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.reactive import Signal
from welink_desktop.core.security import OwnDevice, Verification, VerificationEnd, VerificationPhase

FINAL = (VerificationPhase.DONE, VerificationPhase.ENDED)
EMOJI = (10, 12, 32, 7, 59, 13, 57)
DECIMALS = (2305, 1031, 6743)


@dataclass(eq=False)
class FakeAccountSafe:
    """What the server keeps of one account. `identity` and `backup` are numbers that grow with each new one (0: none)."""

    user: UserId
    password: str = "spruce"
    asks_password: bool = True
    identity: int = 0
    recovery_key: str = ""
    passphrase: str = ""
    backup: int = 0
    devices: dict[DeviceId, OwnDevice] = field(default_factory=dict)

    def check(self, password: str) -> None:
        """Raises `PasswordNeeded`, `WrongPassword`."""
        if not self.asks_password:
            return
        if not password:
            raise PasswordNeeded
        if password != self.password:
            raise WrongPassword

    def sign(self, device: DeviceId) -> None:
        if device in self.devices:
            self.devices[device] = replace(self.devices[device], signed=True)

    def unsign_all(self) -> None:
        self.devices = {key: replace(device, signed=False) for key, device in self.devices.items()}


Address = tuple[UserId, DeviceId]


@dataclass(eq=False)
class FakeFlow:
    """A verification as both sides see it. `second` has no device until it answered."""

    number: int
    first: Address
    second: Address
    phase: VerificationPhase = VerificationPhase.REQUESTED
    comparing: bool = False
    scanned_by: Address | None = None
    agreed: set[Address] = field(default_factory=set)
    end: VerificationEnd | None = None
    dismissed: set[Address] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"flow-{self.number}"

    def code_of(self, side: Address) -> bytes:
        """Bytes that are no text, as in a real code."""
        return b"MATRIX\x02" + bytes([self.number % 256, 0, 0xFF, 0x80]) + f"{side[0]}|{side[1]}".encode()

    def other(self, side: Address) -> Address:
        return self.second if side == self.first else self.first


class FakeTrustServer:
    """All accounts. `changed` tells every device that something is new; answers come on a later turn of the loop."""

    def __init__(self) -> None:
        self.accounts: dict[UserId, FakeAccountSafe] = {}
        self.flows: list[FakeFlow] = []
        self.changed: Signal[None] = Signal()
        self.online = True
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    def account(self, user: UserId) -> FakeAccountSafe:
        """Everybody has an account; strangers without an identity."""
        if user not in self.accounts:
            self.accounts[user] = FakeAccountSafe(user)
        return self.accounts[user]

    def reach(self) -> None:
        """Raises `Offline`."""
        if not self.online:
            raise Offline

    def publish(self) -> None:
        self.changed.emit(None)

    def soon(self, act: Callable[[], None]) -> None:
        """On a later turn, as news from elsewhere come."""
        asyncio.get_running_loop().call_soon(act)

    def new_recovery_key(self) -> str:
        """Twelve groups of four."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        start = self.number()
        text = "Es" + "".join(letters[(start * 7 + place * 11) % len(letters)] for place in range(46))
        return " ".join(text[at : at + 4] for at in range(0, 48, 4))

    # Verifications

    def request(self, first: Address, second: Address) -> FakeFlow:
        flow = FakeFlow(self.number(), first, second)
        self.flows.append(flow)
        self.publish()
        return flow

    def flow(self, name: str) -> FakeFlow | None:
        """A running one."""
        return next((one for one in self.flows if one.name == name and one.phase not in FINAL), None)

    def finish(self, flow: FakeFlow, end: VerificationEnd | None = None) -> None:
        flow.phase = VerificationPhase.ENDED if end is not None else VerificationPhase.DONE
        flow.end = end
        if end is None:
            for side in (flow.first, flow.second):
                if flow.first[0] == flow.second[0]:
                    self.account(side[0]).sign(side[1])
        self.publish()

    def view(self, flow: FakeFlow, side: Address) -> Verification:
        other = flow.other(side)
        ready = flow.phase is not VerificationPhase.REQUESTED and flow.phase not in FINAL
        phase = flow.phase
        if ready and side in flow.agreed:
            phase = VerificationPhase.WAITING
        elif ready and flow.scanned_by is not None and side != flow.scanned_by:
            phase = VerificationPhase.SCANNED
        device = self.account(other[0]).devices.get(other[1])
        return Verification(
            flow=flow.name,
            user=other[0],
            device=other[1],
            device_name=device.name if device is not None else "",
            own=other[0] == side[0],
            incoming=side == flow.second,
            phase=phase,
            emoji=EMOJI if flow.comparing and ready else (),
            decimals=DECIMALS if flow.comparing and ready else (),
            code=flow.code_of(side) if ready and not flow.comparing else b"",
            may_compare=ready,
            may_scan=ready,
            end=flow.end,
        )
