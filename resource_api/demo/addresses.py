"""Where the parties of the demo are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parties are, each with a final slash, and the folder that their files are in."""

    api: str
    issuer: str
    web_application: str
    data: Path
