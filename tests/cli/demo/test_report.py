import re
from html.parser import HTMLParser

import pytest

from penstock.cli.demo.report import render
from tests.cli.demo.outcomes import outcome

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Remembers tags, attributes and text; raises where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else():
    text = render(outcome(wrong=[1]))
    page = Page(text)

    assert {name for name, _ in page.attributes} & {
        "src",
        "href",
        "srcset",
        "xlink:href",
    } == set()
    assert re.search(r"url\(|@import|https?://|<script", text) is None


def test_the_page_shows_each_misread_scan_with_what_it_was_read_as():
    page = Page(render(outcome(wrong=[1, 4])))
    labels = [value for name, value in page.attributes if name == "aria-label"]

    assert "a handwritten 0 that was read as 1" in labels
    assert "a handwritten 2 that was read as 3" in labels
    assert "The 2 misread scans" in page.text
    assert "1: 82%, 0: 2%" in page.text


def test_the_confusion_table_has_a_heading_for_each_row_and_column():
    page = Page(render(outcome()))
    scopes = [value for name, value in page.attributes if name == "scope"]

    assert scopes.count("col") == 10
    assert scopes.count("row") >= 10
    assert page.text.count("Rows: the digit written.") == 1


@pytest.mark.parametrize(
    ("wrong", "title"), [([], "No scan was misread"), ([2], "The one misread scan")]
)
def test_few_mistakes_are_told_in_words(wrong, title):
    assert title in Page(render(outcome(wrong=wrong))).text


def test_the_page_says_so_when_the_served_answers_differ():
    assert "the answers differ" in Page(render(outcome(served_off_by=0.01))).text
    assert "every answer equals" in Page(render(outcome())).text


def test_every_picture_says_what_it_shows():
    page = Page(render(outcome(wrong=[1])))

    assert page.tags.count("svg") == sum(
        name == "aria-label" and bool(value) for name, value in page.attributes
    ) - len([tag for tag in page.tags if tag == "ol"])


def test_text_from_outside_is_escaped():
    text = render(outcome(versions={"penstock": "<b>$x</b>", "keras": "<i>"}))

    assert "&lt;b&gt;$x&lt;/b&gt;" in text
    assert "<i>" not in text
