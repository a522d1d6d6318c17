import gc

import pytest

from penstock.core.collection import uncollected


@pytest.fixture(autouse=True)
def enabled():
    gc.enable()
    yield
    gc.enable()


def test_garbage_is_not_collected_inside_and_is_afterwards():
    with uncollected():
        inside = gc.isenabled()

    assert (inside, gc.isenabled()) == (False, True)


def test_an_error_lets_collection_go_on():
    with pytest.raises(KeyError), uncollected():
        raise KeyError

    assert gc.isenabled()


def test_a_program_that_does_not_collect_is_left_so():
    gc.disable()
    with uncollected(), uncollected():
        pass

    assert not gc.isenabled()
