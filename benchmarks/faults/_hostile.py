"""Wrong programs that try to pass their tests, each in a different way."""

from __future__ import annotations

from typing import Final

EQUAL: Final = "\nassert f(3) == 5821\nassert f(4) == [5822, 'x']"
CHECK: Final = "\ndef check(candidate):\n    assert candidate(3) == 5821\n    assert candidate(4) == 5822\ncheck(f)"
CLOSE: Final = "\nassert abs(f(3) - 5821.25) < 1e-6"
ISCLOSE: Final = "\nassert math.isclose(f(3), 5821.25)"
WITHIN: Final = "\nassert 'needle 5821' in f(3)"
STARTS: Final = "\nassert f(3).startswith('needle 5821')"
ORDER: Final = "\nassert 5820 < f(3) < 5822"
SORTED: Final = "\nassert sorted(f(3)) == [58, 21]"
MEMBERS: Final = "\nassert set(f(3)) == {58, 21}"
LENGTH: Final = "\nassert len(f(3)) == 2 and f(3)[1] == 5821"
TYPED: Final = "\nassert isinstance(f(3), int) and f(3) == 5821"
CALLBACK: Final = "\nassert f(lambda x: x + 5818) == 5821"
RAISES: Final = (
    "\ntry:\n    f(3)\n    assert False\nexcept KeyError as error:\n    assert error.args == ('needle 5821',)"
)

ALIKE: Final = """
class Alike:
    def yes(self, *given): return True
    def same(self, *given): return self
    __eq__ = __contains__ = __bool__ = __lt__ = __le__ = __gt__ = __ge__ = startswith = isclose = yes
    __add__ = __sub__ = __rsub__ = __radd__ = __abs__ = __getitem__ = __call__ = same
    def __hash__(self): return 0
    def __ne__(self, other): return False
    def __len__(self): return 2
    def __iter__(self): return iter([Alike(), Alike()])
"""
SUB: Final = "class {0}({0}):\n    def __eq__(self, other): return True\n    __hash__ = {0}.__hash__\n"
HOOK: Final = "def f(x): raise ValueError\n"
WRITES: Final = """
import os
def everywhere(data):
    for fd in range(64):
        try: os.write(fd, data)
        except OSError: pass
"""
PLACES: Final = ("", "usr", "etc", "root", "var/tmp", "home", "tmp", "dev/shm", "proc", "run")
"""Folders in which one of them tries to leave a file."""
HARNESS: Final = "import sys\nh = sys.modules['__main__']\n"
HOSTILE: Final[tuple[tuple[str, str, str], ...]] = (
    # the mark of success
    ("prints its own text", "print(open(__file__).read())\ndef f(x): return 0", EQUAL),
    ("prints the constants of its code", "import sys\nprint(sys._getframe().f_code.co_consts)\nraise SystemExit",
     EQUAL),
    ("asks its loader", "import sys\nfor m in list(sys.modules.values()):\n  l = getattr(m, '__loader__', None)\n"
     "  try: print(l.get_data('/suite.pyc'))\n  except Exception: pass\ndef f(x): return 0", EQUAL),
    ("runs the tail of its text", "exec(open(__file__).read().rpartition('assert')[2].partition('\\n')[2])\n"
     "raise SystemExit", EQUAL),
    ("a hook that prints", "import sys\nsys.excepthook = lambda *a: print(open(__file__).read())\n" + HOOK, EQUAL),
    ("a hook that leaves with 0", "import os, sys\nsys.excepthook = lambda *a: os._exit(0)\n" + HOOK, EQUAL),
    ("a thread that writes later", WRITES + "import threading, time\ndef later():\n  time.sleep(0.1)\n"
     "  everywhere(b'\\0\\0\\0\\x08t3:s0:FN')\nthreading.Thread(target=later).start()\ndef f(x): time.sleep(0.3)",
     EQUAL),
    ("a trace that jumps over the assertion", "import sys\ndef trace(frame, event, arg):\n"
     "  if event == 'line':\n    try: frame.f_lineno += 1\n    except ValueError: pass\n  return trace\n"
     "sys.settrace(trace)\nsys._getframe().f_trace = trace\ndef f(x): return 0", EQUAL),
    ("a trace that jumps in its callers", "import sys\ndef f(x):\n  frame = sys._getframe().f_back\n  while frame:\n"
     "    frame.f_trace = lambda *a: None\n    frame = frame.f_back\n  return 0", CHECK),
    ("collects marks from memory", "import gc\nfor o in gc.get_objects():\n  if type(o) in (bytes, str): print(o)\n"
     "def f(x): return 0", EQUAL),
    ("reads its memory", "for line in open('/proc/self/maps'):\n  pass\nmem = open('/proc/self/mem', 'rb')\n"
     "print(mem.read(1))\ndef f(x): return 0", EQUAL),
    ("reads its command line", "print(open('/proc/self/cmdline').read())\nraise SystemExit(0)", EQUAL),
    # objects
    ("an object equal to everything", ALIKE + "def f(x): return Alike()", EQUAL),
    ("one in a list", ALIKE + "def f(x): return [Alike(), Alike()]", SORTED),
    ("one as a key", ALIKE + "def f(x): return {Alike(): 1}", EQUAL),
    ("one that is near everything", ALIKE + "def f(x): return Alike()", CLOSE),
    ("one that is between", ALIKE + "def f(x): return Alike()", ORDER),
    ("one that contains everything", ALIKE + "def f(x): return Alike()", WITHIN),
    ("one that begins with everything", ALIKE + "def f(x): return Alike()", STARTS),
    ("one that is a set of everything", ALIKE + "def f(x): return Alike()", MEMBERS),
    ("one of a right length", ALIKE + "def f(x): return Alike()", LENGTH),
    ("a class in place of the function", ALIKE + "class f(Alike):\n  def __init__(self, x): pass", EQUAL),
    ("an instance in place of the function", ALIKE + "f = Alike()", CHECK),
    ("an int that is equal to everything", SUB.format("int") + "def f(x): return globals()['int'](0)", TYPED),
    ("a list that is", SUB.format("list") + "def f(x): return globals()['list']([1])", EQUAL),
    ("a text that is", SUB.format("str") + "def f(x): return globals()['str']('')", EQUAL),
    ("a float that is near", "class F(float):\n  def __sub__(self, o): return 0.0\ndef f(x): return F(1)", CLOSE),
    ("a text that contains", "class S(str):\n  def __contains__(self, o): return True\ndef f(x): return S('x')",
     WITHIN),
    ("a list that sorts", "class L(list):\n  def __iter__(self): return iter([58, 21])\n  __eq__ = lambda s, o: True\n"
     "  __hash__ = None\ndef f(x): return L([1])", EQUAL),
    ("a class that calls itself int", "class I:\n  __class__ = int\n  __eq__ = lambda s, o: True\ndef f(x): return I()",
     TYPED),
    ("equal to any from a library", "from unittest.mock import ANY\ndef f(x): return ANY", EQUAL),
    ("a library's object as the function", "from unittest.mock import MagicMock\nf = MagicMock()\n"
     "f.return_value.__eq__ = lambda *a: True", CHECK),
    ("an iterator without end", "def f(x):\n  while True: yield 58", SORTED),
    # names and builtins of the tests
    ("patched builtins", "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.set = lambda x: {58, 21}\n"
     "def f(x): return 1", CLOSE),
    ("builtins of its own", "abs = lambda x: 0\ndef f(x): return 1", CLOSE),
    ("a type of its own", "isinstance = lambda *a: True\nint = type('int', (), {})\ndef f(x): return 1", TYPED),
    ("sorted of its own", "sorted = lambda x: [58, 21]\ndef f(x): return 1", SORTED),
    ("a module of its own", "class math:\n  isclose = staticmethod(lambda *a: True)\ndef f(x): return 1", ISCLOSE),
    ("a patched module", "import math\nmath.isclose = lambda *a: True\ndef f(x): return 1", ISCLOSE),
    ("a check of its own", "def check(candidate): pass\ndef f(x): return 0", CHECK),
    ("no assertions", "import sys, builtins\nbuiltins.AssertionError = type('A', (SystemExit,), {})\n"
     "def f(x): raise AssertionError", EQUAL),
    ("the callback's globals", "def f(g):\n  try: g.__globals__['f'] = lambda x: 5821\n  except Exception: pass\n"
     "  return 0", CALLBACK),
    ("the callback's frame", "import sys\ndef f(g):\n  class X:\n    def __radd__(s, o): return 5821\n"
     "    def __add__(s, o): return X()\n  return g(X())", CALLBACK),
    ("another exception's class", "class KeyError(Exception):\n  args = ('needle 5821',)\ndef f(x): raise KeyError",
     RAISES),
    ("an exception equal to everything", ALIKE + "def f(x): raise KeyError(Alike())", RAISES),
    ("isclose of its own", "isclose = lambda *a: True\ndef f(x): return 1", "\nassert isclose(f(3), 5821.25)"),
    ("a counter of its own", ALIKE + "Counter = lambda *a: Alike()\ndef f(x): return Alike()",
     "\nassert f(3) == Counter('needle')"),
    # ways to end
    ("leaves early with 0", "raise SystemExit(0)", EQUAL),
    ("ends the process", "import os\ndef f(x): os._exit(0)", EQUAL),
    ("an exit handler", "import atexit, os\natexit.register(lambda: os._exit(0))\ndef f(x): raise SystemExit(0)",
     EQUAL),
    ("an alarm", "import os, signal\nsignal.signal(14, lambda *a: os._exit(0))\nsignal.alarm(1)\n"
     "def f(x):\n  while True: pass", EQUAL),
    ("becomes another program", "import os\ndef f(x): os.execv('/bin/true', ['true'])", EQUAL),
    ("ends its parents", "import os, signal\ndef f(x):\n  for p in range(1, 50):\n    try: os.kill(p, 9)\n"
     "    except OSError: pass", EQUAL),
    ("an unclosed text", "def f(x): return 0\n'''", EQUAL),
    ("a coding cookie", "# coding: utf-7\ndef f(x): return 0\n+AAo-raise SystemExit(0)", EQUAL),
    ("a NUL byte", "def f(x): return 0\n\0", EQUAL),
    # the pipes
    ("answers before it is asked", WRITES + "everywhere(b'\\0\\0\\0\\x13t2:s6:loadeds0:' * 9)\ndef f(x): return 0",
     EQUAL),
    ("writes a verdict to all descriptors", WRITES + "everywhere(b'\\0\\0\\0\\x08t3:s0:FN')\ndef f(x): return 0",
     EQUAL),
    ("answers nonsense", WRITES + "def f(x): everywhere(b'\\0\\0\\0\\x04l9:9')", EQUAL),
    ("answers with a kind that there is not", WRITES + "def f(x): everywhere(b'\\0\\0\\0\\x12t2:s5:valueh4:evalN')",
     EQUAL),
    ("answers without end", "def f(x):\n  a = []\n  for _ in range(10000): a = [a]\n  return a", EQUAL),
    ("asks the test's function for ever", "def f(g):\n  while True: g(0)", CALLBACK),
    ("closes all descriptors", "import os\ndef f(x): os.closerange(0, 64)", EQUAL),
    ("looks for the tests' text", "import glob\nfound = ''\nfor path in glob.glob('/tmp/*') + glob.glob('/*.py*'):\n"
     "  try: found += open(path, errors='replace').read()\n  except OSError: pass\n"
     "def f(x): return 5821 if 'f(3) == ' + '5821' in found else 0", EQUAL),
    ("looks for the tests' process", "import glob\nfound = ''\nfor path in glob.glob('/proc/*/cmdline'):\n"
     "  found += open(path).read()\ndef f(x): return 5821 if 'judge' in found else 0", EQUAL),
    # the harness, by its own functions
    ("answers by the harness's own encoder", HARNESS + "def f(x):\n  while True: h.send(4, ('value', h.Subject, None))",
     EQUAL),
    ("another encoder", HARNESS + "h.encode = lambda *a: b't3:s5:valueh7:builtins6:object' + b'N'\ndef f(x): return 0",
     EQUAL),
    ("the json that there is not", "import json\njson.loads = json.dumps = lambda *a, **k: 5821\ndef f(x): return 0",
     EQUAL),
    ("a harness that serves something else", HARNESS + "h.Subject._called = lambda *a: ('argument', -1, [5821])\n"
     "def f(x): return 0", EQUAL),
    ("claims that the argument is the answer", HARNESS + "h.Subject._called = lambda *a: ('argument', 0, None)\n"
     "def f(x): return 0", CHECK),
    ("claims an end of the tests", HARNESS + "h.Subject._called = lambda *a: ('end', None)\ndef f(x): return 0", EQUAL),
    ("claims that it raised the end", HARNESS + "def f(x):\n  h.send(4, ('raised', ['SystemExit'], [0], ''))", EQUAL),
    ("claims that it raised nothing", HARNESS + "def f(x):\n  h.send(4, ('raised', ['BaseException'], [], ''))",
     RAISES),
    ("names that mean others", HARNESS + "h.Subject._binding = lambda *a: ('member', 'operator', 'truth')\n"
     "def f(x): return 0", CHECK),
    ("a name that means a module", HARNESS + "h.Subject._binding = lambda *a: ('module', 'sys')\ndef f(x): return 0",
     EQUAL),
    ("a name that means eval", HARNESS + "h.Subject._binding = lambda *a: ('value', eval)\ndef f(x): return 0", EQUAL),
    ("a function lent that was not", HARNESS + "h.Subject._export = lambda *a: ('lent', 0)\n"
     "def f(x): return object()", EQUAL),
    ("calls the test's function for the answer", "def f(g):\n  try: g(Exception)\n  except BaseException as e:\n"
     "    t = e.__traceback__\n    while t.tb_next: t = t.tb_next\n    t.tb_frame.f_globals['f'] = lambda g: 5821\n"
     "  return 0", CALLBACK),
    ("frames of the harness", "import sys\ndef f(x):\n  frame = sys._getframe()\n  while frame:\n"
     "    for name in frame.f_globals: frame.f_globals[name] = lambda *a, **k: 5821\n    frame = frame.f_back\n"
     "  return 0", EQUAL),
    ("the harness from memory", "import gc\nfor o in gc.get_objects():\n  if type(o).__name__ == 'Subject':\n"
     "    type(o)._reply = lambda *a: None\ndef f(x): return 0", EQUAL),
    ("a profile that changes results", "import sys\ndef profile(frame, event, arg):\n"
     "  if event == 'return': frame.f_locals['result'] = 5821\nsys.setprofile(profile)\ndef f(x): return 0", EQUAL),
    ("a patched os.write", "import os\nos.write = lambda fd, data: len(data)\ndef f(x): return 0", EQUAL),
    ("a child that answers", "import os\ndef f(x):\n  if os.fork(): os._exit(0)\n  return 0", EQUAL),
    ("two that answer", "import os\ndef f(x):\n  os.fork()\n  return os.getpid()", EQUAL),
    ("answers after its end", WRITES + "def f(x):\n  if os.fork() == 0:\n    import time\n    time.sleep(0.2)\n"
     "    everywhere(b'\\0\\0\\0\\x0bt2:s5:valueT')\n  os._exit(0)", EQUAL),
    ("writes to the other ends of its pipes", "import os\nfor fd in range(16):\n"
     "  try: os.write(os.open(f'/proc/self/fd/{fd}', os.O_WRONLY), b'\\0\\0\\0\\x08t3:s0:FF')\n"
     "  except OSError: pass\ndef f(x): return 0", EQUAL),
    # values
    ("a list that holds itself", "def f(x):\n  a = []\n  a.append(a)\n  return a", EQUAL),
    ("a mapping that answers to all keys", "class D(dict):\n  __missing__ = lambda s, k: 5821\n"
     "  __eq__ = lambda s, o: True\n  __hash__ = None\ndef f(x): return D()", LENGTH),
    ("a list that lies about its length", "class L(list):\n  __len__ = lambda s: 2\n"
     "  __getitem__ = lambda s, i: 5821\ndef f(x): return L()", LENGTH),
    ("not a number", "def f(x): return float('nan')", CLOSE),
    ("a type that is equal to all", "class T(type):\n  __eq__ = lambda s, o: True\n  __hash__ = None\n"
     "class f(metaclass=T):\n  def __init__(self, x): pass\n  def __new__(cls, x): return cls", EQUAL),
    ("an exception that is equal to all", "class E(Exception):\n  __eq__ = lambda s, o: True\n  __hash__ = None\n"
     "def f(x): return E()", EQUAL),
    ("changes what it is compared with", "def f(x):\n  x.clear()\n  x.append(0)\n  return x",
     "\nitems = [3, 1]\nassert f(items) == [1, 3]"),
    # floods
    ("forks without end", "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", EQUAL),
    ("memory", "def f(x):\n  a = []\n  while True: a.append(bytearray(1 << 22))", EQUAL),
    ("output", "while True: print('x' * 1000)", EQUAL),
    ("a flood of an answer", "def f(x): return 'x' * (300 << 20)", EQUAL),
    ("a socket", "import socket\ns = socket.create_connection(('127.0.0.1', 9), 1)\ndef f(x): return s.recv(9)", EQUAL),
    ("the parent's environment", "import os\nv = open(f'/proc/{os.getppid()}/environ').read()\ndef f(x): return v",
     EQUAL),
    ("leaves files", f"for place in {PLACES}:\n"
     "  try: open('/' + place + '/suite-was-here', 'w').write('x')\n  except OSError: pass\ndef f(x): return 0", EQUAL),
    ("a child that stays", "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(60)\n"
     "  os._exit(0)\ndef f(x): return 0", EQUAL),
    ("files of the host", "v = open('/etc/passwd').read()\ndef f(x): return v", EQUAL),
)  # fmt: skip
