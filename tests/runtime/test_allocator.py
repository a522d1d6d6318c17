"""Freed memory is kept where it pays, and nowhere else."""

import os
import platform
import subprocess
import sys

import pytest

_GLIBC = platform.libc_ver()[0] == "glibc"

# A computation with 128 MiB of temporaries: no arena but the main one holds them.
_FAULTS = """
import resource
import penstock as tf

v = tf.Variable(tf.zeros([4096, 64]))

@tf.function(autograph=False)
def f(x):
    y = tf.linalg.matmul(x, x, transpose_b=True)
    v.assign_add(tf.linalg.matmul(tf.nn.softmax(y), x))

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    f(x)
    v.numpy()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

x = tf.ones([4096, 64])
for _ in range(3):
    faults()
print(min(faults() for _ in range(5)))
"""

_STEP = """
import penstock as tf
from penstock.runtime import allocator

size = SIZE
v = tf.Variable(tf.zeros([size, 256]))

@tf.function(autograph=False)
def f(x):
    y = tf.linalg.matmul(x, x, transpose_b=True)
    v.assign_add(tf.linalg.matmul(tf.nn.softmax(y), x))

@tf.function(autograph=False)
def g(x):
    y = tf.linalg.matmul(x, x, transpose_b=True)
    return tf.linalg.matmul(tf.nn.softmax(y), x)

WORK(tf.ones([size, 256]))
print(allocator.is_keeping_memory())
"""


def _keeps(work, size, prepare="", **environment):
    program = prepare + _STEP.replace("SIZE", str(size)).replace("WORK", work)
    return _run(program, **environment) == "True"


def _run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not _GLIBC, reason="only glibc has the settings")
def test_a_step_with_large_temporaries_that_assigns_keeps_memory():
    assert _keeps("f", 4096)


def test_a_small_step_does_not():
    assert not _keeps("f", 128)


def test_a_computation_that_only_reads_does_not():
    assert not _keeps("g", 4096)


@pytest.mark.skipif(not _GLIBC, reason="only glibc has the settings")
def test_the_pages_of_temporaries_larger_than_an_arena_are_not_cleared_again():
    # How many there are depends on the size of the system's pages.
    assert int(_run(_FAULTS)) < int(_run(_FAULTS, PENSTOCK_KEEP_MEMORY="0")) / 5


@pytest.mark.skipif(not _GLIBC, reason="only glibc has the settings")
def test_a_computation_that_only_reads_does_where_the_program_allows_it():
    allow = "from penstock.runtime.allocator import allow_keeping_memory as a; a()\n"
    assert _keeps("g", 4096, allow)


def test_the_variable_forbids_it():
    assert not _keeps("f", 4096, PENSTOCK_KEEP_MEMORY="0")
