"""Prints the names that golden cases cover and pass, from what check_ops.py --json wrote.

Usage: make_tested.py cases.json result.json
"""

import json
import sys
from pathlib import Path


def main(cases_path, result_path):
    cases = json.loads(Path(cases_path).read_text())["cases"]
    result = json.loads(Path(result_path).read_text())
    failed = {name for name, _ in result["failures"]}
    names, bad = set(), set()
    for case in cases:
        mentioned = {name.removeprefix("tf.") for name in case["fns"]}
        (bad if case["name"] in failed else names).update(mentioned)
    print("# Names whose values were compared with those that TensorFlow gave.")
    sys.stdout.writelines(f"{name}\n" for name in sorted(names - bad))


main(*sys.argv[1:])
