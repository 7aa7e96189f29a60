"""Configures logging: one line for each event, on standard error."""

import logging.config

from resource_api.settings import LogLevel

_OWN = ("resource_api", "asgi_bearer", "uvicorn")


def configure(level: LogLevel) -> None:
    """Configure logging for the process; call it before the server is created.

    `level` applies to this API, the library and the server. Other packages log warnings and errors
    only, because their debug messages can hold SQL statements with the data of contacts.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": "WARNING", "handlers": ["stderr"]},
            "loggers": {name: {"level": level.upper()} for name in _OWN},
        }
    )
