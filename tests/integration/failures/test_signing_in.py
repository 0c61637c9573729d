"""What a person reads when signing in goes wrong: real server, real key store code, the page's own model."""

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.engine import no_pictures
from tests.support.servers import TestSynapse
from tests.support.until import eventually, until
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.keyring.system import KeyringSecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.app.profile import Profile
from welink_desktop.app.secrets import ProfileSecrets
from welink_desktop.core.account import Homeserver, Link
from welink_desktop.core.errors import CertificateRefused, KeyringMissing, StoreDamaged, WeLinkError
from welink_desktop.core.ports.system import Secrets
from welink_desktop.core.reactive import Scope
from welink_desktop.core.rooms import RoomRequest
from welink_desktop.evaluation.client import Registered
from welink_desktop.evaluation.places import free_ports
from welink_desktop.features.sign_in.model import (
    ChangeAddress,
    Found,
    KeepSecretsInFile,
    LookUp,
    NotFound,
    SignIn,
    SignInModel,
    SignInState,
    StartAfresh,
    TryAgain,
)
from welink_desktop.services.session import CannotOpen, NoAccount, Open, SessionKeeper
from welink_desktop.strings import LANGUAGES, strings


def words(error: WeLinkError | None) -> str:
    """The sentence as read in English; it exists in every language and no argument is missing."""
    assert error is not None
    for language in LANGUAGES:
        said = strings(language).render(error.text)
        assert said and not said.startswith("[")
    return strings("en").render(error.text)


class Front:
    """The sign-in page's model over real accounts of the profile in `folder`."""

    def __init__(self, folder: Path, secrets: Secrets | None = None) -> None:
        self.secrets = secrets if secrets is not None else MemorySecrets()
        self.accounts = MatrixAccounts(folder, self.secrets, decode=no_pictures)
        file = self.secrets.use_file if isinstance(self.secrets, ProfileSecrets) else None
        self.keeper = SessionKeeper(self.accounts, keep_secrets_in_file=file)
        self.scope = Scope("front")
        self.model = SignInModel(self.keeper, self.scope)

    @property
    def now(self) -> SignInState:
        return self.model.state.value

    async def find(self, address: str) -> SignInState:
        self.model.act(ChangeAddress(address))
        self.model.act(LookUp())
        return await until(self.model.state, lambda now: isinstance(now.lookup, Found | NotFound), 30)

    async def sign_in(self, user: str, password: str) -> SignInState:
        self.model.act(SignIn(user, password))
        return await self.settled()

    async def settled(self) -> SignInState:
        return await until(self.model.state, lambda now: now.busy is None, 30)

    @property
    def opened(self) -> Open:
        state = self.keeper.state.value
        assert isinstance(state, Open), (state, self.now.failure)
        return state

    async def live(self) -> Open:
        opened = self.opened
        await until(self.keeper.connection, lambda now: now.link is Link.LIVE, 30)
        return opened

    async def close(self) -> None:
        await self.keeper.close()
        await self.scope.aclose()


@asynccontextmanager
async def front(folder: Path, secrets: Secrets | None = None) -> AsyncIterator[Front]:
    made = Front(folder, secrets)
    try:
        yield made
    finally:
        await made.close()


def devices(synapse: TestSynapse, registered: Registered) -> int:
    with synapse.client(registered) as plain:
        return len(plain.call("GET", "client", "v3", "devices")["devices"])


def damage(store: Path, *, first: int) -> None:
    """Overwrite the middle of every page from number `first` on."""
    raw = bytearray(store.read_bytes())
    for start in range(first * 4096, len(raw), 4096):
        raw[start + 100 : start + 3000] = b"\x5a" * 2900
    store.write_bytes(raw)


async def test_a_wrong_server_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **named: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with front(tmp_path) as page:
        state = await page.find("lin@hospital.invalid")
        assert isinstance(state.lookup, NotFound)
        assert words(state.lookup.why) == (
            "There is no server called hospital.invalid. Check the spelling, or ask your IT desk for the address."
        )
        assert state.address == "lin@hospital.invalid"


async def test_a_wrong_password_keeps_what_was_typed(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    async with front(tmp_path) as page:
        await page.find(synapse.base_url)
        state = await page.sign_in(registered.localpart, "not-the-password")
        assert words(state.failure) == "User name and password do not match. Check both, and whether Caps Lock is on."
        assert state.user == registered.localpart and isinstance(state.lookup, Found)
        assert devices(synapse, registered) == 1
        await page.sign_in(registered.localpart, registered.password)
        await page.live()


async def test_a_server_that_is_down_when_it_is_looked_for(tmp_path: Path) -> None:
    async with front(tmp_path) as page:
        state = await page.find(f"http://127.0.0.1:{free_ports(1)[0]}")
        assert isinstance(state.lookup, NotFound)
        assert words(state.lookup.why).startswith("The server cannot be reached just now. Check the network connection")


async def test_a_server_that_goes_down_before_the_password_is_sent(tmp_path: Path) -> None:
    async with front(tmp_path) as page:
        gone = Homeserver("gone.test", f"http://127.0.0.1:{free_ports(1)[0]}", secure=False)
        page.model._change(lookup=Found(gone), address="gone.test")
        state = await page.sign_in("lin", "spruce")
        assert words(state.failure).startswith("The server cannot be reached just now.")
        assert (state.user, state.address, state.busy) == ("lin", "gone.test", None)


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS for "localhost" that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class Untrusted:
    """A real TLS server with a certificate that nobody vouches for. `heard`: what came through TLS."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection whose handshake succeeded."""
        self.heard += await reader.read(65_536)
        writer.close()


@pytest.fixture
async def untrusted(tmp_path: Path) -> AsyncIterator[Untrusted]:
    made = Untrusted()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=self_signed(tmp_path), ssl_handshake_timeout=5)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


async def test_a_certificate_that_cannot_be_trusted_gets_nothing(untrusted: Untrusted, tmp_path: Path) -> None:
    async with front(tmp_path) as page:
        state = await page.find(f"https://localhost:{untrusted.port}")
        assert isinstance(state.lookup, NotFound)
        assert isinstance(state.lookup.why, CertificateRefused)
        assert words(state.lookup.why) == (
            f"The certificate of localhost:{untrusted.port} cannot be trusted, so nothing was sent. Ask your IT desk to check it."
        )
        home = Homeserver("hospital.test", f"https://localhost:{untrusted.port}")
        page.model._change(lookup=Found(home), address="hospital.test")
        state = await page.sign_in("lin", "spruce-canary")
        assert words(state.failure).startswith("The certificate of hospital.test cannot be trusted, so nothing was sent.")
    assert untrusted.heard == b""


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyringSecrets, "_find", staticmethod(lambda: None))


async def test_without_a_keyring_the_chosen_file_works(synapse: TestSynapse, tmp_path: Path, no_keyring: None) -> None:
    registered = synapse.register("lin")
    profile = Profile(tmp_path)
    profile.prepare()
    async with front(profile.root, ProfileSecrets(profile)) as page:
        await page.find(synapse.base_url)
        state = await page.sign_in(registered.localpart, registered.password)
        assert words(state.failure) == "The key store of this system is missing or locked, so the keys cannot be kept there."
        assert state.choose_storage
        assert not profile.secrets_file.exists()
        assert devices(synapse, registered) == 1, "a sign-in that could not be kept leaves no device behind"
        page.model.act(KeepSecretsInFile())
        await page.settled()
        await page.live()
    assert profile.secrets_file.stat().st_mode & 0o777 == 0o600
    async with front(profile.root, ProfileSecrets(profile)) as again:
        await again.keeper.start()
        await again.live()


async def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, no_keyring: None) -> None:
    profile = Profile(tmp_path)
    profile.secrets_file.mkdir()
    async with front(profile.root, ProfileSecrets(profile)) as page:
        page.model.act(KeepSecretsInFile())
        assert page.now.failure is not None
        assert words(page.now.failure)


class Lockable(MemorySecrets):
    """A key store that can be locked."""

    locked = False

    def get(self, name: str) -> bytes | None:
        if self.locked:
            raise KeyringMissing
        return super().get(name)


async def test_an_account_waits_for_its_locked_keyring(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    secrets = Lockable()
    async with front(tmp_path, secrets) as page:
        await page.find(synapse.base_url)
        await page.sign_in(registered.localpart, registered.password)
        await page.live()
    secrets.locked = True
    async with front(tmp_path, secrets) as page:
        await page.keeper.start()
        assert isinstance(page.keeper.state.value, CannotOpen)
        assert page.now.blocked is not None and isinstance(page.now.failure, KeyringMissing)
        assert not page.now.choose_storage, "a file would only hide the keys that lie in the key store"
        page.model.act(TryAgain())
        await page.settled()
        assert not page.now.choose_storage
        secrets.locked = False
        page.model.act(TryAgain())
        await page.settled()
        await page.live()


@pytest.mark.parametrize("first", [0, 6])
async def test_a_damaged_store_is_moved_aside_and_signing_in_again_works(
    synapse: TestSynapse, tmp_path: Path, first: int
) -> None:
    registered = synapse.register("lin")
    secrets = MemorySecrets()
    async with front(tmp_path, secrets) as page:
        await page.find(synapse.base_url)
        await page.sign_in(registered.localpart, registered.password)
        opened = await page.live()
        room = await opened.session.chat.create_room(RoomRequest(name="Ward round"))
        key, device = opened.account.key, opened.account.device
    store = tmp_path / "accounts" / key / "store.db"
    damage(store, first=first)
    content = store.read_bytes()
    async with front(tmp_path, secrets) as page:
        await page.keeper.start()
        assert isinstance(page.keeper.state.value, NoAccount)
        why = page.now.failure
        assert isinstance(why, StoreDamaged) and page.now.blocked is None
        aside = tmp_path / "accounts" / str(why.args_for_text["path"])
        assert words(why) == (
            f"The local store was damaged and has been moved aside as {aside.name}."
            " Sign in again to load your conversations from the server."
        )
        assert any(file.read_bytes() == content for file in aside.iterdir() if file.is_file())
        assert secrets.get(f"account.{aside.name}.store") is not None, "the copy can be opened by who repairs it"
        assert devices(synapse, registered) == 1, "the device without keys is signed out"
        await page.find(synapse.base_url)
        await page.sign_in(registered.localpart, registered.password)
        again = await page.live()
        assert again.account.device != device
        seen: list[str] = []
        cancel = again.session.chat.watch_rooms(lambda batch: seen.append(repr(batch)))
        await eventually(lambda: any(str(room) in batch for batch in seen), 30)
        cancel()
        await page.keeper.sign_out()
    assert not list((tmp_path / "accounts").iterdir()), "signing out removes what was put aside, too"


async def test_a_store_without_its_key_is_left_alone_until_the_person_decides(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    async with front(tmp_path) as page:
        await page.find(synapse.base_url)
        await page.sign_in(registered.localpart, registered.password)
        key = (await page.live()).account.key
    async with front(tmp_path, MemorySecrets()) as page:
        await page.keeper.start()
        assert words(page.now.failure).startswith("The key of the local store is not in the key store of this system.")
        assert (tmp_path / "accounts" / key / "store.db").exists()
        page.model.act(StartAfresh())
        await until(page.keeper.state, lambda state: isinstance(state, NoAccount))
        await page.find(synapse.base_url)
        await page.sign_in(registered.localpart, registered.password)
        await page.live()
