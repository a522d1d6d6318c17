"""The report of the demo: one HTML page that needs nothing else."""

import string
from collections.abc import Iterable, Mapping
from html import escape
from importlib import resources

import numpy as np

from penstock.cli.demo.charts import Line, histogram, line_chart, scan
from penstock.cli.demo.outcome import Outcome

_MOST_SHOWN = 24


def render(outcome: Outcome) -> str:
    """The page of one run."""
    template = resources.files("penstock.cli.demo").joinpath("report.html")
    parts = {
        "version": escape(outcome.versions["penstock"]),
        "strip": _strip(outcome),
        "figures": _figures(outcome),
        "accuracy_chart": _accuracy_chart(outcome.history),
        "loss_chart": _loss_chart(outcome.history),
        "confusion": _confusion(outcome),
        "misread": _pictures(outcome),
        "latency_chart": _latency_chart(outcome),
        "latency_table": _rows(_latencies(outcome)),
        "seconds": _rows((stage, f"{value:.1f} s") for stage, value in outcome.seconds.items()),
        "versions": _rows([*outcome.versions.items(), ("seed", str(outcome.seed))]),
        **_sentences(outcome),
    }
    return string.Template(template.read_text(encoding="utf-8")).substitute(parts)


def _sentences(outcome: Outcome) -> dict[str, str]:
    wrong, total = len(outcome.misread), len(outcome.held_out)
    epochs = len(outcome.history["loss"])
    equal = (
        "every answer equals the one that the model gives in memory"
        if outcome.is_served_right
        else "the answers differ from those that the model gives in memory"
    )
    shown = min(wrong, _MOST_SHOWN)
    which = "All of them" if shown == wrong else f"The first {shown} of them"
    return {
        "lead": (
            f"A small convolutional network learned from {outcome.trained_on:,} scans of "
            f"8 by 8 pixels and was judged on {total:,} that it had never seen. "
            "It was then exported and served over HTTP, and asked again."
        ),
        "training": (
            f"{epochs} epochs of {outcome.trained_on:,} scans; the held-out scans are watched "
            "and not learned from. Training accuracy is taken while the weights still move and "
            "with dropout at work, so it can lie below that of the held-out scans."
        ),
        "misread_title": f"The {wrong} misread scans" if wrong > 1 else _few(wrong),
        "misread_text": (
            f"{which}, the surest mistakes first." if wrong else "There is nothing to show."
        ),
        "serving": (
            f"The exported model was served by a process of its own and asked for each of the "
            f"{total:,} held-out scans; {equal} "
            f"(largest difference {outcome.largest_difference:.1e})."
        ),
    }


def _few(wrong: int) -> str:
    return "The one misread scan" if wrong else "No scan was misread"


def _strip(outcome: Outcome) -> str:
    labels = outcome.held_out.labels
    firsts = [int(np.flatnonzero(labels == digit)[0]) for digit in np.unique(labels)]
    return "".join(
        f"<li>{scan(outcome.held_out.images[i], f'a handwritten {labels[i]}')}{labels[i]}</li>"
        for i in firsts
    )


def _figures(outcome: Outcome) -> str:
    wrong, total = len(outcome.misread), len(outcome.held_out)
    figures = [
        (f"{100 * outcome.accuracy:.1f}", "%", "held-out accuracy"),
        (f"{wrong}", f" of {total}", "scans misread"),
        (f"{outcome.latency_ms(50):.2f}", " ms", "median request, one row"),
        (f"{outcome.load.requests_per_s:,.0f}", " /s", f"requests, {_connections(outcome)}"),
    ]
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{value}<small>{escape(unit)}</small></dd></div>"
        for value, unit, name in figures
    )


def _connections(outcome: Outcome) -> str:
    count = outcome.load.connections
    return f"{count} connections" if count > 1 else "one connection"


def _accuracy_chart(history: Mapping[str, list[float]]) -> str:
    train, held_out = history["accuracy"], history["val_accuracy"]
    return line_chart(
        [Line("held out", held_out, "first"), Line("training", train, "second")],
        says=(
            f"Accuracy by epoch: held-out scans from {held_out[0]:.1%} to {held_out[-1]:.1%}, "
            f"training scans from {train[0]:.1%} to {train[-1]:.1%}"
        ),
        x_name="epoch",
        y_format=lambda value: f"{value:.0%}",
        y_high=1.0,
    )


def _loss_chart(history: Mapping[str, list[float]]) -> str:
    train, held_out = history["loss"], history["val_loss"]
    return line_chart(
        [Line("held out", held_out, "first"), Line("training", train, "second")],
        says=(
            f"Cross-entropy by epoch: held-out scans from {held_out[0]:.3f} to "
            f"{held_out[-1]:.3f}, training scans from {train[0]:.3f} to {train[-1]:.3f}"
        ),
        x_name="epoch",
        y_format=lambda value: f"{value:g}",
        y_low=0.0,
    )


def _confusion(outcome: Outcome) -> str:
    counts = outcome.confusion
    head = "".join(f'<th scope="col">{digit}</th>' for digit in range(10))
    body = "".join(
        f'<tr><th scope="row">{digit}</th>'
        + "".join(_cell(int(count), digit == column, row) for column, count in enumerate(row))
        + "</tr>"
        for digit, row in enumerate(counts)
    )
    return (
        '<table class="confusion"><caption>Rows: the digit written. Columns: the '
        "digit read. Blue is right, orange is wrong.</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(count: int, is_right: bool, row: np.ndarray) -> str:
    if not count:
        return '<td class="none">0</td>'
    share = count / max(int(row.sum()), 1)
    # A single mistake must be seen too, hence the floor.
    strength = 0.08 + 0.34 * share if is_right else 0.3 + 0.5 * share
    return (
        f'<td class="{"right" if is_right else "wrong"}" '
        f'style="--share:{min(strength, 0.7):.2f}">{count}</td>'
    )


def _pictures(outcome: Outcome) -> str:
    figures = []
    for i in outcome.misread[:_MOST_SHOWN]:
        written, read = int(outcome.held_out.labels[i]), int(outcome.read_as[i])
        chances = outcome.probabilities[i]
        says = f"a handwritten {written} that was read as {read}"
        figures.append(
            f"<figure>{scan(outcome.held_out.images[i], says)}<figcaption>"
            f'<b>{written}</b> read as <b class="mistake">{read}</b><br>'
            f"{read}: {chances[read]:.0%}, {written}: {chances[written]:.0%}"
            "</figcaption></figure>"
        )
    return "".join(figures)


def _latency_chart(outcome: Outcome) -> str:
    p50, p99 = outcome.latency_ms(50), outcome.latency_ms(99)
    return histogram(
        outcome.answers.latencies_s * 1e3,
        [("median", p50), ("p99", p99)],
        says=(
            f"Distribution of {len(outcome.answers.latencies_s)} request times: half are below "
            f"{p50:.2f} ms, 99 of 100 below {p99:.2f} ms"
        ),
        x_name="milliseconds",
    )


def _latencies(outcome: Outcome) -> list[tuple[str, str]]:
    return [
        ("requests of one row, one after the other", f"{len(outcome.answers.latencies_s):,}"),
        ("median", f"{outcome.latency_ms(50):.2f} ms"),
        ("95 of 100 within", f"{outcome.latency_ms(95):.2f} ms"),
        ("99 of 100 within", f"{outcome.latency_ms(99):.2f} ms"),
        (f"requests a second, {_connections(outcome)}", f"{outcome.load.requests_per_s:,.0f}"),
        ("answers compared with those in memory", f"{_compared(outcome):,}"),
        ("largest difference of a probability", f"{outcome.largest_difference:.1e}"),
    ]


def _compared(outcome: Outcome) -> int:
    return len(outcome.answers.predictions) + outcome.load.requests


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in pairs
    )
