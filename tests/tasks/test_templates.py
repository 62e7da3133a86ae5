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


NULLS: dict[str, Any] = {
    "text": None, "share": float("nan"), "word": "it", "q": {"part": None, "parts": ["p", None]}, "names": ["b", "c"],
}  # fmt: skip


@pytest.mark.parametrize(
    "template",
    [
        "{{text | trim}}", "{{text | upper}}", "{{'Q: ' ~ text}}", "{{'%s' | format(text)}}", "{{'%r' % text}}",
        "{{[text, word] | join(' ')}}", "{{'{}'.format(text)}}", "{{text | int}}", "{{text | string}}", "{{text | e}}",
        "{{'Q' ~ q.part}}", "{{q.parts | join}}", "{{q | string}}", "{{'x' ~ q.parts}}", "{{q.get('none') | upper}}",
        "{{'Q' ~ q.get('none')}}", "{% for each in q.parts %}{{each | upper}}{% endfor %}", "{{text | list}}",
        "{% filter upper %}{{text}}{% endfilter %}", "{% set x %}{{text}}{% endset %}{{x}}", "{{q.values() | join}}",
        "{{text | default('x')}}", "{{word | replace('i', text)}}", "{{ {'a': text}['a'] ~ '' }}",
    ],
)  # fmt: skip
def test_null_is_no_text_behind_filters_and_operators(template: str) -> None:
    with pytest.raises(Unfit, match="gives None"):
        compiled(template)(NULLS)


@pytest.mark.parametrize(
    "template",
    [
        "{{share | string}}",
        "{{'%.2f' | format(share)}}",
        "{{share | round(1)}}",
        "{{share | int}}",
        "{{share * 2 ~ ''}}",
    ],
)
def test_nan_is_no_number_behind_filters_and_operators(template: str) -> None:
    with pytest.raises(Unfit, match="gives nan"):
        compiled(template)(NULLS)


@pytest.mark.parametrize(
    "template",
    [
        "{{'Q: ' ~ word.title}}",
        "{{word.title | upper}}",
        "{{word['title'] | trim}}",
        "{{word | attr('title') | upper}}",
    ],
)
def test_a_method_is_no_text_behind_filters_and_operators(template: str) -> None:
    with pytest.raises(Unfit, match=r"gives a method \(title\)"):
        compiled(template)(NULLS)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{word.title()}}", "It"),
        ("{{'no' if text is none else text}}", "no"),
        ("{{'no' if text == none else text}}", "no"),
        ("{{'no' if none == text}}", "no"),
        ("{{text or 'no'}}", "no"),
        ("{{text | default('no', true)}}", "no"),
        ("{{'there' if text is defined}}", "there"),
        ("{{'no' if text in [none]}}", "no"),
        ("{{q.parts | reject('none') | join}}", "p"),
        ("{{q.parts | select | join}}", "p"),
        ("{{q | tojson}}", '{"part": null, "parts": ["p", null]}'),
        ("{{ {none: 'no'}[text] }}", "no"),
        ("{% macro m(x) %}[{{x or '-'}}]{% endmacro %}{{m(text)}}", "[-]"),
        ("{{word.split('t')[0] ~ 2 ~ true}}", "i2True"),
    ],
)
def test_null_can_be_asked_about(template: str, value: object) -> None:
    assert compiled(template)(NULLS) == value


@pytest.mark.parametrize(
    "template",
    [
        " {{names}}",
        "{{names}}.",
        "{{names}}\n",
        "{{'a ' ~ names}}",
        "{{word}}{{q.parts}}",
        "{{names | trim}}",
        "{{'%s' | format(names)}}",
        "{{'%s' % names}}",
        "{{'%s %s' % (word, names)}}",
    ],
)
def test_a_list_is_no_part_of_an_answer(template: str) -> None:
    row = {**NULLS, "q": {"parts": ["p"]}}
    with pytest.raises(Unfit, match="has a list within a text"):
        compiled(template, answers=True)(row)
    assert "['" in compiled(template)(row)
    assert compiled("{{names}}", answers=True)(row) == ["b", "c"]
