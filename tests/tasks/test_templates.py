"""Templates give the value that they name, or the text that Jinja makes of a row, and refuse what is neither."""

from __future__ import annotations

from typing import Any

import lm_eval.utils
import pytest

from suite.tasks.templates import Unfit, compiled, field_or_template

ROW: dict[str, Any] = {
    "text": "so it is", "listed": ["x", "y"], "looks": "[3, 5]", "q": {"items": "it", "nothing": None, "keys": ["k"]},
    "flag": True, "share": 2.50, "count": 5, "empty": "", "self": "I", "hidden": -1,
    "answer": "an answer", "quoted": "{{text}}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{looks}}", "[3, 5]"),
        ("{{listed}}", ["x", "y"]),
        ("{% if flag %}{{listed}}{% endif %}", ["x", "y"]),
        ("{{ [text] + listed }}", ["so it is", "x", "y"]),
        ("{{count}}", 5),
        ("{{listed[-1]}}", "y"),
        ("{{['a', 'b'][-1]}}", "b"),
        ("{{['a', 'b'][flag]}}", "b"),
        ("{{flag}}", True),
        ("{{q.items}}", "it"),
        ("{{q['items']}}", "it"),
        ("{{q.keys}}", ["k"]),
        ("{{ {'a': 1}.items() | list }}", [("a", 1)]),
        ("{{quoted}}", "{{text}}"),
        ("{{self}}", "I"),
    ],
)
def test_a_template_of_one_expression_keeps_its_value(template: str, value: object) -> None:
    assert compiled(template)(ROW) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{text}} question: {{count}}?", "{{ text }}\n", "", "no field", "{{looks}} ", "a {{share}} b {{flag}}", "}} {",
        "{{text}}{{text}}", "{{empty}}{{text}}", "{{listed | join(', ')}}\n", "{{text | regex_replace('o', '0')}}!",
        "{# not shown #}{{text}}.", "{{text}}\r\nnext", "{{'ABC'[1]}}: {{text}}", "{{q.items}} or {{answer}}",
        "{% for each in listed %}{{loop.index0}} {{each}}\n{% endfor %}", "{{true}} {{none is none}}", "{{ text}}}",
    ],
)  # fmt: skip
def test_the_text_is_that_of_lm_eval(template: str) -> None:
    fields = {**ROW, "q": {}} if "q.items" not in template else ROW
    theirs = lm_eval.utils.env.from_string(template).render(**{key: fields[key] for key in fields if key != "self"})
    if "q.items" in template:
        theirs = "it or an answer"  # lm-eval renders the method of the mapping
    assert str(compiled(template)(fields)) == theirs


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{missing}}", "'missing' is undefined"),
        ("{{q.missing}}", "has no attribute 'missing'"),
        ("{{text.missing}}", "has no attribute 'missing'"),
        ("so {{q.nothing}}", "gives None"),
        ("{{q.values}}", "gives a method (values)"),
        ("{{text.upper}}", "gives a method (upper)"),
        ("{{listed[7]}}", "has no element 7"),
        ("{{count / 0}}", "ZeroDivisionError"),
        ("{{share.x}}", "has no attribute 'x'"),
        ("{{[none]}}", "gives None"),
        ("{{['True', 'False'][hidden]}}", "gives -1 as the place in a list"),
        ("{{listed | map('upper')}}", "gives a generator, not a text"),
        ("{{super}}", "'super' is undefined"),
    ],
)
def test_what_is_no_text_is_refused(template: str, said: str) -> None:
    with pytest.raises(Unfit, match=r".") as caught:
        compiled(template)(ROW)
    assert said in str(caught.value)


def test_a_bare_name_is_a_field_where_rows_have_it() -> None:
    assert field_or_template("looks", ROW)(ROW) == "[3, 5]"
    assert field_or_template("word", ROW)(ROW) == "word"
    with pytest.raises(Unfit, match="'looks' is missing"):
        field_or_template("looks", ROW)({"text": "a"})
