"""A served set in a process of its own, and a headless browser that looks at it."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for synthetic_set
from synthetic_set import make_set

from setpiece.errors import SetpieceError
from setpiece.setfolder import SetFolder
from setpiece.viewer.static import page_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
# No GPU here, and nothing that would look for the network.
FLAGS = [
    *("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_SERVE = """
import sys
from pathlib import Path
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.viewer.server import serve

class Say(SilentProgress):
    def line(self, text):
        print(text, flush=True)

serve(SetFolder.open(Path(sys.argv[1])), port=0, open_browser=False, progress=Say())
"""


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the built page."""
    try:
        return page_folder()
    except SetpieceError as error:
        pytest.skip(f"the page is not built: {error}")


@pytest.fixture(scope="session")
def balls(tmp_path_factory: pytest.TempPathFactory) -> SetFolder:
    """The four coloured balls. Treat it as read-only."""
    return make_set(tmp_path_factory.mktemp("sets") / "four balls ü")


@pytest.fixture(scope="session")
def serve_set(built_page: Path) -> Iterator[Callable[[SetFolder], str]]:
    """Serves sets, each in a second process, and gives their address."""
    running: list[subprocess.Popen[str]] = []

    def start(target: SetFolder) -> str:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(target.path)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, f"the server said: {line!r}"
        url = "http://" + line.partition("http://")[2].split()[0]
        with urllib.request.urlopen(f"{url}api/set", timeout=30) as answer:
            assert answer.status == 200
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def balls_url(balls: SetFolder, serve_set: Callable[[SetFolder], str]) -> str:
    """Where the four balls are served."""
    return serve_set(balls)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Ends with the module, because Playwright keeps an event loop running meanwhile."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        opened = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of 480x270 that fails the test when the page reports an error."""
    context = browser.new_context(viewport={"width": 480, "height": 270}, reduced_motion="reduce")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda e: complaints.append(str(e)))
    yield opened
    context.close()
    # SwiftShader reads pixels back slowly and says so: that is about the test. What a test makes fail to load
    # the browser and PlayCanvas report by themselves.
    expected = ("GPU stall", "Failed to load resource")
    assert [c for c in complaints if not any(e in c for e in expected)] == []
