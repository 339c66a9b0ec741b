"""The docs are true: help pages are fresh, README commands exist, links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_command_page_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "run: python docs/make_commands.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


IN_A_SET = re.compile(
    r"(capture/frames|capture/masks|poses/|splats/|report\.html)"
)  # paths inside a set, not in the source tree


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_are_named_exist(page: Path) -> None:
    folders = "tests|bench|docs|setpiece|capture|reconstruct|export|viewer"
    for name in re.findall(rf"`((?:{folders})/[\w./-]+\.\w+)", page.read_text(encoding="utf-8")):
        assert IN_A_SET.match(name) or (ROOT / name).exists(), name


def test_every_command_in_the_readme_exists() -> None:
    from setpiece.cli import main

    named = set(re.findall(r"setpiece ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"build", "demo", "view", "info", "doctor"} <= named
    assert named <= set(main.commands) | {"turns", "is", "on", "in"}


def test_the_qualities_are_what_the_training_page_says() -> None:
    from setpiece.reconstruct.schedule import PRESETS

    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `(\w+)` \|[^|]*\| ([\d,]+) \| ([\d,]+) \| degree (\d) \|", text)
    said = {name: tuple(int(n.replace(",", "")) for n in numbers) for name, *numbers in rows}
    assert said == {q.value: (p.steps, p.max_splats, p.sh_degree) for q, p in PRESETS.items()}
