"""Whether a search loses anything when its processes are killed at random moments.

    python benchmarks/kills.py [--jobs instant] [--workers 1] [--kills 50] [--trials 110] [--seed 0]

A search with rungs, of --trials trials, is run once without a kill, and once more while its driver,
a worker, or both are killed with SIGKILL, until that has happened --kills times; the same command
goes on each time. Jobs are `instant` (networks of a few channels, a fraction of a second) or
`real`. Then the records are compared: with one worker they must be equal, times aside; with more,
what was recorded at any kill must still be there, unchanged. Exit code 1 where something does not
hold.

A kill comes at a random moment of the start, or shortly after a job was recorded, or while a
result is published that the driver, which is stopped for it, can not take: `held`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from nas.search.executor import ATTEMPTS
from nas.search.workers import adopt

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("driver", "driver, held", "worker", "worker, held", "both")
PATIENCE = 600.0  # seconds for what takes no time if all is well


@dataclass(frozen=True)
class Jobs:
    """What is searched. spread: seconds within which a kill follows on a recorded job."""

    space: str
    recipe: str
    data: str
    trials: int
    spread: float


INSTANT = Jobs(
    """\
space: instant
base: osnet_x0_25
input: 32x16
parameters:
  stem.kind: conv3
  width: [0.0625, 0.125]
  stages[each].streams: 1..3
  stages[*].gate: [none, unified]
  stages[*].depth: 1
""",
    "name: instant\nepochs: 3\nrungs: [1, 2]\nbatch: 16\nlr: 0.01\n",
    "synthetic:ids=16,size=32x16",
    110,
    0.2,
)
REAL = Jobs(
    """\
space: real
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.125, 0.25]
  stages[*].streams: 1..4
  stages[*].gate: [none, unified]
  stages[*].depth: 1
""",
    "name: real\nepochs: 3\nrungs: [1, 2]\nepoch_images: 1000\nbatch: 32\nlr: 0.004\n",
    "synthetic",
    16,
    4.0,
)
JOBS = {"instant": INSTANT, "real": REAL}


@dataclass
class Search:
    """The command, and what its run's directory holds."""

    folder: Path
    name: str
    jobs: Jobs
    workers: int

    @property
    def path(self) -> Path:
        return self.folder / self.name

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(ROOT / "cli.py"), "search", str(self.folder / "space.yaml")]
        command += ["--recipe", str(self.folder / "recipe.yaml"), "--data", self.jobs.data]
        command += ["--budget", f"{self.jobs.trials}trials", "--workers", str(self.workers)]
        with open(self.folder / f"{self.name}.log", "ab") as log:
            return subprocess.Popen(
                [*command, "--out", str(self.path)],
                stdout=log,
                stderr=log,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the record says; nothing where there is none yet."""
        file = self.path / "record.db"
        if not file.exists():
            return []
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
            try:
                return db.execute(query).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def finished(self) -> dict[object, tuple[object, ...]]:
        """Every recorded job, by its id."""
        return {row[0]: row for row in self.rows("SELECT * FROM jobs")}

    def published(self) -> dict[str, float]:
        """Seconds that the jobs took whose results lie in the outbox."""
        found = {}
        for file in (self.path / "outbox").glob("[!.]*.json"):
            result = adopt(self.path / "outbox", file.stem)
            if result is not None:
                found[file.stem] = result.train_seconds
        return found


@dataclass
class Killer:
    """Kills, and remembers what must hold of it."""

    search: Search
    random: random.Random
    startup: float
    kills: Counter[str] = field(default_factory=Counter)
    recorded: dict[object, tuple[object, ...]] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)
    seen: set[tuple[int, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    sessions: int = 0

    def run(self, kills: int) -> None:
        """Kill so many times, and then let the search end."""
        while True:
            driver = self.search.start()
            self.sessions += 1
            workers_killed = 0
            while self.kills.total() < kills:
                # A worker that died once more may be a failure of its trial, by design.
                kinds = [x for x in KINDS if "worker" not in x or workers_killed < ATTEMPTS - 1]
                kind = self.random.choice(kinds)
                if not self._moment(driver, at_work="held" in kind):
                    self._end(driver)
                    return
                if "worker" in kind:
                    workers_killed += self._kill_worker(driver.pid, held="held" in kind)
                else:
                    self._kill_driver(driver, kind)
                    break
            else:
                self._end(driver)
                return
            if self.random.random() < 0.5:  # else the next driver meets the last one's workers
                self._wait_for_the_dead()

    def _moment(self, driver: subprocess.Popen[bytes], *, at_work: bool) -> bool:
        """Wait for the next kill; False where the search has ended before."""
        more = self.random.choice([1, 2] if at_work else [0, 1, 1, 2])
        before = len(self.search.finished())
        if more:
            ended = wait(
                lambda: driver.poll() is not None or len(self.search.finished()) >= before + more
            )
            if not ended:
                self.wrong.append(f"no job was recorded in {PATIENCE:g} s: does the driver hang?")
                self._remember(driver.pid)
                driver.kill()
        longest = self.search.jobs.spread if more else self.startup
        time.sleep(self.random.uniform(0, longest))
        return driver.poll() is None

    def _remember(self, driver: int) -> None:
        """What there is before a kill."""
        self.seen |= {(pid, born(pid)) for pid in [driver, *descendants(driver)]}
        now = self.search.finished()
        for job, row in self.recorded.items():
            if now.get(job) != row:
                self.wrong.append(f"job {job} was recorded as {row} and is {now.get(job)}")
        self.recorded = now

    def _kill_driver(self, driver: subprocess.Popen[bytes], kind: str) -> None:
        if "held" in kind:
            with self._stopped(driver.pid):
                self._remember(driver.pid)
                driver.kill()
        else:
            self._remember(driver.pid)
            victims = [driver.pid] if kind == "driver" else [driver.pid, *workers(driver.pid)]
            self.random.shuffle(victims)
            for pid in victims:
                kill(pid)
        driver.wait()
        self.kills[kind] += 1
        self.published |= self.search.published()
        self._remember(driver.pid)

    def _kill_worker(self, driver: int, *, held: bool) -> bool:
        """Whether there was one."""
        if not held:
            return self._kill_one(workers(driver), "worker")
        with self._stopped(driver):
            return self._kill_one(workers(driver), "worker, held")

    def _kill_one(self, pids: list[int], kind: str) -> bool:
        if pids:
            victim = self.random.choice(pids)
            self.seen.add((victim, born(victim)))
            kill(victim)
            self.kills[kind] += 1
        return bool(pids)

    @contextmanager
    def _stopped(self, driver: int) -> Iterator[None]:
        """The driver stops; within, a worker has published what it can not take, if one works."""
        os.kill(driver, signal.SIGSTOP)
        try:
            if workers(driver):
                before = set(self.search.published())
                wait(lambda: bool(set(self.search.published()) - before), seconds=30)
                self.published |= self.search.published()
            yield
        finally:
            os.kill(driver, signal.SIGCONT)

    def _end(self, driver: subprocess.Popen[bytes]) -> None:
        if not wait(lambda: driver.poll() is not None, seconds=7200):
            self.wrong.append("the search did not end")
            self._remember(driver.pid)
            driver.kill()
        if driver.wait():
            self.wrong.append(f"the last driver ended with exit code {driver.returncode}")
        self._remember(driver.pid)
        self._wait_for_the_dead()

    def _wait_for_the_dead(self) -> None:
        def left() -> list[int]:
            return [pid for pid, birth in self.seen if birth and born(pid) == birth]

        if not wait(lambda: not left()):
            self.wrong.append(f"processes {left()} are left")
            self.seen = {(pid, birth) for pid, birth in self.seen if pid not in left()}


def wait(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came to hold in that time."""
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            return False
        time.sleep(0.005)
    return True


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [own for child in map(int, children) for own in (child, *descendants(child))]


def workers(driver: int) -> list[int]:
    """A driver's processes that do jobs, or begin to."""
    found = []
    for pid in descendants(driver):
        try:
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            pass
    return found


def born(pid: int) -> str:
    """When the process was born, which tells it from a later one of its number; empty: dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def compare(whole: Search, killed: Search, killer: Killer) -> list[tuple[bool, str]]:
    """What must hold, and whether it does."""
    now = killed.finished()
    found = [
        (not killer.wrong, "nothing else went wrong"),
        (
            all(now.get(job) == row for job, row in killer.recorded.items()),
            "what was recorded before a kill is there, unchanged",
        ),
        (
            all(now[job][9] == seconds for job, seconds in killer.published.items() if job in now)
            and set(killer.published) <= set(now),
            f"{len(killer.published)} results that waited at a kill were adopted, not made again",
        ),
        (
            len(set(killed.rows("SELECT trial, replicate, epoch FROM jobs"))) == len(now),
            f"none of {len(now)} jobs was recorded twice",
        ),
        (
            not [x for x in killed.path.rglob("*") if x.name.endswith(".tmp")]
            and not list((killed.path / "outbox").iterdir()),
            "no temporary file and no result is left over",
        ),
        (projected(killed), "the study says what the record says"),
    ]
    score = (
        "SELECT key, replicate, epoch, outcome, scores, digest FROM jobs "
        "JOIN trials ON trial = number"
    )
    known = {row[:3]: row for row in whole.rows(score)}
    shared = [row for row in killed.rows(score) if row[:3] in known]
    found.append(
        (
            all(known[row[:3]] == row for row in shared),
            f"{len(shared)} jobs that both records have got the same scores and checkpoints",
        )
    )
    if killed.workers == 1:
        for query, what in (
            (
                "SELECT id, trial, replicate, from_epoch, epoch, outcome, reason, scores, digest, "
                "images FROM jobs ORDER BY finished_at",
                "the jobs are those of the search without a kill, in the same order",
            ),
            ("SELECT * FROM trials ORDER BY number", "and so are the trials"),
        ):
            found.append((whole.rows(query) == killed.rows(query), what))
    return found


def projected(search: Search) -> bool:
    file = search.path / "study.db"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        study = db.execute("SELECT number, state FROM trials ORDER BY number").fetchall()
    names = {"complete": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL", "infeasible": "FAIL"}
    record = search.rows("SELECT number, state FROM trials ORDER BY number")
    return len(study) == len(record) and all(
        now == names.get(str(state), now)
        for (_, now), (_, state) in zip(study, record, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", default="instant", choices=JOBS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--trials", type=int, help="by default 110, or 16 of real jobs")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the victims")
    parser.add_argument("--folder", type=Path, help="where the runs are left; else nothing is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        jobs = JOBS[options.jobs]
        sys.exit(run(folder, replace(jobs, trials=options.trials or jobs.trials), options))


def run(folder: Path, jobs: Jobs, options: argparse.Namespace) -> int:
    (folder / "space.yaml").write_text(jobs.space)
    (folder / "recipe.yaml").write_text(jobs.recipe)
    whole = Search(folder, "whole", jobs, options.workers)
    started = time.monotonic()
    driver = whole.start()
    wait(lambda: bool(whole.finished()) or driver.poll() is not None)
    startup = time.monotonic() - started
    if driver.wait():
        print((folder / "whole.log").read_text())
        return 1
    rows = whole.finished().values()
    print(
        f"{options.jobs} jobs, {options.workers} workers: {len(rows)} jobs of "
        f"{sum(row[9] + row[10] for row in rows) / len(rows):.2f} s in "  # type: ignore[operator]
        f"{time.monotonic() - started:.0f} s without a kill, the first after {startup:.1f} s",
        flush=True,
    )
    killed = Search(folder, "killed", jobs, options.workers)
    killer = Killer(killed, random.Random(options.seed), min(startup, 20.0))
    started = time.monotonic()
    killer.run(options.kills)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(killer.kills.items()))
    print(
        f"{killer.kills.total()} kills ({told}) of {killer.sessions} drivers in "
        f"{time.monotonic() - started:.0f} s; {len(killer.seen)} processes seen"
    )
    if killer.kills.total() < options.kills:
        killer.wrong.append(f"the search was over before there were {options.kills} kills")
    found = compare(whole, killed, killer)
    for holds, what in found:
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")
    for what in killer.wrong:
        print(f"  {what}")
    if not all(holds for holds, _ in found):
        print((folder / "killed.log").read_text()[-3000:])
    return 0 if all(holds for holds, _ in found) else 1


if __name__ == "__main__":
    main()
