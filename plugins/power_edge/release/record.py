"""tested.json and promotion.json: what was proven about a commit, as files that a tag vouches for.

The last line of an annotated tag is `FILE sha256:DIGEST`: `tested.json` for a pre-release,
`promotion.json` for a release. So nobody can change the file without making a new tag.
"""

import hashlib
import re
from typing import Final, TypeVar

import msgspec

from power_edge.config import ConfigError
from power_edge.config.schema_errors import explain
from power_edge.config.yaml_reader import read
from power_edge.json_value import Json
from power_edge.model.generated.promotion_schema import Promotion
from power_edge.model.generated.tested_schema import Tested
from power_edge.release.schema_set import Unusable

TESTED: Final = "tested.json"
PROMOTION: Final = "promotion.json"
COMPLETE: Final = ("lint", "wheel", "tests")
"""What `make test` runs; a tested.json has them all."""
_LINE = re.compile(r"([a-z.]+) sha256:([0-9a-f]{64})", re.ASCII)
T = TypeVar("T")


def sha256(data: bytes) -> str:
    """Return the sha256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_line(file: str, data: bytes) -> str:
    """Return the last line of the tag that vouches for a file."""
    return f"{file} sha256:{sha256(data)}"


def recorded(message: str, file: str) -> str | None:
    """Return the sha256 of a file that the message of a tag records; None if it records none."""
    lines = message.rstrip("\n").split("\n")
    found = _LINE.fullmatch(lines[-1])
    return found[2] if found is not None and found[1] == file else None


def tested(data: bytes, name: str) -> Tested:
    """Return the content of a tested.json; `name` is for messages. Raises ConfigError."""
    return msgspec.convert(_checked(data, name, "tested"), Tested)


def promotion(data: bytes, name: str) -> Promotion:
    """Return the content of a promotion.json; `name` is for messages. Raises ConfigError."""
    return msgspec.convert(_checked(data, name, "promotion"), Promotion)


def written(content: Tested | Promotion) -> bytes:
    """Return the file of a record. The same content is always the same bytes."""
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def check_tested(found: Tested, commit: str, name: str) -> None:
    """Check that a run tested this commit, all of it, and that nothing failed. Raises Unusable."""
    if found.commit != commit:
        raise Unusable(
            f"{name} is of commit {found.commit[:12]}, and the pre-release is {commit[:12]}: take"
            " that of this pre-release"
        )
    for result in found.results:
        if result.failed or not result.passed:
            raise Unusable(
                f"{name}: {result.name} has {result.passed} passed and {result.failed} failed; only"
                " a commit whose tests passed can be released"
            )
    missing = [each for each in COMPLETE if each not in {result.name for result in found.results}]
    if missing:
        raise Unusable(f"{name} has no result of {', '.join(missing)}: that run was not complete")


def _checked(data: bytes, name: str, schema: str) -> dict[str, Json]:
    document = read(data, name)  # JSON is YAML: problems have a line
    problems = [*document.problems, *explain(document, schema)]
    if problems:
        raise ConfigError(problems)
    return document.value
