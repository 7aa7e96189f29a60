"""Promise 13: the application starts with its keys, or without them if the issuer is down."""

from drills import load
from drills.parties import Parties, SystemUnderTest
from drills.processes.issuer import IssuerProcess
from drills.results import DrillResult

REQUESTS = 200


async def start(system: SystemUnderTest) -> list[DrillResult]:
    """13: the keys are fetched before the first request, and a failure does not stop the start."""
    return [
        await _lifespan(system),
        await _unreachable_issuer(system),
        *await first_requests(system),
        await _fork(system),
    ]


async def _lifespan(system: SystemUnderTest) -> DrillResult:
    async with system.parties(warm=False) as parties:
        await parties.wait_for_fetches(1)
        before = await parties.issuer.fetches()
        response = await parties.get()
        after = await parties.issuer.fetches()
    return DrillResult(
        13,
        "start with lifespan",
        f"fetches before the first request: {before}, after it: {after}; {response.status}",
        "1, 1; 200",
        before == after == 1 and response.status == 200,
    )


async def _unreachable_issuer(system: SystemUnderTest) -> DrillResult:
    async with system.issuer() as issuer:
        await issuer.hang_up()
        async with system.application(issuer) as application:
            parties = Parties(issuer, application)
            first = await parties.get()
            await issuer.listen()
            seconds = await parties.seconds_until(200, issuer.token(), at_most=60)
    return DrillResult(
        13,
        "the issuer is unreachable at the start",
        f"the application starts; {first.status}, and 200 after {seconds} s",
        "it starts; 503, and 200 after at most 2 s",
        first.status == 503 and seconds is not None and seconds <= 2,
    )


async def first_requests(system: SystemUnderTest) -> list[DrillResult]:
    """13, without access to the key source: the first requests arrive at the same moment."""
    async with system.parties("--lifespan", "off", warm=False) as parties:
        # As slow as an issuer on another continent.
        await parties.issuer.publish(delay=0.2)
        tokens = [parties.issuer.token()] * REQUESTS
        responses = await load.send_at_once(parties.application.port, tokens)
        fetches = await parties.issuer.fetches()
    return [
        DrillResult(
            13,
            f"{REQUESTS} first requests at once, no lifespan",
            f"{load.status_counts(responses)}; fetches: {fetches}",
            f"{REQUESTS} x 200; fetches: 1",
            load.all_are(200, responses) and fetches == 1,
        )
    ]


async def _fork(system: SystemUnderTest) -> DrillResult:
    async with (
        system.issuer() as issuer,
        system.application(issuer, "--fork", issuer.token()) as application,
    ):
        responses = await _one_to_each(issuer, application.ports)
        await issuer.publish(issuer.new_key(), *issuer.keys)
        responses += await _one_to_each(issuer, application.ports)
    return DrillResult(
        13,
        "two processes forked after the keys were used, then a rotation",
        load.status_counts(responses),
        "4 x 200",
        load.all_are(200, responses),
    )


async def _one_to_each(issuer: IssuerProcess, ports: list[int]) -> list[load.Response]:
    return [await load.send(port, issuer.token()) for port in ports]
