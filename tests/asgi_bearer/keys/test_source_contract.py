"""What every key source must do: those of this library and an application's own."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from asgi_bearer import KeySource, Presented, StaticKeys
from asgi_bearer.errors import KeyNotFound, SignatureInvalid
from asgi_bearer.keys import KeySet, Missed, Warmable, remote_keys
from asgi_bearer.testing import ISSUER, FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json
from tests.support.documents import FakeDocuments

JWKS_URI = "https://issuer.example/jwks"
METADATA = "https://issuer.example/.well-known/openid-configuration"


class Vault:
    """A key source of an application, with nothing but the one method of the protocol."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document
        self._key_set: KeySet | None = None

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        if self._key_set is None:
            self._key_set = KeySet.from_jwks(self._document)
        return self._key_set


def with_jwks_uri(document: Json) -> KeySource:
    documents = FakeDocuments({JWKS_URI: document})
    return remote_keys(jwks_uri=JWKS_URI, fetch=documents, clock=FakeClock())


def with_discovery(document: Json) -> KeySource:
    metadata = {"issuer": ISSUER, "jwks_uri": JWKS_URI}
    documents = FakeDocuments({METADATA: metadata, JWKS_URI: document})
    return remote_keys(issuer=ISSUER, fetch=documents, clock=FakeClock())


class WarmVault(Vault):
    """A key source of an application that also has `warm` and `aclose`."""

    def warm(self) -> None:
        self._key_set = KeySet.from_jwks(self._document)

    async def aclose(self) -> None:
        self._key_set = None


@pytest.fixture(params=[StaticKeys, with_jwks_uri, with_discovery, Vault, WarmVault])
def source_of(request: pytest.FixtureRequest) -> Callable[[Json], KeySource]:
    """Return a function that makes a source of the keys in a document."""
    make: Callable[[Json], KeySource] = request.param
    return make


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(key=signing_key("ES256"))


async def test_a_source_returns_the_keys_of_the_document(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    assert await source_of(issuer.jwks()).key_set() == KeySet.from_jwks(issuer.jwks())


async def test_a_source_returns_the_same_object_twice(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    source = source_of(issuer.jwks())

    assert await source.key_set() is await source.key_set()


@pytest.mark.parametrize("unknown_kid", [True, False])
async def test_a_source_without_newer_keys_returns_the_set_that_the_caller_used(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer, unknown_kid: bool
) -> None:
    source = source_of(issuer.jwks())
    seen = await source.key_set()

    assert await source.key_set(Missed(seen, unknown_kid)) is seen


async def test_a_source_answers_a_foreign_set_with_its_own(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    source = source_of(issuer.jwks())
    seen = await source.key_set()

    assert await source.key_set(Missed(KeySet(()), unknown_kid=True)) is seen


@pytest.mark.conforms("many first requests cause one fetch")
async def test_simultaneous_callers_get_the_same_object(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    source = source_of(issuer.jwks())

    key_sets = await asyncio.gather(*(source.key_set() for _ in range(100)))

    assert len({id(key_set) for key_set in key_sets}) == 1


def test_a_source_serves_two_event_loops_one_after_the_other(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    source = source_of(issuer.jwks())

    first = asyncio.run(source.key_set())

    assert asyncio.run(source.key_set()) is first


async def test_a_source_serves_before_and_after_it_was_closed(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    source = source_of(issuer.jwks())
    expected = KeySet.from_jwks(issuer.jwks())
    for _ in range(2):
        if isinstance(source, Warmable):
            source.warm()
            await source.aclose()
        assert await source.key_set() == expected

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_token_of_the_issuer_verifies(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    verifier = issuer.verifier(keys=source_of(issuer.jwks()))

    principal = await verifier.verify(Presented(issuer.token()))

    assert principal.subject == "alice"


async def test_a_token_of_an_unknown_key_is_refused(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    verifier = issuer.verifier(keys=source_of(issuer.jwks()))
    stranger = FakeIssuer(key=signing_key("ES256", "stranger", 1))

    with pytest.raises(KeyNotFound):
        await verifier.verify(Presented(stranger.token()))


@pytest.mark.conforms("keys verify tokens of their own issuer only")
async def test_a_token_that_another_issuer_signed_under_the_same_key_id_is_refused(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    verifier = issuer.verifier(keys=source_of(issuer.jwks()))
    other = FakeIssuer(key=signing_key("ES256", issuer.key.kid, 1))

    with pytest.raises(SignatureInvalid):
        await verifier.verify(Presented(other.token()))


@pytest.mark.conforms("symmetric keys and private members are not used")
async def test_private_and_symmetric_keys_are_not_used(
    source_of: Callable[[Json], KeySource], issuer: FakeIssuer
) -> None:
    symmetric = {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0"}
    published = {"keys": [symmetric, issuer.key.jwk(d="c2VjcmV0")]}

    key_set = await source_of(published).key_set()

    assert [key.kid for key in key_set.keys] == ["k1"]
    assert "c2VjcmV0" not in repr(key_set)


def test_static_keys_without_a_usable_key_are_refused_at_start_up() -> None:
    with pytest.raises(ValueError, match="no usable key"):
        StaticKeys({"keys": [{"kty": "oct"}]})
