"""The expressions of `when` and `constraints`: a small language of its own, never Python's `eval`.

    or  and  not  == != < <= > >= in, not in  + -  * /  unary -       (weakest to strongest)

Atoms: numbers with an optional unit (10k, 1.5M, 2G), words and "quoted text", [lists], names
(`width`, `stages[1].streams`, `macs`), and aggregates over a list of fields:
all, any, sum, max, min, nondecreasing. Comparisons chain: 1 <= width <= 2.

Evaluation works on plain values and on numpy arrays (one entry a point) alike. Arithmetic is in
floats, exact for whole numbers up to 2**53: whole ones of numpy would run over without a word.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from nas.errors import UserError

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
AGGREGATES = ("all", "any", "sum", "max", "min", "nondecreasing")
KEYWORDS = {"and", "or", "not", "in", "true", "false"}
MAX_LENGTH, MAX_DEPTH, MAX_OPERATORS = 2000, 40, 100
LARGEST = 1e30

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d\d?)?(?P<unit>[kMG]?)(?![\w.]))
    | (?P<text>"[^"\n]*"|'[^'\n]*')
    | (?P<name>[A-Za-z_]\w*(?:\[[-\w*: ]*\]|\.[A-Za-z_]\w*)*)
    | (?P<symbol><=|>=|==|!=|[-+*/<>(),\[\]])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Expression:
    """One node: an operation with its operands; a leaf is `value` or `name` with its content."""

    op: str
    args: tuple[Any, ...]

    def names(self) -> Iterator[str]:
        """Every field path and cost that the expression reads."""
        if self.op == "name":
            yield self.args[0]
        for arg in self.args:
            if isinstance(arg, Expression):
                yield from arg.names()


def parse(text: str, is_name: Callable[[str], bool]) -> Expression:
    """Read an expression; a word for which `is_name` is false stands for itself, as text.

    UserError points at the place where the text stops making sense.
    """
    if len(text) > MAX_LENGTH:
        raise UserError(f"an expression has at most {MAX_LENGTH} characters, this one {len(text)}")
    parser = _Parser(text, is_name)
    parsed = parser.disjunction(0)
    if parser.peek()[0] != "end":
        parser.fail("an operator or the end")
    return parsed


class _Parser:
    def __init__(self, text: str, is_name: Callable[[str], bool]) -> None:
        self.text, self.is_name = text, is_name
        self.tokens = list(_tokens(text))
        self.next = 0
        operators = sum(kind != "value" and value in OPERATORS for kind, value, _ in self.tokens)
        if operators > MAX_OPERATORS:
            raise UserError(
                f"in {_short(text)!r}: {operators} operators; at most {MAX_OPERATORS} are expected"
            )

    def peek(self) -> tuple[str, Any, int]:
        return self.tokens[self.next]

    def take(self, *symbols: str) -> str | None:
        kind, value, _ = self.peek()
        if kind in ("symbol", "keyword") and value in symbols:
            self.next += 1
            return str(value)
        return None

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            self.fail(f"{symbol!r}")

    def fail(self, wanted: str) -> None:
        kind, value, place = self.peek()
        found = "the end" if kind == "end" else repr(str(value))
        raise UserError(
            f"in {_short(self.text)!r}: {wanted} was expected at {place + 1}, not {found}"
        )

    def disjunction(self, depth: int) -> Expression:
        return self.left_to_right(depth, ("or",), self.conjunction)

    def conjunction(self, depth: int) -> Expression:
        return self.left_to_right(depth, ("and",), self.negation)

    def negation(self, depth: int) -> Expression:
        if self.take("not"):
            return Expression("not", (self.negation(self.deeper(depth)),))
        return self.comparison(depth)

    def comparison(self, depth: int) -> Expression:
        left, chain = self.sum(depth), []
        while True:
            op = self.take("==", "!=", "<", "<=", ">", ">=", "in")
            if not op and self.take("not"):
                self.expect("in")
                op = "not in"
            if not op:
                break
            right = self.sum(depth)
            if op in ("in", "not in") and right.op != "list":
                self.fail("a list, as in `stages[0].gate in [none, fixed]`,")
            chain.append(Expression(op, (left, right)))
            left = right
        return reduce(lambda a, b: Expression("and", (a, b)), chain) if chain else left

    def sum(self, depth: int) -> Expression:
        return self.left_to_right(depth, ("+", "-"), self.product)

    def product(self, depth: int) -> Expression:
        return self.left_to_right(depth, ("*", "/"), self.signed)

    def signed(self, depth: int) -> Expression:
        if self.take("-"):
            return Expression("negative", (self.signed(self.deeper(depth)),))
        return self.atom(self.deeper(depth))

    def atom(self, depth: int) -> Expression:
        kind, value, _ = self.peek()
        if self.take("("):
            inner = self.disjunction(depth)
            self.expect(")")
            return inner
        if self.take("["):
            items: list[Expression] = []
            while not self.take("]"):
                if items:
                    self.expect(",")
                items.append(self.sum(depth))
                if items[-1].op != "value":
                    self.fail("a list of plain values")
            return Expression("list", tuple(items))
        if self.take("true", "false"):
            return Expression("value", (value == "true",))
        if kind == "value":
            self.next += 1
            return Expression("value", (value,))
        if kind == "name":
            self.next += 1
            if value in AGGREGATES and self.take("("):
                inner = self.disjunction(depth)
                self.expect(")")
                return Expression(str(value), (inner,))
            named = self.is_name(value)
            if not named and not value.isidentifier():
                raise UserError(f"in {_short(self.text)!r}: no field is named {value!r}")
            return Expression("name" if named else "value", (value,))
        self.fail("a value")
        raise AssertionError

    def left_to_right(
        self, depth: int, ops: tuple[str, ...], operand: Callable[[int], Expression]
    ) -> Expression:
        left = operand(depth)
        while op := self.take(*ops):
            left = Expression(op, (left, operand(depth)))
        return left

    def deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise UserError(f"in {_short(self.text)!r}: nested more than {MAX_DEPTH} deep")
        return depth + 1


def _tokens(text: str) -> Iterator[tuple[str, Any, int]]:
    place = 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if not match:
            rest = text[place:].lstrip()
            at = len(text) - len(rest) + 1
            if size := re.match(r"\d+x\d+\b", rest):
                raise UserError(f'in {_short(text)!r}: a size stands in quotes, as "{size[0]}"')
            if odd := re.match(r"\.?\d[\d.]*(?:[eE][+-])?\w+", rest):
                raise UserError(
                    f"in {_short(text)!r}: {_short(odd[0])!r} at {at} is not a number; its units "
                    f"are {', '.join(filter(None, UNITS))}, and its exponent has two digits at most"
                )
            hint = "; comparisons are == != < <= > >=" if rest[0] == "=" else ""
            raise UserError(f"in {_short(text)!r}: {rest[0]!r} at {at} is not understood{hint}")
        start = match.start(match.lastgroup or 0)
        place = match.end()
        if (number := match["number"]) is not None:
            unit = match["unit"]
            value = Fraction(number.removesuffix(unit)) * UNITS[unit]
            if value > LARGEST:
                raise UserError(
                    f"in {_short(text)!r}: {_short(number)} at {start + 1} is above {LARGEST:g}, "
                    "the largest number"
                )
            yield "value", _nearest(value), start
        elif match["text"] is not None:
            yield "value", match["text"][1:-1], start
        elif match["name"] is not None:
            yield "keyword" if match["name"] in KEYWORDS else "name", match["name"], start
        else:
            yield "symbol", match["symbol"], start
    yield "end", None, len(text)


def _nearest(exact: Fraction) -> int | float:
    """64.1k is the whole number 64100, which no product of floats says; above 2**53, a float."""
    whole = exact.denominator == 1 and exact <= 2**53
    return exact.numerator if whole else float(exact)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def evaluate(expression: Expression, lookup: Callable[[str], Any]) -> Any:
    """The value of the expression; `lookup` gives each name's value, a list for a `[*]` path."""
    op, args = expression.op, expression.args
    if op == "value":
        return args[0]
    if op == "name":
        return lookup(args[0])
    if op == "list":
        return [evaluate(item, lookup) for item in args]
    if op in AGGREGATES:
        return _aggregate(op, args[0], lookup)
    operands = [evaluate(arg, lookup) for arg in args]
    if op in ("in", "not in"):
        found = reduce(operator.or_, (_equal(operands[0], item) for item in operands[1]), False)
        return _not(found) if op == "not in" else found
    return OPERATIONS[op](*operands)


def _aggregate(op: str, inner: Expression, lookup: Callable[[str], Any]) -> Any:
    """Lists of fields are walked in step: `all(stages[*].streams > 1)` compares each."""
    lists = {name: lookup(name) for name in inner.names()}
    lengths = {len(found) for found in lists.values() if isinstance(found, list)}
    if len(lengths) != 1:
        raise UserError(f"{op}(...) needs paths over the same stages, as stages[*].streams")

    def at(index: int) -> Callable[[str], Any]:
        return lambda name: lists[name][index] if isinstance(lists[name], list) else lists[name]

    items = [evaluate(inner, at(index)) for index in range(lengths.pop())]
    if op == "nondecreasing":
        steps = (a <= b for a, b in itertools.pairwise(items))
        return reduce(operator.and_, steps, True)
    return reduce(REDUCTIONS[op], items)


def _not(value: Any) -> Any:
    return ~value if hasattr(value, "dtype") else not value


def _equal(left: Any, right: Any) -> Any:
    return left == right


def _plus(left: Any, right: Any) -> Any:
    return (left + 0.0) + right


def _minus(left: Any, right: Any) -> Any:
    return (left + 0.0) - (right + 0.0)  # numpy has no difference of truths


def _times(left: Any, right: Any) -> Any:
    return (left + 0.0) * right


def _negative(value: Any) -> Any:
    return -(value + 0.0)


def _divided(left: Any, right: Any) -> Any:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(left, right)  # infinite or no number where `right` is 0


def _maximum(left: Any, right: Any) -> Any:
    import numpy as np

    return np.maximum(left, right)


def _minimum(left: Any, right: Any) -> Any:
    import numpy as np

    return np.minimum(left, right)


REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "all": operator.and_,
    "any": operator.or_,
    "sum": _plus,
    "max": _maximum,
    "min": _minimum,
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "and": operator.and_,
    "or": operator.or_,
    "not": _not,
    "negative": _negative,
    "==": _equal,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
}
OPERATORS = {*OPERATIONS, "in"}
