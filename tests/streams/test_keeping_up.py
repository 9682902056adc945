"""What becomes of frames that come faster than they are scored: it is told and counted."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.streams import LiveFrames, Notice, Tally, arrived_frames, watch
from sklearn_sfx.streams import _waiting as waiting_module
from sklearn_sfx.streams._waiting import POLICIES, Waiting, WaitingFrames
from tests.streams.conftest import SIDE


def some(n, start=0, nbytes=0, side=4):
    frames = arrived_frames(np.zeros((n, side, side), np.uint16), first=start)
    return WaitingFrames(LiveFrames(frames, np.zeros(n), nbytes), frames.sources)


def numbers(waiting):
    """Return the frames that wait, in their order."""
    found = []
    waiting.close()
    while (taken := waiting.take(7, 0.0)) is not None:
        found += [source.position for item in taken for source in item.sources]
    return found


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(waiting_module, "MOST_FRAMES", 10)
    monkeypatch.setattr(waiting_module, "MOST_BYTES", 1000)


@pytest.mark.usefixtures("small")
def test_the_newest_stay():
    tally = Tally()
    waiting = Waiting("newest", tally)
    for start in range(0, 24, 3):
        waiting.put(some(3, start))
    assert (tally.received, tally.skipped) == (24, 14)
    assert numbers(waiting) == list(range(14, 24))


def test_who_skips_keeps_what_is_scored_soon():
    tally = Tally()
    waiting = Waiting("newest", tally)
    waiting.set_rate(10.0)
    for start in range(100):
        waiting.put(some(1, start))
    assert numbers(waiting) == list(range(80, 100))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [1, 3, 4])
def test_what_stays_is_spread(size):
    tally = Tally()
    waiting = Waiting("spread", tally)
    for start in range(0, 60, size):
        waiting.put(some(size, start))
    kept = numbers(waiting)
    assert len(kept) == tally.received - tally.skipped <= 10
    assert kept == sorted(set(kept))
    assert min(kept) < 20  # some of the oldest, and some of the newest
    assert max(kept) > 50


@pytest.mark.usefixtures("small")
def test_who_sends_waits():
    tally = Tally()
    waiting = Waiting("wait", tally)

    def send():
        for start in range(0, 40, 4):
            waiting.put(some(4, start))
        waiting.close()

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.2)
    assert tally.received == 8  # two more would not fit
    found = []
    while not waiting.is_over:
        taken = waiting.take(7, 0.1)
        found += [source.position for item in taken or [] for source in item.sources]
    sender.join()
    assert found == list(range(40))
    assert tally.skipped == 0


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("policy", ["newest", "spread"])
def test_memory_is_bounded_too_and_one_large_block_has_room(policy):
    tally = Tally()
    waiting = Waiting(policy, tally)
    for start in range(5):
        waiting.put(some(1, start, nbytes=400))
    assert tally.skipped >= 3
    for start in range(5, 8):
        waiting.put(some(2, start, nbytes=4000))
    assert tally.received - tally.skipped in (1, 2)


def test_frames_of_another_kind_are_scored_apart():
    waiting = Waiting("wait", Tally())
    for item in (some(2), some(1), some(1, side=5), Notice("unreadable", "x", 1, ())):
        waiting.put(item)
    assert [len(item) for item in waiting.take(9, 0.0)] == [2, 1]
    assert [len(item) for item in waiting.take(9, 0.0)] == [1]
    assert waiting.take(9, 0.0).kind == "unreadable"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("policy", POLICIES)
def test_counts_add_up_under_load(policy, model, frames):
    tally, n_seen = Tally(), 0

    def fast():
        for _ in range(10):
            yield from frames

    for block in watch(fast(), model, peaks=False, when_behind=policy, tally=tally):
        n_seen += len(block)
        assert tally.received == (tally.scored + tally.skipped + tally.unreadable + tally.waiting)
    assert tally.received == 300
    assert tally.waiting == 0
    assert n_seen == tally.scored == 300 - tally.skipped
    assert (tally.skipped == 0) == (policy == "wait")


def test_frames_that_cannot_be_used_are_counted_lines(model, frames, follow):
    origin = FrameOrigin(None, 7, "//7", "a:7")
    items = [
        frames[0],
        np.zeros((SIDE + 1, SIDE), np.uint16),
        Notice("unreadable", "image 7 is malformed", 1, (origin,)),
        Notice("unreadable", "a message is no map", 1),
        Notice("lost", "images 8 to 9 never came", 2),
        frames[1],
    ]
    tally, notices, given = follow(iter(items))
    assert (tally.received, tally.scored, tally.unreadable, tally.lost) == (5, 2, 3, 2)
    assert origin in given
    assert any("shape" in notice.text for notice in notices)


def test_a_block_without_frames_ends_nothing(frames, follow):
    tally, _, given = follow(iter([frames[:2], frames[:0], frames[2:3]]))
    assert tally.scored == 3
    assert [source.position for source in given] == [0, 1, 2]


def test_a_source_that_fails_is_an_error_once_all_is_scored(model, frames):
    def failing():
        yield from frames[:5]
        raise InputError("The cable was cut.")

    n_seen = 0
    with pytest.raises(InputError, match="cable"):
        for block in watch(failing(), model, peaks=False):
            n_seen += len(block)
    assert n_seen == 5


def test_a_watch_that_is_left_ends_its_source(model, frames):
    ended = threading.Event()

    class Endless:
        name = "endless"

        def arrivals(self, stop):
            while not stop.is_set():
                yield LiveFrames(arrived_frames(frames[:1]), np.array([time.monotonic()]))
            ended.set()

    blocks = watch(Endless(), model, peaks=False)
    next(blocks)
    blocks.close()
    assert ended.is_set()


def test_the_model_is_replaced_without_losing_a_frame(tmp_path, model, frames):
    path = tmp_path / "model.joblib"
    model.save(path)

    tally, notices = Tally(), []

    def sending():
        yield frames[:10]
        while tally.scored < 10:
            time.sleep(0.01)
        replace(model, threshold=0.0).save(path)  # all are hits
        yield frames[10:20]
        while tally.scored < 20:
            time.sleep(0.01)
        path.write_bytes(b"no model")
        yield frames[20:]

    blocks = watch(sending(), path, peaks=False, tally=tally, tell=notices.append)
    decisions = np.concatenate([block.scores.decision for block in blocks])
    assert len(decisions) == tally.scored == 30
    assert not decisions[:10].all()
    assert decisions[10:].all()
    assert [notice.kind for notice in notices] == ["model", "refused"]
    assert ["stays" in notice.text for notice in notices] == [False, True]


def test_a_policy_that_there_is_not(model):
    with pytest.raises(InputError, match="when_behind"):
        watch([], model, when_behind="drop")
