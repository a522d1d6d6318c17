"""Lists, dicts and tuples that name what they hold."""

import copy
import json
from collections import OrderedDict, namedtuple

import pytest

import penstock as tf
from penstock.core import nest
from penstock.runtime.data_structures import ListWrapper, _DictWrapper, _TupleWrapper
from penstock.runtime.trackable import AutoTrackable, NoDependency


def holder(**attributes):
    made = AutoTrackable()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_a_list_assigned_to_an_attribute_names_its_variables_by_position():
    a, b = tf.Variable(1.0), tf.Variable(2.0)

    tracked = holder(parts=[a, "text", b]).parts

    assert isinstance(tracked, list)
    assert tracked._trackable_children() == {"0": a, "2": b}


def test_lists_in_lists_are_tracked_too():
    a = tf.Variable(1.0)

    tracked = holder(parts=[[a]]).parts

    assert isinstance(tracked[0], ListWrapper)
    assert tracked[0]._trackable_children() == {"0": a}


def test_appended_items_are_children():
    a = tf.Variable(1.0)
    tracked = ListWrapper([])

    tracked.append([a])
    tracked += [a]

    assert set(tracked._trackable_children()) == {"0", "1"}
    assert isinstance(tracked[0], ListWrapper)


@pytest.mark.parametrize(
    "change",
    [lambda x: x.pop(), lambda x: x.insert(0, 1), lambda x: x.reverse(), lambda x: x.clear()],
)
def test_a_list_whose_variables_moved_cannot_be_saved(change):
    tracked = ListWrapper([tf.Variable(1.0), tf.Variable(2.0)])

    change(tracked)

    with pytest.raises(ValueError, match="only be appended to"):
        tracked._trackable_children()


def test_a_list_without_trackable_items_may_change():
    tracked = ListWrapper([3, 1, 2])

    tracked.sort()
    tracked[0] = 7

    assert tracked == [7, 2, 3]
    assert tracked._trackable_children() == {}


def test_wrapped_containers_are_what_they_wrap():
    tracked = holder(a=[1, 2], b={"x": 1}, c=OrderedDict(z=1, y=2))

    assert tracked.a == [1, 2]
    assert (
        json.dumps([tracked.a, tracked.b, tracked.c]) == '[[1, 2], {"x": 1}, {"z": 1, "y": 2}]'
    )
    assert isinstance(tracked.c, OrderedDict)
    assert list(tracked.c) == ["z", "y"]


def test_a_dict_names_its_variables_by_key():
    a = tf.Variable(1.0)

    tracked = holder(parts={"a": a, "b": 3}).parts

    assert isinstance(tracked, _DictWrapper)
    assert tracked._trackable_children() == {"a": a}


def test_a_dict_with_a_key_that_is_no_text_cannot_be_saved():
    tracked = _DictWrapper({1: tf.Variable(1.0)})

    with pytest.raises(ValueError, match="must be text"):
        tracked._trackable_children()


def test_a_dict_that_lost_a_variable_cannot_be_saved():
    tracked = _DictWrapper(a=tf.Variable(1.0), b=1)

    del tracked["b"]
    tracked._trackable_children()
    tracked.pop("a")

    with pytest.raises(ValueError, match="must keep its trackable values"):
        tracked._trackable_children()


def test_a_tuple_is_wrapped_only_when_it_holds_something_trackable():
    a = tf.Variable(1.0)
    tracked = holder(plain=(1, 2), parts=(a, 2))

    assert type(tracked.plain) is tuple
    assert isinstance(tracked.parts, _TupleWrapper)
    assert tracked.parts._trackable_children() == {"0": a}


def test_a_named_tuple_stays_one():
    pair = namedtuple("pair", ["left", "right"])
    a = tf.Variable(1.0)

    tracked = holder(parts=pair(a, 2)).parts

    assert isinstance(tracked, pair)
    assert tracked.left is a
    assert tracked._trackable_children()["left"] is a


def test_what_is_marked_is_not_wrapped():
    assert type(holder(parts=NoDependency([tf.Variable(1.0)])).parts) is list


def test_nests_take_wrapped_containers_apart_and_build_them_again():
    structure = [ListWrapper([1, 2]), _DictWrapper(b=3, a=4)]

    doubled = nest.map_structure(lambda x: 2 * x, structure)

    assert doubled == [[2, 4], {"a": 8, "b": 6}]
    assert isinstance(doubled[0], ListWrapper)


def test_a_copy_holds_copies():
    a = tf.Variable(1.0)

    copied = copy.deepcopy(ListWrapper([a, {"b": a}]))

    assert copied[0] is not a
    assert copied[1]["b"] is copied[0]
    assert set(copied._trackable_children()) == {"0", "1"}


def test_modules_find_variables_in_wrapped_containers():
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.parts = {"a": [tf.Variable(1.0)], "b": (tf.Variable(2.0), 3)}

    assert [v.numpy() for v in Net().variables] == [1.0, 2.0]
