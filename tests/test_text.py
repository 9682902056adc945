"""Text from files on a terminal, in a table and in a message."""

from hypothesis import given
from hypothesis import strategies as st

from sklearn_sfx._text import one_line, shortened

any_text = st.text(st.characters(exclude_categories=()))


@given(any_text)
def test_one_line_is_one_line_that_can_be_printed(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8").decode("utf-8") == line
    assert all(character.isprintable() or ord(character) > 0x9F for character in line)
    assert one_line(line) == line


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"))))
def test_what_can_be_read_stays(text):
    assert one_line(text) == text


@given(any_text, st.integers(8, 60))
def test_what_is_long_keeps_its_ends(text, length):
    short = shortened(text, length)
    assert len(short) <= length
    if len(text) <= length:
        assert short == text
    else:
        before, after = short.split("…")[0], short.split("…")[-1]
        assert text.startswith(before)
        assert text.endswith(after)
