"""Every way to change one small thing in a source file: what a test suite that checks something should notice."""

from __future__ import annotations

import ast
from dataclasses import dataclass

__all__ = ["Mutant", "mutants"]

COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
OPERATORS = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
BOOLEANS = {ast.And: "or", ast.Or: "and"}
# What these say or promise is for people and type checkers; a decorator says how a function is compiled.
SPARED_CALLS = {"warn", "__import__", "TypeVar", "NewType"}
SPARED_NAMES = {"__all__", "__slots__"}
SPARED_FUNCTIONS = {"__repr__", "__str__"}


@dataclass(frozen=True)
class Mutant:
    """One change: characters `start` to `end` of a file replaced by `text`."""

    line: int
    kind: str
    start: int
    end: int
    text: str

    def applied_to(self, source: str) -> str:
        """Return the changed source."""
        return source[: self.start] + self.text + source[self.end :]


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a source, in the order of the text."""
    found = _Finder(source)
    found.visit(ast.parse(source))
    return sorted(found.mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


class _Finder(ast.NodeVisitor):
    """Collects mutants; passes by messages, docstrings, type hints and decorators."""

    def __init__(self, source: str) -> None:
        self.source = source
        lines = source.splitlines(keepends=True)
        self.line_starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
        self.lines = lines
        self.mutants: list[Mutant] = []

    def place(self, line: int, column: int) -> int:
        """Return the number of characters before a place, whose column counts bytes."""
        return self.line_starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.expr) -> str:
        """Return the source of a node."""
        start, end = self.span(node)
        return self.source[start:end]

    def add(self, node: ast.expr, kind: str, start: int, end: int, text: str) -> None:
        """Note one change."""
        self.mutants.append(Mutant(node.lineno, kind, start, end, text))

    def replace(self, node: ast.expr, kind: str, text: str) -> None:
        """Note a change of a whole node."""
        self.add(node, kind, *self.span(node), text)

    def between(self, left: ast.expr, right: ast.expr, kind: str, old: str, new: str) -> None:
        """Note a change of the operator that stands between two nodes, whatever parentheses are there too."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = self.source[start:end]
        at = start + gap.index(old)
        self.add(right, kind, at, at + len(old), new)

    # ---- what is passed by --------------------------------------------------------------------

    def visit_Raise(self, node: ast.Raise) -> None:
        """Pass by: what it says is for people."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Pass by."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Pass by: it is for type checkers."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """See the value only."""
        if node.value is not None and "TypeAlias" not in ast.dump(node.annotation):
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        """See all but lists of names."""
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if not names & SPARED_NAMES:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """See defaults and body only."""
        if node.name in SPARED_FUNCTIONS:
            return
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        for part in (*defaults, *node.body):
            self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """See the body only."""
        for part in node.body:
            self.visit(part)

    # ---- what is changed ----------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        """Move or turn every comparison."""
        sides = [node.left, *node.comparators]
        for left, right, operator in zip(sides, sides[1:], node.ops, strict=False):
            old = _written(operator)
            self.between(left, right, "comparison", old, COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Exchange an arithmetic operator."""
        if type(node.op) in OPERATORS:
            kind = "arithmetic"
            self.between(node.left, node.right, kind, _written(node.op), OPERATORS[type(node.op)])
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Exchange the operator of `+=` and the like."""
        if type(node.op) in OPERATORS:
            old, new = _written(node.op), OPERATORS[type(node.op)]
            self.between(node.target, node.value, "arithmetic", f"{old}=", f"{new}=")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Exchange `and` and `or`."""
        new = BOOLEANS[type(node.op)]
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, "boolean", _written(node.op), new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Drop `not`, a minus or a tilde."""
        kind = {ast.Not: "dropped not", ast.Invert: "dropped not", ast.USub: "arithmetic"}
        if type(node.op) in kind:
            self.replace(node, kind[type(node.op)], f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Turn a truth value; add one to a whole number; double another number, or make one of 0."""
        value = node.value
        if isinstance(value, bool):
            self.replace(node, "boolean", str(not value))
        elif isinstance(value, int):
            self.replace(node, "constant", str(value + 1))
        elif isinstance(value, float):
            self.replace(node, "constant", repr(value * 2 or 1.0))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Drop a bound of every slice, besides what is changed in bounds and numbers."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            if isinstance(part, ast.Slice):
                for bound in filter(None, (part.lower, part.upper, part.step)):
                    self.replace(bound, "slice", "1" if bound is part.step else "")
        if not _is_type(node):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Swap the first two arguments, besides what is changed in them."""
        if _called(node) in SPARED_CALLS:
            return
        if len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
            one, other = node.args[:2]
            start, end = self.span(one)[0], self.span(other)[1]
            between = self.source[self.span(one)[1] : self.span(other)[0]]
            self.add(one, "swapped arguments", start, end, f"{self.text(other)}{between}{self.text(one)}")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Swap the two branches."""
        body, orelse = self.text(node.body), self.text(node.orelse)
        self.replace(node, "boolean", f"(({orelse}) if {self.text(node.test)} else ({body}))")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """Turn a condition that is neither a comparison nor a `not`, which are turned for themselves."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node.test, ast.Name | ast.Call | ast.Attribute | ast.NamedExpr | ast.Subscript):
            self.replace(node.test, "boolean", f"not ({self.text(node.test)})")
        self.generic_visit(node)


def _written(operator: ast.AST) -> str:
    """Return an operator as it is written."""
    name = ast.Name("x")
    if isinstance(operator, ast.cmpop):
        text = ast.unparse(ast.Compare(name, [operator], [name]))
    elif isinstance(operator, ast.boolop):
        text = ast.unparse(ast.BoolOp(operator, [name, name]))
    else:
        assert isinstance(operator, ast.operator)
        text = ast.unparse(ast.BinOp(name, operator, name))
    return text.removeprefix("x").removesuffix("x").strip()


def _called(node: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _is_type(node: ast.Subscript) -> bool:
    """Whether `a[b]` is a type such as `list[Problem]`."""
    return isinstance(node.value, ast.Name) and node.value.id in {"list", "dict", "tuple", "set", "Once"}
