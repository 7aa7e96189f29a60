"""Promises 10 and 11: keys are found where the issuer says, and nowhere inside the network."""

from collections.abc import Sequence

from drills import load
from drills.processes.issuer_server import Served
from drills.system_under_test import JWKS, METADATA, Bench, Figure, Issuer, Stage, within

_MOVED = "/moved"
_TENANT = "/tenant"
_PLACES = (
    METADATA + _TENANT,
    f"/.well-known/openid-configuration{_TENANT}",
    f"{_TENANT}/.well-known/openid-configuration",
)


async def discovery(bench: Bench) -> list[Figure]:
    """10: the issuer's metadata says where its keys are."""
    figures = [await _moved(bench), await _mismatch(bench)]
    figures += [await _place(bench, number) for number in range(len(_PLACES))]
    return figures


async def _moved(bench: Bench) -> Figure:
    async with bench.issuer() as issuer, bench.worker(issuer, discover=True) as worker:
        stage = Stage(issuer, worker)
        await stage.good()
        old = issuer.keys[0]
        new = issuer.new_key()
        issuer.keys = [new, old]
        await issuer.serve(JWKS, Served(b"gone", status=404))
        await issuer.serve(_MOVED, Served(issuer.jwks()))
        await issuer.publish_metadata(jwks_uri=issuer.origin + _MOVED)
        await worker.advance(500)
        answers: list[load.Answer] = []
        seconds = 0
        while seconds < 60:
            answers.append(await stage.get(issuer.token(old)))
            if await within(0.05, lambda: _asked(issuer, _MOVED)):
                break
            await worker.advance(1)
            seconds += 1
        answers.append(await stage.get(issuer.token(new)))
    return Figure(
        10,
        "the keys move to another address, the old one is gone",
        f"found after {seconds} s; {load.statuses(answers)}",
        "2 s; all 200",
        seconds <= 2 and load.all_are(200, answers),
    )


async def _asked(issuer: Issuer, path: str) -> bool:
    return bool(await issuer.requests(path))


async def _mismatch(bench: Bench) -> Figure:
    async with bench.issuer() as issuer:
        await issuer.publish_metadata(issuer="https://other.example")
        async with bench.worker(issuer, discover=True) as worker:
            answer = await Stage(issuer, worker).get()
            fault = str((await worker.status())["fault"]).replace(issuer.origin + "/", "/")
        fetches = await issuer.fetches()
    return Figure(
        10,
        "the metadata is another issuer's",
        f"{answer.status}; fetches of its keys: {fetches}; fault: {fault}",
        "503; fetches: 0; fault named",
        answer.status == 503 and fetches == 0 and "issuer" in fault,
    )


async def _place(bench: Bench, number: int) -> Figure:
    async with bench.issuer(_TENANT) as issuer:
        await issuer.publish_metadata(_PLACES[number])
        async with bench.worker(issuer, discover=True) as worker:
            answer = await Stage(issuer, worker).get()
        asked = [path for path, _, _ in await issuer.requests()]
    return Figure(
        10,
        f"metadata only at {_PLACES[number]}",
        f"{answer.status}; place {len(asked) - 1} of {len(_PLACES)} that was asked",
        f"200; place {number + 1}",
        answer.status == 200 and asked == [*_PLACES[: number + 1], JWKS],
    )


async def no_way_inward(bench: Bench) -> list[Figure]:
    """11: neither an issuer nor a token sends us where we must not go."""
    figures = [await _redirect(bench), await _from_a_token(bench)]
    for address, reason in (
        ("https://169.254.169.254/keys", "no address of a public host"),
        ("https://10.0.0.1/keys", "private network"),
        ("http://10.0.0.1/keys", "must be https"),
    ):
        figures.append(await _inward(bench, address, reason))
    figures.append(
        Figure(
            11,
            "names that resolve to private addresses, an issuer elsewhere that points here",
            "not driven: everything here is on loopback; held by tests/asgi_bearer",
            "unit tests",
            True,
        )
    )
    return figures


async def _redirect(bench: Bench) -> Figure:
    async with bench.issuer() as trap, bench.issuer() as issuer:
        issuer.keys = trap.keys
        redirect = Served(status=307, headers={"Location": trap.jwks_uri})
        await issuer.serve(JWKS, redirect)
        async with bench.worker(issuer) as worker:
            answer = await Stage(issuer, worker).get()
        return _trapped(
            "the keys are a redirect to another server", [answer], 503, await trap.requests()
        )


async def _from_a_token(bench: Bench) -> Figure:
    async with bench.issuer() as trap, bench.stage() as stage:
        key = stage.issuer.new_key()
        await trap.publish(key)
        tokens = [
            key.token(stage.issuer.identifier, jku=trap.jwks_uri),
            key.token(stage.issuer.identifier, x5u=trap.jwks_uri),
            key.token(trap.identifier),
        ]
        answers = await load.burst(stage.worker.port, tokens)
        return _trapped("jku, x5u and iss of a token", answers, 401, await trap.requests())


def _trapped(
    drill: str, answers: Sequence[load.Answer], status: int, requests: Sequence[object]
) -> Figure:
    return Figure(
        11,
        drill,
        f"{load.statuses(answers)}; requests that went there: {len(requests)}",
        f"all {status}; 0",
        load.all_are(status, answers) and not requests,
    )


async def _inward(bench: Bench, address: str, reason: str) -> Figure:
    async with bench.issuer() as issuer:
        await issuer.publish_metadata(jwks_uri=address)
        async with bench.worker(issuer, discover=True) as worker:
            answer = await Stage(issuer, worker).get()
            fault = str((await worker.status())["fault"]).replace(issuer.origin + "/", "/")
    return Figure(
        11,
        f"the metadata says that the keys are at {address}",
        f"{answer.status} after {1000 * answer.seconds:.0f} ms; fault: {fault}",
        "503; fault named",
        answer.status == 503 and reason in fault,
    )
