"""The results of the checks: the attack that each one stops, what was compared, the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

Outcome = Literal["passed", "failed", "none", "not reached"]

REASONS: Mapping[str, str] = {
    "state": "Stops login CSRF: an attacker who sends your browser a response of their own would "
    "otherwise sign you in to their account.",
    "iss": "Stops the mix-up attack: a code from one authorization server must not be sent to "
    "another one, which an attacker may run.",
    "error": "Stops a sign-in without consent: a response that reports an error must not be used, "
    "even if it also contains a code.",
    "components": "Stops injection and downgrade: an attacker must not add a token that was not "
    "requested, or remove the signed part of the response.",
    "ID token: signature": "Stops forgery: without the signature, anyone could write an ID token "
    "that names any user.",
    "ID token: claims": "Stops substitution: an ID token from another issuer, for another "
    "application or from long ago must not sign anyone in here.",
    "nonce": "Stops replay: an ID token stolen from another sign-in contains another nonce.",
    "c_hash": "Stops code injection: if an attacker replaces the code, it no longer matches the "
    "hash in the signed ID token.",
    "at_hash": "Stops token injection: if an attacker replaces the access token, it no longer "
    "matches the hash in the signed ID token.",
    "code exchange": "Stops a stolen code: the thief has neither the client secret nor the PKCE "
    "verifier, so the authorization server gives them no tokens.",
    "same issuer and subject": "Stops mixed sign-ins: if an attacker has replaced the code, the "
    "token endpoint's ID token names another person.",
}
"""The attack that a check stops, in one sentence, by the name of the check."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check, as a page shows it.

    Arguments:
        compared: lines of text; secrets and tokens in them are abbreviated.
        outcome: `none` if there was nothing to check, `not reached` after a failure.
    """

    name: str
    compared: tuple[str, ...]
    outcome: Outcome

    @property
    def reason(self) -> str:
        """The attack that the check stops, in one sentence."""
        return REASONS[self.name]


class CheckFailed(Exception):
    """A check failed; the checks after it were not made.

    Arguments:
        results: of all checks, including those that were not reached.
        judged: False if the check could not be made, because the provider did not answer.
        error: the OAuth error code, if the provider answered with one.
    """

    def __init__(
        self, results: tuple[CheckResult, ...], *, judged: bool = True, error: str = ""
    ) -> None:
        self.results = results
        self.judged = judged
        self.error = error
        super().__init__(next((one.name for one in results if one.outcome == "failed"), ""))


class Checks:
    """Records the results of checks whose names and order are fixed.

    Raises:
        CheckFailed: from every method but `results`, when a check fails.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._results: list[CheckResult] = []

    def record(self, passed: bool, *compared: str) -> None:
        """Record the outcome of the next check."""
        if not passed:
            self.fail(*compared)
        self._add("passed", compared)

    def nothing_to_check(self, *why: str) -> None:
        """Record that the next check has nothing to look at."""
        self._add("none", why)

    def fail(self, *compared: str, judged: bool = True, error: str = "") -> NoReturn:
        """Record that the next check failed, and raise."""
        self._add("failed", compared)
        raise CheckFailed(self.results(), judged=judged, error=error)

    def results(self) -> tuple[CheckResult, ...]:
        """Return the results of all checks, including those that were not reached."""
        rest = self._names[len(self._results) :]
        return (*self._results, *(CheckResult(name, (), "not reached") for name in rest))

    def _add(self, outcome: Outcome, compared: tuple[str, ...]) -> None:
        self._results.append(CheckResult(self._names[len(self._results)], compared, outcome))
