"""The accounts of a profile: signing in, opening, forgetting. Implements the port `Accounts` on the engine loop."""

import asyncio
import hashlib
import json
import secrets as random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from welink_desktop.adapters.durable import replace_file
from welink_desktop.adapters.matrix.constants import CLIENT_V3, KEYRING_PREFIX, SEALED_KEY_FILE
from welink_desktop.adapters.matrix.errors import Limited, Refused
from welink_desktop.adapters.matrix.late import LateSession
from welink_desktop.adapters.matrix.rooms import summary_cache
from welink_desktop.adapters.matrix.store.database import KEY_BYTES, Database, is_damage
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens, tokens_from
from welink_desktop.adapters.matrix.wire.values import Json, integer_of, parse_json, text_of, true_at
from welink_desktop.core.account import Account, Homeserver
from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import (
    CertificateRefused,
    DiskFull,
    Offline,
    ServerFault,
    SignInUnsupported,
    StoreDamaged,
    StoreKeyMissing,
    WeLinkError,
    WrongPassword,
)
from welink_desktop.core.errors import NotFound as AccountNotFound
from welink_desktop.core.ids import AccountKey, DeviceId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.ports.system import Secrets
from welink_desktop.core.rooms import RoomSummary

if TYPE_CHECKING:
    import httpx

    from welink_desktop.adapters.matrix.client import MatrixSession
    from welink_desktop.adapters.matrix.http import Http
    from welink_desktop.adapters.matrix.media.library import PictureDecoder

LOG_OUT_SECONDS = 5.0
_log = topic("accounts")


class MatrixAccounts:
    """`profile` is the profile folder; `secrets` keeps tokens and store keys (blocking, called in a thread).

    `transport` makes the way to a server, if not the usual one (tests). With `list_first` an account that was open before
    shows its kept room list at once, and the engine is loaded right after.
    """

    def __init__(
        self,
        profile: Path,
        secrets: Secrets,
        *,
        decode: "PictureDecoder",
        clock: Clock | None = None,
        service_url: str = "",
        transport: "Callable[[], httpx.AsyncBaseTransport] | None" = None,
        list_first: bool = False,
    ) -> None:
        self._folder = profile / "accounts"
        self._secrets = secrets
        self._decode = decode
        self._clock: Clock = clock or SystemClock()
        self._service_url = service_url
        self._transport = transport
        self._list_first = list_first
        self._open: dict[AccountKey, tuple[MatrixSession | LateSession, TokenKeeper]] = {}

    # Port

    async def discover(self, address: str) -> Homeserver:
        from welink_desktop.adapters.matrix.discovery import discover

        return await discover(address, self._make)

    async def sign_in(self, server: Homeserver, user: str, password: str, device_name: str) -> Account:
        if not server.password:
            raise SignInUnsupported
        body: Json = {"initial_device_display_name": device_name}
        answer = await self._login(server, user, password, body)
        name, device = text_of(answer, "user_id", 255), text_of(answer, "device_id", 255)
        if not name.startswith("@") or not device:
            raise ServerFault("incomplete sign-in answer")
        account = Account(account_key(server.base_url, UserId(name)), UserId(name), DeviceId(device), server)
        tokens = tokens_from(answer, self._clock.now_ms())
        await self._close(account.key)
        try:
            await asyncio.to_thread(self._keep_new, account, tokens)
        except WeLinkError:
            await self._log_out(server, tokens)
            raise
        return account

    async def accounts(self) -> tuple[Account, ...]:
        return await asyncio.to_thread(self._listed)

    async def open(self, key: AccountKey) -> Session:
        running = self._open.get(key)
        if running is not None:
            return running[0]
        account, tokens, store_key = await asyncio.to_thread(self._read, key)
        running = self._open.get(key)
        if running is not None:
            return running[0]
        try:
            return await self._started(account, tokens, store_key)
        except StoreDamaged as error:
            raise await self._retired(account, tokens) from error

    async def sign_in_again(self, key: AccountKey, password: str) -> None:
        account, _, _ = await asyncio.to_thread(self._read, key)
        answer = await self._login(account.server, account.user, password, {"device_id": account.device})
        if text_of(answer, "user_id", 255) != account.user:
            raise WrongPassword
        tokens = tokens_from(answer, self._clock.now_ms())
        await asyncio.to_thread(self._keep_tokens, key, tokens)
        running = self._open.get(key)
        if running is not None:
            session, keeper = running
            keeper.tokens = tokens
            session.signed_in_again()

    async def recover_store(self, key: AccountKey, secret: str) -> None:
        await asyncio.to_thread(self._unseal, key, secret)

    async def forget(self, key: AccountKey) -> None:
        await self._close(key)
        await asyncio.to_thread(self._forget, key)

    # Inside

    async def _started(self, account: Account, tokens: Tokens | None, store_key: bytes) -> Session:
        database = Database.open(self._folder / account.key / "store.db", store_key, MIGRATIONS)
        keeper = TokenKeeper(tokens, lambda fresh: self._keep_tokens(account.key, fresh))
        kept = _kept_rooms(database) if self._list_first else []
        if not kept:
            return await self._begun(account, database, keeper, store_key)

        async def begin() -> "MatrixSession":
            try:
                return await self._begun(account, database, keeper, store_key)
            except StoreDamaged as error:
                raise await self._retired(account, tokens) from error

        late = LateSession(account, kept, begin)
        self._open[account.key] = (late, keeper)
        return late

    async def _begun(self, account: Account, database: Database, keeper: TokenKeeper, store_key: bytes) -> "MatrixSession":
        """The engine of one account, running; its libraries load here."""
        from welink_desktop.adapters.matrix.client import MatrixSession, Surroundings
        from welink_desktop.adapters.matrix.security import key_safe

        key = account.key
        around = Surroundings(
            folder=self._folder / key,
            database=database,
            http=self._make(account.server.base_url, keeper),
            decode=self._decode,
            clock=self._clock,
            service_url=self._service_url,
            seal=lambda secret, described: key_safe.keep(self._folder / key, store_key, secret, described),
            forget=lambda: self._forget(key),
            closed=lambda: self._closed(key),
        )
        session: MatrixSession | None = None
        try:
            session = MatrixSession(account, around)
            self._open[key] = (session, keeper)
            await session.start()
        except BaseException as error:
            self._closed(key)
            await (around.end() if session is None else session.abandon())
            if is_damage(error):
                raise StoreDamaged from error
            raise
        return session

    async def _retired(self, account: Account, tokens: Tokens | None) -> StoreDamaged:
        """The device's keys were in its store: what others encrypt for this device can never be read again. So the device is
        signed out and its folder moved aside, with the store's key; the next sign-in makes a new device.
        """
        if tokens is not None:
            await self._log_out(account.server, tokens)
        return StoreDamaged(path=await asyncio.to_thread(self._put_aside, account.key, "damaged"))

    async def _log_out(self, server: Homeserver, tokens: Tokens) -> None:
        """Best effort: a device that nobody will use shall not stay signed in."""
        http = self._make(server.base_url, TokenKeeper(tokens, lambda fresh: None))
        try:
            await http.request("POST", (*CLIENT_V3, "logout"), json={}, deadline=LOG_OUT_SECONDS, retry=False)
        except WeLinkError as error:
            _log.info("device stays at the server", error=literal(type(error).__name__))
        finally:
            await http.aclose()

    def _make(self, url: str, keeper: TokenKeeper | None = None) -> "Http":
        from welink_desktop.adapters.matrix.http import Http

        transport = None if self._transport is None else self._transport()
        return Http(url, keeper=keeper, clock=self._clock, transport=transport)

    async def _login(self, server: Homeserver, user: str, password: str, body: Json) -> Json:
        http = self._make(server.base_url)
        request: Json = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user.strip()},
            "password": password,
            "refresh_token": True,
            **body,
        }
        try:
            return await http.request("POST", (*CLIENT_V3, "login"), json=request, retry=False, auth=False)
        except Limited:
            raise
        except Refused as error:
            raise WrongPassword from error
        except CertificateRefused as error:
            raise CertificateRefused(error.detail, name=server.name) from error
        except Offline as error:
            raise Offline(error.detail) from error
        finally:
            await http.aclose()

    async def _close(self, key: AccountKey) -> None:
        running = self._open.get(key)
        if running is not None:
            await running[0].close()

    def _closed(self, key: AccountKey) -> None:
        self._open.pop(key, None)

    # On disk; blocking

    def _keep_new(self, account: Account, tokens: Tokens) -> None:
        """Secrets first: an account that is listed can be opened. A former store of the same account is put aside.

        A key store that does not answer is noticed before anything changes.
        """
        folder = self._folder / account.key
        self._secrets.get(_secret(account.key, "store"))
        if (folder / "store.db").exists():
            self._put_aside(account.key, "former")
        self._secrets.set(_secret(account.key, "store"), random.token_bytes(KEY_BYTES))
        self._keep_tokens(account.key, tokens)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(folder / "account.json", json.dumps(_described(account)).encode())
        except OSError as error:
            raise DiskFull from error

    def _put_aside(self, key: AccountKey, word: str) -> str:
        """Move the account's folder out of the way, the key of its store with it; returns the folder's new name."""
        aside = f"{key}.{word}-{time.time_ns()}"
        store_key = self._secrets.get(_secret(key, "store"))
        if store_key is not None:
            self._secrets.set(_secret(aside, "store"), store_key)
        try:
            (self._folder / key).rename(self._folder / aside)
        except OSError as error:
            raise DiskFull(type(error).__name__) from error
        _log.info("a store was put aside", why=literal(word))
        return aside

    def _keep_tokens(self, key: AccountKey, tokens: Tokens) -> None:
        content = {
            "access": tokens.access,
            "refresh": tokens.refresh,
            "expires_at_ms": tokens.expires_at_ms,
            "lifetime_ms": tokens.lifetime_ms,
        }
        self._secrets.set(_secret(key, "tokens"), json.dumps(content).encode())

    def _read(self, key: AccountKey) -> tuple[Account, Tokens | None, bytes]:
        """Raises `NotFound`, `KeyringMissing`, `StoreKeyMissing`. Without tokens the account opens signed out."""
        file = self._folder / key / "account.json"
        account = _account_in(file) if file.parent.parent == self._folder else None
        if account is None or account.key != key:
            raise AccountNotFound
        store_key = self._secrets.get(_secret(key, "store"))
        if store_key is None:
            raise StoreKeyMissing(recoverable=(file.parent / SEALED_KEY_FILE).exists())
        file.touch()
        return account, _tokens_in(self._secrets.get(_secret(key, "tokens"))), store_key

    def _unseal(self, key: AccountKey, secret: str) -> None:
        from welink_desktop.adapters.matrix.security import key_safe

        if key not in {account.key for account in self._listed()}:
            raise AccountNotFound
        store_key = key_safe.opened(self._folder / key, secret)
        self._secrets.set(_secret(key, "store"), store_key)

    def _listed(self) -> tuple[Account, ...]:
        files = sorted(self._folder.glob("*/account.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        found = (_account_in(file) for file in files)
        return tuple(account for account in found if account is not None and (self._folder / account.key).is_dir())

    def _forget(self, key: AccountKey) -> None:
        """What was put aside of this account goes, too."""
        names = {str(key), *(folder.name for folder in self._folder.glob(f"{key}.*"))}
        for name in names:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            for part in ("tokens", "store"):
                try:
                    self._secrets.delete(_secret(name, part))
                except WeLinkError:
                    _log.warning("secret not deleted")


def _kept_rooms(database: Database) -> list[RoomSummary]:
    """Damage is reported when the engine begins."""
    try:
        with database.read() as t:
            return summary_cache.kept(t)
    except Exception as error:
        if not is_damage(error):
            raise
        return []


def account_key(base_url: str, user: UserId) -> AccountKey:
    return AccountKey(hashlib.sha256(f"{base_url}\n{user}".encode()).hexdigest()[:20])


def _secret(key: str, part: str) -> str:
    return f"{KEYRING_PREFIX}.{key}.{part}"


def _described(account: Account) -> Json:
    server = account.server
    return {
        "user": account.user,
        "device": account.device,
        "server": {
            "name": server.name,
            "base_url": server.base_url,
            "password": server.password,
            "sso": server.sso,
            "organisation": server.organisation,
            "evaluation": server.evaluation,
        },
    }


def _account_in(file: Path) -> Account | None:
    """None for a folder that holds no account of ours."""
    try:
        content = parse_json(file.read_bytes())
    except (OSError, ServerFault):
        return None
    server, user = content.get("server"), text_of(content, "user", 255)
    base_url = text_of(server, "base_url", 500)
    if not user or not base_url or account_key(base_url, UserId(user)) != file.parent.name:
        return None
    home = Homeserver(
        name=text_of(server, "name", 300),
        base_url=base_url,
        password=true_at(server, "password"),
        sso=true_at(server, "sso"),
        organisation=text_of(server, "organisation", 300),
        secure=base_url.startswith("https://"),
        evaluation=true_at(server, "evaluation"),
    )
    return Account(AccountKey(file.parent.name), UserId(user), DeviceId(text_of(content, "device", 255)), home)


def _tokens_in(stored: bytes | None) -> Tokens | None:
    if stored is None:
        return None
    try:
        content = parse_json(stored)
    except ServerFault:
        return None
    access = text_of(content, "access")
    if not access:
        return None
    return Tokens(access, text_of(content, "refresh"), integer_of(content, "expires_at_ms"), integer_of(content, "lifetime_ms"))
