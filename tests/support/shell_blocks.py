"""The blocks of a README: what is to be run, how, and what its author says will be shown.

A line `<!-- run: WAY -->` before a block names the way to run it. Blocks with commands or Python
have one, so that none is left out silently; `tests/support/shell_runs.py` holds the ways.
"""

import re
from dataclasses import dataclass
from textwrap import dedent

RUN = ("sh", "console", "python")
SHOWN_ONLY = ("text", "json", "toml", "http")
"""Languages of blocks that are not commands. Any other label is a fault, as is none."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<label>.*)$")
_WAY = re.compile(r"^ *<!-- run: (?P<way>[a-z]+) -->$")

_VOLATILE = [
    (re.compile(r"eyJ[\w-]+(\.[\w-]*)*(\.\.\.|…)?"), "<token>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"^(date: ).*$", re.MULTILINE | re.IGNORECASE), r"\1<date>"),
    (re.compile(r"^(etag: ).*$", re.MULTILINE | re.IGNORECASE), r"\1<tag>"),
    (re.compile(r"^(content-length: )\d+$", re.MULTILINE | re.IGNORECASE), r"\1<length>"),
    (re.compile(r"(127\.0\.0\.1:)\d+"), r"\1<port>"),
]


class ReadmeFault(Exception):
    """The README cannot be run as it stands; the message names the line."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `line` is that of its first fence, counted from 1."""

    language: str
    way: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a `console` block with the output that the README shows for it."""

    command: str
    output: str


def blocks(markdown: str) -> list[Block]:
    """Return the blocks that are to be run. Raises ReadmeFault for one that does not say how."""
    found: list[Block] = []
    lines = iter(enumerate(markdown.splitlines(), 1))
    before = ""
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            before = line if line.strip() else before
            continue
        content: list[str] = []
        for _, inner in lines:
            if re.fullmatch(rf" *{opening['fence'][0]}{{{len(opening['fence'])},}} *", inner):
                break
            content.append(inner)
        else:
            raise ReadmeFault(f"line {number}: the block has no end")
        language = opening["label"].strip()
        way = _WAY.match(before)
        before = ""
        if language not in RUN + SHOWN_ONLY:
            raise ReadmeFault(f"line {number}: {language!r} is not one of {RUN + SHOWN_ONLY}")
        if language in SHOWN_ONLY and way is None:
            continue
        if language in SHOWN_ONLY or way is None:
            raise ReadmeFault(f"line {number}: a block has `<!-- run: … -->` if it is of {RUN}")
        found.append(Block(language, way["way"], dedent("\n".join(content)) + "\n", number))
    return found


def commands(block: Block) -> list[str]:
    """Return the commands of a `sh` block: its lines, without comments, continued ones joined."""
    joined = re.sub(r" *\\\n *", " ", block.text)
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def steps(block: Block) -> list[Step]:
    """Return the commands of a `console` block, which stand behind `$ `, each with its output.

    A command goes on in lines that begin with `> `, after a backslash. Raises ReadmeFault.
    """
    found: list[Step] = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE):
        if not found and not part.strip():
            continue
        if not block.text.startswith("$ "):
            raise ReadmeFault(f"line {block.line}: the block does not begin with `$ `")
        command, _, output = re.sub(r" *\\\n> *", " ", part).partition("\n")
        found.append(Step(command, output))
    if not found:
        raise ReadmeFault(f"line {block.line}: the block has no command")
    return found


def normalised(text: str) -> str:
    """Return output with all that differs from one run to the next replaced by its name."""
    text = text.replace("\r\n", "\n").strip()
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def shows(output: str, shown: str) -> bool:
    """Return whether the real output is what the README shows.

    A line of `...` in the README stands for any lines, also none.
    """
    pattern = ""
    for line in normalised(shown).splitlines():
        pattern += r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + "\n"
    return re.fullmatch(pattern, normalised(output) + "\n" if output.strip() else "") is not None
