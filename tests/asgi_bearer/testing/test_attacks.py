"""The table of attacks: each is refused as it says, whatever the issuer's tokens look like."""

import pytest

from asgi_bearer import AccessTokenError, JWTVerifier, Presented
from asgi_bearer.testing import ATTACKS, SHAPES, Attack, FakeIssuer, signing_key

ALGORITHMS = ("ES256", "RS256", "EdDSA")


def test_the_table_has_an_id_of_its_own_for_each_attack() -> None:
    ids = [attack.id for attack in ATTACKS]

    assert len(ids) == len(set(ids)) >= 60
    assert all(attack.wrong for attack in ATTACKS)


async def not_refused_as_said(issuer: FakeIssuer, verifier: JWTVerifier) -> dict[str, str]:
    """Return the attacks that are accepted, or refused for another reason."""
    wrong: dict[str, str] = {}
    for attack in ATTACKS:
        try:
            await verifier.verify(Presented(attack.token(issuer)))
        except AccessTokenError as err:
            if type(err) is not attack.refusal:
                wrong[attack.id] = err.code
        else:
            wrong[attack.id] = "accepted"
    return wrong


@pytest.mark.parametrize("shape", SHAPES)
async def test_attacks_in_each_shape_are_refused_as_the_table_says(shape: str) -> None:
    issuer = FakeIssuer(shape=shape)

    assert await not_refused_as_said(issuer, issuer.verifier()) == {}


@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("name", ["https://issuer.example/", "https://issuer.example/realms/a"])
async def test_attacks_are_refused_by_each_profile_and_algorithm(
    alg: str, profile: str, name: str
) -> None:
    issuer = FakeIssuer(name, "contacts-api", key=signing_key(alg))

    assert await not_refused_as_said(issuer, issuer.verifier(profile=profile)) == {}


async def test_the_test_of_attacks_can_fail() -> None:
    issuer = FakeIssuer()
    forgetful = issuer.verifier(clock=lambda: issuer.clock() - 90_000)

    wrong = await not_refused_as_said(issuer, forgetful)

    assert wrong["expired ten minutes ago"] == "token_not_yet_valid"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_fits_into_the_header_of_any_client(attack: Attack, issuer: FakeIssuer) -> None:
    header = attack.headers(issuer)["Authorization"]

    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 4096
    assert (attack.status, attack.error) == (401, "invalid_token")
    assert header.removeprefix("Bearer ") not in repr(attack)
