"""The command line as a user meets it: exit codes, one-line errors, what is written."""

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from nas.commands import main
from nas.models import build
from nas.models.weights import save_network

ROOT = Path(__file__).parents[2]


def cli(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """In this process, which has torch already."""
    out, err, code = io.StringIO(), io.StringIO(), None
    with ExitStack() as during:
        patch = during.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(cwd)
        patch.setenv("COLUMNS", "200")
        patch.setattr("sys.argv", ["cli.py", *arguments])
        during.enter_context(redirect_stdout(out))
        during.enter_context(redirect_stderr(err))
        during.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as a shell does it."""
    return subprocess.run(
        [sys.executable, "cli.py", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )


SPACE = "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n  width: [0.25, 0.5]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "nothing"], "no space 'nothing': neither a file nor one of osnet-ain"),
        (["search", "field.yaml"], "field.yaml:5: widht: no field is named 'widht'; fields are"),
        (["search", "domain.yaml"], "domain.yaml:5: width: -1 is not a number above 0"),
        (["search", "empty.yaml"], "s is empty: `macs <= 1k` alone leaves 0 of 2 raw points"),
        (["search", "good.yaml", "--budget", "5"], "--budget: '5' is not a budget; give a time"),
        (["search", "good.yaml", "--data", "market"], "'market' is not a data set; valid are"),
        (["search", "good.yaml", "--data", "fashion-mnist:/no/where"], "no folder /no/where"),
        (["search", "good.yaml", "--data", "synthetic:ids=x"], "ids='x' is not a whole number"),
        (["search", "good.yaml", "--out", "/proc/none/run"], "--out: /proc/none/run can not be"),
        (["search", "good.yaml", "--out", "good.yaml"], "--out: good.yaml is a file, not a dir"),
        (["search", "good.yaml", "--out", "good.yaml/run"], "--out: good.yaml is a file, not a"),
        (["search", "good.yaml", "--sampler", "cma"], "--sampler: 'cma' is not one of ehvi, tpe"),
        (["search", "good.yaml", "--objectives", "macs"], "--objectives: 'macs' is not score and"),
        (
            ["search", "good.yaml", "--recipe", "slow"],
            "no recipe 'slow': neither a file nor one of",
        ),
        (["search", "good.yaml", "--workers", "0"], "--workers: 0 is not a whole number from 1"),
        (["search", "good.yaml", "--workers", "x"], "Invalid value for '--workers'"),
        (["search", "good.yaml", "--bogus"], "No such option: --bogus"),
        (["search", "good.yaml", "--rungs", "3,1"], "--rungs: '3,1': epochs must rise"),
        (["search", "good.yaml", "--rungs", "9"], "to less than the full 9"),
        (["search", "good.yaml", "--eta", "1"], "--eta: 1 is not a number above 1"),
        (["search", "good.yaml", "--confirm", "0.9"], "--confirm: 0.9 is not a share"),
        (
            ["search", "good.yaml", "--rungs", "1", "--no-rungs"],
            "--rungs and --no-rungs exclude each other",
        ),
        (
            ["search", "good.yaml", "--rungs", "1", "--set", "rungs=[2]"],
            "--rungs and --set rungs= both say where the rungs are",
        ),
        (["replay", "nowhere"], "nowhere is not a table of trainings: it has no space.yaml"),
        (["ablate"], "--baseline: give a preset, or a space"),
        (["ablate", "good.yaml", "--seeds", "1"], "--seeds: 1; with fewer than 2"),
        (["ablate", "good.yaml", "--factors", "colour"], "colour"),
        (["ablate", "--table", "some"], "'some' is not paper, families, or a YAML file of rows"),
        (["ablate", "--table", "paper", "--factors", "gate"], "the rows of --table paper are"),
        (["ablate", "good.yaml", "--input", "64x32"], "without a SPACE, which has its own input"),
        (["search"], "Missing argument 'space'"),
        (["bogus"], "No such command 'bogus'"),
        (["profile", "osnet_x9"], "'osnet_x9' is not a preset (osnet_x1_0, "),
        (["profile", "osnet_x1_0", "--input", "big"], "--input: 'big' is not a size"),
        (["profile", "osnet_x1_0", "--input", "8x8"], "at least 1"),
        (["profile", "osnet-mini@x"], "'x' is not a seed"),
        (["profile", "nowhere#1"], "nowhere is not a run"),
        (["pareto", "nowhere"], "nowhere is not a run"),
        (["audit", "nothing"], "no space 'nothing'"),
        (["audit", "good.yaml", "--seeds", "1"], "--seeds: 1; the seeds that rank and that judge"),
        (["space", "show", "nothing"], "no space 'nothing'"),
        (["space", "show", "good.yaml", "--html", "no/x.html"], "--html: no is not a directory"),
        (["space", "sample", "good.yaml", "-n", "0"], "Invalid value for '-n'"),
        (["space", "explain", "nothing"], "'nothing' is not a preset"),
        (["space", "lint", "good.yaml", "--plugin", "x.py"], "--plugin: there is no file x.py"),
        (["space", "lint", "good.yaml", "--plugin", "bad.py"], "bad.py fails: ZeroDivisionError"),
        (["space", "show", str(ROOT / "examples/plugins.yaml")], "it needs eca_gate.py"),
        (["evaluate", "no.safetensors", "--data", "synthetic"], "no.safetensors: No such file"),
        (["evaluate", "good.yaml", "--data", "synthetic"], "'good.yaml' is not a trained network"),
        (["evaluate", "bad.safetensors", "--data", "synthetic"], "not a file of tensors"),
        (["embed", "no.safetensors", ".", "--out", "x.npz"], "no.safetensors: No such file"),
        (["rank", "osnet_x0_25", "--data", "synthetic"], "'osnet_x0_25' is not a trained network"),
        (["search", "good.yaml", "--seed", "-1"], "Invalid value for '--seed'"),
        (["search", "good.yaml", "--set", "epochs=1"], "rungs 4, 6 must rise, and end before the"),
        (["data", "check", "synthetic:foo=3"], "data synthetic: 'foo=3' is not one of ids=NUMBER"),
        (["space", "lint", "text.yaml"], "'0.25, 0.5' is one text; several values are written [0."),
        (["space", "lint", "range.yaml"], "'0.1..0.5': a range is of whole numbers"),
        (["data", "preview", "mnist"], "'mnist' is not a data set; valid are"),
        (["data", "preview", "--out", "no/where/x.png"], "no/where/x.png is not a .png file"),
        (["export", "osnet_x0_25", "--out", "x.bin"], "--out: x.bin ends in none of .onnx (onnx)"),
        (["export", "osnet_x0_25", "--out", "x.onnx", "--int8"], "--int8 and --data belong toget"),
        (["export", "none.safetensors", "--out", "x.onnx"], "none.safetensors: No such file"),
        (["profile", "osnet-mini"], "osnet-mini is a space: add --latency"),
        (["profile", "osnet-mini", "--latency", "--input", "64x32"], "--input: osnet-mini is a sp"),
        (["profile", "osnet_x0_25", "--setting", "tflite"], "backend: 'tflite' is not one of tor"),
        (["profile", "osnet_x0_25", "--setting", "torch"], "--setting: it is of what is measured"),
        (["profile", "osnet_x0_25", "--latency-table", "none.csv"], "none.csv: No such file"),
        (["latency", "osnet-mini", "--out", "x.txt"], "--out: x.txt is not a .csv file"),
        (["latency", "osnet-mini"], "--out: give a .csv file for what is measured here, or"),
        (["latency", "osnet-mini", "--parts", "good.yaml"], "--parts: good.yaml is a file"),
        (["latency", "osnet-mini", "--parts", "x", "--setting", "torch"], "--setting: measure.py"),
        (["data", "check", "mnist"], "'mnist' is not a data set; valid are"),
        (["data", "preview", "market1501:none"], "data market1501: no folder none"),
        (["data", "cache", "--limit", "big"], "--limit: 'big' is not a size; write 500M, 20G"),
        (["search", "good.yaml", "--data", "folder:."], "data folder: no folder train in ."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_nothing_written(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text(SPACE)
    (tmp_path / "field.yaml").write_text(SPACE.replace("width", "widht"))
    (tmp_path / "domain.yaml").write_text(SPACE.replace("0.5", "-1"))
    (tmp_path / "empty.yaml").write_text(SPACE + "constraints: [macs <= 1k]\n")
    (tmp_path / "text.yaml").write_text(SPACE.replace("[0.25, 0.5]", "0.25, 0.5"))
    (tmp_path / "range.yaml").write_text(SPACE.replace("[0.25, 0.5]", "0.1..0.5"))
    (tmp_path / "bad.safetensors").write_text("no tensors")
    (tmp_path / "bad.py").write_text("1 / 0\n")
    before = sorted(tmp_path.rglob("*"))
    done = cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_in_a_shell_too() -> None:
    done = typed("search", "nothing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: no space 'nothing'")


def test_profile_prints_exact_figures_as_json() -> None:
    found = json.loads(cli("profile", "osnet_x0_25", "--input", "256x128", "--json").stdout)
    assert (found["params"], found["macs"]) == (201_864, 82_314_880)
    assert found["counters"]["fvcore"]["total"] == 86_723_200
    assert found["counters"]["thop"]["total"] == 90_767_680


def test_profile_takes_an_architecture_file_and_a_sample_of_a_space(tmp_path: Path) -> None:
    from nas.architecture import preset, to_json

    file = tmp_path / "net.json"
    file.write_text(to_json(preset("osnet_x0_25")))
    table = cli("profile", str(file)).stdout
    assert "201,864" in table
    assert "stages[0].blocks[1]" in table
    assert "total" in cli("profile", "osnet-mini@3").stdout


def test_search_then_pareto_and_profile_of_a_trial(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE.replace("64x32", "32x16"))
    (tmp_path / "recipe.yaml").write_text("name: r\nepochs: 1\nbatch: 16\nlr: 0.01\n")
    done = cli(
        "search", "space.yaml", "--budget", "2trials", "--recipe", "recipe.yaml",
        "--data", "synthetic:ids=16,size=32x16", "--out", "run", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Front of 2 trials (s, synthetic:ids=16,size=32x16)" in done.stdout
    assert "run/pareto.html" in done.stdout
    assert "trial 1" in done.stderr
    shown = cli("pareto", "run", "--cost", "params", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    html = (tmp_path / "run" / "pareto.html").read_text()
    assert "Plotly.newPlot" in html
    assert ' src="http' not in html  # of an element; plotly's code has addresses
    trial = json.loads(cli("profile", "run#0", "--json", cwd=tmp_path).stdout)
    assert trial["input"] == "32x16"
    assert cli("profile", "run#7", cwd=tmp_path).returncode == 2


def test_data_is_checked_searched_and_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.data import trees

    monkeypatch.setenv("OSNET_NAS_CACHE", str(tmp_path / "cache"))
    names = {
        part: [f"{i}_c{c}_{n}.png" for i in ids for c in (1, 2) for n in "ab"]
        for part, ids in (("train", range(1, 9)), ("query", [20]), ("gallery", [20]))
    }
    spec = f"reid-folder:{trees.make(tmp_path / 'images', names)}"
    good = cli("data", "check", spec)
    assert (good.returncode, good.stderr) == (0, "")
    assert "nothing is wrong" in good.stdout
    assert cli("data", "preview", spec, "--out", str(tmp_path / "x.png")).returncode == 0
    assert json.loads(cli("data", "cache", "--json").stdout)["entries"] == []
    (tmp_path / "space.yaml").write_text(SPACE.replace("64x32", "32x16"))
    (tmp_path / "recipe.yaml").write_text("name: r\nepochs: 1\nbatch: 16\nlr: 0.01\n")
    search = ("search", "space.yaml", "--budget", "1trials", "--recipe", "recipe.yaml", "--data")
    done = cli(*search, spec, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(cli("data", "cache", "--json").stdout)["entries"]
    assert (entry["images"], entry["size"]) == (32, "32x16")
    assert "reid-folder train at 32x16" in cli("data", "cache").stdout
    assert "removed 1" in cli("data", "cache", "--clear").stdout

    broken = tmp_path / "images" / "train" / "3_c2_a.png"
    broken.write_bytes(b"")
    bad = cli("data", "check", spec, "--json")
    assert bad.returncode == 1
    (finding,) = json.loads(bad.stdout)["findings"]
    assert finding == {"kind": "image", "message": f"{broken}: empty file"}
    assert f"{broken}: empty file" in cli("data", "check", spec).stdout
    refused = cli(*search, spec, "--out", "other", cwd=tmp_path)
    assert (refused.returncode, refused.stderr) == (2, f"error: {broken}: empty file\n")
    assert not (tmp_path / "other").exists()


def test_help_lists_every_data_set() -> None:
    from nas.data.spec import SOURCES

    for verb in (("search",), ("data", "check"), ("data", "preview")):
        shown = cli(*verb, "--help").stdout
        assert all(name in shown for name in SOURCES), verb


def test_importing_the_package_and_asking_for_help_load_nothing_heavy() -> None:
    heavy = ("torch", "pandas", "plotly", "optuna", "fvcore", "numpy")
    code = f"import sys, nas, nas.commands; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_interrupted_search_ends_with_the_front_and_code_130(tmp_path: Path, how: str) -> None:
    """By a terminal, or by a queue that ends the job."""
    import time

    (tmp_path / "space.yaml").write_text(SPACE.replace("64x32", "32x16"))
    (tmp_path / "recipe.yaml").write_text("name: r\nepochs: 500\nbatch: 16\nlr: 0.01\n")
    (tmp_path / "short.yaml").write_text("name: r\nepochs: 1\nbatch: 16\nlr: 0.01\n")
    search = [sys.executable, str(ROOT / "cli.py"), "search", "space.yaml", "--out", "run"]
    search += ["--data", "synthetic:ids=16,size=32x16", "--budget", "2trials", "--workers", "1"]
    driver = subprocess.Popen(
        [*search, "--recipe", "recipe.yaml"],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # as a shell
    )  # fmt: skip
    limit = time.time() + 60
    while not (tmp_path / "run" / "study.db").exists() and time.time() < limit:
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(driver.pid, signal.Signals[how])  # to the driver and its workers
    try:
        stdout, stderr = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert driver.returncode == 130
    assert not any(word in stderr for word in ("Traceback", "leaked", "died"))
    assert "no trial is complete" in stdout
    assert "interrupted: run is saved; the same command goes on" in stderr


def test_an_interrupt_that_a_library_made_another_error_of_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python does, where a class is made: while a library is imported."""

    def importing(*arguments: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    monkeypatch.setattr("nas.search.overview.list_runs", importing)
    done = cli("runs")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA out of memory. Tried 9 GiB\n[...]"), MemoryError()]
)
def test_a_full_memory_is_one_line_with_what_takes_less(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("nas.search.overview.list_runs", full)
    done = cli("runs")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: out of memory: .*--set accumulate=2.*\n", done.stderr)


@pytest.mark.parametrize("verb", ["show", "runs", "audit", "search osnet-mini --warm-start"])
def test_a_name_that_is_too_long_is_one_line(verb: str) -> None:
    done = cli(*verb.split(), "a" * 300)
    message = f"error: {'a' * 80}... can be no file (File name too long)\n"
    assert (done.returncode, done.stderr) == (2, message)


@pytest.mark.parametrize(
    "line",
    ["latency osnet-mini --out x.csv", "embed n.safetensors people --out x.npz",
     "rank n.safetensors --data synthetic --out x.csv"],
)  # fmt: skip
def test_a_folder_that_can_not_be_written_is_told_before_work_that_takes_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != ".")
    save_network(build("osnet_x0_25"), tmp_path / "n.safetensors")
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "a.png").touch()  # a damaged image, of which nothing is said yet
    done = cli(*line.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "can not be written (no permission in .)" in done.stderr


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EMFILE])
def test_a_file_that_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Of whatever was named: a folder of images, a plug-in, a run of another user."""

    def refused(*arguments: object) -> None:
        raise OSError(number, os.strerror(number), "people/train")

    monkeypatch.setattr("nas.search.overview.list_runs", refused)
    done = cli("runs")
    assert (done.returncode, done.stderr) == (2, f"error: people/train: {os.strerror(number)}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is always full")
def test_output_on_a_full_disk_is_one_line_and_code_2() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "cli.py", "--version"], stdout=full, stderr=subprocess.PIPE,
            text=True, cwd=ROOT, check=False,
        )  # fmt: skip
    message = "error: what is printed can not be written (No space left on device)\n"
    assert (done.returncode, done.stderr) == (2, message)


def test_streams_that_were_closed_by_who_called_are_nobodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "osnet-mini", "--data", "nothing"])
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


@pytest.mark.parametrize("verb", ["space show osnet-mini", "space explain osnet_ain_x1_0"])
def test_where_an_encoding_lacks_characters_they_are_question_marks(
    monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.argv", ["cli.py", *verb.split()])
    monkeypatch.setattr("sys.stdout", printed)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert b"?" in printed.buffer.getvalue()  # type: ignore[attr-defined]


def test_a_name_that_is_no_text_is_printed_as_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path with an umlaut is no text where the locale is POSIX."""
    told = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    name = "Straße".encode()
    monkeypatch.setattr("sys.argv", ["cli.py", "show", name.decode("ascii", "surrogateescape")])
    monkeypatch.setattr("sys.stderr", told)
    with pytest.raises(SystemExit):
        main()
    assert name in told.buffer.getvalue()  # type: ignore[attr-defined]


ONE_AFTER_THE_OTHER = """
import json, sys
from nas.commands.app import app

for line in json.loads(sys.argv[1]):
    print(json.dumps(line))
    code = app(line, standalone_mode=False)
    assert not code, (line, code)
"""


def typed_in_one(*lines: list[str]) -> list[str]:
    """What each of these prints, in one process of their own, as torch is imported once."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(lines)],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"COLUMNS": "200"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, *parts = re.split(
        "|".join(re.escape(json.dumps(line)) + "\n" for line in lines), done.stdout
    )
    return parts


PLUGINS = ("--plugin", "examples/eca_gate.py", "--plugin", "examples/convnext_block.py")


def test_plugins_work_in_every_verb_without_a_change_to_the_package(tmp_path: Path) -> None:
    space, run = "examples/plugins.yaml", str(tmp_path / "run")
    (tmp_path / "recipe.yaml").write_text("name: r\nepochs: 1\nbatch: 16\nlr: 0.01\n")
    shown, *profiles, searched, _, printed = typed_in_one(
        ["space", "show", space, "--json", *PLUGINS],
        *(["profile", f"{space}@{seed}", "--json", *PLUGINS] for seed in (0, 1, 2)),
        [
            "search", space, "--budget", "4trials", "--recipe", str(tmp_path / "recipe.yaml"),
            "--workers", "1", "--data", "synthetic:ids=16,size=64x32", "--out", run, *PLUGINS,
        ],
        ["profile", f"{run}#0", "--json", *PLUGINS],
        ["best", run, *PLUGINS],
    )  # fmt: skip
    assert json.loads(shown)["distinct"] == 16
    for found in map(json.loads, profiles):
        assert found["macs"] == found["counters"]["fvcore"]["conv_linear"]
        assert found["params"] == found["counters"]["fvcore"]["params"]
    assert "convnext" in searched
    html = (tmp_path / "run" / "pareto.html").read_text()
    assert "eca" in html or "convnext" in html
    assert printed.rstrip().endswith(" ".join(PLUGINS))  # what is printed can be typed
    refused = typed("profile", f"{run}#0")
    assert refused.returncode in (0, 2)
    assert "Traceback" not in refused.stderr


def test_examples_are_short() -> None:
    for file in (ROOT / "examples").glob("*.py"):
        assert len(file.read_text().splitlines()) <= 60


def test_space_show_lint_sample_explain_and_schema(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPACE)
    shown = cli("space", "show", "osnet-mini", "--html", str(tmp_path / "mini.html"))
    assert "raw points 240, distinct architectures 204" in shown.stdout
    assert "Plotly.newPlot" in (tmp_path / "mini.html").read_text()
    linted = cli("space", "lint", "good.yaml", cwd=tmp_path)
    assert (linted.returncode, linted.stdout) == (1, "only 2 distinct architectures are left\n")
    assert json.loads(cli("space", "lint", "good.yaml", "--json", cwd=tmp_path).stdout) == {
        "space": "s", "findings": ["only 2 distinct architectures are left"],
    }  # fmt: skip
    assert cli("space", "lint", "osnet-mini").returncode == 0
    sampled = json.loads(cli("space", "sample", "osnet-mini", "-n", "3", "--json").stdout)
    assert len(sampled) == 3
    assert json.loads(cli("profile", "osnet-mini@0", "--json").stdout)["key"] == sampled[0]["key"]
    drawing = cli("space", "explain", "osnet_x1_0").stdout
    assert "unified gate (4 hidden)" in drawing
    assert max(len(line) for line in drawing.splitlines()) <= 100
    schema = json.loads(cli("space", "schema").stdout)
    assert "base" in schema["properties"]


def test_profile_explains_other_counters_and_writes_csv(tmp_path: Path) -> None:
    file = tmp_path / "operators.csv"
    arguments = ("--counters", "all", "--by", "operator", "--csv", str(file))
    table = cli("profile", "osnet_ibn_x1_0", *arguments).stdout
    assert "1,003,321,344" in table
    assert table.count("remainder") == 3
    assert file.read_text().startswith("operator,layers,macs,fvcore,thop,torch\nconv,")
    assert "conv2.0.conv2b.0.conv1" in cli("profile", "osnet_x0_25", "--by", "layer").stdout


def test_match_finds_the_width_of_a_family_at_equal_cost(tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    done = cli("match", "--family", "resnext", "--to", "osnet_x0_5", "--out", str(file), "--json")
    macs = json.loads(done.stdout)["macs"]
    assert abs(macs / 272_899_328 - 1) <= 0.02
    assert json.loads(cli("profile", str(file), "--json").stdout)["macs"] == macs
    assert cli("match", "--family", "vgg", "--to", "osnet_x0_5").returncode == 2


def test_export_tells_what_it_wrote(tmp_path: Path) -> None:
    arguments = ("export", "osnet_x0_25", "--input", "64x32", "--out", str(tmp_path / "x.onnx"))
    done = cli(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["macs"], found["params"]) == (5_207_680, 201_864)
    assert found["bytes"] == (tmp_path / "x.onnx").stat().st_size
    assert found["weights"] == "initialised by seed 0, not trained"


def test_weights_go_in_and_out(tmp_path: Path) -> None:
    import torch

    from tests.models.reference import Reference

    source = Reference("ain", (16, 64, 96, 128), 7).state_dict()
    torch.save({"epoch": 3, "state_dict": source}, tmp_path / "ain.pth")
    ours, back = tmp_path / "ain.safetensors", tmp_path / "back.pth"
    done = cli(
        "weights", "import", str(tmp_path / "ain.pth"), "osnet_ain_x0_25", "--out", str(ours)
    )
    assert done.returncode == 0, done.stderr
    assert cli("export", str(ours), "--out", str(back)).returncode == 0
    found = torch.load(back, weights_only=True)
    assert set(found) == set(source)
    assert all(torch.equal(found[name], value) for name, value in source.items())
    other = cli("weights", "import", str(tmp_path / "ain.pth"), "osnet_x0_5", "--out", str(ours))
    assert other.returncode == 2
    assert "weights of another network" in other.stderr


def test_weights_init_starts_a_variant_from_a_trained_network(tmp_path: Path) -> None:
    import torch

    from nas.models.weights import load_network
    from tests.models.reference import Reference

    source = Reference("osnet", (16, 64, 96, 128), 7).state_dict()
    torch.save(source, tmp_path / "net.pth")
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 20)
    init = ("weights", "init", "--channels", "magnitude", "--out", "half.safetensors")
    trained = ("--from", "net.pth", "--from-architecture", "osnet_x0_25")
    done = cli(*init, *trained, "osnet_x0_5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    elements = sum(value.numel() for value in source.values())
    assert done.stdout.startswith(f"half.safetensors: {elements:,} of ")
    assert "stages[1].blocks[0]" in done.stdout
    half = load_network(tmp_path / "half.safetensors")
    assert half.classifier is not None and half.classifier.out_features == 7
    back = ("weights", "init", "osnet_x0_25", "--from", "half.safetensors", "--json")
    found = json.loads(cli(*back, "--out", "quarter.safetensors", cwd=tmp_path).stdout)
    assert found["share"] == 1
    assert {row["why"] for row in found["tensors"]} == {""}
    quarter = load_network(tmp_path / "quarter.safetensors").state_dict()
    assert all(torch.equal(quarter[name], value) for name, value in source.items())
    before = sorted(tmp_path.iterdir())
    for arguments, message in [
        (
            ("osnet_x0_5", "--from", "net.pth"),
            "net.pth does not say its architecture: give --from-",
        ),
        (("osnet_x0_5", *trained[:3], "osnet_x0_5"), "weights of another network: conv1.conv.weig"),
        (("osnet_x0_5", *trained[:3], "osnet"), "'osnet' is not a preset"),
        (("osnet", *trained), "'osnet' is not a preset"),
        (("osnet_x0_5", "--from", "none.safetensors"), "none.safetensors: No such file"),
        (("osnet_x0_5", "--from", "damaged.safetensors"), "damaged.safetensors: not a file of ten"),
        (("osnet_x0_5", *trained, "--channels", "best"), "Invalid value for '--channels'"),
        (("osnet_x0_5", *trained, "--out", "no/x.safetensors"), "--out: no/x.safetensors is not a"),
    ]:
        done = cli("weights", "init", "--out", "new.safetensors", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
