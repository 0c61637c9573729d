"""One verification between this device and another: messages and wishes in, messages and effects out (matrix.md §8.8)."""

import hmac
from collections.abc import Collection, Mapping
from typing import Any

from welink_desktop.adapters.matrix.crypto import qr, sas
from welink_desktop.adapters.matrix.crypto import verification_proof as proof
from welink_desktop.adapters.matrix.crypto import verification_records as events
from welink_desktop.adapters.matrix.crypto.canonical import NotCanonical, canonical, decode, encode
from welink_desktop.adapters.matrix.crypto.qr import QrCode, QrMode
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.sas import WrongMac
from welink_desktop.adapters.matrix.crypto.verification_records import (
    PHASES,
    Around,
    Ask,
    Code,
    Effects,
    Keys,
    Send,
    Stage,
    end_of,
    keys_now,
)
from welink_desktop.adapters.matrix.crypto.verification_sas import BrokenPromise, SasExchange
from welink_desktop.core.errors import WrongCode
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.security import Verification, VerificationEnd, VerificationPhase

_log = topic("crypto.verification")


_BEGUN = (Stage.STARTED, Stage.RECIPROCATED)
_ONCE = (events.START, events.ACCEPT, events.KEY, events.MAC)


class Flow:
    """What is to be sent collects in `out`; `effects` count once both sides are done. `key` names it to people."""

    def __init__(self, around: Around, key: str, ask: Ask) -> None:
        self.key = key
        self.user = ask.user
        self.device = ask.device
        self.transaction = ask.transaction
        self.room = ask.room
        self.incoming = ask.incoming
        self.asked = ask.asked
        self.expires = ask.expires
        self.stage = Stage.REQUESTED
        self.end: VerificationEnd | None = None
        self.effects: Effects | None = None
        self.out: list[Send] = []
        self._around = around
        self._own = ask.user == around.me[0]
        self._methods = frozenset(ask.methods)
        self._pinned: Keys | None = None
        self._taken: dict[str, bytes] = {}
        self._started_by_us = False
        self._sas: SasExchange | None = None
        self._their_macs: JsonObject | None = None
        self._their_done = False
        self._code: QrCode | None = None

    @property
    def final(self) -> bool:
        return self.stage in (Stage.DONE, Stage.ENDED)

    @property
    def proved(self) -> bool:
        """Both sides are done; only the effects may be missing."""
        return self.stage in (Stage.CONCLUDING, Stage.DONE)

    def snapshot(self) -> Verification:
        known = self._around.trust.device(self.user, self.device) if self.device else None
        ready = self.stage is Stage.READY
        scannable = {events.SHOW, events.RECIPROCATE} <= self._methods
        code = qr.to_bytes(self._code) if ready and self._code is not None else b""
        return Verification(
            flow=self.key,
            user=self.user,
            device=self.device,
            device_name=known.name if known is not None else "",
            own=self._own,
            incoming=self.incoming,
            phase=PHASES.get(self.stage, VerificationPhase.READY),
            emoji=self._sas.emoji if self._sas is not None else (),
            decimals=self._sas.decimals if self._sas is not None else (),
            code=code,
            may_compare=ready and sas.METHOD in self._methods,
            may_scan=ready and scannable and self._pinned is not None and proof.provable(self._case(self._pinned)),
            end=self.end,
            room=self.room,
        )

    # What a person wants

    def accept(self) -> None:
        if self.stage is not Stage.REQUESTED or not self.incoming:
            return
        if not self._enter_ready():
            return
        pairs = ((events.SHOW, events.SCAN), (events.SCAN, events.SHOW))
        methods = [ours for ours, theirs in ((sas.METHOD, sas.METHOD), *pairs) if theirs in self._methods]
        if events.RECIPROCATE in self._methods:
            methods.append(events.RECIPROCATE)
        self._send(events.READY, {"from_device": self._around.me[1], "methods": methods})

    def compare(self) -> None:
        if self.stage is not Stage.READY or sas.METHOD not in self._methods or not self.keys_hold():
            return
        sent = self._send(events.START, sas.start_content(self._around.me[1]))
        self._started_by_us, self._sas = True, self._exchange(sent, started_by_us=True)
        self.stage = Stage.STARTED

    def decide(self, same: bool) -> None:
        if self.stage not in (Stage.COMPARING, Stage.SCANNED) or not self.keys_hold():
            return
        if not same:
            code = Code.MISMATCHED_SAS if self.stage is Stage.COMPARING else Code.USER
            self.cancel(code, VerificationEnd.MISMATCH)
        elif self.stage is Stage.COMPARING:
            self._send_macs()
            self.stage = Stage.CONFIRMED
            if self._their_macs is not None:
                self._check_macs(self._their_macs)
        else:
            assert self._code is not None and self._pinned is not None
            self._prove(proof.proved_by_showing(self._case(self._pinned), self._code))

    def scan(self, data: bytes) -> None:
        """Raises `WrongCode` for what is no code of this verification. Other keys in it than ours end the verification."""
        if self.stage is not Stage.READY or events.RECIPROCATE not in self._methods or not self.keys_hold():
            return
        try:
            code = qr.parse(data)
        except ValueError:
            raise WrongCode from None
        if code.transaction != self.transaction or self._own == (code.mode is QrMode.PERSON):
            raise WrongCode
        assert self._pinned is not None
        effects = proof.proved_by_scanning(self._case(self._pinned), code)
        if effects is None:
            self.cancel(Code.KEY_MISMATCH, VerificationEnd.KEYS_CHANGED)
            return
        content = {"from_device": self._around.me[1], "method": events.RECIPROCATE, "secret": encode(code.secret)}
        self._send(events.START, content)
        self._started_by_us = True
        self.effects = effects
        self.stage = Stage.RECIPROCATED

    def cancel(self, code: Code, end: VerificationEnd) -> None:
        """End it and tell the other side."""
        if self.proved or self.final:
            return
        self._send(events.CANCEL, {"code": code.value, "reason": code.value})
        self.finish(end)

    def finish(self, end: VerificationEnd) -> None:
        """End it without a word."""
        if self.final:
            return
        _log.info("verification ended", flow=short(self.transaction), how=literal(end.value), at=literal(self.stage.value))
        self.stage, self.end, self.effects = Stage.ENDED, end, None

    def concluded(self) -> None:
        """The effects are in place."""
        if self.stage is Stage.CONCLUDING:
            self.stage = Stage.DONE

    def keys_hold(self) -> bool:
        """Whether all keys are those of the beginning (matrix.md §8.9 rule 19). Ends the verification if not."""
        if self.final or self._pinned is None or self._pinned == self._view():
            return not self.final
        self.cancel(Code.KEY_MISMATCH, VerificationEnd.KEYS_CHANGED)
        return False

    # What the other side says

    def receive(self, kind: str, content: JsonObject) -> None:
        """A message of `user` in this flow. The same message again changes nothing; another one in its place ends it.

        One that goes on with a request which was not answered here is meant for another device of ours.
        """
        if self.final or self.stage is Stage.CONCLUDING:
            return
        if kind == events.CANCEL:
            self._cancelled(content)
        elif kind == events.READY:
            self._ready(content)
        elif self.incoming and self.stage is Stage.REQUESTED:
            self.finish(VerificationEnd.ELSEWHERE)
        elif self._is_new(kind, content) and self.keys_hold():
            match kind:
                case events.START:
                    self._their_start(content)
                case events.ACCEPT:
                    self._accepted(content)
                case events.KEY:
                    self._take_key(content)
                case events.MAC:
                    self._take_macs(content)
                case events.DONE:
                    self._take_done()

    def _is_new(self, kind: str, content: JsonObject) -> bool:
        if kind not in _ONCE:
            return kind == events.DONE
        try:
            text = canonical(content)
        except NotCanonical:
            self.cancel(Code.INVALID, VerificationEnd.FAILED)
            return False
        earlier = self._taken.setdefault(kind, text)
        if earlier is text:
            return True
        if earlier != text:
            self._unexpected()
        return False

    def _cancelled(self, content: JsonObject) -> None:
        end = end_of(content.get("code"))
        if end is VerificationEnd.CANCELLED and self.stage is Stage.REQUESTED and not self.incoming:
            end = VerificationEnd.DECLINED
        self.finish(end)

    def _ready(self, content: JsonObject) -> None:
        device, methods = content.get("from_device"), content.get("methods")
        if self.stage is not Stage.REQUESTED or self.incoming or not isinstance(device, str) or not isinstance(methods, list):
            return
        if (not self.room and device not in self.asked) or self._around.trust.device(self.user, DeviceId(device)) is None:
            return
        others = tuple(one for one in self.asked if one != device)
        self.device, self._methods = DeviceId(device), frozenset(one for one in methods if isinstance(one, str))
        if others:
            self._send(events.CANCEL, {"code": Code.ACCEPTED.value, "reason": Code.ACCEPTED.value}, others)
        if not can_verify(self._methods):
            self.cancel(Code.UNKNOWN_METHOD, VerificationEnd.NOT_SUPPORTED)
            return
        self._enter_ready()

    def _enter_ready(self) -> bool:
        self._pinned = self._view()
        if self._pinned is None:
            self.cancel(Code.KEY_MISMATCH, VerificationEnd.KEYS_CHANGED)
            return False
        self.stage = Stage.READY
        if {events.SCAN, events.RECIPROCATE} <= self._methods:
            self._code = proof.code_to_show(self._case(self._pinned), self.transaction, self._around.random)
        return True

    def _their_start(self, content: JsonObject) -> None:
        """Of two starts one counts, if both mean the same method. The winner ignores the other one, early or late."""
        method, begun = content.get("method"), self.stage in _BEGUN
        if content.get("from_device") != self.device:
            self._unexpected()
        elif self.stage is Stage.READY:
            self._follow(content, method)
        elif not self._started_by_us or (begun and method != self._own_method()):
            self._unexpected()
        elif not self._we_win():
            self._follow(content, method) if begun else self._unexpected()

    def _own_method(self) -> str:
        return sas.METHOD if self.stage is Stage.STARTED else events.RECIPROCATE

    def _we_win(self) -> bool:
        """Of two starts the one of the smaller user id counts, then of the smaller device id."""
        return self._around.me < (self.user, self.device)

    def _follow(self, content: JsonObject, method: object) -> None:
        self._started_by_us, self._sas, self.effects = False, None, None
        if method == sas.METHOD:
            self._take_offer(content)
        elif method == events.RECIPROCATE:
            self._take_secret(content)
        else:
            self.cancel(Code.UNKNOWN_METHOD, VerificationEnd.NOT_SUPPORTED)

    def _unexpected(self) -> None:
        self.cancel(Code.UNEXPECTED, VerificationEnd.FAILED)

    # Emoji

    def _take_offer(self, content: JsonObject) -> None:
        exchange = self._exchange(content)
        answer = exchange.accept()
        if answer is None:
            self.cancel(Code.UNKNOWN_METHOD, VerificationEnd.NOT_SUPPORTED)
            return
        self._sas = exchange
        self._send(events.ACCEPT, answer)
        self.stage = Stage.ACCEPTED

    def _accepted(self, content: JsonObject) -> None:
        if self.stage is not Stage.STARTED or self._sas is None:
            self._unexpected()
        elif not self._sas.accepted(content):
            self.cancel(Code.UNKNOWN_METHOD, VerificationEnd.NOT_SUPPORTED)
        else:
            self._send(events.KEY, self._sas.key)
            self.stage = Stage.AGREEING

    def _take_key(self, content: JsonObject) -> None:
        if self.stage not in (Stage.ACCEPTED, Stage.AGREEING) or self._sas is None:
            self._unexpected()
            return
        try:
            self._sas.agree(content)
        except BrokenPromise:
            self.cancel(Code.MISMATCHED_COMMITMENT, VerificationEnd.MISMATCH)
            return
        except ValueError:
            self.cancel(Code.INVALID, VerificationEnd.FAILED)
            return
        if self.stage is Stage.ACCEPTED:
            self._send(events.KEY, self._sas.key)
        self.stage = Stage.COMPARING

    def _send_macs(self) -> None:
        """Of our device key; of our master key only if it is proved to be ours."""
        assert self._sas is not None and self._pinned is not None
        keys = {f"ed25519:{self._around.me[1]}": self._pinned.mine}
        if self._pinned.own_master and self._case(self._pinned).trusting:
            keys[f"ed25519:{self._pinned.own_master}"] = self._pinned.own_master
        self._send(events.MAC, self._sas.macs(keys))

    def _take_macs(self, content: JsonObject) -> None:
        match self.stage:
            case Stage.COMPARING:
                self._their_macs = content
            case Stage.CONFIRMED:
                self._check_macs(content)
            case _:
                self._unexpected()

    def _check_macs(self, content: JsonObject) -> None:
        assert self._sas is not None and self._pinned is not None
        device, master = f"ed25519:{self.device}", f"ed25519:{self._pinned.master}"
        known = {device: self._pinned.theirs}
        if self._pinned.master:
            known[master] = self._pinned.master
        try:
            found = self._sas.check(content, known)
        except WrongMac:
            found = set()
        if device not in found:
            self.cancel(Code.KEY_MISMATCH, VerificationEnd.KEYS_CHANGED)
            return
        self._prove(proof.proved_by_emoji(self._case(self._pinned), master_vouched=master in found))

    def _exchange(self, start: JsonObject, *, started_by_us: bool = False) -> SasExchange:
        other = (self.user, self.device)
        around = self._around
        return SasExchange(around.me, other, self.transaction, start, started_by_us=started_by_us, make_key=around.make_key)

    # Codes

    def _take_secret(self, content: JsonObject) -> None:
        try:
            secret = decode(content.get("secret"))
        except ValueError:
            secret = b""
        if self._code is None:
            self._unexpected()
        elif not hmac.compare_digest(secret, self._code.secret):
            self.cancel(Code.KEY_MISMATCH, VerificationEnd.KEYS_CHANGED)
        else:
            self.stage = Stage.SCANNED

    # The end

    def _case(self, keys: Keys) -> proof.Case:
        own = self._around.trust.own_master()
        return proof.Case(self._own, own is not None and own[1], keys, (self.user, self.device))

    def _prove(self, effects: Effects | None) -> None:
        if effects is None:
            self.cancel(Code.KEY_MISMATCH, VerificationEnd.FAILED)
            return
        self.effects = effects
        self._send(events.DONE, {})
        self.stage = Stage.FINISHING
        if self._their_done:
            self._conclude()

    def _take_done(self) -> None:
        match self.stage:
            case Stage.FINISHING:
                self._conclude()
            case Stage.RECIPROCATED:
                self._send(events.DONE, {})
                self._conclude()
            case Stage.CONFIRMED | Stage.SCANNED:
                self._their_done = True
            case _:
                self._unexpected()

    def _conclude(self) -> None:
        self.stage = Stage.CONCLUDING
        _log.info("verified", flow=short(self.transaction))

    def _view(self) -> Keys | None:
        return keys_now(self._around.trust, self._around.me[0], self.user, self.device)

    def _send(self, kind: str, content: Mapping[str, Any], devices: tuple[DeviceId, ...] = ()) -> JsonObject:
        """Returns the content as it goes out."""
        if self.room:
            full = {**content, "m.relates_to": {"rel_type": "m.reference", "event_id": self.transaction}}
        else:
            full = {**content, "transaction_id": self.transaction}
        to = devices or ((self.device,) if self.device else self.asked)
        self.out.append(Send(self.key, kind, full, self.user, () if self.room else to, self.room))
        return full


def can_verify(methods: Collection[str]) -> bool:
    """Whether there is a way that both can take: emoji, or a code that one shows and the other scans."""
    return sas.METHOD in methods or (events.RECIPROCATE in methods and (events.SHOW in methods or events.SCAN in methods))
