"""What every row of the op table says about itself."""

import re

from penstock.ops.table import rows


def test_every_op_names_the_shape_of_each_input_and_output():
    lacking = {}
    for row in rows():
        _, found, note = row.doc.partition("Shape:")
        shape = " ".join(note.split())
        names = [
            name
            for name in row.input_names + row.output_names
            if not re.search(rf"\b{name} (\[|scalar\b)", shape)
        ]
        if names or not found:
            lacking[row.name] = names or "no Shape: note"

    assert lacking == {}


def test_every_op_begins_its_note_with_one_sentence():
    bad = {}
    for row in rows():
        first = row.doc.strip().partition("\n")[0]
        if not first.endswith((".", "!", "?")):
            bad[row.name] = first

    assert bad == {}
