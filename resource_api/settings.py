"""The settings, read from environment variables, and the messages about invalid ones.

A variable that is set to the empty string counts as not set.
"""

import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from asgi_bearer import ALGORITHMS
from asgi_bearer.keys import shown_address
from resource_api import setting_checks as checks

PREFIX = "RESOURCE_API_"

LogLevel = Literal["critical", "error", "warning", "info", "debug"]

_EXPECTED = {
    "issuer": "the issuer identifier, exactly as in the claim iss of its tokens",
    "audience": "the identifier of this API, exactly as in the claim aud; several as a "
    "comma-separated list, or as a JSON list if one contains a comma",
    "allow_http": "a comma-separated list of hosts that may be used without TLS, such as "
    "keycloak:8080",
    "audience_claim": "the name of the claim that holds the audience",
    "scope_claims": "a comma-separated list of the claims that hold scopes, such as permissions or "
    "realm_access>roles",
    "cors_origins": "a comma-separated list of origins whose scripts may call the API, such as "
    "https://app.example",
    "jwks_uri": "the URL of the issuer's key set",
    "algorithms": f"a comma-separated list of {', '.join(ALGORITHMS)}",
    "token_profile": "jwt or rfc9068",
    "grant_types": "a comma-separated list of grants, named as in the claim gty of the tokens",
    "host": "the IP address or host name to listen on",
    "port": "a whole number from 1 to 65535, or 0 for any free port",
    "database_url": "sqlite:///path/to/file or postgresql://user:password@host/database",
    "log_level": "critical, error, warning, info or debug",
}
_MAX_QUOTED = 80


class SettingsFaults(Exception):
    """Some settings are wrong. The message has one line for each; no line holds a secret."""

    def __init__(self, faults: Sequence[str]) -> None:
        count = "1 setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        super().__init__("\n  ".join([f"resource_api cannot start: {count} wrong.", *faults]))


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(checks.comma_list)]
DatabaseURL = Annotated[str, AfterValidator(checks.database_url)]

DEFAULT_DATABASE = "sqlite:///data/contacts.sqlite3"


class Settings(BaseModel):
    """The settings of the API. `from_environment` reads them from environment variables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The order matters: a setting that is checked against another one comes after it.
    allow_http: Annotated[CommaList, AfterValidator(checks.allow_http)] = ()
    jwks_uri: Annotated[str, AfterValidator(checks.address)] | None = None
    issuer: Annotated[str, AfterValidator(checks.issuer)]
    audience: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(checks.audience_list),
        AfterValidator(checks.audience),
    ]
    algorithms: Annotated[CommaList, AfterValidator(checks.algorithms)] = ALGORITHMS
    token_profile: Literal["jwt", "rfc9068"] = "jwt"  # noqa: S105 (a name, not a secret)
    audience_claim: Annotated[str, Field(min_length=1), AfterValidator(checks.audience_claim)] = (
        "aud"
    )
    scope_claims: (
        Annotated[
            tuple[tuple[str, ...], ...],
            NoDecode,
            BeforeValidator(checks.claim_paths),
            AfterValidator(checks.scope_claims),
        ]
        | None
    ) = None
    grant_types: Annotated[CommaList, AfterValidator(checks.grant_types)] | None = None
    cors_origins: Annotated[CommaList, AfterValidator(checks.cors_origins)] = ()
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:%-]+$")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    database_url: DatabaseURL = Field(default=DEFAULT_DATABASE, repr=False)
    log_level: Annotated[LogLevel, BeforeValidator(checks.lower_case)] = "info"


class _Environment(Settings, BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True)


class _DatabaseEnvironment(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: DatabaseURL = Field(default=DEFAULT_DATABASE, repr=False)


_Settings = TypeVar("_Settings", bound=BaseSettings)


def from_environment() -> Settings:
    """Read all settings from the environment variables.

    Raises:
        SettingsFaults: names each wrong variable, its value and what was expected.
    """
    settings, faults = _read(_Environment)
    if settings is None or faults:
        raise SettingsFaults(faults)
    return settings


def database_url_from_environment() -> str:
    """Read only the database URL from the environment; the other settings may be missing or wrong.

    Raises:
        SettingsFaults: the URL is wrong, or the name of a variable is misspelt.
    """
    settings, faults = _read(_DatabaseEnvironment)
    if settings is None or faults:
        raise SettingsFaults(faults)
    return settings.database_url


def _read(model: type[_Settings]) -> tuple[_Settings | None, list[str]]:
    faults = _misspelt()
    try:
        return model.model_validate({}), faults
    except ValidationError as error:
        faults += [_message(str(fault["loc"][0]), fault) for fault in error.errors()]
    return None, faults


def _misspelt() -> list[str]:
    known = [field.upper() for field in Settings.model_fields]
    faults: list[str] = []
    for variable, value in os.environ.items():
        prefix, name = variable.upper()[: len(PREFIX)], variable.upper()[len(PREFIX) :]
        # Kubernetes sets variables with this prefix for a service named resource-api. Only a name
        # that resembles a setting is a misspelt setting.
        similar = get_close_matches(name, known)
        if prefix == PREFIX and name not in known and value and similar:
            expected = " or ".join(PREFIX + one for one in similar)
            faults.append(f"{variable} is not a setting; expected {expected}")
    return faults


def _message(field: str, fault: ErrorDetails) -> str:
    variable = PREFIX + field.upper()
    found = "is not set"
    if fault["type"] != "missing":
        value = next(value for name, value in os.environ.items() if name.upper() == variable)
        if field == "database_url":
            # The password can be in several parts of the URL, so only the scheme is quoted.
            scheme = re.match(r"[a-z0-9+]+://", value)
            value = f"{scheme[0] if scheme else ''}…"
        found = f"is {_quoted(value)}"
    reason = f" (it {fault['msg']})" if fault["type"] == "setting" and fault["msg"] else ""
    return f"{variable} {found}; expected {_EXPECTED[field]}{reason}"


def _quoted(value: str) -> str:
    public = str(shown_address(value))
    return repr(public if len(public) <= _MAX_QUOTED else public[:_MAX_QUOTED] + "…")
