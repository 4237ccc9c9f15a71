"""Rules that no provider manages. No command changes them for good, so a person does."""

from power_edge.model import Remedy
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.remedy import culprits
from power_edge.resources.firewall.ruleset import Ruleset


def remedy(declared: Declared, observed: Ruleset) -> Remedy:
    """Return a sentence that names the rule and the file."""
    return Remedy(advice=sentence(declared, observed))


def sentence(declared: Declared, observed: Ruleset) -> str:
    """Return what a person would do about rules that were loaded by hand or from a file."""
    nft = bool({"inet", "netdev"} & {family for family, _, _ in observed.program.chains})
    files = [file for file in observed.saved if ("nftables" in file) is nft]
    file = " or ".join(files) if files else "the file that loads the rules at boot"
    match declared.field:
        case "enabled" if not declared.value:
            return f"the rules belong to no provider: remove them from {file} and from the kernel"
        case "enabled":
            return f"the rules belong to no provider: complete them in {file}, and load it"
        case "default_incoming" | "default_outgoing":
            found = culprits.named(culprits.of_default(declared, observed))
            what = f"change {found}" if found else f"set the policy to {declared.value}"
            return f"the rules belong to no provider: {what} in {file}, and load it"
        case "exclusive":
            return (
                f"the rules belong to no provider: remove what opens these from {file}, and load it"
            )
    rule: Rule = declared.value
    text = f"{rule.action} {rule.proto}" + (f" port {rule.port}" if rule.port else "")
    text += f" on {rule.interface}" if rule.interface else ""
    text += f" out {rule.out_interface}" if rule.out_interface else ""
    deciding = culprits.named(culprits.of_rule(rule, observed))
    chain = "forwarded" if rule.routed else "incoming"
    where = f"before {deciding}" if deciding else f"to the chain of {chain} connections"
    return f"the rules belong to no provider: add a rule to {text} {where} in {file}, and load it"
