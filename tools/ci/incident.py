"""Opens the issue of a rollback; does nothing for a release that goes forward."""

from tools.ci.step import boolean, given, power_edge, version


def main() -> None:
    """Open it with `power-edge release incident`, once for a rollback."""
    if not boolean("IS_ROLLBACK"):
        print("this is no rollback, so there is no incident")
        return
    why = f"--why={given('WHY')}"
    tag = version(given("VERSION")).tag
    print(power_edge("release", "incident", tag, "--artifacts=release", why), end="")
