"""The shell blocks of a document: how each is to be run, and the output that the document shows.

A line `<!-- run: WAY -->` before a block names the way to run it; `tests/support/shell_runs.py` has
the ways, and `tests/examples/page_runs.py` the way `page`. A block of commands without that line is
a fault. Sybil runs the Python blocks.
"""

import re
from dataclasses import dataclass
from textwrap import dedent

RUN = ("sh", "console")
OTHERS = ("python", "text", "json", "toml", "http", "nginx", "dockerfile")
"""Languages of blocks without commands. Any other label is a fault, as is none."""

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


class DocumentFault(Exception):
    """The document cannot be run as it stands; the message names the line."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `line` is that of its first fence, counted from 1."""

    language: str
    way: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a `console` block with the output that the document shows for it."""

    command: str
    output: str


def blocks(markdown: str) -> list[Block]:
    """Return the blocks that are to be run. Raises DocumentFault for one that does not say how."""
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
            raise DocumentFault(f"line {number}: the block has no end")
        language = opening["label"].strip()
        way = _WAY.match(before)
        before = ""
        if language not in RUN + OTHERS:
            raise DocumentFault(f"line {number}: {language!r} is not one of {RUN + OTHERS}")
        if language in OTHERS and way is None:
            continue
        if language in OTHERS or way is None:
            raise DocumentFault(f"line {number}: a block has `<!-- run: … -->` if it is of {RUN}")
        found.append(Block(language, way["way"], dedent("\n".join(content)) + "\n", number))
    return found


def commands(block: Block) -> list[str]:
    """Return the commands of a `sh` block: its lines, without comments, continued ones joined."""
    joined = re.sub(r" *\\\n *", " ", block.text)
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def steps(block: Block) -> list[Step]:
    """Return the commands of a `console` block, which stand behind `$ `, each with its output.

    A command goes on in lines that begin with `> `, after a backslash. Raises DocumentFault.
    """
    found: list[Step] = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE):
        if not found and not part.strip():
            continue
        if not block.text.startswith("$ "):
            raise DocumentFault(f"line {block.line}: the block does not begin with `$ `")
        command, _, output = re.sub(r" *\\\n> *", " ", part).partition("\n")
        found.append(Step(command, output))
    if not found:
        raise DocumentFault(f"line {block.line}: the block has no command")
    return found


def normalised(text: str) -> str:
    """Return output with all that differs from one run to the next replaced by its name."""
    text = text.replace("\r\n", "\n").strip()
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def shows(output: str, shown: str) -> bool:
    """Return whether the real output is what the document shows.

    A line of `...` in the document stands for any lines, also none.
    """
    pattern = ""
    for line in normalised(shown).splitlines():
        pattern += r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + "\n"
    return re.fullmatch(pattern, normalised(output) + "\n" if output.strip() else "") is not None
