"""An address says which stream it is, and what is taken of it."""

import numpy as np
import pytest

pytest.importorskip("zmq")

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams import open_source


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("dectris://localhost", "dectris://localhost:31001"),
        ("dectris://10.0.0.1:9999?channel=threshold_2", "dectris://10.0.0.1:9999"),
        ("dectris://[::1]:9999/", "dectris://[::1]:9999"),
        ("karabo://exflong:4545", "karabo://exflong:4545"),
        ("karabo://h:1?socket=SUB&source=SPB_DET/CAL&order=file", "karabo://h:1"),
    ],
)
def test_addresses_are_sources(address, name):
    assert open_source(address, mask="auto", dataset=None, geometry=None).name == name
    assert open_source(address, mask=np.ones((3, 4), bool)).name == name


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://localhost:1", "the known ones begin with dectris://, karabo://"),
        ("DECTRIS://localhost:1", "no stream begins so"),
        ("dectris://", "dectris://host:31001"),
        ("karabo://localhost", "karabo://host:port"),
        ("karabo://localhost:1/path", "karabo://host:port"),
        ("karabo://localhost:x", "is no address"),
        ("karabo://localhost:99999", "is no address"),
        ("karabo://localhost:1?sock=SUB", "the options of karabo:// are socket, source, order"),
        ("karabo://localhost:1?socket=SUB&socket=REQ", "each once"),
        ("karabo://localhost:1?socket=PUSH", "socket has to be REQ or SUB"),
        ("dectris://localhost?channel", "is no address"),
    ],
)
def test_what_is_no_address_is_refused(address, said):
    with pytest.raises(InputError) as error:
        open_source(address)
    assert said in str(error.value)


def test_what_files_have_and_streams_have_not_is_said():
    with pytest.raises(InputError, match=r"dectris://h:31001\?channel=two"):
        open_source("dectris://h", dataset="two")
    with pytest.raises(InputError, match="need no geometry"):
        open_source("dectris://h", geometry="a.geom")
