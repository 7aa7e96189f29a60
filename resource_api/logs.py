"""What is logged and where: one line per event on standard error, in the order of time."""

import logging.config

from resource_api.settings import LogLevel

_OWN = ("resource_api", "asgi_bearer", "uvicorn")


def configure(level: LogLevel) -> None:
    """Sets up logging for the process; must come before the server is made.

    `level` is for this API, the library and the server. Others are heard from warnings on:
    in their debug messages stand statements with what contacts hold.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            },
            "root": {"level": "WARNING", "handlers": ["stderr"]},
            "loggers": {name: {"level": level.upper()} for name in _OWN},
        }
    )
