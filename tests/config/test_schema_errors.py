"""What a message about a state.yaml teaches: the right word for the one that was written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from power_edge.config import ConfigError, load_state, names, schema

HEAD = 'version: "1.0"\nmetadata: {site: here, environment: production}\n'


def problems(text: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_state(f"{head}{text}\n".encode(), "f", "node")
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: [{name: a, state: started}]", "f:3:29: 'started' is not one of running, stopped, disabled (did you mean running?)"),
        ("services: [{name: a, state: Active}]", "f:3:29: 'Active' is not one of running, stopped, disabled (did you mean running?)"),
        ("services: [{name: a, state: enabled}]", "f:3:29: 'enabled' is not one of running, stopped, disabled (did you mean enabled: true, a key of its own?)"),
        ("services: [{name: a, enabled: true, active: true}]", "f:3:37: unknown key 'active' in services[0] (did you mean state: running?)"),
        ("packages: [{name: a, state: installed}]", "f:3:29: 'installed' is not one of present, absent, latest (did you mean present?)"),
        ("packages: [{name: a, installed: true}]", "f:3:22: unknown key 'installed' in packages[0] (did you mean state: present?)"),
        ("files: [{path: /a, user: root}]", "f:3:20: unknown key 'user' in files[0] (did you mean owner?)"),
        ("firewall: {default_incoming: drop}", "f:3:30: 'drop' is not one of allow, deny, reject (did you mean deny?)"),
        ("firewall: {rules: [{port: 1, proto: tcp, action: accept}]}", "f:3:50: 'accept' is not one of allow, deny, reject, limit (did you mean allow?)"),
        ("firewall: {rules: [{port: 1, proto: tcp, action: allow, source: any}]}", "f:3:57: unknown key 'source' in firewall.rules[0] (did you mean from?)"),
        ("ufw: {}", "f:3:1: unknown key 'ufw' (did you mean firewall?)"),
        # No guess is better than a wrong one.
        ("users: []", "f:3:1: unknown key (the keys here are version, metadata, files, firewall, packages, services, sysctl)"),
        ("files: [{path: /a, size: 3}]", "f:3:20: unknown key in files[0] (the keys here are path, state, target, content, sha256, source, contains, matches, mode, owner, group)"),
    ],
)  # fmt: skip
def test_a_word_of_another_tool_leads_to_the_right_one(text: str, message: str) -> None:
    assert problems(text) == [message]


@pytest.mark.parametrize("word", ["prod", "Prod", "stag", "dev", "home"])
def test_the_beginning_of_a_word_is_enough(word: str) -> None:
    (problem,) = problems("", f'version: "1.0"\nmetadata: {{site: here, environment: {word}}}\n')
    words = {"p": "production", "s": "staging", "d": "development", "h": "home-lab"}
    assert f"(did you mean {words[word[0].lower()]}?)" in problem


@pytest.mark.parametrize("secret", ["content: hunter2", f"sha256: '{'0' * 64}'"])
def test_a_mistyped_key_beside_a_content_is_named_and_no_value_is(secret: str) -> None:
    (problem,) = problems(f"files: [{{path: /a, {secret}, moode: '0644'}}]")
    assert "unknown key 'moode' in files[0] (did you mean mode?)" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("packages:\n- curl", "f:4:3: packages[0] is text and should be a mapping (write - name: ...)"),
        ("files:\n- /etc/motd", "f:4:3: files[0] is text and should be a mapping (write - path: ...)"),
        ("services:\n  ssh: running", "f:4:3: services is a mapping and should be a list (begin each entry with a dash: -)"),
        ("sysctl:\n- vm.swappiness: '1'", "f:4:1: sysctl is a list and should be a mapping (write the keys without dashes)"),
        ("packages:\n- name:curl", "f:4:3: packages[0] is text and should be a mapping (write a blank behind the colon of name:)"),
        ("packages:\n- name:curl\n  state: present", "f:5:8: is not valid YAML: mapping values are not allowed in this context (line 4: write a blank behind the colon of name:)"),
        ("packages:\n- name: curl\n  state:present", "(line 5: write a blank behind the colon of state:)"),
        ("packages: [{name: curl state:present}]", "f:3:19: 'curl state:present': a package name begins"),
        ("packages: [{name: curl state:present}]", "(write a blank behind the colon of state:)"),
        ("metadata: {services: []}", "f:3:12: unknown key 'services' in metadata (write services at the beginning of a line, beside metadata)"),
        ("metadata: {secret: x}", "f:3:12: unknown key in metadata (the keys here are "),
        ("packages: [{name:curl}]", "f:3:13: unknown key in packages[0] (write a blank behind the colon of name:)"),
        ("files:\n- path: /a\n  content:hunter2\n  mode: '0644'", "line 5: write a blank behind the colon of content:"),
        ("services:\n- name: a\n\tstate: running", "f:5:1: is not valid YAML: found a tab character that violates indentation while scanning a plain scalar that begins on line 4 (line 5 is indented with a tab: YAML takes blanks only)"),
        ("services:\n\t- name: a", "(line 4 is indented with a tab: YAML takes blanks only)"),
        ("services:\n- name: a\n  \tstate: running", "(line 5 is indented with a tab: YAML takes blanks only)"),
    ],
)  # fmt: skip
def test_a_blank_that_is_missing_or_a_tab_is_named(text: str, message: str) -> None:
    found = "\n".join(problems(text))
    assert message in found
    assert "hunter2" not in found


def _with_synonyms(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("synonyms"), dict):
            yield part
        for value in part.values():
            yield from _with_synonyms(value)


@pytest.mark.parametrize(
    "part",
    [part for name in names() for part in _with_synonyms(schema(name))],
    ids=lambda part: json.dumps(part["synonyms"])[:40],
)
def test_a_synonym_is_no_right_word_and_leads_to_one(part: dict[str, Any]) -> None:
    words = set(part.get("enum") or part["properties"])
    assert words.isdisjoint(part["synonyms"])
    for word, meant in part["synonyms"].items():
        assert word == word.lower()
        assert meant.partition(":")[0] in words | {"enabled"}
