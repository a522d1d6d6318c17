import pytest

from penstock.core import flags
from penstock.core.errors import AlreadyExistsError, InvalidArgumentError
from penstock.core.flags import Flag


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("true", True), ("ON", True), ("0", False), ("", False), ("no", False)],
)
def test_a_switch_is_read_from_the_environment(text, expected):
    assert Flag("NAME", False, "").read({"NAME": text}) is expected


def test_a_flag_has_the_type_of_its_default():
    assert Flag("NAME", 3, "").read({"NAME": "4"}) == 4
    assert Flag("NAME", 0.5, "").read({"NAME": "2"}) == 2.0
    assert Flag("NAME", "x", "").read({"NAME": "y"}) == "y"
    assert Flag("NAME", 3, "").read({}) == 3


@pytest.mark.parametrize(("default", "text"), [(False, "maybe"), (3, "three")])
def test_text_that_does_not_fit_is_an_error(default, text):
    with pytest.raises(InvalidArgumentError, match=f"NAME must be of type .*, got '{text}'"):
        Flag("NAME", default, "").read({"NAME": text})


def test_each_row_of_the_table_is_ours_and_explained():
    assert flags.TRACE in flags.rows()
    for row in flags.rows():
        assert row.name.startswith("PENSTOCK_")
        assert row.help


def test_a_name_has_one_row():
    with pytest.raises(AlreadyExistsError, match="PENSTOCK_TRACE"):
        flags.flag("PENSTOCK_TRACE", True, "again")
