"""One browser and one rendered site for all tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from leaderboard import SiteContext, render
from leaderboard.data import pairwise
from leaderboard.pages import track
from suite.analysis.claims import Claim, Claims, judge
from suite.results.store import Store
from tests.leaderboard.filled import METHODS, Filling, realistic
from tests.leaderboard.test_hostile import hostile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DOCUMENTS = 24
CLAIMS = [
    Claim(id=name, says=says, source="ProMoT, Table 3", expect=expect)
    for name, says, expect in (
        ("keeps", "ProMoT keeps more.", "norm_avg(promot_rte, 4) - norm_avg(finetune_rte, 4) > 0"),
        ("gains", "ProMoT gains more.", "target(promot_rte) - target(finetune_rte) > 0"),
        ("gone", "A row that nobody ran is good.", "target(nobody) > 0"),
    )
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a realistic store with two tracks and a long task."""
    with Store.open("sqlite://") as store:
        realistic(store, documents=DOCUMENTS)
        Filling(store, track="other", title="another track", documents=210).add(
            "lora_rte", "lora", METHODS["lora"], (0, 1)
        )
        verdicts = judge(store, Claims(track="micro", claims=tuple(CLAIMS)))
        context = SiteContext(methods={"lora": "LoRA: low-rank updates."}, claims=verdicts)
        return render(store, tmp_path_factory.mktemp("browser") / "site", context=context).parent


@pytest.fixture(scope="session")
def short_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same store, its pages holding three rows and no comparisons."""
    with Store.open("sqlite://") as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "MOST", 3)
        patch.setattr(track, "LEAST", 3)
        patch.setattr(pairwise, "MOST", 3)
        realistic(store, documents=DOCUMENTS)
        return render(store, tmp_path_factory.mktemp("short") / "site").parent


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a store full of texts that would break out."""
    return hostile(tmp_path_factory.mktemp("hostile-browser") / "site")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Watched:
    """A browser's page; what went wrong on it, and what it asked for."""

    page: Any
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self) -> Watched:
        said = ("error", "warning")
        self.page.on("console", lambda it: self.faults.append(it.text) if it.type in said else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("requestfailed", lambda request: self.faults.append(request.url))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: (self.faults.append("dialog"), dialog.dismiss()))
        return self


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page; at the end nothing went wrong on it and nothing but files was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", accept_downloads=True)
    watched = Watched(context.new_page()).listen()
    watched.page.set_default_timeout(10_000)
    yield watched.page
    context.close()
    assert not watched.faults
    assert [url for url in watched.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture
def board(page: Any, site: Path) -> Any:
    """The track's page, opened."""
    page.goto((site / "tracks/micro.html").as_uri())
    return page


def tip_of(page: Any) -> str:
    """The explanation that is shown; empty if none is."""
    tip = page.locator("#tip")
    return tip.inner_text() if tip.is_visible() else ""
