"""One run of the command: each setting climbs, and the best of them is chosen with a reason."""

from dataclasses import dataclass
from typing import Any

from penstock.cli.bench.ramp import Goal, Ramp

_CLEARLY = 1.05


@dataclass(frozen=True, slots=True)
class Setting:
    """What is varied: the protocol, and the rows of a request."""

    protocol: str
    rows: int

    def __str__(self) -> str:
        return f"{self.protocol}, {self.rows} row{'s' if self.rows > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was found.

    Args:
        url: of the server.
        model: its name.
        goal: what counts as good.
        ramps: by setting.
    """

    url: str
    model: str
    goal: Goal
    ramps: dict[Setting, Ramp]

    @property
    def best(self) -> Setting | None:
        """The setting with the most rows a second within the goal."""
        good = [setting for setting, ramp in self.ramps.items() if ramp.best is not None]
        return max(good, key=self.rows_per_second, default=None)

    def rows_per_second(self, setting: Setting) -> float:
        """Rows that a setting carries within the goal."""
        best = self.ramps[setting].best
        return 0.0 if best is None else best.achieved * setting.rows

    def reason(self) -> str:
        """Say which setting is best, and why."""
        best = self.best
        if best is None:
            tried = next(iter(self.ramps.values()))
            return f"No load met the goal: {tried.limit}."
        ramp = self.ramps[best]
        assert ramp.best is not None
        rate, p99 = ramp.best.rate, ramp.best.latency_ms(99)
        rows = self.rows_per_second(best)
        text = f"{best}: {rate:,.0f} requests/s ({rows:,.0f} rows/s) at p99 {p99:.1f} ms"
        text += (
            f"; {ramp.limit}." if ramp.limit else "; no limit was found up to the highest rate."
        )
        others = sorted((s for s in self.ramps if s != best), key=self.rows_per_second)
        if others:
            second = others[-1]
            share = rows / max(self.rows_per_second(second), 1e-9)
            if self.rows_per_second(second) <= 0:
                text += f" No other setting met the goal ({second} did not)."
            elif share >= _CLEARLY:
                text += f" It carries {share:.1f} times the rows of {second}."
            else:
                text += f" {second} is within 5 %: take what suits the clients."
        if ramp.generator_is_late:
            text += (
                " The load generator itself sent late: the server may carry more; run the "
                "generator on a machine of its own."
            )
        return text

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        best = self.best
        return {
            "url": self.url,
            "model": self.model,
            "goal": {"p99_ms": self.goal.p99_ms, "error_share": self.goal.error_share},
            "settings": [
                {
                    "protocol": setting.protocol,
                    "rows": setting.rows,
                    "best_rate": None if ramp.best is None else round(ramp.best.rate, 1),
                    "rows_per_second": round(self.rows_per_second(setting), 1),
                    "limit": ramp.limit,
                    "steps": [outcome.as_dict() for outcome in ramp.outcomes],
                }
                for setting, ramp in self.ramps.items()
            ],
            "best": None if best is None else {"protocol": best.protocol, "rows": best.rows},
            "reason": self.reason(),
        }
