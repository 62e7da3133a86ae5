"""What goes over the pipe comes out equal and of the same type, and bytes that are no value are refused."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import os
from typing import Any

import pytest

from suite.sandbox.judging.values import Malformed, PipeClosed, Unsendable, decode, encode, receive, send

PLAIN = [
    None, True, False, 0, -7, 10**4000, 0.1, -0.0, float("inf"), 1 - 2j, "", "a\0ü\ud800", b"\xff", [], [1, [2.0]],
    (1, "x"), {1: "a", (2, 3): [None]}, {1, "a"}, frozenset({2}), bytearray(b"x"), range(1, 9, 2), slice(1, None),
    collections.Counter("aab"), collections.OrderedDict([("b", 1), ("a", 2)]), collections.deque([1, 2], 3),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), datetime.date(2020, 2, 29),
    datetime.datetime(2020, 2, 29, 1, 2, 3, 4), datetime.timedelta(days=-1, microseconds=5),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)  # the order of a set varies
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    found = decode(encode(value))
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_types_are_kept_at_any_depth() -> None:
    found = decode(encode([True, 1, 1.0, {"a": (False, 0, {1})}]))
    assert repr(found) == "[True, 1, 1.0, {'a': (False, 0, {1})}]"


def test_views_and_a_mapping_with_a_default_compare_as_theirs_do() -> None:
    assert decode(encode({"a": 1, "b": 2}.keys())) == {"a", "b"}
    assert list(decode(encode({"a": 1}.values()))) == [1]
    assert decode(encode(collections.defaultdict(list, a=[1]))) == {"a": [1]}


def test_a_named_tuple_is_a_tuple_and_a_class_with_an_equality_of_its_own_is_no_value() -> None:
    point = collections.namedtuple("point", "x y")

    class Same(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert type(decode(encode(point(1, 2)))) is tuple
    for value in (Same(1), object(), print, [Same(1)]):
        with pytest.raises(Unsendable):
            encode(value)


def test_what_holds_itself_or_is_too_deep_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Unsendable, match="deeply"):
        encode(ring)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"i", b"i3:1", b"i1:g", b"s1:\xff", b"l1:", b"l99999999:", b"d1:l0:N", b"e1:l0:", b"NN", b"q0:",
        b"h4:evalN",
        b"x8:os.PathN", b"x13:builtins.evals1:1", b"i-1:", b"l1:" * 2000 + b"N", b"f2:zz", b"x20:datetime.datetime",
        b"x13:datetime.dates1:x", b"x15:decimal.Decimals1:x", b"x14:builtins.ranget3:i1:1i1:1i1:0",
    ],
)  # fmt: skip
def test_bytes_that_are_no_value_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


def test_messages_come_whole_and_a_closed_pipe_is_the_end() -> None:
    reading, writing = os.pipe()
    send(writing, ("a", [1]))
    assert receive(reading) == ("a", [1])
    os.close(writing)
    with pytest.raises(PipeClosed):
        receive(reading)
    os.close(reading)
