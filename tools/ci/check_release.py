"""Refuses a tag that promote did not record, or other files than those that it vouches for."""

from tools.ci.step import given, output, power_edge, version


def main() -> None:
    """Give `version`, as a wheel has it, of the TAG that release/ has the files of."""
    release = version(given("TAG"))
    print(power_edge("release", "check-tag", release.tag, "--artifacts=release"), end="")
    output(version=release.wheel)
