"""The API that a request names, as `audience` or as `resource` (RFC 8707)."""

import re
from collections.abc import Collection, Mapping

from demo.authorization_server.registrations.model import Api, Registrations

SEVERAL = "resource is sent more than once, but this server gives tokens for one API only."
"""RFC 8707 §2 allows several resources, and allows a server to refuse them."""

_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^#]+")
"""RFC 8707 §2: without a fragment. No further check: the identifier must be registered anyway."""


class TargetInvalid(Exception):
    """The error `invalid_target` of RFC 8707 §2; the message is sent to the client."""


def several_resources(repeated: Collection[str]) -> bool:
    """Return whether `resource`, and nothing else, is sent more than once."""
    return set(repeated) == {"resource"}


def requested_audience(parameters: Mapping[str, str]) -> str | None:
    """Return the identifier of the API that the request names; None if it names none.

    Raises TargetInvalid if `resource` is not an absolute URI, has a fragment, or differs from
    `audience`.
    """
    audience, resource = parameters.get("audience"), parameters.get("resource")
    if resource is None:
        return audience
    if _ABSOLUTE_URI.fullmatch(resource) is None:
        raise TargetInvalid("resource must be an absolute URI without a fragment.")
    if audience not in {None, resource}:
        raise TargetInvalid("audience and resource name two APIs, but a token is for one only.")
    return resource


def requested_api(parameters: Mapping[str, str], registrations: Registrations) -> Api | None:
    """Return the API that the request names; None if it names none.

    Raises TargetInvalid, also if the API is not registered.
    """
    identifier = requested_audience(parameters)
    if identifier is not None and identifier not in registrations.apis:
        raise TargetInvalid("No API with this identifier is registered.")
    return None if identifier is None else registrations.apis[identifier]
