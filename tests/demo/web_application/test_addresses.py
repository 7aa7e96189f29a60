"""URLs on the pages: they break between lines only after / ? & and ;."""

import pytest

from demo.pages.rendering import addresses


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("no URL: a/b?c", "no URL: a/b?c"),
        (
            "https://a.example/b-c?d=e&f=g;h",
            '<span class="unbroken">https://a.example/<wbr>b-c?<wbr>d=e&amp;<wbr>f=g;<wbr>h</span>',
        ),
        (
            'see="http://localhost/" <b>',
            '<span class="unbroken">see=&#34;http://localhost/&#34;</span> &lt;b&gt;',
        ),
        (
            "GET http://a/\nhttp://b/",
            'GET <span class="unbroken">http://a/</span>\n<span class="unbroken">http://b/</span>',
        ),
    ],
    ids=["none", "separators", "escaped", "two"],
)
def test_a_url_can_break_after_its_separators_only(text: str, html: str) -> None:
    assert addresses(text) == html
