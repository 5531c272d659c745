import threading
import time
from pathlib import Path

from nas.search.quiet import Quiet


def test_nobody_works_while_one_measures(tmp_path: Path) -> None:
    steps, over = [0, 0], threading.Event()
    paused: list[float] = []

    def work(index: int) -> None:
        quiet = Quiet(tmp_path)
        with quiet.working():
            while not over.is_set():
                quiet.give_way()
                steps[index] += 1
        paused.append(quiet.paused)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for worker in workers:
        worker.start()
    try:
        while min(steps) == 0:
            time.sleep(0.001)
        for _ in range(3):
            with Quiet(tmp_path).measuring():
                before = list(steps)
                time.sleep(0.05)
                assert steps == before
            while any(now <= then for now, then in zip(steps, before, strict=True)):
                time.sleep(0.001)  # they go on
    finally:
        over.set()
        for worker in workers:
            worker.join()
    assert min(paused) > 0


def test_two_measure_one_after_the_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def measure() -> None:
        with Quiet(tmp_path).measuring():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=measure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
