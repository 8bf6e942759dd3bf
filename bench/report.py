"""What a row hands back, and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Sequence


@dataclass
class Row:
    name: str
    title: str
    header: Sequence[str]
    table: list[Sequence[str]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def goal(self, what: str, value: float, reached: bool, goal: str, unit: str = "") -> None:
        word = "reached" if reached else "MISSED"
        shown = f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.2f}"
        self.verdicts.append(f"{what}: {shown}{unit} (goal {goal}): {word}")
        self.summary.setdefault("goals", []).append(
            {"what": what, "value": round(value, 4), "goal": goal, "reached": reached}
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "summary": self.summary,
            "table": [list(self.header), *map(list, self.table)],
            "commands": self.commands,
            "rounds": self.rounds,
            "problems": self.problems,
        }


def show(row: Row) -> str:
    lines = ["", f"{row.name}: {row.title}"]
    if row.table:
        cells = [list(row.header), *map(list, row.table)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(row.header))]
        for line in cells:
            padded = [line[0].ljust(widths[0])]
            padded += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            lines.append("  " + "  ".join(padded).rstrip())
    lines += [f"  {verdict}" for verdict in row.verdicts]
    lines += [f"  not measured: {problem}" for problem in row.problems]
    return "\n".join(lines)
