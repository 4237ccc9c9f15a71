"""What operators' own tests get for a unit, in the words of a declaration."""

from power_edge.model import FactFields, NotObserved, Value
from power_edge.resources.services.enabled import enabled, not_enabled
from power_edge.resources.services.running import running, stopped
from power_edge.resources.services.unit import Unit


def fact(observed: Unit) -> FactFields | None:
    """Return `state` (`running` or `stopped`) and `enabled` as a check judges them; None for a name
    without a unit. What a boot does is known only where it is declared.
    """
    if observed.missing:
        return None
    return {"state": _state(observed), "enabled": _enabled(observed)}


def _state(observed: Unit) -> "Value | NotObserved":
    runs, why_running = running(observed)
    rests, why_stopped = stopped(observed)
    if runs:
        return "running"
    if rests:
        return "stopped"
    return NotObserved(why_running or why_stopped or "undecided")


def _enabled(observed: Unit) -> "Value | NotObserved":
    if not observed.boot_asked:
        return NotObserved("not read, because state.yaml does not declare whether it is enabled")
    starts, why_enabled = enabled(observed)
    rests, why_not = not_enabled(observed)
    if starts or rests:
        return bool(starts)
    return NotObserved(why_enabled or why_not or "undecided")
