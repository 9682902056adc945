"""What the files of a run say of it, put together."""

import numpy as np

from sklearn_sfx.frames import ArraySource, Facts, Unreadable
from sklearn_sfx.frames._facts import common_facts
from sklearn_sfx.frames._joined_source import JoinedSource


class Saying(ArraySource):
    def __init__(self, n_frames, facts=None, unreadable=()):
        super().__init__(np.zeros((n_frames, 2, 3), np.uint16))
        if facts is not None:
            self.facts = facts
        self.unreadable = unreadable


def test_a_run_says_what_all_its_files_say():
    one = Facts("CBF", beam_center=(1.0, 2.0), distance=100.0, saturation=1e5, no_data=(-1.0,))
    assert JoinedSource([Saying(2, one), Saying(3, one)]).facts == one
    other = Facts("CXI", beam_center=(1.0, 2.0), distance=120.0, saturation=1e4, no_data=(-2.0,))
    joined = common_facts([one, other])
    assert joined.format == "CBF, CXI"
    assert joined.beam_center == (1.0, 2.0)
    assert joined.distance is None
    assert joined.saturation == 1e4
    assert joined.no_data == (-1.0, -2.0)
    assert JoinedSource([Saying(2), Saying(3)]).facts == Facts()


def test_a_threshold_that_one_file_has_holds_for_the_run():
    assert common_facts([Facts(saturation=5.0), Facts()]).saturation == 5.0
    assert common_facts([Facts(lowest=-5.0), Facts(lowest=0.0)]).lowest == 0.0


def test_frames_known_to_be_gone_are_counted_over_the_run():
    gone = Unreadable(1, 3, "the file a.h5 is not there")
    joined = JoinedSource([Saying(4), Saying(5, unreadable=(gone,)), Saying(2)])
    assert joined.unreadable == (gone._replace(start=5, stop=7),)
