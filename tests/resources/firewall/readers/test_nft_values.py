"""Values in nft's JSON: elements of sets, ranges, prefixes and flags."""

from typing import Any

import pytest

from power_edge.resources.firewall.packets.sets import interface
from power_edge.resources.firewall.readers.nft_values import (
    NotUnderstood,
    any_base,
    expires,
    flag_bits,
    interface_span,
    is_catch_all,
    network_span,
    plain_element,
    span,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (22, (22, 22)),
        ("22", (22, 22)),
        ("0x16", (22, 22)),
        ({"range": [22, 80]}, (22, 80)),
        ({"range": ["0x16", "80"]}, (22, 80)),
    ],
    ids=str,
)
def test_a_span(value: Any, found: tuple[int, int]) -> None:
    assert span(value, any_base) == found


@pytest.mark.parametrize("value", [True, None, 2.5, [22], {"prefix": {}}, "ssh"], ids=str)
def test_what_is_no_span(value: Any) -> None:
    with pytest.raises(ValueError, match=r"a value|ssh"):
        span(value, any_base)


@pytest.mark.parametrize(
    ("element", "ends", "catches_all", "plain"),
    [
        (22, False, False, 22),
        ("*", False, True, "*"),
        ({"range": [1, 2]}, False, False, {"range": [1, 2]}),
        ({"elem": {"val": 22}}, False, False, 22),
        ({"elem": {"val": 22, "comment": "ssh", "counter": {"packets": 1}}}, False, False, 22),
        ({"elem": {"val": 22, "timeout": 60}}, True, False, 22),
        ({"elem": {"val": 22, "expires": 60}}, True, False, 22),
        ({"elem": {"val": "*", "timeout": 60, "expires": 9}}, True, True, "*"),
        ({"elem": {"val": "*"}}, False, True, "*"),
        ({"elem": {"val": 22, "limit": {"rate": 1}}}, False, False, None),
        ({"elem": {"val": 22, "quota": {"val": 1}}}, False, False, None),
        ({"elem": {"val": 22, "ct count": {"val": 1}}}, False, False, None),
    ],
    ids=str,
)
def test_an_element(element: Any, ends: bool, catches_all: bool, plain: Any) -> None:
    assert (expires(element), is_catch_all(element)) == (ends, catches_all)
    if plain is None:
        with pytest.raises(NotUnderstood, match="an element with a condition"):
            plain_element(element)
    else:
        assert plain_element(element) == plain


@pytest.mark.parametrize(
    ("entry", "ends"),
    [
        ([22, {"accept": None}], False),
        ([{"elem": {"val": 22, "timeout": 60}}, {"accept": None}], True),
        ([22, {"elem": {"val": 1, "timeout": 60}}], False),
        ([], False),
        ({"elem": 5}, False),
    ],
    ids=str,
)
def test_an_entry_of_a_map_expires_with_its_key(entry: Any, ends: bool) -> None:
    assert expires(entry) is ends


@pytest.mark.parametrize(
    ("value", "family", "found"),
    [
        ("10.0.0.1", 4, (0x0A000001, 0x0A000001)),
        ("::1", 6, (1, 1)),
        ({"prefix": {"addr": "10.0.0.0", "len": 30}}, 4, (0x0A000000, 0x0A000003)),
        ({"prefix": {"addr": "::4", "len": 127}}, 6, (4, 5)),
        ({"range": ["10.0.0.1", "10.0.0.6"]}, 4, (0x0A000001, 0x0A000006)),
        ({"range": ["::1", "::6"]}, 6, (1, 6)),
    ],
    ids=str,
)
def test_addresses(value: Any, family: int, found: tuple[int, int]) -> None:
    assert network_span(value, family) == found
    with pytest.raises(NotUnderstood, match="the other family"):
        network_span(value, 10 - family)


def test_an_interface_has_a_name() -> None:
    assert interface_span("eth*") == interface("eth*")
    with pytest.raises(NotUnderstood, match="removed"):
        interface_span(7)


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        ("fin", 1),
        ("syn", 2),
        ("rst", 4),
        ("psh", 8),
        ("ack", 16),
        ("urg", 32),
        ("ecn", 64),
        ("cwr", 128),
        (0, 0),
        (255, 255),
        (["syn", "ack"], 18),
        (["syn", "syn"], 2),
        ({"|": ["syn", "ack"]}, 18),
        ({"|": [{"|": ["fin", "syn"]}, "ack"]}, 19),
        ([], 0),
    ],
    ids=str,
)
def test_flags_of_tcp(value: Any, bits: int) -> None:
    assert flag_bits(value) == bits


@pytest.mark.parametrize("value", ["SYN", "", None, 1.5, {"&": ["syn"]}, ["nosuch"]], ids=str)
def test_what_is_no_flag_of_tcp(value: Any) -> None:
    with pytest.raises(NotUnderstood, match=r"tcp flag|bits"):
        flag_bits(value)
