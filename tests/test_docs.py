"""What the documentation says: its links, its commands and its environment variables exist."""

import re
import shlex
from pathlib import Path

import pytest

from support.basics.paths import ROOT
from support.cli import parser

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.M)
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"\brun_all\.py\b(.*)")
VARIABLE = re.compile(r"\bROSETTA_[A-Z_]+\b")
CODE = (".py", ".jl", ".R", ".toml")

OF_USERS = {
    *(
        "ROSETTA_DATA",
        "ROSETTA_FRAMEWORKS",
        "ROSETTA_HOME",
        "ROSETTA_PYTHON",
        "ROSETTA_RESULTS",
    ),
    "ROSETTA_SYSTEM_PACKAGES",
}
OF_THE_RUNNER = {
    *("ROSETTA_CACHES", "ROSETTA_DEVICE", "ROSETTA_DOWNLOAD", "ROSETTA_EXAMPLES"),
    *("ROSETTA_EXCHANGE", "ROSETTA_LOCKS", "ROSETTA_OVERLAY", "ROSETTA_REPORT"),
    "ROSETTA_STARTED_BY",
}


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCED.sub("", text(page))


def links() -> list[tuple[str, str]]:
    """(page, target) of every link that leads to another file or to a part of a page."""
    found = [(page, target) for page in PAGES for target in LINK.findall(prose(page))]
    return [
        (page.relative_to(ROOT).as_posix(), target)
        for page, target in dict.fromkeys(found)
        if not re.match(r"[a-z]+:", target)
    ]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(page))
    }


def commands() -> list[str]:
    """The arguments of every `run_all.py …` in the pages, in blocks of code and in sentences."""
    lines = []
    for page in PAGES:
        for block in FENCED.findall(text(page)):
            lines += block.split("\n")
        for paragraph in prose(page).split("\n\n"):
            lines += [" ".join(code.split()) for code in INLINE.findall(paragraph)]
    found = [arguments for line in lines for arguments in COMMAND.findall(line)]
    return list(dict.fromkeys(map(str.strip, found)))


def variables_of_the_code() -> set[str]:
    """The variables that run_all.py and the files in common/ and support/ name."""
    files = [ROOT / "run_all.py"]
    for folder in ("common", "support"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in CODE]
    return {name for path in files for name in VARIABLE.findall(text(path))}


def test_the_pages_have_links_and_commands():
    """Otherwise the tests below would hold nothing to anything."""
    assert len(links()) > 20
    assert len(commands()) > 20


@pytest.mark.parametrize("page, target", links())
def test_a_link_leads_to_a_file_and_to_a_heading(page, target):
    name, _, heading = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.exists()
    if heading:
        assert heading in anchors(path)


@pytest.mark.parametrize("arguments", commands())
def test_a_command_is_one_that_run_all_takes(arguments, capsys):
    words = [word for word in shlex.split(arguments, comments=True) if word != "…"]
    if "--help" in words:
        with pytest.raises(SystemExit) as ended:
            parser.parse(words)
        assert ended.value.code == 0
    else:
        parser.parse(words)


def test_every_variable_that_a_page_names_is_one_that_users_may_set():
    named = {name for page in PAGES for name in VARIABLE.findall(text(page))}
    assert named <= OF_USERS


def test_every_variable_of_the_code_is_documented_or_the_runner_s_own():
    """The person who adds one decides which, and documents it."""
    assert variables_of_the_code() == OF_USERS | OF_THE_RUNNER
    rows = re.findall(
        r"^\| `(ROSETTA_\w+)` \|", text(ROOT / "docs/environments.md"), re.M
    )
    assert set(rows) == OF_USERS
