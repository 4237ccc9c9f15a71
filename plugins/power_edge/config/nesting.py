"""Find out how deep a YAML text is nested, from its tokens, before a parser sees the text.

libyaml reads ahead for a key within one line. Newer versions stop at a nesting depth of their own
(1000) before they return the first event of such a line. The rules for tokens are those of
libyaml's scanner.c: brackets do not count in quotes, comments and block scalars, nor in a plain
scalar of a block collection. Time grows linearly with the length of the text.
"""

import re
from typing import NamedTuple


def cut_before_too_deep(text: str, limit: int) -> int | None:
    """Return the offset after the token that opens level `limit` + 1, or None if no line opens one.

    The text up to there is all that a parser needs to see. Levels that are opened over several
    lines are left to the parser's events, which are at most one line behind.
    """
    text = text.translate(_LINE_BREAKS)
    if re.search(rf"(?m)^(?:[^\[{{?\n-]*+[\[{{?-]){{{limit + 1}}}", text) is None:
        return None
    return _Scanner(text, limit).run()


class _Key(NamedTuple):
    """A token that is a mapping's key if a colon follows on its line."""

    line: int
    column: int


class _Scanner:
    """One pass over a text. `indents` are the columns of the open block collections."""

    def __init__(self, text: str, limit: int) -> None:
        self.text = text
        self.limit = limit
        self.position = 0
        self.line = 0  # the offset where the current line begins
        self.flow = 0
        self.indents = [-1]
        self.key: _Key | None = None
        self.key_allowed = True

    def run(self) -> int | None:
        while self._to_next_token():
            self._token()
            if self.flow + len(self.indents) - 1 > self.limit:
                return self.position
        return None

    def _move(self, end: int) -> None:
        self.line = max(self.line, self.text.rfind("\n", self.position, end) + 1)
        self.position = end

    def _to_next_token(self) -> bool:
        line = self.line
        self._move(_SPACE(self.text, self.position).end())  # type: ignore[union-attr]
        if self.line != line and not self.flow:
            self.key_allowed = True
        return self.position < len(self.text)

    def _token(self) -> None:
        text, start = self.text, self.position
        column = start - self.line
        character = text[start]
        if not self.flow:
            self._close_blocks(column)
        if column == 0 and (marker := _MARKER(text, start) or _DIRECTIVE(text, start)):
            self._close_blocks(-1)
            self.key, self.key_allowed = None, False
            self._move(marker.end())
        elif character in "[{":
            self._may_be_key(column)
            self.flow += 1
            self.key_allowed = True
            self._move(start + 1)
        elif character in "]}":
            self.flow = max(0, self.flow - 1)
            self.key_allowed = False
            self._move(start + 1)
        elif character == ",":
            self._move(start + 1)
        elif _INDICATOR(text, start) or (self.flow and character in "?:"):
            self._indicator(character, column)
            self._move(start + 1)
        elif character in "|>" and not self.flow:
            self.key, self.key_allowed = None, True
            self._move(self._block_scalar_end(start))
        else:
            self._may_be_key(column)
            self.key_allowed = False
            self._scalar(character)

    def _close_blocks(self, column: int) -> None:
        while self.indents[-1] > column:
            self.indents.pop()

    def _open_block(self, column: int) -> None:
        if self.indents[-1] < column:
            self.indents.append(column)

    def _may_be_key(self, column: int) -> None:
        if self.key_allowed and not self.flow:
            self.key = _Key(self.line, column)

    def _indicator(self, character: str, column: int) -> None:
        """Read `- `, `? ` or `: `, which open block collections."""
        if self.flow:
            return
        key, self.key = self.key, None
        if character == ":" and key is not None and key.line == self.line:
            self._open_block(key.column)
            self.key_allowed = False
        else:
            if self.key_allowed:
                self._open_block(column)
            self.key_allowed = True

    def _scalar(self, character: str) -> None:
        """Read a scalar (on one line or several), an anchor, an alias or a tag."""
        if character in _QUOTED:
            match = _QUOTED[character](self.text, self.position)
            self._move(match.end() if match else len(self.text))
        elif character in "&*!":
            self._move(_NAME(self.text, self.position).end())  # type: ignore[union-attr]
        else:
            line = self.line
            self._move(self._plain_end())
            self.key_allowed = self.line != line and not self.flow

    def _plain_end(self) -> int:
        """Return the end of a plain scalar. In a block collection, deeper lines belong to it."""
        search = _FLOW_END if self.flow else _BLOCK_END
        position = self.position + 1
        while True:
            end = search(self.text, position)
            if end is None:
                return len(self.text)
            if end.group() != "\n":
                return end.start()
            following = _BLANK(self.text, end.start()).end()  # type: ignore[union-attr]
            column = following - self.text.rfind("\n", 0, following) - 1
            outside = not self.flow and column <= self.indents[-1]
            if (
                outside
                or self.text.startswith("#", following)
                or (column == 0 and _MARKER(self.text, following))
            ):
                return end.start()
            position = following

    def _block_scalar_end(self, start: int) -> int:
        """Return the end of a literal or folded scalar: the first line that is indented less."""
        text = self.text
        given = _BLOCK_HEADER(text, start).group(1)  # type: ignore[union-attr]
        indent = max(self.indents[-1], 0) + int(given) if given else None
        widest = max(self.indents[-1] + 1, 1)
        end = text.find("\n", start)
        while end != -1:
            begin = end + 1
            content = _SPACES(text, begin).end()  # type: ignore[union-attr]
            blank = content == len(text) or text[content] == "\n"
            if indent is None:
                widest = max(widest, content - begin)
            if not blank:
                indent = widest if indent is None else indent
                if content - begin < indent:
                    return begin
            end = text.find("\n", content)
        return len(text)


_LINE_BREAKS = {ord(character): "\n" for character in "\r\x85\u2028\u2029"}
_SPACE = re.compile(r"(?:[ \t\n\ufeff]++|#[^\n]*+)*+").match
_BLANK = re.compile(r"[ \t\n]*+").match
_SPACES = re.compile(r" *+").match
_BLOCK_HEADER = re.compile(r"[|>][-+]?([1-9]?)").match
_MARKER = re.compile(r"(?:---|\.\.\.)(?![^ \t\n])").match
_DIRECTIVE = re.compile(r"%[^\n]*+").match
_INDICATOR = re.compile(r"[-?:](?![^ \t\n])").match
_NAME = re.compile(r"[&*][0-9A-Za-z_-]*+|![^ \t\n,\[\]{}]*+").match
_QUOTED = {
    "'": re.compile(r"'[^']*+(?:''[^']*+)*+'").match,
    '"': re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL).match,
}
_BLOCK_END = re.compile(r":(?![^ \t\n])|(?<=[ \t])#|\n").search
_FLOW_END = re.compile(r"[,\[\]{}\n]|:(?![^ \t\n,\[\]{}])|(?<=[ \t])#").search
