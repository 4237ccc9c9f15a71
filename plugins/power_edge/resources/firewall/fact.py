"""What operators' own tests get for the firewall, in the words of a declaration."""

from power_edge.model import FactFields, NotObserved, Outcome, Value
from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.packets.program import VERDICTS
from power_edge.resources.firewall.ruleset import Ruleset

DEFAULTS = ("default_incoming", "default_outgoing")


def fact(observed: Ruleset) -> FactFields:
    """Return `enabled` and both defaults as a check judges them, each by its name."""
    return {
        "enabled": _first("enabled", (True, False), observed),
        **{
            field: _first(field, tuple(action.value for action in VERDICTS), observed)
            for field in DEFAULTS
        },
    }


def _first(field: str, values: tuple[Value, ...], observed: Ruleset) -> "Value | NotObserved":
    """Return the value with which a declaration of a field is compliant."""
    why = "no value of a declaration is true of it"
    for value in values:
        (found,) = judge(Declared(field, value, Firewall()), observed)
        if found.outcome is Outcome.COMPLIANT:
            return value
        why = found.why or why
    return NotObserved(why)
