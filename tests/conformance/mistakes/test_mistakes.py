"""The messages of common mistakes: short, with the user's line, saying what came."""

import importlib.util
import sys
import traceback

import pytest

import penstock
import penstock.keras
from tests.conformance.mistakes.programs import MISTAKES

LONGEST = 12  # lines


@pytest.fixture(autouse=True)
def _as_users_see_it(monkeypatch):
    monkeypatch.setenv("PENSTOCK_TRACE", "short")


def run(mistake, path):
    """Run a program; return the error and its traceback from the program on."""
    path.write_text(mistake.program)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    module.tf, module.keras = penstock, penstock.keras
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  (any is looked at)
        shown = traceback.TracebackException.from_exception(error)
        while shown.stack and shown.stack[0].filename != str(path):
            del shown.stack[0]
        return error, "".join(shown.format()).strip().splitlines()
    finally:
        del sys.modules[path.stem]
    raise AssertionError("the program did not fail")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_the_message_is_short_and_says_what_came(mistake, tmp_path):
    path = tmp_path / f"program_{mistake.name}.py"
    error, lines = run(mistake, path)
    text = "\n".join(lines)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    assert mistake.error in kinds, text
    assert len(lines) <= LONGEST, text
    at_fault = [i for i, line in enumerate(mistake.program.splitlines(), 1) if "# here" in line]
    places = (f'{path.name}", line {at_fault[0]}', f"{path.name}:{at_fault[0]}")
    assert any(place in text for place in places), text
    for words in mistake.says:
        assert words in str(error), text


def test_every_frame_is_shown_on_request(monkeypatch):
    monkeypatch.setenv("PENSTOCK_TRACE", "full")
    with pytest.raises(penstock.errors.InvalidArgumentError) as caught:
        penstock.ones((2, 3)) + penstock.ones((2, 4))
    names = [entry.filename for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert any("penstock/ops/" in name for name in names)


def test_a_defect_of_ours_keeps_its_frames(monkeypatch):
    from penstock.runtime import eager

    monkeypatch.setattr(eager, "host_is_default", {}.popitem)
    with pytest.raises(KeyError) as caught:
        penstock.ones((2, 3)) + penstock.ones((2, 3))
    names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert "run_quick" in names


def test_what_a_user_raises_keeps_its_cause():
    def inner():
        raise KeyError("a")

    @penstock.function
    def outer(x):
        try:
            inner()
        except KeyError as error:
            raise RuntimeError("from the user") from error
        return x

    with pytest.raises(RuntimeError, match="from the user") as caught:
        outer(penstock.constant(1.0))
    assert isinstance(caught.value.__cause__, KeyError)
