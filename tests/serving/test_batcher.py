"""Batches: who shares a call, who waits, who is refused."""

import asyncio
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
)
from penstock.serving.batcher import Batcher
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.call import FOREVER, PREDICT, REST, Call, ModelSpec
from penstock.serving.executor import Executor


class Doubler:
    """Stands for a model: doubles its input and remembers how often it was called."""

    def __init__(self):
        self.sizes = []

    def __call__(self, inputs):
        rows = inputs["x"]
        self.sizes.append(len(rows))
        if rows.dtype != object and (rows < 0).any():
            raise InvalidArgumentError("rows must not be negative")
        return {"y": rows * 2, "size": np.full(len(rows), len(rows))}


class InlineExecutor(Executor):
    """Takes every call for a quick one, so that no thread is needed."""

    def is_quick(self, cost):
        return True


class HeldExecutor(Executor):
    """Holds calls back until the test runs them."""

    def __init__(self):
        super().__init__()
        self.held = []

    def is_quick(self, cost):
        return False

    def submit(self, cost, call):
        done = asyncio.get_running_loop().create_future()
        self.held.append(lambda: done.set_result(call()))
        return done

    def release(self):
        self.held.pop(0)()


def rows(*values):
    return {"x": np.array([[v, v] for v in values], np.float32)}


def batching(scenario, *, executor=None, model=None, **parameters):
    """Run a scenario with a batcher; return the sizes of the calls and what it returned."""
    model = model or Doubler()

    async def main():
        used = executor or InlineExecutor()
        batcher = Batcher(model, BatchingParameters(**parameters), used)
        try:
            return await asyncio.wait_for(scenario(batcher), 10)
        finally:
            used.close()

    result = asyncio.run(main())
    return model.sizes, result


def test_requests_of_one_turn_share_a_call_and_get_their_own_rows_back():
    async def scenario(batcher):
        return await asyncio.gather(
            batcher.submit(rows(1)), batcher.submit(rows(5, 6)), batcher.submit(rows(7))
        )

    sizes, (first, second, third) = batching(scenario, max_batch_size=4)

    assert sizes == [4]
    np.testing.assert_array_equal(first["y"], [[2, 2]])
    np.testing.assert_array_equal(second["y"], [[10, 10], [12, 12]])
    np.testing.assert_array_equal(third["y"], [[14, 14]])


def test_a_lone_request_does_not_wait():
    sizes, answer = batching(lambda batcher: batcher.submit(rows(3)), max_batch_size=8)

    assert sizes == [1]
    np.testing.assert_array_equal(answer["y"], [[6, 6]])


def test_batches_are_padded_to_an_allowed_size():
    async def scenario(batcher):
        return await asyncio.gather(*(batcher.submit(rows(i)) for i in range(3)))

    sizes, answers = batching(scenario, max_batch_size=8)

    assert sizes == [4]
    assert [len(answer["y"]) for answer in answers] == [1, 1, 1]


def test_more_rows_than_a_batch_holds_become_several_calls():
    async def scenario(batcher):
        return await asyncio.gather(*(batcher.submit(rows(i)) for i in range(5)))

    sizes, answers = batching(scenario, max_batch_size=2)

    assert sizes == [2, 2, 1]
    assert [answer["y"][0, 0] for answer in answers] == [0, 2, 4, 6, 8]


def test_a_request_larger_than_a_batch_is_split_and_put_together():
    sizes, answer = batching(lambda batcher: batcher.submit(rows(*range(7))), max_batch_size=4)

    assert sizes == [4, 4]
    np.testing.assert_array_equal(answer["y"][:, 0], np.arange(7) * 2)


def test_what_arrives_while_the_device_works_goes_into_the_next_call():
    async def scenario(batcher, executor):
        first = asyncio.ensure_future(batcher.submit(rows(1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(batcher.submit(rows(i))) for i in (2, 3, 4, 5)]
        await asyncio.sleep(0)
        assert len(executor.held) == 1
        executor.release()
        await first
        await asyncio.sleep(0)
        executor.release()
        return await asyncio.gather(*others)

    executor = HeldExecutor()
    sizes, answers = batching(
        lambda batcher: scenario(batcher, executor), executor=executor, max_batch_size=8
    )

    assert sizes == [1, 4]
    assert [answer["y"][0, 0] for answer in answers] == [4, 6, 8, 10]


def test_rows_of_different_shapes_do_not_share_a_call():
    async def scenario(batcher):
        wide = {"x": np.ones((1, 3), np.float32)}
        return await asyncio.gather(
            batcher.submit(rows(1)), batcher.submit(wide), batcher.submit(rows(2))
        )

    sizes, answers = batching(scenario, max_batch_size=8)

    assert sizes == [1, 1, 1]
    assert [answer["y"].shape for answer in answers] == [(1, 2), (1, 3), (1, 2)]


def test_strings_are_batched_too():
    async def scenario(batcher):
        one, two = np.array([b"a\0"], object), np.array([b"b", b"c"], object)
        return await asyncio.gather(batcher.submit({"x": one}), batcher.submit({"x": two}))

    sizes, (first, second) = batching(scenario, max_batch_size=8)

    assert sizes == [4]
    assert first["y"].tolist() == [b"a\0a\0"]
    assert second["y"].tolist() == [b"bb", b"cc"]


def test_one_caller_hanging_up_does_not_hurt_the_others():
    async def scenario(batcher, executor):
        first, leaver, last = (
            asyncio.ensure_future(batcher.submit(rows(i))) for i in (1, 2, 3)
        )
        await turns(2)
        assert batcher.queued_rows == 2
        leaver.cancel()
        await turns(1)
        assert batcher.queued_rows == 1
        executor.release()
        await first
        await turns(2)
        executor.release()
        return await last

    executor = HeldExecutor()
    sizes, answer = batching(
        lambda batcher: scenario(batcher, executor), executor=executor, max_batch_size=1
    )

    assert sizes == [1, 1]
    np.testing.assert_array_equal(answer["y"], [[6, 6]])


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_queue_whose_rows_would_take_too_long_refuses_and_says_when_to_come_again():
    async def scenario(batcher, executor):
        batcher._row_s = 0.5  # as if measured
        waiting = [asyncio.ensure_future(batcher.submit(rows(1))) for _ in range(4)]
        await turns(1)
        soon = asyncio.get_running_loop().time() + 1
        with pytest.raises(UnavailableError, match="the deadline is in") as late:
            await batcher.submit(rows(1), soon)
        waiting.append(asyncio.ensure_future(batcher.submit(rows(1))))
        await turns(1)
        with pytest.raises(UnavailableError, match="the limit is 2 s") as full:
            await batcher.submit(rows(1))
        for task in waiting:
            task.cancel()
        return [e.value.experimental_payloads["retry_after_s"] for e in (late, full)]

    executor = HeldExecutor()
    _, waits = batching(
        lambda batcher: scenario(batcher, executor),
        executor=executor,
        max_batch_size=1,
        max_queue_wait_s=2.0,
    )

    assert waits == [2.0, 0.5]


def test_urgent_requests_leave_the_queue_first():
    order = []

    class Recorder(Doubler):
        def __call__(self, inputs):
            order.extend(inputs["x"][:, 0].tolist())
            return super().__call__(inputs)

    async def scenario(batcher):
        def call(priority):
            return Call(REST, PREDICT, ModelSpec("m"), priority=priority)

        requests = ((1, 0), (2, -1), (3, 5), (4, 0), (5, 5))
        await asyncio.gather(
            *(batcher.submit(rows(v), FOREVER, call(priority)) for v, priority in requests)
        )

    batching(scenario, model=Recorder(), max_batch_size=1)

    assert order == [3, 5, 1, 4, 2]


def test_a_batch_that_is_not_full_waits_when_it_is_told_to():
    async def scenario(batcher):
        first = asyncio.ensure_future(batcher.submit(rows(1)))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(batcher.submit(rows(2)))
        start = time.perf_counter()
        await asyncio.gather(first, second)
        waited = time.perf_counter() - start
        start = time.perf_counter()
        await asyncio.gather(*(batcher.submit(rows(i)) for i in range(4)))
        return waited, time.perf_counter() - start

    sizes, (waited, full) = batching(scenario, max_batch_size=4, batch_timeout_micros=200_000)

    assert sizes == [2, 4]
    assert 0.1 < waited < 1
    assert full < 0.1


def test_inputs_of_different_lengths_are_filled_up_when_that_is_allowed():
    shapes = []

    class Widths(Doubler):
        def __call__(self, inputs):
            shapes.append(inputs["x"].tolist())
            return super().__call__(inputs)

    async def scenario(batcher):
        short = {"x": np.array([[7, 8]], np.float32)}
        long = {"x": np.array([[1, 2, 3]], np.float32)}
        return await asyncio.gather(batcher.submit(short), batcher.submit(long))

    batching(scenario, model=Widths(), max_batch_size=2, pad_variable_length_inputs=True)

    assert shapes == [[[7, 8, 7], [1, 2, 3]]]


def test_large_requests_are_refused_where_they_may_not_be_cut():
    async def scenario(batcher):
        with pytest.raises(InvalidArgumentError, match=r"at most 4 rows .* got 5"):
            await batcher.submit(rows(*range(5)))
        return await batcher.submit(rows(*range(4)))

    sizes, _ = batching(scenario, max_batch_size=4, enable_large_batch_splitting=False)

    assert sizes == [4]


def test_a_batch_is_cut_where_padding_would_cost_more():
    async def scenario(batcher):
        for size, seconds in {1: 0.001, 2: 0.002, 4: 0.004, 8: 0.008}.items():
            batcher._costs[size].add(seconds)
        await asyncio.gather(*(batcher.submit(rows(i)) for i in range(5)))

    sizes, _ = batching(scenario, max_batch_size=8)

    assert sizes == [4, 1]


def test_a_call_hears_of_times_and_sizes():
    calls = [Call(REST, PREDICT, ModelSpec("m")) for _ in range(3)]

    async def scenario(batcher):
        await asyncio.gather(*(batcher.submit(rows(1), FOREVER, call) for call in calls))

    batching(scenario, max_batch_size=4)

    assert [(c.rows, c.batch_size, c.padded_size) for c in calls] == [(1, 3, 4)] * 3
    assert all(c.compute_s > 0 and c.queue_s > 0 for c in calls)


def test_a_caller_who_leaves_while_the_device_works_does_not_hurt_the_others():
    async def scenario(batcher, executor):
        both = [asyncio.ensure_future(batcher.submit(rows(i))) for i in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        both[0].cancel()
        executor.release()
        return await both[1]

    executor = HeldExecutor()
    _, answer = batching(
        lambda batcher: scenario(batcher, executor), executor=executor, max_batch_size=8
    )

    np.testing.assert_array_equal(answer["y"], [[4, 4]])


def test_one_bad_request_does_not_spoil_the_batch():
    async def scenario(batcher):
        answers = (batcher.submit(rows(i)) for i in (1, -1, 2))
        return await asyncio.gather(*answers, return_exceptions=True)

    sizes, (first, bad, last) = batching(scenario, max_batch_size=4)

    assert sizes == [4, 1, 1, 1]
    assert first["y"][0, 0] == 2
    assert isinstance(bad, InvalidArgumentError)
    assert last["y"][0, 0] == 4


def test_a_failure_that_is_no_op_error_becomes_an_internal_error():
    class Broken(Doubler):
        def __call__(self, inputs):
            raise ZeroDivisionError("a slip")

    async def scenario(batcher):
        with pytest.raises(InternalError, match="ZeroDivisionError: a slip"):
            await batcher.submit(rows(1))

    batching(scenario, model=Broken())


def test_an_output_without_rows_is_an_error_that_says_so():
    class Total(Doubler):
        def __call__(self, inputs):
            return {"total": inputs["x"].sum()}

    async def scenario(batcher):
        with pytest.raises(InternalError, match="'total' must have a row for each of 1 rows"):
            await batcher.submit(rows(1))

    batching(scenario, model=Total())


def test_a_full_queue_refuses_at_once():
    async def scenario(batcher, executor):
        waiting = [asyncio.ensure_future(batcher.submit(rows(1))) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="4 rows are waiting"):
            await batcher.submit(rows(1))
        for task in waiting:
            task.cancel()

    executor = HeldExecutor()
    batching(
        lambda batcher: scenario(batcher, executor),
        executor=executor,
        max_batch_size=2,
        max_enqueued_batches=2,
    )


def test_work_past_its_deadline_is_dropped_before_the_call():
    async def scenario(batcher):
        past = asyncio.get_running_loop().time() - 1
        late = batcher.submit(rows(1), past)
        return await asyncio.gather(late, batcher.submit(rows(2)), return_exceptions=True)

    sizes, (late, answer) = batching(scenario, max_batch_size=2)

    assert sizes == [1]
    assert isinstance(late, DeadlineExceededError)
    assert answer["y"][0, 0] == 4


@pytest.mark.parametrize(
    "inputs",
    [
        {"x": np.zeros((0, 2), np.float32)},
        {"x": np.float32(3)},
        {"x": np.zeros((2, 2), np.float32), "z": np.zeros((3, 2), np.float32)},
    ],
    ids=["no rows", "scalar", "two numbers of rows"],
)
def test_inputs_without_common_rows_are_refused(inputs):
    async def scenario(batcher):
        with pytest.raises(InvalidArgumentError, match="same number of rows"):
            await batcher.submit({name: np.asarray(value) for name, value in inputs.items()})

    batching(scenario)


def test_a_closed_executor_refuses():
    async def scenario(batcher, executor):
        executor.close()
        with pytest.raises(UnavailableError, match="shutting down"):
            await batcher.submit(rows(1))

    executor = Executor()
    batching(lambda batcher: scenario(batcher, executor), executor=executor)


def test_a_slow_model_runs_on_the_thread_of_the_device():
    sizes, answer = batching(lambda batcher: batcher.submit(rows(3)), executor=Executor(0))

    assert sizes == [1]
    assert answer["y"][0, 0] == 6


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 8))
def test_everybody_gets_exactly_their_rows(sizes, limit):
    async def scenario(batcher):
        requests, start = [], 0
        for size in sizes:
            requests.append(batcher.submit(rows(*range(start, start + size))))
            start += size
        return await asyncio.gather(*requests)

    calls, answers = batching(scenario, max_batch_size=limit)

    got = np.concatenate([answer["y"][:, 0] for answer in answers])
    np.testing.assert_array_equal(got, np.arange(sum(sizes)) * 2)
    assert [len(answer["y"]) for answer in answers] == sizes
    assert max(calls) <= limit


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, (1,)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12))]
)
def test_batches_have_sizes_that_are_powers_of_two(limit, sizes):
    assert BatchingParameters(limit).allowed_batch_sizes == sizes


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"max_batch_size": 0}, "max_batch_size must be at least 1, got 0"),
        ({"max_enqueued_batches": 0}, "max_enqueued_batches must be at least 1, got 0"),
        ({"max_batch_size": 8, "allowed_batch_sizes": (2, 4)}, "end with max_batch_size 8"),
        ({"max_batch_size": 8, "allowed_batch_sizes": (4, 2, 8)}, "must rise"),
    ],
)
def test_limits_that_make_no_sense_are_refused(parameters, text):
    with pytest.raises(InvalidArgumentError, match=text):
        BatchingParameters(**parameters)
