"""What runs the shell blocks of documents: it finds each, and a wrong document does not pass."""

from pathlib import Path

import pytest

from tests.support.shell_blocks import Block, DocumentFault, Step, blocks, commands, shows, steps
from tests.support.shell_runs import (
    copied_checkout,
    run_in_checkout,
    run_server,
    run_with_demo,
)

SAMPLE = """\
# Sample

<!-- run: checkout -->

```sh
git clone https://git.example/someone/asgi-bearer.git
cd asgi-bearer
```

```json
{"shown": "only"}
```

1. In a list

   <!-- run: demo -->
   ~~~console
   $ echo one \\
   >   two
   one two
   $ true
   ~~~

<!-- run: checkout -->
````sh
echo '
```
'
````

```python
print("Sybil runs this")
```
"""


def sh(text: str) -> Block:
    return Block("sh", "checkout", text, 1)


def console(text: str) -> Block:
    return Block("console", "demo", text, 1)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_checkout(tmp_path_factory.mktemp("sample"))


def test_every_block_is_found_with_its_way_and_its_line() -> None:
    found = [(block.language, block.way, block.line) for block in blocks(SAMPLE)]

    assert found == [("sh", "checkout", 5), ("console", "demo", 17), ("sh", "checkout", 25)]


def test_a_block_in_a_list_loses_its_indentation() -> None:
    assert blocks(SAMPLE)[1].text.startswith("$ echo one")


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert blocks(SAMPLE)[2].text == "echo '\n```\n'\n"


@pytest.mark.parametrize(
    ("markdown", "line"),
    [
        ("```sh\ntrue\n```", 1),
        ("<!-- run: demo -->\ntext between\n```sh\ntrue\n```", 3),
        ("<!-- run: demo -->\n```sh\ntrue\n```\n```sh\ntrue\n```", 5),
        ("<!-- run: demo -->\n```\ntrue\n```", 2),
        ("<!-- run: demo -->\n```bash\ntrue\n```", 2),
        ("<!-- run: demo -->\n```json\n{}\n```", 2),
        ("<!-- run: demo -->\n```sh\ntrue\n", 2),
    ],
    ids=[
        "sh without a way",
        "the way is not right before",
        "one way for two blocks",
        "no language",
        "another name of sh",
        "a way for what cannot be run",
        "no end",
    ],
)
def test_a_block_that_would_not_be_run_is_a_fault_with_its_line(markdown: str, line: int) -> None:
    with pytest.raises(DocumentFault, match=f"line {line}: "):
        blocks(markdown)


def test_a_command_over_several_lines_is_one() -> None:
    assert commands(sh("# what follows\ncurl -i \\\n  http://x\n\ntrue\n")) == [
        "curl -i http://x",
        "true",
    ]


def test_a_console_block_is_commands_with_their_output() -> None:
    assert steps(blocks(SAMPLE)[1]) == [Step("echo one two", "one two\n"), Step("true", "")]


@pytest.mark.parametrize("text", ["output first\n$ true\n", "true\n", "\n"])
def test_a_console_block_without_a_prompt_is_a_fault(text: str) -> None:
    with pytest.raises(DocumentFault, match="line 1: "):
        steps(console(text))


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("one\ntwo\n", "one\ntwo"),
        ("one \r\ntwo\r\n", "one\ntwo\n"),
        ("one\ntwo\nthree\n", "one\n...\nthree\n"),
        ("one\nthree\n", "one\n...\nthree\n"),
        ("one\ntwo\n", "...\n"),
        ("", ""),
        ("date: Mon, 01 Jan 2024 00:00:00 GMT\n", "date: Tue, 02 Jan 2024 00:00:00 GMT\n"),
        ("http://127.0.0.1:41234/contacts\n", "http://127.0.0.1:8000/contacts\n"),
        ("eyJhbGci.eyJpc3Mi.c2ln\n", "eyJhbGci...\n"),
        (
            '"id":"0199a1b2-0000-7000-8000-000000000001"\n',
            '"id":"0199ffff-1111-7111-8111-0123456789ab"\n',
        ),
        ('"at":"2024-01-01T00:00:00.123Z"\n', '"at":"2025-02-02T01:01:01.000Z"\n'),
        ("content-length: 17\n", "content-length: 18\n"),
    ],
    ids=str,
)
def test_output_that_differs_by_chance_only_is_as_shown(output: str, shown: str) -> None:
    assert shows(output, shown)


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("one\n", "two\n"),
        ("one\ntwo\n", "one\n"),
        ("one\n", "one\ntwo\n"),
        ("one\n", ""),
        ("", "one\n"),
        ("one\ntwo\n", "one\n...\nthree\n"),
        ("HTTP/1.1 401 Unauthorized\n", "HTTP/1.1 403 Forbidden\n"),
        ('www-authenticate: Bearer realm="contacts"\n', "www-authenticate: Bearer\n"),
        ("content-type: text/plain\n", "content-type: application/json\n"),
    ],
    ids=str,
)
def test_other_output_is_not_as_shown(output: str, shown: str) -> None:
    assert not shows(output, shown)


def test_a_block_of_commands_runs_in_the_copy(checkout: Path) -> None:
    run_in_checkout(
        sh("test -f pyproject.toml\n.venv/bin/python -c 'import asgi_bearer'"), checkout
    )


@pytest.mark.parametrize(
    "command",
    [
        "false",
        "no-such-command",
        "scripts/no-such-script",
        "git clone https://git.example/someone/another-name",
        "cd another-name",
        "pip install another-name",
        "pip install 'asgi-bearer[no-such-extra]'",
        "git push",
    ],
)
def test_a_command_that_fails_or_names_something_else_does_not_pass(
    checkout: Path, command: str
) -> None:
    with pytest.raises(AssertionError):
        run_in_checkout(sh(command), checkout)


def test_a_command_for_the_demo_is_given_to_the_one_that_runs(checkout: Path) -> None:
    block = console(
        "$ test http://127.0.0.1:8000/contacts = http://127.0.0.1:1/contacts\n"
        "$ echo demo token\n"
        "demo token --issuer http://127.0.0.1:2/\n"
    )

    run_with_demo(block, checkout, (1, 2, 3))


@pytest.mark.parametrize(
    "text",
    ["$ echo one\ntwo\n", "$ echo one\n", "$ true\none\n", "$ false\n"],
    ids=["other output", "output not shown", "no output", "a command that fails"],
)
def test_a_command_that_prints_something_else_than_shown_does_not_pass(
    checkout: Path, text: str
) -> None:
    with pytest.raises(AssertionError):
        run_with_demo(console(text), checkout, (1, 2, 3))


def test_a_server_that_does_not_start_does_not_pass(checkout: Path) -> None:
    with pytest.raises(AssertionError):
        run_server(sh("RESOURCE_API_ISSUER=nonsense .venv/bin/python -m resource_api\n"), checkout)
