"""Values that a stranger could write, the places where a schema takes them, and what no output
holds whatever they are.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

VALUES: Mapping[str, str] = {
    "osc": "\x1b]0;pwned\x07",
    "csi": "\x1b[2Jpwned",
    "dcs": "\x1bPpwned\x1b\\",
    "c1": "\x9b31mpwned\x9d0;pwned\x9c",
    "carriage return": "pwned\rcompliant",
    "backspace": "pwned\b\b\b",
    "delete": "pwned\x7f",
    "newline": "pwned\npwned",
    "vertical tab": "pwned\v\f\x1c\x85pwned",
    "tab": "pwned\tpwned",
    "nul": "pwned\0",
    "line separator": "pwned\u2028::error::pwned\u2029::error::pwned",
    "bidi": "\u202epwned\u2066\u200f",
    "zero width": "pwned\u200bpwned\ufeff\u200d",
    "not utf-8": "pwned\udcff\udc9b",
    "lone surrogate": "pwned\ud800",
    "command": "::error file=a,line=1::pwned",
    "half a command": "::pwned",
    "command after a break": "pwned\n  ::add-mask::pwned",
    "command after a wrap": " ".join(
        f"{'x' * width} ::add-mask::pwned" for width in (40, 50, 55, 60, 65, 70, 75, 95)
    ),
    "command in a long word": " ".join(f"pwned{'x' * shift}{'::a' * 70}" for shift in (0, 1, 2)),
    "github": "##[group]pwned",
    "azure": "x##vso[task.setvariable]pwned",
    "teamcity": "##teamcity[pwned]",
    "tag": "<img src=x onerror=pwned()>",
    "script": "'\"></script><script>pwned()</script>",
    "entity": "&lt;pwned&#27;",
    "end of cdata": "]]><pwned/>",
    "label": 'pwned"} 1\npower_edge_node_reachable{node="pwned"} 1\n\\',
    "last seen": '\x85power_edge_last_seen_timestamp_seconds{node="pwned"} 9e9\rpower_edge_last_seen_timestamp_seconds{node="pwned"} 9e9\r',
    "shell": "$(pwned)`pwned`;pwned #'\"",
    "markup": "[red]pwned[/] :smile: {pwned} %s %(pwned)s",
    "long": "pwned" * 600,
}

TOGETHER: Mapping[str, str] = {
    "on one line": " ".join(value for value in VALUES.values() if not {"\n", "\t"} & {*value}),
    "on lines": "\n".join(VALUES.values()),
    "in one word": "".join("".join(VALUES.values()).split()),
}
"""All of them at once, for where there are many places."""


def coded(value: str) -> bytes:
    """A value as bytes; the surrogates in it stand for bytes that are not UTF-8, or are encoded as
    if they were characters.
    """
    return b"".join(
        each.encode("utf-8", "surrogateescape" if "\udc80" <= each <= "\udcff" else "surrogatepass")
        for each in value
    )


def obeyed(line: str) -> bool:
    """Whether a runner obeys a line of a log: GitHub's trims blanks before `::`, and takes `##[`
    anywhere (ActionCommand.cs).

    Commands are looked up by name, and all names begin with a letter: `::0::` is none.
    """
    line = line.lstrip()
    name, end, _ = line[2:].partition("::")
    return any(mark in line for mark in ("##[", "##vso[", "##teamcity[")) or (
        line.startswith("::") and bool(end) and re.match("[A-Za-z-]", name) is not None
    )


def unobeyed(output: str | bytes) -> None:
    """Nothing in an output is for a terminal or a runner to obey, and nothing hides."""
    text = output if isinstance(output, str) else output.decode()
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line)
        assert not obeyed(line), line


def harmless(output: str | bytes) -> None:
    """The same, and no fault of ours is in it."""
    unobeyed(output)
    text = output if isinstance(output, str) else output.decode()
    for fault in ("Traceback (most", "INTERNALERROR", "judging failed"):
        assert fault not in text, text


def places(
    schema: Mapping[str, Any], value: Any, root: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any]]:
    """For each place of a schema (value, item of a list, key of a mapping) a document with `value`
    there, and beside it what is required alone.
    """
    root = schema if root is None else root
    schema = resolved(schema, root)
    yield "", value
    for name, inner in schema.get("properties", {}).items():
        for place, value_made in places(inner, value, root):
            yield f".{name}{place}", {**sample(schema, root), name: value_made}
    if schema.get("type") == "object" or "properties" in schema:
        others = [
            each
            for each in (
                schema.get("additionalProperties"),
                *schema.get("patternProperties", {}).values(),
            )
            if isinstance(each, dict)
        ]
        yield (
            ".KEY",
            {**sample(schema, root), str(value): sample(others[0], root) if others else "x"},
        )
        for inner in others:
            for place, value_made in places(inner, value, root):
                yield f".*{place}", {**sample(schema, root), "x.y": value_made}
    if "items" in schema:
        for place, value_made in places(schema["items"], value, root):
            yield f"[]{place}", [value_made]
    for word in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(word, ()):
            yield from (
                (place, value_made) for place, value_made in places(inner, value, root) if place
            )


def sample(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A small value that fits a schema, as a rule."""
    schema = resolved(schema, root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        if schema.get("examples") and {"if", "allOf"} & schema.keys():
            return schema["examples"][0]  # what is required depends on other values
        return {
            name: sample(schema["properties"][name], root) for name in schema.get("required", ())
        }
    if kind == "array":
        return [sample(schema["items"], root)]
    if schema.get("examples"):
        return schema["examples"][0]
    return {"string": "x", "integer": 1, "number": 1, "boolean": True}.get(kind)


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with what its $ref leads to beside its own words."""
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **{word: inner for word, inner in schema.items() if word != "$ref"}}
    return schema


def safe_page(page: str) -> int:
    """Nothing in a page of pytest-html, nor in the markup that it makes of its data, is a tag of a
    stranger's. How many tests it has.
    """
    match = re.search(r'data-jsonblob="([^"]*)"', page)
    assert match is not None
    tests = json.loads(unescape(match[1]))["tests"]
    markup = [
        page,
        *(
            each
            for runs in tests.values()
            for run in runs
            for each in (*run["resultsTableRow"], run["log"])
        ),
    ]
    for text in markup:
        for tag in ("<img src=x", "<script>pwned", "<pwned/>"):
            assert tag not in text, text[:1000]
    return len(tests)
