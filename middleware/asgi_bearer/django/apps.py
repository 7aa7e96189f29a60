"""`asgi_bearer.django` in `INSTALLED_APPS`: `manage.py check` reports mistakes in the setting."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import Error, register

from asgi_bearer.django.configuration import faults


class BearerConfig(AppConfig):
    """Registers the check; nothing else needs the application in `INSTALLED_APPS`."""

    name = "asgi_bearer.django"
    label = "asgi_bearer"

    def ready(self) -> None:
        """Register the check."""
        register(check_setting)


def check_setting(**_: object) -> Sequence[Error]:
    """Return an error for each mistake in the setting `ASGI_BEARER`."""
    return [Error(f"ASGI_BEARER: {fault}", id="asgi_bearer.E001") for fault in faults()]
