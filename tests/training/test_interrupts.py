import os
import signal
import threading

import pytest

from nas.training.interrupts import interrupts


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_within_a_signal_only_makes_it_true_and_after_it_is_as_before(
    which: signal.Signals,
) -> None:
    before = signal.getsignal(which)
    with interrupts() as came:
        assert not came()
        os.kill(os.getpid(), which)
        assert came()
    assert signal.getsignal(which) is before


def test_a_second_one_is_raised_where_one_is_enough() -> None:
    def twice() -> None:
        with interrupts(once=True) as came:
            os.kill(os.getpid(), signal.SIGTERM)
            assert came()
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not interrupted")

    with pytest.raises(KeyboardInterrupt):
        twice()


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts() as came:
            os.kill(os.getpid(), signal.SIGINT)
            assert not came()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_is_never_true() -> None:
    found: list[bool] = []

    def work() -> None:
        with interrupts() as came:
            found.append(came())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
