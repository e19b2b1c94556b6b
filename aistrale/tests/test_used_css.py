"""Rules of Basecoat that no page of ours can use are not served."""

from __future__ import annotations

import pytest

from aistrale.used_css import names_in, used_css

NAMES = {"btn", "card", "data-variant"}


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".btn{a:b}.carousel{c:d}", ".btn{a:b}"),
        (".btn,.carousel:hover{a:b}", ".btn{a:b}"),
        (":is(.carousel,.card)>h2{a:b}", ":is(.carousel,.card)>h2{a:b}"),
        (":is(.carousel,.tabs)>h2{a:b}", ""),
        ('.btn:not(.carousel)[data-variant="outline"]{a:b}', '.btn:not(.carousel)[data-variant="outline"]{a:b}'),
        ('.btn[data-orientation="vertical"]{a:b}', ""),
        ("h1,:root{a:b}", "h1,:root{a:b}"),
        ("@layer a,b;@media (x){.carousel{a:b}}", "@layer a,b;"),
        ("@layer a{@supports (x){.btn{a:b}}}", "@layer a{@supports (x){.btn{a:b}}}"),
        ("@keyframes spin{to{rotate:1turn}}", "@keyframes spin{to{rotate:1turn}}"),
        (
            '@property --x{syntax:"*"}@property --y{syntax:"*"}.btn{a:var(--x)}',
            '@property --x{syntax:"*"}.btn{a:var(--x)}',
        ),
    ],
)
def test_it_keeps_what_can_be_used(css: str, kept: str) -> None:
    assert used_css(css, NAMES) == kept


def test_it_finds_names_in_templates_and_scripts() -> None:
    template = '<a class="btn{% if x == "y" %} wide{% endif %}" data-variant="{{ kind|default:"outline" }}">'
    assert {"btn", "wide", "data-variant"} <= names_in(template)
    assert {"card", "menu"} <= names_in('box.className = "card"; box.classList.add("menu");')
