"""The API that a request names: as `audience`, or as `resource` (RFC 8707); one, and no more."""

import re
from collections.abc import Collection, Mapping

from demo.authorization_server.registrations.model import Api, Registrations

SEVERAL = "A token is for one API here: resource must not be sent more than once."
"""RFC 8707 §2 allows several, and a server to refuse them."""

_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^#]+")
"""RFC 8707 §2: without a fragment. What else it is made of does not matter: it has to be known."""


class TargetInvalid(Exception):
    """`invalid_target` of RFC 8707 §2; the message is for the client."""


def several_resources(repeated: Collection[str]) -> bool:
    """Return whether `resource`, and nothing else, is sent more than once."""
    return set(repeated) == {"resource"}


def target(given: Mapping[str, str]) -> str | None:
    """Return the identifier of the API that is asked for; None where there is none.

    Raises TargetInvalid for a `resource` that is no absolute URI or has a fragment, and for one
    that differs from the `audience` beside it.
    """
    audience, resource = given.get("audience"), given.get("resource")
    if resource is None:
        return audience
    if _ABSOLUTE_URI.fullmatch(resource) is None:
        raise TargetInvalid("resource must be an absolute URI without a fragment.")
    if audience not in {None, resource}:
        raise TargetInvalid("audience and resource name two APIs, and a token is for one here.")
    return resource


def target_api(given: Mapping[str, str], registrations: Registrations) -> Api | None:
    """Return the API that is asked for; None where there is none.

    Raises TargetInvalid, also for one that is not registered.
    """
    identifier = target(given)
    if identifier is not None and identifier not in registrations.apis:
        raise TargetInvalid("No API with this identifier is registered.")
    return None if identifier is None else registrations.apis[identifier]
