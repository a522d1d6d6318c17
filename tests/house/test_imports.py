"""`import penstock` is quick and quiet, and brings nothing that it does not need."""

import subprocess
import sys

HEAVY = {
    "jax",
    "numpy",
    "keras",
    "grpc",
    "google.protobuf",
    "tensorflow",
    "sklearn",
    "scipy.stats",
    "rich",
    "h5py",
}


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_loads_nothing_heavy():
    done = run_python("import sys, penstock; print(*sys.modules)")

    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


def test_import_prints_nothing():
    done = run_python("import penstock")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_tensor_machine_is_loaded_with_the_first_name():
    done = run_python(
        "import sys, penstock as tf; print('jax' in sys.modules);"
        "tf.add; print('jax' in sys.modules)"
    )

    assert done.stdout.split() == ["False", "True"], done.stderr


def test_the_room_of_functions_does_not_hide_the_decorator():
    done = run_python(
        "import penstock as tf, penstock.function.polymorphic;"
        "print(tf.function(abs, autograph=False)(tf.constant(-3)).numpy())"
    )

    assert done.stdout.split() == ["3"], done.stderr


def test_a_star_brings_the_names():
    done = run_python(
        "from penstock import *; as_text = str(int(add(1, 2)));"
        "__import__('sys').stdout.write(f'{as_text} {function.__name__}')"
    )

    assert done.stdout.split() == ["3", "function"], done.stderr
