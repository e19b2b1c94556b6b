from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.templating import (
    Include,
    Part,
    TemplateError,
    check,
    fill,
    includes_in,
    parts_of,
    replace_includes,
    variables_in,
)

INCLUDE = "@@@langfusePrompt:name=team/rules|label=production@@@"


def test_it_finds_each_variable_once_in_order() -> None:
    assert variables_in("{{b}} {{ a }} {{b}} {a} {{not a name}} {{1x}}") == ["b", "a"]


def test_it_fills_what_has_a_value_and_leaves_the_rest() -> None:
    assert fill("{{a}} and {{ b }}", {"a": "1"}) == "1 and {{ b }}"


def test_a_value_is_never_taken_for_a_variable() -> None:
    assert fill("{{a}}{{b}}", {"a": "{{b}}", "b": "2"}) == "{{b}}2"


@given(st.text(), st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_it_fills_any_text_with_any_values(text: str, values: dict[str, str]) -> None:
    assert fill("<{{a}}>", values) == f"<{values.get('a', '{{a}}')}>"
    assert variables_in(fill(text, {})) == variables_in(text)


@pytest.mark.parametrize("text", ["{{a", "{{a}} {{b", "one\n{{"])
def test_it_refuses_braces_that_stay_open(text: str) -> None:
    with pytest.raises(TemplateError, match="not closed"):
        check(text)


def test_it_names_the_line_of_open_braces() -> None:
    with pytest.raises(TemplateError, match="Line 3"):
        check("one\ntwo\n{{three")


def test_it_reads_includes_by_label_and_by_version() -> None:
    by_version = "@@@langfusePrompt:name=a|version=12@@@"
    assert includes_in(f"{INCLUDE} {by_version} {INCLUDE}") == [
        Include("team/rules", label="production"),
        Include("a", version=12),
        Include("team/rules", label="production"),
    ]
    assert Include("a", version=12).source == by_version


@pytest.mark.parametrize("target", ["", "name=a", "label=b", "name=a|version=0", "name=a|version=x", "name=|label=b"])
def test_it_refuses_includes_that_name_nothing(target: str) -> None:
    with pytest.raises(TemplateError, match="must have the form"):
        check(f"@@@langfusePrompt:{target}@@@")


def test_it_replaces_includes() -> None:
    assert replace_includes(f"a {INCLUDE} b", {Include("team/rules", label="production"): "X"}) == "a X b"


def test_it_cuts_a_text_into_what_is_plain_and_what_is_not() -> None:
    include = Include("team/rules", label="production")
    assert list(parts_of(f"Hi {{{{ a }}}}!{INCLUDE}")) == [
        Part("Hi "),
        Part("{{ a }}", variable="a"),
        Part("!"),
        Part(INCLUDE, include=include),
    ]


@given(st.text() | st.lists(st.sampled_from(["{{a}}", INCLUDE, "@@@langfusePrompt:x@@@", "{{", "\n"])).map("".join))
def test_its_parts_are_the_whole_text(text: str) -> None:
    assert "".join(part.text for part in parts_of(text)) == text
