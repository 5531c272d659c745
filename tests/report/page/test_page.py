"""The report as a browser shows it: driven by real mouse events, without a network."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import made_run
from nas.report.page import report_html
from nas.search import Run
from nas.space import load_space
from tests.made_up_runs import make_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
COUNT = 60
DRIVE = f"<script>{Path(__file__).with_name('drive.js').read_text(encoding='utf-8')}</script>"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_run(tmp_path_factory.mktemp("report") / "run", load_space("osnet-mini"), COUNT)


def browse(page: Path, width: int) -> tuple[dict[str, object], list[str]]:
    """What the page's driver told, and what was printed on the console."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=30000",
         f"--user-data-dir={page.parent / 'profile'}",
         f"--window-size={width},1000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    match = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stderr[-2000:]
    text = match[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return json.loads(text), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [1400, 500])
def test_points_are_drawn_hovered_pinned_compared_sorted_and_filtered(
    run: Run, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_html(run).replace("</body>", DRIVE + "</body>"), encoding="utf-8")
    told, console = browse(page, width)
    assert "error" not in told, told["error"]
    assert console == []
    trials = run.all_trials()
    members = sorted(run.front()["trial"].tolist())
    heights = [t.scores["score"] for t in trials if t.scores and not t.fresh]
    heights += run.trials()["confirmed"].dropna().tolist()
    failed = sum(trial.state == "failed" for trial in trials)
    assert told["points"] == len(heights) + failed
    assert all(told["charts"]) and len(told["charts"]) == 4  # type: ignore[arg-type]
    assert "mAP" in str(told["hover"]) and "front" in str(told["hover"])
    assert str(told["pinned"]).startswith("trial ")
    assert told["compared"] == 2
    assert "macs" in told["differs"]  # type: ignore[operator]
    assert told["least"] == f"{min(heights):.4f}" and told["most"] == f"{max(heights):.4f}"
    assert told["filtered"] == len(members)
    assert told["kept"] == "front" and told["numbered"] == ["7"]
    of_three = [t.number for t in trials if t.point.get("stages[*].streams") == 3]
    assert told["paired"] == of_three and 0 < len(of_three) < len(trials) // 2
    assert "rank1" in str(told["heads"])
    buttons = " ".join(told["buttons"])  # type: ignore[arg-type]
    assert "Zoom" in buttons and "Share" not in buttons and "Cloud" not in buttons
    assert told["members"] == members
    assert told["axis"] == "params"
    assert re.fullmatch(rf"python cli.py train '?{re.escape(str(run.path))}#\d+'?", told["copy"])  # type: ignore[arg-type]
    assert told["key"] >= 2  # type: ignore[operator]  # values of the parameter beside their colours
    assert told["byKey"] == 1
    assert not told["wide"]


def shown(run: Run) -> dict[str, Any]:
    """The data in the page."""
    found: dict[str, Any] = json.loads(
        report_html(run).split('id="data">')[1].split("</script>")[0]
    )
    return found


def test_a_report_of_an_ablation_has_the_means_of_its_table(tmp_path: Path) -> None:
    """Of all seeds: none has chosen anything."""
    run = Run(
        make_run(
            tmp_path / "run", fresh={0: (0.2,), 1: (0.4,), 3: (0.6,)}, design="paper", split="test"
        )
    )
    columns = shown(run)["columns"]
    assert columns["height"][:4] == [0.25, 0.45, 0.12, 0.525]
    assert columns["replicates"][:4] == [2, 2, 0, 2]
    assert shown(run)["members"] == sorted(run.front()["trial"])


def test_a_page_of_a_run_that_has_just_begun_is_whole(tmp_path: Path) -> None:
    run = Run(make_run(tmp_path / "run", (), failed=0))
    tell = """<script>setTimeout(() => {
        const out = Object.assign(document.createElement("pre"), { id: "told" });
        out.textContent = JSON.stringify({ ready: document.body.dataset.ready ?? "no" });
        document.body.append(out);
    }, 3000);</script>"""
    page = tmp_path / "report.html"
    page.write_text(report_html(run).replace("</body>", tell + "</body>"), encoding="utf-8")
    assert browse(page, 1000) == ({"ready": "yes"}, [])


def test_nothing_is_loaded_from_elsewhere_and_data_can_not_end_its_element(run: Run) -> None:
    page = report_html(run)
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert page.count('id="data"') == 1
    data = page.split('id="data">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["columns"]["trial"] == list(range(COUNT + 1))
