"""The claims of a verified token are frozen when the application first reads them.

The application cannot notice it.
"""

import copy
import dataclasses
import gc
import json
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from asgi_bearer import JWTVerifier, Presented, Principal, caller
from asgi_bearer.jose.frozen import FrozenDict
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json
from tests.asgi_bearer.jwt.interruption import call_interrupted

issuer = FakeIssuer(key=signing_key("ES256"), clock=FakeClock())
EXTRA: Json = {"groups": ["a", {"b": ["c", []]}], "address": {"city": "Here", "lines": []}}
TOKEN = issuer.token(**EXTRA)
CLAIMS = json.loads(json.dumps(issuer.claims(**EXTRA)))
FROZEN: Json = {
    **CLAIMS,
    "groups": ("a", {"b": ("c", ())}),
    "address": {"city": "Here", "lines": ()},
}


async def verified(token: str = TOKEN) -> Principal:
    """Return the principal of a token whose claims have not been read."""
    return await issuer.verifier().verify(Presented(token))


def read_claims(one: Principal) -> object:
    return one.claims


def pickled(one: Principal, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(one, protocol))  # noqa: S301 - our own bytes


def assert_frozen(claims: Any) -> None:
    """Fail if the claims are not those of the token, or can be changed at any depth."""
    assert claims == FROZEN
    assert list(claims) == list(CLAIMS)
    for value in (claims, claims["groups"][1], claims["address"]):
        assert type(value) is FrozenDict
        with pytest.raises(TypeError, match="claims cannot be changed"):
            value["sub"] = "eve"
    for value in (claims["groups"], claims["groups"][1]["b"], claims["address"]["lines"]):
        assert type(value) is tuple


USES: dict[str, Callable[[Principal], Any]] = {
    "claims": read_claims,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": partial(pickled, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "equality": lambda one: one == Principal("", None, None, frozenset(), 0.0, {}),
    "hash": hash,
    "repr": repr,
    "replace": lambda one: dataclasses.replace(one, subject="bob"),
    "asdict": lambda one: dataclasses.asdict(one),  # noqa: PLW0108 - it has overloads
    "astuple": lambda one: dataclasses.astuple(one),  # noqa: PLW0108
    "to_dict": Principal.to_dict,
    "is_client": lambda one: one.is_client,
    "identity": lambda one: one.identity,
    "hasattr": lambda one: hasattr(one, "unknown"),
    "nothing": bool,
}


@pytest.mark.parametrize("first", USES.values(), ids=USES)
async def test_the_claims_are_frozen_whatever_is_done_with_a_principal_first(
    first: Callable[[Principal], Any],
) -> None:
    one = await verified()

    first(one)

    assert_frozen(one.claims)
    assert one.claims is one.claims


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_use_of_a_principal_has_the_same_result_before_and_after_its_claims_are_read(
    use: Callable[[Principal], Any],
) -> None:
    new, read = await verified(), await verified()
    read_claims(read)

    before = use(new)

    assert before == use(read) == use(new)
    assert type(before) is type(use(read))


@pytest.mark.parametrize("was_read", [False, True], ids=["not read", "read"])
@pytest.mark.parametrize(
    "name", ["copy", "deepcopy", *(f"pickle {n}" for n in range(6)), "replace"]
)
async def test_a_copy_of_a_principal_has_frozen_claims_of_its_own(
    name: str, was_read: bool
) -> None:
    one = await verified()
    if was_read:
        read_claims(one)

    copied = USES[name](one)

    assert type(copied) is Principal
    assert_frozen(copied.claims)
    assert_frozen(USES[name](copied).claims)
    assert_frozen(one.claims)
    assert (copied == one) == (name != "replace")
    assert (copied.scopes, copied.expires_at) == (one.scopes, one.expires_at)


async def test_principals_are_compared_by_their_claims_as_well() -> None:
    one, same = await verified(), await verified()
    other = await verified(issuer.token(**EXTRA, admin=True))

    assert one == same
    assert one != other
    assert hash(one) == hash(same) == hash(other)
    assert {one, same} == {one}
    assert one in {same: 1}


async def test_a_principal_of_a_token_equals_one_that_is_made_of_its_values() -> None:
    one = await verified()

    made = Principal(
        issuer=one.issuer,
        subject=one.subject,
        client_id=one.client_id,
        scopes=one.scopes,
        expires_at=one.expires_at,
        claims=FROZEN,
    )

    assert one == made
    assert repr(one) == repr(made)


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_the_repr_shows_no_claims_before_and_after_they_are_read() -> None:
    one = await verified(issuer.token(note="s3cret"))
    before = repr(one)

    assert "s3cret" in str(one.claims)
    assert before == repr(one)
    assert "s3cret" not in before


@pytest.mark.parametrize("was_read", [False, True], ids=["not read", "read"])
@pytest.mark.parametrize("name", ["unknown", "admin", "Claims", "claims_", "__dict__", "sub"])
async def test_a_principal_has_no_unknown_attributes(name: str, was_read: bool) -> None:
    """Claims are no attributes."""
    one = await verified(issuer.token(admin=True, unknown=1))
    if was_read:
        read_claims(one)

    assert not hasattr(one, name)
    with pytest.raises(AttributeError, match=rf"'Principal' object has no attribute '{name}'"):
        getattr(one, name)
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
        setattr(one, name, 1)


@pytest.mark.parametrize("name", ["claims", "subject", "unknown"])
def test_a_principal_without_values_has_no_claims(name: str) -> None:
    """As while it is unpickled: no endless recursion."""
    empty = object.__new__(Principal)

    assert not hasattr(empty, name)
    with pytest.raises(AttributeError):
        getattr(empty, name)


@pytest.mark.parametrize("was_read", [False, True], ids=["not read", "read"])
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Principal)])
async def test_no_field_can_be_set_or_deleted(name: str, was_read: bool) -> None:
    one = await verified()
    if was_read:
        read_claims(one)

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(one, name)
    assert_frozen(one.claims)


async def test_the_fields_of_a_principal_are_the_documented_ones() -> None:
    names = ["issuer", "subject", "client_id", "scopes", "expires_at", "claims"]

    assert [field.name for field in dataclasses.fields(Principal)] == names
    assert list(dataclasses.asdict(await verified())) == names
    assert list(Principal.__match_args__) == names


def mutable_objects_of(one: Principal) -> list[object]:
    """Return the ordinary dictionaries and lists that a principal refers to."""
    found: dict[int, object] = {}
    waiting: list[object] = [one]
    while waiting:
        for value in gc.get_referents(waiting.pop()):
            if not isinstance(value, type) and id(value) not in found:
                found[id(value)] = value
                waiting.append(value)
    return [value for value in found.values() if type(value) in (dict, list, set, bytearray)]


async def test_nothing_that_can_be_changed_stays_in_memory_after_the_first_read() -> None:
    """What the JSON decoder returned is released: it could be changed, and takes memory."""
    one = await verified()

    assert_frozen(one.claims)

    assert mutable_objects_of(one) == []


async def test_what_an_application_makes_of_the_claims_changes_no_later_request() -> None:
    """Before the claims are read for the first time, and after that."""
    verifier = issuer.verifier()
    one = await verifier.verify(Presented(TOKEN))
    for _ in range(2):
        converted: Any = one.to_dict()
        converted["claims"]["groups"][1]["b"].append("admin")
        converted["claims"]["address"].clear()
        converted["scopes"].append("write:contacts")
        values: Any = dataclasses.asdict(one)
        for made in (dict(one.claims), values):
            made.clear()

    again = await verifier.verify(Presented(TOKEN))

    assert again is one
    assert_frozen(again.claims)
    assert again.scopes == {"read:contacts"}


async def test_a_rule_that_reads_the_claims_gets_frozen_ones() -> None:
    seen: list[Any] = []

    def remember(one: Principal) -> bool:
        seen.append(one.claims)
        return True

    verifier = issuer.verifier(rules={"remember": remember})
    one = await verifier.verify(Presented(TOKEN))
    await verifier.verify(Presented(TOKEN))

    assert [claims is one.claims for claims in seen] == [True, True]
    assert_frozen(one.claims)


async def test_claims_that_are_named_like_attributes_do_not_replace_them() -> None:
    names = ("claims", "_decoded", "issuer", "subject", "scopes", "expires_at", "__class__")
    one = await verified(issuer.token(**dict.fromkeys(names, "eve")))

    assert all(one.claims[name] == "eve" for name in names)
    assert (one.issuer, one.subject) == (issuer.issuer, "alice")
    assert one.scopes == {"read:contacts"}


async def test_two_threads_that_read_the_claims_first_get_the_same_values() -> None:
    """The second one reads them at each instruction of the first one."""
    verifier, seen = issuer.verifier(verified_tokens=0), list[Any]()
    at, instructions = 0, 1
    while at < instructions:
        one = await verifier.verify(Presented(TOKEN))
        instructions = call_interrupted(
            partial(keep_claims, one, seen),
            by=partial(keep_claims, one, seen),
            at=at,
            module=caller,
        )
        at += 1
        seen.append(one.claims)

        for claims in seen:
            assert_frozen(claims)
        assert mutable_objects_of(one) == []
        seen.clear()
    assert instructions > 5


def keep_claims(one: Principal, seen: list[Any]) -> None:
    seen.append(one.claims)


async def test_many_threads_may_read_the_claims_of_new_tokens_at_once() -> None:
    verifier, threads, before = issuer.verifier(verified_tokens=0), 4, sys.getswitchinterval()
    principals = [await verifier.verify(Presented(TOKEN)) for _ in range(300)]
    together = Barrier(threads, timeout=60)

    def read_all(_: int) -> list[object]:
        together.wait()
        return [one.claims for one in principals]

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(read_all, range(threads)))
    finally:
        sys.setswitchinterval(before)

    for claims in (*results[0], *results[-1]):
        assert_frozen(claims)
    assert results == [results[0]] * threads


async def test_a_subclass_of_the_verifier_may_replace_values_of_a_principal() -> None:
    class Renaming(JWTVerifier):
        async def verify(self, presented: Presented) -> Principal:
            one = await super().verify(presented)
            return dataclasses.replace(one, subject=f"{one.subject}@example")

    verifier = Renaming(
        issuer=issuer.issuer,
        audience=issuer.audience,
        keys=vars(issuer.verifier())["_keys"],
        clock=issuer.clock,
    )

    one = await verifier.verify(Presented(TOKEN))

    assert one.subject == "alice@example"
    assert_frozen(one.claims)
