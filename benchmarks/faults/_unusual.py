"""Right programs that do unusual things, with their tests."""

from __future__ import annotations

from typing import Final

RIGHT: Final[tuple[tuple[str, str, str], ...]] = (
    ("70 kB of output", "print('x' * 70_000)\ndef f(x): return x + 1", "\nassert f(3) == 4"),
    ("input() under a main guard", "def f(x): return x + 1\nif __name__ == '__main__':\n    print(f(input()))",
     "\nassert f(3) == 4"),
    ("an exit handler that sets the status", "import atexit, os\natexit.register(lambda: os._exit(3))\n"
     "def f(x): return x + 1", "\nassert f(3) == 4"),
    ("a generator", "def f(x):\n    for i in range(x): yield i", "\nassert list(f(3)) == [0, 1, 2]"),
    ("a counter", "from collections import Counter\ndef f(x): return Counter(x)",
     "\nassert f('aab') == Counter('aab')"),
    ("a list that is sorted in its place", "def f(x): x.sort()", "\na = [3, 1]\nf(a)\nassert a == [1, 3]"),
    ("a function of the tests", "def f(g): return [g(x) for x in (1, 2)]", "\nassert f(lambda x: 2 * x) == [2, 4]"),
    ("an exception", "def f(x): raise KeyError('needle 5821')",
     "\ntry:\n    f(3)\n    assert False\n"
     "except KeyError as error:\n    assert error.args == ('needle 5821',)"),
    ("leaves while it is asked no more", "import atexit\natexit.register(lambda: print(1 / 0))\ndef f(x): return x",
     "\nassert f(3) == 3"),
    ("a thread that goes on", "import threading, time\nt = threading.Thread(target=time.sleep, args=(30,))\n"
     "t.start()\ndef f(x): return x", "\nassert f(3) == 3"),
    ("large numbers", "def f(x): return x ** 20000", "\nassert f(3) == 3 ** 20000"),
    ("no numbers", "def f(): return [float('inf'), -0.0]", "\nassert f() == [float('inf'), 0.0]"),
    ("texts that are none elsewhere", "def f(x): return x[::-1]", "\nassert f('\\ud800\\0ü') == 'ü\\0\\ud800'"),
    ("a named tuple", "from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef f(x): return P(x, 1)",
     "\nassert f(3) == (3, 1)"),
    ("a closure", "def f(n):\n    return lambda x: x + n", "\nassert f(2)(3) == 5"),
    ("a cached function", "import functools\n@functools.cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)",
     "\nassert f(60) == 1548008755920"),
    ("sets, keys and dates", "import datetime\ndef f(d): return {1: frozenset(d), 2: datetime.date(2020, 2, 29)}",
     "\nimport datetime\nassert f({'a': 1}) == {1: {'a'}, 2: datetime.date(2020, 2, 29)}"),
    ("a number that is equal across types", "def f(x): return x / 2", "\nassert f(4) == 2 and f(4) is not True"),
    ("no line end", "x = 1; f = lambda x: x + 1  # the tests begin here", "\nassert f(3) == 4"),
    ("an empty call", "def f(): ...", "\nassert f() is None"),
    ("names of builtins", "def sum(a, b): return a + b", "\nassert sum(3, 1) == 4"),
    ("deep recursion", "def f(n): return n and 1 + f(n - 1)", "\nassert f(980) == 980"),
    ("tests under a main guard", "def f(x): return x", "\nif __name__ == '__main__':\n    assert f(3) == 3"),
)  # fmt: skip
