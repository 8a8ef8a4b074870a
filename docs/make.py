"""Write the parts of docs/ that are made from the code: `make docs`. A test holds them against what stands in the files."""

import ast
import json
import re
import tomllib
from pathlib import Path

from tsflow.requests.table import document

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
FLOORS = re.compile(r"(<!-- floors: made by `make docs` -->\n).*?(<!-- end -->)", re.DOTALL)
FAULTS = re.compile(r"(<!-- faults: made by `make faults` -->\n).*?(<!-- end -->)", re.DOTALL)
FIGURES = re.compile(r"(<!-- (\w+): made by `make docs` from statistics.json -->\n).*?(<!-- end -->)", re.DOTALL)
NOTES = REPOSITORY / ".faults.jsonl"


def first_line(room: str) -> str:
    """Return what a room says of itself: the first line of its docstring."""
    package = REPOSITORY / "src" / "tsflow" / room
    module = package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
    said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    if not said:
        msg = f"{module}: no docstring; say in its first line what the room is for"
        raise ValueError(msg)
    return said.splitlines()[0]


def floors() -> str:
    """Return the picture of the floors, from the import contract: a line a room, a rule between two floors."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    rooms = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    width = max(len(room) for floor in rooms for room in floor)
    drawn = ["\n".join(f" {room:<{width}}  {first_line(room)}" for room in floor) for floor in rooms]
    return "```\n" + f"\n {'─' * width}\n".join(drawn) + "\n```\n"


def architecture(text: str) -> str:
    """Return docs/architecture.md with the picture of now."""
    return FLOORS.sub(lambda found: found[1] + floors() + found[2], text)


def reliability(text: str, notes: str) -> str:
    """Return docs/reliability.md with the table of what `make faults` noted: a line of JSON for each fault and round."""
    seconds: dict[str, list[str]] = {}
    for line in map(json.loads, notes.splitlines()):
        seconds.setdefault(line["fault"], []).append(str(line["seconds"]))
    rows = [f"| {fault} | {', '.join(each)} | success |" for fault, each in seconds.items()]
    table = "\n".join(["| fault | seconds to the end of the run | the run |", "|---|---|---|", *rows, ""])
    return FAULTS.sub(lambda found: found[1] + table + found[2], text)


def percent(figures: dict[str, float] | None, name: str) -> str:
    """Return a share in percent; a dash where there is none."""
    return "–" if figures is None or name not in figures else f"{100 * figures[name]:.1f}"


def statistics(text: str, found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return docs/statistics.md with the tables of what `benchmarks/verdicts.py` found."""
    days = list(found["coverage"])
    columns: dict[str, list[tuple[str, str, str]]] = {  # of each table: heading, kind, figure
        "coverage": [
            ("interval of the MAE, usual weather", "coverage", "mae"),
            ("stormy weather", "coverage_stormy", "mae"),
            ("Jena's own errors", "record", "mae"),
            ("of a paired difference, usual weather", "coverage", "difference"),
            ("Jena's own", "record", "difference"),
            ("MAE by percentile bootstrap, as before", "coverage", "percentile"),
            ("width, in percent of the MAE", "coverage", "width"),
        ],
        "equals": [
            (f"{title}, of {equals}: {per}", f"board_{equals}", f"{name}_{per}")
            for equals in (12, 25)
            for title, name in (
                ("than the challenger", "retrain"),
                ("than the reference", "reference"),
                ("surely not the best", "not_best"),
            )
            for per in ("line", "board")
        ]
        + [(f"than the winner, of {equals}: line, uncorrected", f"board_{equals}", "winner_line") for equals in (12, 25)],
        "power": [
            (f"{share:g} % worse: {title}", "power", f"{name}_{share / 100:g}")
            for share in (2, 3, 5)
            for title, name in (("only line", "alone"), ("on the board", "board"), ("surely not the best", "not_best"))
        ],
        "gate": [(f"{share:g} % better" if share else "equal", "gate", f"better_{share / 100 or 0.0}") for share in (0, 2, 3, 5)],
    }

    def table(kind: str) -> str:
        heads = "".join(f" {length} |" for length in days)
        rows = [
            f"| {title} |" + "".join(f" {percent(found.get(place, {}).get(length), name)} |" for length in days)
            for title, place, name in columns[kind]
        ]
        return "\n".join([f"| days judged |{heads}", "|---|" + "---|" * len(days), *rows, ""])

    return FIGURES.sub(lambda each: each[1] + table(each[2]) + each[3], text)


if __name__ == "__main__":
    (DOCS / "requests.md").write_text(document(), encoding="utf-8")
    page = DOCS / "architecture.md"
    page.write_text(architecture(page.read_text(encoding="utf-8")), encoding="utf-8")
    page = DOCS / "statistics.md"
    found = json.loads((DOCS / "statistics.json").read_text(encoding="utf-8"))
    page.write_text(statistics(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    if NOTES.exists():
        page = DOCS / "reliability.md"
        page.write_text(reliability(page.read_text(encoding="utf-8"), NOTES.read_text(encoding="utf-8")), encoding="utf-8")
