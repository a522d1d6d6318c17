"""The load generator, the search for the best rate, and what is said of it."""

import asyncio
import re

import numpy as np
import pytest

from penstock.cli.bench.load import Outcome, Plan, run
from penstock.cli.bench.measurement import Measurement, Setting
from penstock.cli.bench.page import render
from penstock.cli.bench.ramp import Goal, climb
from penstock.cli.bench.target import make_inputs, read_inputs, repeat
from penstock.core.errors import InvalidArgumentError, UnavailableError
from penstock.serving.client.exchange import Signature, Tensor


def outcome(rate, p99_ms=1.0, errors=None, achieved=None):
    latencies = np.full(100, p99_ms / 1e3)
    return Outcome(rate, achieved or rate, 100, errors or {}, latencies, np.zeros(100))


def test_constant_arrivals_are_a_metronome():
    np.testing.assert_allclose(Plan(100, 0.1, "constant").times(), np.arange(10) / 100)


def test_poisson_arrivals_have_the_rate_and_the_spread_of_one():
    times = Plan(1000, 10, "poisson", seed=1).times()
    gaps = np.diff(times)

    assert len(times) == 10_000
    assert 0 <= times[0] <= times[-1] <= 10
    # Gaps of a Poisson process have a standard deviation equal to their mean.
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


def test_an_unknown_kind_of_arrivals_is_refused():
    with pytest.raises(InvalidArgumentError, match="poisson, constant"):
        Plan(1, 1, "weekly").times()


def test_a_stall_shows_in_all_requests_that_it_kept_waiting():
    # One request at a time, and the first takes 0.2 s: a closed loop would see one slow answer.
    lock = asyncio.Lock()
    is_first = True

    async def send(_):
        nonlocal is_first
        async with lock:
            if is_first:
                is_first = False
                await asyncio.sleep(0.2)

    async def scenario():
        return await run(Plan(100, 0.2, "constant"), send)

    found = asyncio.run(scenario())

    assert found.sent == 20
    # Those meant to leave after 0, 10, 20, ... ms waited 200, 190, 180, ... ms.
    assert found.latency_ms(100) >= 195
    assert 80 <= found.latency_ms(50) <= 180


def test_errors_are_counted_by_kind_and_have_no_latency():
    count = 0

    async def send(_):
        nonlocal count
        count += 1
        if count % 2:
            raise UnavailableError("full")

    found = asyncio.run(run(Plan(200, 0.1, "constant"), send))

    assert found.errors == {"UNAVAILABLE": 10}
    assert len(found.latencies_s) == 10


def test_what_is_beyond_the_limit_in_flight_is_an_error():
    async def send(_):
        await asyncio.sleep(0.3)

    found = asyncio.run(run(Plan(100, 0.1, "constant", most_in_flight=4), send))

    assert found.errors == {"NOT_SENT": 6}


def test_percentiles_are_measured_values():
    found = Outcome(1, 1, 4, {}, np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4))

    assert [found.latency_ms(p) for p in (25, 50, 75, 99, 100)] == [
        *(1000, 2000, 3000, 4000, 4000)
    ]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (outcome(10), None),
        (outcome(10, p99_ms=60), "p99 was 60.0 ms, over 50 ms"),
        (outcome(10, errors={"INTERNAL": 2}), r"2 of 100 requests failed \(2 INTERNAL\)"),
        (outcome(100, achieved=80), "only 80 of 100 requests/s were answered"),
    ],
)
def test_a_goal_says_how_it_is_missed(found, line):
    broken = Goal(p99_ms=50).broken_by(found)

    if line is None:
        assert broken is None
    else:
        assert re.fullmatch(line, broken)


def search(capacity, **options):
    tried = []

    async def measure(rate):
        tried.append(rate)
        return outcome(rate, p99_ms=1 if rate <= capacity else 500)

    ramp = asyncio.run(climb(measure, Goal(p99_ms=50), first=50, **{"most": 1e6, **options}))
    return ramp, tried


@pytest.mark.parametrize("capacity", [60, 1000, 1234, 7777, 20_000])
def test_the_best_rate_is_found_within_a_sixth(capacity):
    ramp, tried = search(capacity)

    assert capacity / 1.16 <= ramp.best.rate <= capacity
    assert "p99 was 500.0 ms" in ramp.limit
    assert len(tried) <= 16


def test_a_server_slower_than_the_first_rate_is_measured_below_it():
    ramp, _ = search(10)

    assert 10 / 1.16 <= ramp.best.rate <= 10


def test_nothing_is_tried_beyond_the_highest_rate():
    ramp, tried = search(1e9, most=300)

    assert max(tried) == 300
    assert (ramp.best.rate, ramp.limit) == (300, "")


def test_a_server_that_never_meets_the_goal_has_no_best_rate():
    ramp, _ = search(0)

    assert ramp.best is None


def measured(*capacities):
    ramps = {
        Setting("rest", 8**i): search(capacity)[0] for i, capacity in enumerate(capacities)
    }
    return Measurement("http://h", "m", Goal(50), ramps)


def test_the_setting_with_the_most_rows_is_best_and_the_reason_is_told():
    found = measured(1000, 500)

    assert found.best == Setting("rest", 8)
    assert "It carries" in found.reason()
    assert "times the rows of rest, 1 row" in found.reason()


def test_without_a_good_load_the_reason_says_so():
    found = measured(0)

    assert found.best is None
    assert found.reason().startswith("No load met the goal: at ")


def test_the_page_stands_alone_and_escapes_names():
    found = measured(1000, 0)
    page = render(Measurement("http://h/<x>", "<script>", found.goal, found.ramps))

    assert "<script>" not in page
    assert page.count("<svg") == 2
    assert "http://www" not in page
    assert "<link" not in page


def test_inputs_are_made_to_fit():
    signature = Signature(
        {
            "x": Tensor("x", np.dtype(np.float32), (-1, 784)),
            "n": Tensor("n", np.dtype(np.int64), (-1,)),
            "b": Tensor("b", np.dtype(bool), (2, -1)),
        },
        {},
    )

    found = make_inputs(signature, 3)

    assert {k: (v.shape, v.dtype.name) for k, v in found.items()} == {
        "x": ((3, 784), "float32"),
        "n": ((3,), "int64"),
        "b": ((2, 8), "bool"),
    }


def test_strings_cannot_be_made_up():
    signature = Signature({"s": Tensor("s", np.dtype(object), (-1,))}, {})

    with pytest.raises(InvalidArgumentError, match="give them with --inputs"):
        make_inputs(signature, 1)


def test_inputs_are_read_and_repeated(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(2))
    (tmp_path / "a.json").write_text('{"s": ["a", "b"]}')

    assert repeat(read_inputs(tmp_path / "a.npz"), 3)["x"].tolist() == [0, 1, 0]
    assert read_inputs(tmp_path / "a.json")["s"].tolist() == ["a", "b"]
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(InvalidArgumentError, match="must hold an object"):
        read_inputs(tmp_path / "b.json")
