"""Every command and file that docs/cluster.md names exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from sweep.cli import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text()
BLOCKS = "\n".join(re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)).replace("\\\n", " ")
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE))
ELSEWHERE = {"git", "cd", "aws", "gcloud", "kubectl", "tail", "scancel", "$EDITOR", "export"}
"""Programs that are no part of this repository, and what a shell knows itself."""


def calls(line: str) -> Iterator[list[str]]:
    """Split a line into commands, those inside quotes too; what is set before a command is left out."""
    command: list[str] = []
    for word in [*shlex.split(line, comments=True), "&&"]:
        if " && " in word:
            yield from calls(word)
        elif word == "&&":
            if command:
                yield command
            command = []
        elif command or not re.fullmatch(r"[A-Z_]+=\S*", word):
            command.append(word)


LINES = [*BLOCKS.splitlines(), *(text for text in INLINE if text.startswith(("sweep ", ".venv/bin/")))]
CALLS = [call for line in LINES for call in calls(line)]


def test_programs_are_known() -> None:
    programs = {Path(program).name if "/" in program else program for program, *_ in CALLS}
    assert programs - ELSEWHERE == {"sweep", "ray", "make", "docker", "sbatch"}


def test_commands_and_options_of_sweep_and_ray_exist() -> None:
    from ray.scripts.scripts import cli as ray_cli

    seen = set()
    for program, *words in CALLS:
        if Path(program).name not in ("sweep", "ray"):
            continue
        group: click.Group = cli if Path(program).name == "sweep" else ray_cli
        command = group.get_command(click.Context(group), words[0])
        assert command is not None, words
        known = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, words
        seen.add(words[0])
    assert {"up", "exec", "down", "attach", "run", "watch", "stop", "best"} <= seen


def test_targets_of_make_exist() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = {word for program, *words in CALLS if program == "make" for word in words}
    assert asked == {"setup", "setup-aws", "setup-gcp"}
    assert asked <= set(phony.split())


def test_services_of_compose_exist() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    for program, *words in CALLS:
        if program == "docker" and words[0] == "compose":
            assert words[1:3] == ["-f", "deploy/compose.yaml"]
            if words[3] == "run":
                service, command, _ = [word for word in words[4:] if not word.startswith("-")]
                assert service in services
                assert cli.get_command(click.Context(cli), command) is not None
            if "--exit-code-from" in words:
                assert words[words.index("--exit-code-from") + 1] in services


def test_files_exist() -> None:
    named = set(re.findall(r"(?:deploy|searchspaces|tests)/[\w./-]+\.[a-z]+|\bcluster\.yaml", PAGE))
    named |= {"deploy/Dockerfile"} if "deploy/Dockerfile" in PAGE else set()
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    files = {f"deploy/{path.name}" for path in (ROOT / "deploy").iterdir() if path.is_file()}
    assert files - {"deploy/ray_node.py"} <= named


@pytest.mark.parametrize("name", re.findall(r"SPEC=(\w+)", PAGE))
def test_specs_of_compose_exist(name: str) -> None:
    assert (ROOT / "searchspaces" / f"{name}.yaml").is_file()


def test_messages_are_those_of_the_program() -> None:
    """What the table at the end quotes can be said."""
    source = "".join(path.read_text() for path in (ROOT / "sweep" / "runners").glob("*.py"))
    quoted = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert quoted
    for message in quoted:
        for piece in filter(None, (part.strip(" '") for part in message.split("..."))):
            assert piece in source, piece
