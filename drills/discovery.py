"""Promises 10 and 11: discovery finds the keys, and no address leads into a private network."""

from collections.abc import Sequence

from drills import load
from drills.parties import Parties, SystemUnderTest, holds_within
from drills.processes.issuer import JWKS, METADATA, IssuerProcess
from drills.processes.issuer_server import Document
from drills.results import DrillResult

_MOVED = "/moved"
_TENANT = "/tenant"
_METADATA_PATHS = (
    METADATA + _TENANT,
    f"/.well-known/openid-configuration{_TENANT}",
    f"{_TENANT}/.well-known/openid-configuration",
)


async def discovery(system: SystemUnderTest) -> list[DrillResult]:
    """10: the issuer's metadata names the address of the keys."""
    results = [await _moved_keys(system), await _issuer_mismatch(system)]
    results += [await _metadata_path(system, number) for number in range(len(_METADATA_PATHS))]
    return results


async def _moved_keys(system: SystemUnderTest) -> DrillResult:
    async with system.issuer() as issuer, system.application(issuer, discover=True) as application:
        parties = Parties(issuer, application)
        await parties.require_ok()
        old = issuer.keys[0]
        new = issuer.new_key()
        issuer.keys = [new, old]
        await issuer.serve(JWKS, Document(b"gone", status=404))
        await issuer.serve(_MOVED, Document(issuer.jwks()))
        await issuer.publish_metadata(jwks_uri=issuer.origin + _MOVED)
        await application.advance(500)
        responses: list[load.Response] = []
        seconds = 0
        while seconds < 60:
            responses.append(await parties.get(issuer.token(old)))
            if await holds_within(0.05, lambda: _was_requested(issuer, _MOVED)):
                break
            await application.advance(1)
            seconds += 1
        responses.append(await parties.get(issuer.token(new)))
    return DrillResult(
        10,
        "the keys move to another address, the old address answers 404",
        f"found after {seconds} s; {load.status_counts(responses)}",
        "after at most 2 s; all 200",
        seconds <= 2 and load.all_are(200, responses),
    )


async def _was_requested(issuer: IssuerProcess, path: str) -> bool:
    return bool(await issuer.requests(path))


async def _issuer_mismatch(system: SystemUnderTest) -> DrillResult:
    async with system.issuer() as issuer:
        await issuer.publish_metadata(issuer="https://other.example")
        response, fault = await _discovered(system, issuer)
        fetches = await issuer.fetches()
    return DrillResult(
        10,
        "the metadata names another issuer",
        f"{response.status}; fetches of its keys: {fetches}; fault: {fault}",
        "503; fetches: 0; the status names the fault",
        response.status == 503 and fetches == 0 and "issuer" in fault,
    )


async def _metadata_path(system: SystemUnderTest, number: int) -> DrillResult:
    async with system.issuer(_TENANT) as issuer:
        await issuer.publish_metadata(_METADATA_PATHS[number])
        async with system.application(issuer, discover=True) as application:
            response = await Parties(issuer, application).get()
        requested = [path for path, _, _ in await issuer.requests()]
    return DrillResult(
        10,
        f"metadata only at {_METADATA_PATHS[number]}",
        f"{response.status}; found at path {len(requested) - 1} of {len(_METADATA_PATHS)}",
        f"200; path {number + 1}",
        response.status == 200 and requested == [*_METADATA_PATHS[: number + 1], JWKS],
    )


async def forbidden_addresses(system: SystemUnderTest) -> list[DrillResult]:
    """11: neither the issuer nor a token can make the application fetch from such an address."""
    results = [await _redirect(system), await _token_headers(system)]
    for address, reason in (
        ("https://169.254.169.254/keys", "not a public address"),
        ("https://10.0.0.1/keys", "private network"),
        ("http://10.0.0.1/keys", "must be https"),
    ):
        results.append(await _jwks_uri(system, address, reason))
    results.append(
        DrillResult(
            11,
            "names that resolve to private addresses; a remote issuer that names this machine",
            "not measured: all processes run on loopback; tests/asgi_bearer covers both",
            "unit tests",
            True,
        )
    )
    return results


async def _redirect(system: SystemUnderTest) -> DrillResult:
    async with system.issuer() as other, system.issuer() as issuer:
        issuer.keys = other.keys
        redirect = Document(status=307, headers={"Location": other.jwks_uri})
        await issuer.serve(JWKS, redirect)
        async with system.application(issuer) as application:
            response = await Parties(issuer, application).get()
        return _other_server_unused(
            "the jwks_uri redirects to another server", [response], 503, await other.requests()
        )


async def _token_headers(system: SystemUnderTest) -> DrillResult:
    async with system.issuer() as other, system.parties() as parties:
        key = parties.issuer.new_key()
        await other.publish(key)
        tokens = [
            parties.issuer.token(key, jku=other.jwks_uri),
            parties.issuer.token(key, x5u=other.jwks_uri),
            other.token(key),
        ]
        responses = await load.send_at_once(parties.application.port, tokens)
        return _other_server_unused(
            "jku, x5u and iss of a token name another server",
            responses,
            401,
            await other.requests(),
        )


def _other_server_unused(
    drill: str, responses: Sequence[load.Response], status: int, requests: Sequence[object]
) -> DrillResult:
    return DrillResult(
        11,
        drill,
        f"{load.status_counts(responses)}; requests to the other server: {len(requests)}",
        f"all {status}; requests: 0",
        load.all_are(status, responses) and not requests,
    )


async def _jwks_uri(system: SystemUnderTest, address: str, reason: str) -> DrillResult:
    async with system.issuer() as issuer:
        await issuer.publish_metadata(jwks_uri=address)
        response, fault = await _discovered(system, issuer)
    return DrillResult(
        11,
        f"the metadata names the jwks_uri {address}",
        f"{response.status} after {1000 * response.seconds:.0f} ms; fault: {fault}",
        "503; the status names the fault",
        response.status == 503 and reason in fault,
    )


async def _discovered(system: SystemUnderTest, issuer: IssuerProcess) -> tuple[load.Response, str]:
    """Return the response to a valid token, and the fault that the key source then reports."""
    async with system.application(issuer, discover=True) as application:
        response = await Parties(issuer, application).get()
        fault = str((await application.status())["fault"])
    return response, fault.replace(issuer.origin + "/", "/")
