"""Draw the rooms of the source and which imports which: python docs/make_rooms.py [rooms.svg]."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "thighdx"
WIDTH, HEIGHT, LEFT, TOP = 210, 26, 20, 20


def rooms() -> dict[str, tuple[str, ...]]:
    """Read the table of rooms where it is tested."""
    tree = ast.parse((ROOT / "tests" / "test_layering.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "ROOMS" and node.value:
            found: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
            return found
    raise SystemExit("tests/test_layering.py: no table ROOMS")


def counts(table: dict[str, tuple[str, ...]]) -> tuple[Counter[str], Counter[str], Counter[tuple[str, str]]]:
    """Return files and lines of every room, and how many imports go from one to another."""
    room_of = {name: room for room, names in table.items() for name in names}
    files, lines, arrows = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for path in sorted(PACKAGE.rglob("*.py")):
        first = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if first == "__init__":
            continue
        text, own = path.read_text(encoding="utf-8"), room_of[first]
        files[own] += 1
        lines[own] += text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("thighdx."):
                other = room_of[str(node.module).split(".")[1]]
                if other != own:
                    arrows[own, other] += 1
    return files, lines, arrows


def draw(table: dict[str, tuple[str, ...]]) -> str:
    """Return a matrix as SVG: a row per room, a dot per room that it imports from, as large as it uses it."""
    files, lines, arrows = counts(table)
    order = list(table)
    column = {room: LEFT + WIDTH + 30 * i for i, room in enumerate(order)}
    row = {room: TOP + 90 + HEIGHT * i for i, room in enumerate(order)}
    width, height = LEFT + WIDTH + 30 * len(order) + 70, TOP + 90 + HEIGHT * len(order)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        "<title>Rooms: each row imports from the columns with a dot; those on the right of the diagonal go up</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for room in order:
        x, y = column[room], row[room]
        out.append(f'<text x="{LEFT}" y="{y}">{escape(room)}</text>')
        out.append(f'<text x="{LEFT + 80}" y="{y}" fill="#666">{files[room]} files, {lines[room]:,}</text>')
        out.append(f'<text transform="translate({x + 4},{TOP + 70}) rotate(-60)">{escape(room)}</text>')
        out.append(f'<rect x="{x - 5}" y="{y - 9}" width="10" height="10" fill="#bbb"/>')
    for (own, other), n in sorted(arrows.items()):
        is_up = order.index(other) > order.index(own)
        radius = min(11.0, 2.0 + 1.3 * n**0.5)
        title = f"<title>{own} imports from {other}: {n}</title>"
        color = "#c22" if is_up else "#26a"
        out.append(
            f'<circle cx="{column[other]}" cy="{row[own] - 4}" r="{radius:.1f}" fill="{color}">{title}</circle>'
        )
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    target = (
        Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pages" / "contributing" / "rooms.svg"
    )
    target.write_text(draw(rooms()), encoding="utf-8")
