"""Hostile and friendly message HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.ui.text import links
from welink_desktop.ui.text.bidi import isolated, one_line, reads_right_to_left, without_controls
from welink_desktop.ui.text.emoji import only_emoji
from welink_desktop.ui.text.parse import MAX_BYTES, parse, parse_html, parse_plain
from welink_desktop.ui.text.tree import Code, Listing, Paragraph, Quote, Rule, Style, Table, plain_text

SCRIPTS = (
    "<script>alert(1)</script>",
    '<img src="file:///etc/passwd" onerror="x()">',
    '<a href="javascript:alert(1)">here</a>',
    '<a href="file:///etc/passwd">here</a>',
    '<svg><image href="file:///etc/passwd"/></svg>',
    '<iframe src="https://example.org"></iframe>',
    "<style>body{}</style>",
    '<a href="https://example.org\u202e/exe.txt">here</a>',
)


def test_inline_styles_links_and_blocks_become_a_tree() -> None:
    tree = parse(
        "",
        "<p>Hi <b>bold <i>both</i></b></p><ol start=3><li>three</li></ol>"
        "<pre><code>a\n b</code></pre><hr><blockquote>q</blockquote>",
    )
    assert isinstance(tree[0], Paragraph) and tree[0].text == "Hi bold both"
    assert tree[0].runs[2].style == Style.BOLD | Style.ITALIC
    assert isinstance(tree[1], Listing) and tree[1].start == 3
    assert tree[2] == Code("a\n b")
    assert isinstance(tree[3], Rule) and isinstance(tree[4], Quote)


def test_a_table_keeps_rows_and_heading() -> None:
    tree = parse("", "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>")
    table = tree[0]
    assert isinstance(table, Table) and table.head
    assert [[cell.text for cell in row] for row in table.rows] == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("html", SCRIPTS)
def test_nothing_harmful_survives(html: str) -> None:
    tree = parse("fallback", f"<p>before</p>{html}")
    for block in tree:
        if isinstance(block, Paragraph):
            for run in block.runs:
                assert not run.link or run.link.startswith(("https://", "http://", "mailto:", "matrix:"))
    assert "alert" not in plain_text(tree)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 21 + "deep" + "</div>" * 21,
        "<table><tr><td><table><tr><td>x</td></tr></table></td></tr></table>",
        "<b>x</b>" * 2500,
        "x" * (MAX_BYTES + 1),
        "<p> </p>",
    ],
)
def test_what_exceeds_the_limits_is_shown_as_its_body(html: str) -> None:
    assert parse_html(html) is None
    assert plain_text(parse("the body", html)) == "the body"


def test_the_reply_fallback_is_left_out() -> None:
    assert plain_text(parse("", "<mx-reply><blockquote>old</blockquote></mx-reply>new")) == "new"


def test_a_mention_is_known_by_its_link() -> None:
    tree = parse("", '<a href="https://matrix.to/#/@ann:example.org">Ann</a> look')
    assert isinstance(tree[0], Paragraph)
    assert tree[0].runs[0].mention == "@ann:example.org"


def test_plain_text_gets_links_without_the_end_of_the_sentence() -> None:
    tree = parse_plain("see https://example.org/a_(b). 见www.example.org/x，谢谢 mail a@example.org")
    assert isinstance(tree[0], Paragraph)
    assert [run.link for run in tree[0].runs if run.link] == [
        "https://example.org/a_(b)",
        "https://www.example.org/x",
        "mailto:a@example.org",
    ]


def test_everyone_is_marked_only_when_it_was_meant() -> None:
    marked = parse_plain("hello @room", mention_room=True)[0]
    assert isinstance(marked, Paragraph) and marked.runs[-1].everyone
    plain = parse_plain("hello @room")[0]
    assert isinstance(plain, Paragraph) and not plain.runs[-1].everyone


@given(st.text(max_size=300))
def test_no_html_raises(text: str) -> None:
    parse(text, f"<p>{text}</p><{text}><ul>{text}")


@given(
    st.lists(
        st.sampled_from(
            [
                "<b>",
                "</b>",
                "<ul>",
                "<li>",
                "</ul>",
                "<pre>",
                "</pre>",
                "<td>",
                "</table>",
                "<tr>",
                "<code>",
                "a",
                "<h1>",
                "</p>",
                "<blockquote>",
            ]
        ),
        max_size=60,
    )
)
def test_broken_nesting_never_raises(parts: list[str]) -> None:
    plain_text(parse("body", "".join(parts)))


def test_bidi_controls_and_stacked_marks_are_removed() -> None:
    assert without_controls("a\u202eexe.txt\u2066") == "aexe.txt"
    assert len(without_controls("e" + "\u0301" * 500)) <= 10
    assert one_line(" a\n\t b ") == "a b"
    assert isolated("x\u202e") == "\u2068x\u2069"
    assert reads_right_to_left("12 שלום") and not reads_right_to_left("abc שלום")


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("👍", True),
        ("👍🏽 🎉", True),
        ("👨‍👩‍👧", True),
        ("🇨🇳", True),
        ("12", False),
        ("好👍", False),
        ("", False),
        ("👍" * 6, False),
    ],
)
def test_only_emoji_are_enlarged(text: str, alone: bool) -> None:
    assert only_emoji(text) is alone


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://a.b/c", True),
        ("http://", False),
        ("file:///x", False),
        ("mailto:a@b.c", True),
        ("https://a b", False),
        ("data:text/html,x", False),
    ],
)
def test_allowed_addresses(address: str, kept: bool) -> None:
    assert bool(links.allowed(address)) is kept
