"""Why each check is made: the attack that it stops, in one sentence for the pages."""

from collections.abc import Mapping

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
"""By the name of the check."""
