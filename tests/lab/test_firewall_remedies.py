"""The remedies of a firewall, run as printed on real nodes.

Each drift is made on a node, checked over ssh, and the printed commands are run. Then the item must
be compliant, what held before must hold still, nothing else may have changed, and a new connection
of ssh must get in. Where a sentence is printed instead, it is looked at. All of them if
POWER_EDGE_SOAK is set (`make soak`), else the same half each time.
"""

import os
import random
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from power_edge import package_data
from power_edge.checking.evaluate import judge
from power_edge.model import Item, Observations, Outcome, Result
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import RESOURCE
from power_edge.resources.firewall.observation import parse
from tests.support.items import item_of
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import BASE, Root
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BOTH = Root(
    name="two-firewalls", below=BASE, packages=("firewalld",), script="systemctl disable firewalld"
)
PROBE = f"{package_data.text('probes/prelude.sh')}\npe_prepare\nsh -c {shlex.quote(body('firewall', 'resources'))} pe\n"
SSH = {"port": 22, "proto": "tcp", "action": "allow"}
WEB = {"port": 443, "proto": "tcp", "action": "allow"}
MOSH = {"port": "60000-61000", "proto": "udp", "action": "allow"}
SEED = 8
LAB, LAB6 = "10.8.0.0/24", "fd10:8::/64"
ENABLED = {"enabled": True, "default_incoming": "deny", "rules": [SSH]}

SSH_RESET = "systemctl start ssh.service; rm -f /etc/ssh/sshd_config.d/port.conf; systemctl stop ssh.socket; systemctl reload ssh\n"
UFW_NEW = """
ufw --force disable; nft flush ruleset; ufw --force reset; rm -f /etc/ufw/*.rules.20*
for file in before before6 after after6; do cp /usr/share/ufw/iptables/$file.rules /etc/ufw/$file.rules; done
cp /usr/share/ufw/ufw.conf /etc/ufw/ufw.conf
sed -i -e 's/^IPV6=.*/IPV6=yes/' -e 's/^MANAGE_BUILTINS=.*/MANAGE_BUILTINS=no/' /etc/default/ufw
ufw default deny incoming; ufw default allow outgoing
mkdir /root/new; cp -a /etc/ufw /etc/default/ufw --parents /root/new
"""
"""Makes ufw new, and keeps a copy: ufw itself takes ten times as long."""
UFW_RESET = SSH_RESET + "nft flush ruleset; rm -r /etc/ufw; cp -a /root/new/etc /\n"
UFW_ON = "ufw allow 22/tcp; ufw --force enable; "
OWN_NFT = (
    "nft 'table inet own { chain input { type filter hook input priority 0; policy drop; "
    "ct state established accept; meta l4proto ipv6-icmp accept; tcp dport { 22, 80 } accept; }; }'; "
)
IN_BEFORE_RULES = "sed -i '/^-A ufw-before-input -i lo/a -A ufw-before-input -p tcp --dport {}' /etc/ufw/before.rules; "
PROFILE = "printf '[PE]\\ntitle=pe\\ndescription=pe\\nports={}\\n' >/etc/ufw/applications.d/pe; ufw allow PE; "
TARGET_ACCEPT = "firewall-cmd --permanent --set-target=ACCEPT; firewall-cmd --permanent --remove-service=ssh; firewall-cmd --reload"
POLICY = (
    "firewall-cmd -q --permanent --new-policy=pe; firewall-cmd -q --permanent --policy=pe --add-ingress-zone=ANY; "
    "firewall-cmd -q --permanent --policy=pe --add-egress-zone=HOST; firewall-cmd --permanent --policy=pe"
)
PORT_2222 = "echo Port 2222 >/etc/ssh/sshd_config.d/port.conf; systemctl restart ssh; "
FIREWALLD_RESET = """
systemctl stop firewalld; rm -rf /etc/firewalld/zones/* /etc/firewalld/policies/* /etc/firewalld/ipsets/* /etc/firewalld/direct.xml
sed -i 's/^DefaultZone=.*/DefaultZone=public/' /etc/firewalld/firewalld.conf; nft flush ruleset
systemctl reset-failed firewalld; systemctl enable --now firewalld
"""
LOADED = "until nft list chain inet firewalld filter_INPUT 2>/dev/null | grep -q reject; do sleep 0.1; done\n"
UNLOADED = "nft delete table inet firewalld 2>/dev/null || :"
"""One that is stopped while it loads its rules leaves them in the kernel, which is another state.
"""
KEPT = """
for tool in iptables-save ip6tables-save; do $tool | sed -n -e '/ufw/d' -e '/^-A/p'; done
nft list tables | grep -v -e 'table ip filter' -e 'table ip mangle' -e 'table ip nat' -e 'table ip6' -e 'inet firewalld' || :
cat /etc/ufw/before*.rules /etc/ufw/after*.rules; grep -v DEFAULT_ /etc/default/ufw
systemctl is-enabled nftables ssh; systemctl is-active nftables
"""
"""What no remedy of a provider may change: the rules and files of others, what ufw is set to, other
services.
"""


class Drift(NamedTuple):
    """A state of a node, and what is declared there.

    `advice`: a part of the sentence that is printed and no command.
    """

    name: str
    setup: str
    declared: dict[str, Any]
    item: str
    command: str = ""
    advice: str = ""
    port: int = 22


def drift(
    name: str, setup: str, declared: dict[str, Any], item: str, command: str = "", **more: Any
) -> Any:
    return pytest.param(Drift(name, setup, declared, item, command, **more), id=name)


UFW = [
    drift("off-and-empty", "", ENABLED, "enabled", "ufw allow 22/tcp && ufw --force enable"),
    drift("disabled", f"{UFW_ON} ufw disable", ENABLED, "enabled", "ufw --force enable"),
    drift("disabled-default", f"{UFW_ON} ufw disable", ENABLED, "default_incoming",
          "ufw default deny incoming && ufw --force enable"),
    drift("disabled-more-declared", f"{UFW_ON} ufw disable", {**ENABLED, "rules": [SSH, WEB]}, "allow 443/tcp from any to any",
          "ufw allow 443/tcp && ufw --force enable"),
    drift("reset", f"{UFW_ON} ufw --force reset", ENABLED, "enabled", "ufw allow 22/tcp && ufw --force enable"),
    drift("flushed", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -F INPUT", ENABLED, "enabled",
          "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
    drift("flushed-default", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -F INPUT", ENABLED, "default_incoming",
          "ufw disable && /usr/lib/ufw/ufw-init flush-all && ufw default deny incoming && ufw --force enable"),
    drift("flushed-more-declared", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -F INPUT", {**ENABLED, "rules": [SSH, WEB]},
          "allow 443/tcp from any to any",
          "ufw disable && /usr/lib/ufw/ufw-init flush-all && ufw allow 443/tcp && ufw --force enable"),
    drift("flushed-both", f"{UFW_ON} for t in iptables ip6tables; do $t -P INPUT ACCEPT; $t -F INPUT; done", ENABLED, "enabled",
          "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
    drift("flushed-ipv6", f"{UFW_ON} ip6tables -P INPUT ACCEPT; ip6tables -F INPUT", ENABLED, "enabled",
          "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
    drift("flushed-all-chains", f"{UFW_ON} for t in iptables ip6tables; do $t -P INPUT ACCEPT; $t -F; done", ENABLED, "enabled",
          "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
    drift("flushed-policy-left", f"{UFW_ON} iptables -F INPUT; iptables -I INPUT -s {LAB} -j ACCEPT", ENABLED, "enabled",
          advice="removes the rules of others"),
    drift("flushed-beside-docker", f"{UFW_ON} iptables -N DOCKER; iptables -A FORWARD -j DOCKER; iptables -P INPUT ACCEPT; iptables -F INPUT",
          ENABLED, "enabled", advice="removes the rules of others"),
    drift("ruleset-flushed", f"{UFW_ON} nft flush ruleset", ENABLED, "enabled", "ufw --force enable"),
    drift("ruleset-flushed-more", f"{UFW_ON} nft flush ruleset", {**ENABLED, "rules": [SSH, WEB]}, "enabled",
          "ufw disable && ufw allow 443/tcp && ufw --force enable"),
    drift("ipv6-table-deleted", f"{UFW_ON} nft delete table ip6 filter", ENABLED, "enabled", "ufw reload"),
    drift("stopped", f"{UFW_ON} systemctl start ufw; systemctl stop ufw", ENABLED, "enabled", "ufw --force enable"),
    drift("jumps-alone", f"{UFW_ON} for t in iptables,ufw ip6tables,ufw6; do for c in before after; do ${{t%,*}} -F ${{t#*,}}-$c-input; done; "
          "${t%,*} -P INPUT ACCEPT; done", ENABLED, "enabled", "ufw reload"),
    drift("user-chain-deleted", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -D ufw-before-input -j ufw-user-input; "
          "iptables -F ufw-user-input; iptables -X ufw-user-input", ENABLED, "enabled", "ufw reload"),
    drift("user-chain-emptied", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -F ufw-user-input; ip6tables -F ufw6-user-input", ENABLED, "enabled",
          "ufw reload"),
    drift("loaded-and-not-enabled", f"{UFW_ON} sed -i s/ENABLED=yes/ENABLED=no/ /etc/ufw/ufw.conf", ENABLED, "enabled",
          "ufw --force enable && ufw reload"),
    drift("flushed-and-not-enabled", f"{UFW_ON} for t in iptables ip6tables; do $t -P INPUT ACCEPT; $t -F INPUT; done; "
          "sed -i s/ENABLED=yes/ENABLED=no/ /etc/ufw/ufw.conf", ENABLED, "enabled",
          "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
    drift("reload-of-edited-rules", UFW_ON + IN_BEFORE_RULES.format("22 -j DROP") + "iptables -P INPUT ACCEPT; iptables -F ufw-user-input",
          ENABLED, "enabled", advice="/etc/ufw/before.rules was changed after"),
    drift("one-family-on-file", f"{UFW_ON} sed -i '/^### END RULES/i ### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in\\n"
          "-A ufw-user-input -p tcp --dport 443 -j ACCEPT\\n' /etc/ufw/user.rules", {"rules": [SSH, WEB]},
          "allow 443/tcp from any to any", "ufw allow 443/tcp && ufw reload"),
    drift("policy-by-hand", f"{UFW_ON} iptables -P INPUT ACCEPT; ip6tables -P INPUT ACCEPT", ENABLED, "default_incoming",
          "ufw default deny incoming"),
    drift("on-to-be-off", UFW_ON, {"enabled": False}, "enabled", "ufw disable"),
    drift("flushed-to-be-off", f"{UFW_ON} iptables -P INPUT ACCEPT; iptables -F INPUT", {"enabled": False}, "enabled", "ufw disable"),
    drift("not-started-to-be-off", "sed -i s/ENABLED=no/ENABLED=yes/ /etc/ufw/ufw.conf", {"enabled": False}, "enabled", "ufw disable"),
    drift("own-filter-to-be-off", f"{UFW_ON} {OWN_NFT}", {"enabled": False}, "enabled", advice="other rules than those of ufw filter"),
    drift("default-allow", f"ufw default allow incoming; {UFW_ON}", {"default_incoming": "deny", "rules": [SSH]}, "default_incoming",
          "ufw default deny incoming"),
    drift("default-allow-ssh-on-file", f"ufw default allow incoming; {UFW_ON}", {"default_incoming": "deny", "rules": [WEB]}, "default_incoming",
          "ufw allow 443/tcp && ufw default deny incoming"),
    drift("default-allow-no-ssh", "ufw default allow incoming; ufw deny 80; ufw --force enable", {"default_incoming": "deny", "rules": [WEB]},
          "default_incoming", advice="declare {port: 22, proto: tcp, action: allow} first"),
    drift("default-allow-ssh-to-be-removed", f"ufw default allow incoming; {UFW_ON}", {"default_incoming": "deny", "exclusive": True, "rules": [WEB]},
          "default_incoming", advice="declare {port: 22, proto: tcp, action: allow} first"),
    drift("default-allow-ssh-from-elsewhere", f"ufw default allow incoming; {UFW_ON}",
          {"default_incoming": "deny", "rules": [{**SSH, "from": "192.0.2.0/24"}]}, "default_incoming",
          advice="declare {port: 22, proto: tcp, action: allow} first"),
    drift("default-allow-reject", f"ufw default allow incoming; {UFW_ON}", {"default_incoming": "reject", "rules": [SSH]}, "default_incoming",
          "ufw default reject incoming"),
    drift("default-deny-allow", UFW_ON, {"default_incoming": "allow"}, "default_incoming", "ufw default allow incoming"),
    drift("off-no-ssh", "", {"enabled": True, "rules": [WEB]}, "enabled", advice="declare {port: 22, proto: tcp, action: allow} first"),
    drift("outgoing-allow", f"ufw default deny outgoing; {UFW_ON}", {"default_outgoing": "allow"}, "default_outgoing",
          "ufw default allow outgoing"),
    drift("outgoing-deny", UFW_ON, {"default_outgoing": "deny", "rules": [SSH]}, "default_outgoing", "ufw default deny outgoing"),
    drift("rule-missing", UFW_ON, {"rules": [WEB]}, "allow 443/tcp from any to any", "ufw allow 443/tcp"),
    drift("range-missing", UFW_ON, {"rules": [MOSH]}, "allow 60000-61000/udp from any to any", "ufw allow 60000:61000/udp"),
    drift("range-from-net", UFW_ON, {"rules": [{**MOSH, "from": LAB}]}, f"allow 60000-61000/udp from {LAB} to any",
          f"ufw allow proto udp from {LAB} to any port 60000:61000"),
    drift("range-behind-deny", f"ufw deny 60500/udp; {UFW_ON}", {"rules": [MOSH]}, "allow 60000-61000/udp from any to any",
          "ufw prepend allow 60000:61000/udp"),
    drift("range-wider", f"ufw allow 60000:61000/udp; {UFW_ON}", {"rules": [SSH, {**MOSH, "from": LAB}]},
          f"allow 60000-61000/udp from {LAB} to any",
          f"ufw allow proto udp from {LAB} to any port 60000:61000 && ufw delete allow 60000:61000/udp"),
    drift("range-kept-by-exclusive", f"ufw allow 60000:61000/udp; ufw allow 8080/tcp; {UFW_ON}", {"exclusive": True, "rules": [SSH, MOSH]},
          "exclusive", "ufw delete allow 8080/tcp"),
    drift("rule-on-interface", UFW_ON, {"rules": [{**WEB, "interface": "host0"}]}, "allow 443/tcp from any to any on host0",
          "ufw allow in on host0 proto tcp from any to any port 443"),
    drift("rule-on-interface-from-net", UFW_ON, {"rules": [{**WEB, "interface": "host0", "from": LAB}]},
          f"allow 443/tcp from {LAB} to any on host0", f"ufw allow in on host0 proto tcp from {LAB} to any port 443"),
    drift("rule-on-interface-behind-deny", f"ufw deny 443/tcp; {UFW_ON}", {"rules": [{**WEB, "interface": "host0"}]},
          "allow 443/tcp from any to any on host0", "ufw prepend allow in on host0 proto tcp from any to any port 443"),
    drift("deny-on-interface", f"ufw allow 80/tcp; {UFW_ON}", {"rules": [SSH, {**WEB, "port": 80, "action": "deny", "interface": "host0"}]},
          "deny 80/tcp from any to any on host0", "ufw prepend deny in on host0 proto tcp from any to any port 80"),
    drift("wider-than-the-interface", f"ufw allow 443/tcp; {UFW_ON}", {"rules": [SSH, {**WEB, "interface": "host0"}]},
          "allow 443/tcp from any to any on host0",
          "ufw allow in on host0 proto tcp from any to any port 443 && ufw delete allow 443/tcp"),
    drift("extra-beside-the-interface", f"ufw allow 443; {UFW_ON}", {"exclusive": True, "rules": [SSH, {**WEB, "interface": "host0"}]},
          "exclusive", "ufw allow in on host0 proto tcp from any to any port 443 && ufw delete allow 443"),
    drift("rule-denied", f"ufw deny 443/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any", "ufw allow 443/tcp"),
    drift("rule-limited", f"ufw limit 443/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any", "ufw allow 443/tcp"),
    drift("routed-missing", UFW_ON, {"rules": [SSH, {**WEB, "routed": True}]}, "allow 443/tcp from any to any routed",
          "ufw route allow proto tcp from any to any port 443"),
    drift("routed-everything-on-interface", UFW_ON, {"rules": [SSH, {"proto": "any", "action": "allow", "routed": True, "interface": "host0"}]},
          "allow any from any to any on host0 routed", "ufw route allow in on host0 from any to any"),
    drift("routed-limit-from-net", UFW_ON, {"rules": [SSH, {**WEB, "action": "limit", "routed": True, "from": LAB}]},
          f"limit 443/tcp from {LAB} to any routed", f"ufw route limit proto tcp from {LAB} to any port 443"),
    drift("routed-deny", f"ufw default allow routed; {UFW_ON}", {"rules": [SSH, {**WEB, "action": "deny", "routed": True}]},
          "deny 443/tcp from any to any routed", "ufw route deny proto tcp from any to any port 443"),
    drift("routed-behind-a-deny", f"ufw route deny from {LAB}; {UFW_ON}", {"rules": [SSH, {**WEB, "routed": True}]},
          "allow 443/tcp from any to any routed", advice="ufw route insert"),
    drift("limit-missing", UFW_ON, {"rules": [SSH, {**WEB, "action": "limit"}]}, "limit 443/tcp from any to any", "ufw limit 443/tcp"),
    drift("limit-declared-and-open", f"ufw allow 443/tcp; {UFW_ON}", {"rules": [SSH, {**WEB, "action": "limit"}]}, "limit 443/tcp from any to any",
          "ufw limit 443/tcp"),
    drift("limit-on-interface-from-net", UFW_ON, {"rules": [SSH, {**WEB, "action": "limit", "interface": "host0", "from": LAB}]},
          f"limit 443/tcp from {LAB} to any on host0", f"ufw limit in on host0 proto tcp from {LAB} to any port 443"),
    drift("limit-behind-an-allow-of-both", f"ufw allow 443; {UFW_ON}", {"rules": [SSH, {**WEB, "action": "limit"}]}, "limit 443/tcp from any to any",
          "ufw prepend limit 443/tcp"),
    drift("rule-behind-deny-of-both", f"ufw deny 443; ufw allow 443/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "ufw delete allow 443/tcp && ufw prepend allow 443/tcp"),
    drift("rule-behind-deny-range", f"ufw deny 400:500/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "ufw prepend allow 443/tcp"),
    drift("limit-behind-deny-range", f"ufw deny 400:500/tcp; ufw limit 443/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "ufw delete limit 443/tcp && ufw prepend allow 443/tcp"),
    drift("logged-behind-deny-range", f"ufw deny 400:500/tcp; ufw allow log 443/tcp; {UFW_ON}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "ufw delete allow log 443/tcp && ufw prepend allow 443/tcp"),
    drift("rule-behind-denied-source", f"ufw allow 22/tcp; ufw deny from {LAB}; ufw allow 443/tcp; {UFW_ON}",
          {"rules": [SSH, WEB]}, "allow 443/tcp from any to any", "ufw delete allow 443/tcp && ufw prepend allow 443/tcp"),
    drift("deny-missing", f"ufw allow 80/tcp; {UFW_ON}", {"rules": [SSH, {"port": 80, "proto": "tcp", "action": "deny"}]},
          "deny 80/tcp from any to any", "ufw deny 80/tcp"),
    drift("deny-behind-allow-of-both", f"ufw allow 80; {UFW_ON}", {"rules": [SSH, {"port": 80, "proto": "tcp", "action": "deny"}]},
          "deny 80/tcp from any to any", "ufw prepend deny 80/tcp"),
    drift("reject-missing", f"ufw allow 80/tcp; {UFW_ON}", {"rules": [SSH, {"port": 80, "proto": "tcp", "action": "reject"}]},
          "reject 80/tcp from any to any", "ufw reject 80/tcp"),
    drift("deny-of-ssh", UFW_ON, {"rules": [{"port": 22, "proto": "tcp", "action": "deny"}]}, "deny 22/tcp from any to any",
          advice="the declaration closes ssh"),
    drift("rule-from-net", UFW_ON, {"rules": [{**WEB, "from": LAB}]}, f"allow 443/tcp from {LAB} to any",
          f"ufw allow proto tcp from {LAB} to any port 443"),
    drift("rule-from-net6", UFW_ON, {"rules": [{**WEB, "from": LAB6}]}, f"allow 443/tcp from {LAB6} to any",
          f"ufw allow proto tcp from {LAB6} to any port 443"),
    drift("rule-not-loaded", f"{UFW_ON} ufw allow 443/tcp; iptables -D ufw-user-input -p tcp --dport 443 -j ACCEPT; "
          "ip6tables -D ufw6-user-input -p tcp --dport 443 -j ACCEPT", {"rules": [WEB]}, "allow 443/tcp from any to any", "ufw reload"),
    drift("drop-in-before-rules", IN_BEFORE_RULES.format("443 -j DROP") + UFW_ON,
          {"rules": [WEB]}, "allow 443/tcp from any to any", advice="in /etc/ufw decides before ufw's own rules"),
    drift("off-before-rules-edited", IN_BEFORE_RULES.format("22 -j DROP"),
          ENABLED, "enabled", advice="/etc/ufw/before.rules was changed after"),
    drift("off-user-rules-edited", "ufw allow 22/tcp; sed -i '/^### RULES/a -A ufw-user-input -p tcp --dport 22 -j DROP' /etc/ufw/user.rules",
          ENABLED, "enabled", advice="was edited by hand ('-A ufw-user-input -p tcp --dport 22 -j DROP')"),
    drift("off-user-rule-without-its-line", "ufw allow 22/tcp; sed -i '/^-A ufw6*-user-input -p tcp --dport 22/d' /etc/ufw/user*.rules",
          ENABLED, "enabled", advice="was edited by hand ('### tuple ### allow tcp 22"),
    drift("enabled-with-a-comment-to-be-off", f"{UFW_ON} systemctl start ufw; systemctl stop ufw; "
          "sed -i 's/^ENABLED=.*/ENABLED=yes # at boot/' /etc/ufw/ufw.conf",
          {"enabled": False}, "enabled", advice="write ENABLED=yes or ENABLED=no"),
    drift("ipv6-no", f"sed -i s/IPV6=yes/IPV6=no/ /etc/default/ufw; {UFW_ON}", {"rules": [SSH, WEB]}, "allow 443/tcp from any to any",
          advice="IPV6=no in /etc/default/ufw"),
    drift("ipv6-no-ipv4-declared", f"sed -i s/IPV6=yes/IPV6=no/ /etc/default/ufw; {UFW_ON}", {"rules": [{**WEB, "from": "0.0.0.0/0"}]},
          "allow 443/tcp from 0.0.0.0/0 to any", "ufw allow proto tcp from 0.0.0.0/0 to any port 443"),
    drift("ipv6-no-outgoing", f"sed -i s/IPV6=yes/IPV6=no/ /etc/default/ufw; {UFW_ON}", {"default_outgoing": "allow"}, "default_outgoing",
          advice="IPV6=no in /etc/default/ufw"),
    drift("accept-all-before-ufw", f"{UFW_ON} iptables -I INPUT -j ACCEPT", ENABLED, "default_incoming",
          advice="lets everything in before ufw's rules"),
    drift("accept-all-before-ufw-rule", f"{UFW_ON} iptables -I INPUT -j ACCEPT", {"rules": [SSH, {"port": 80, "proto": "tcp", "action": "deny"}]},
          "deny 80/tcp from any to any", advice="lets everything in before ufw's rules"),
    drift("own-filter-ufw-off", OWN_NFT, {"enabled": True, "default_incoming": "deny", "rules": [SSH, {**WEB, "port": 8080}]},
          "allow 8080/tcp from any to any", advice="/etc/nftables.conf"),
    drift("own-filter-beside-ufw", f"{UFW_ON} {OWN_NFT}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          advice="other rules than those of ufw"),
    drift("own-iptables-ufw-off", "iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; "
          "iptables -P INPUT DROP", {"rules": [{**WEB, "from": LAB}]}, f"allow 443/tcp from {LAB} to any", advice="add a rule to allow tcp port 443"),
    drift("wider-both-protocols", "ufw allow 22; ufw --force enable", {"rules": [{**SSH, "from": LAB}, {**SSH, "from": LAB6}]},
          f"allow 22/tcp from {LAB} to any",
          f"ufw allow proto tcp from {LAB} to any port 22 && ufw allow proto tcp from {LAB6} to any port 22 && "
          "ufw allow 22/udp && ufw delete allow 22"),
    drift("wider", UFW_ON, {"rules": [{**SSH, "from": LAB}, {**SSH, "from": LAB6}]}, f"allow 22/tcp from {LAB} to any",
          f"ufw allow proto tcp from {LAB} to any port 22 && ufw allow proto tcp from {LAB6} to any port 22 && ufw delete allow 22/tcp"),
    drift("wider-in-one-family", UFW_ON, {"rules": [{**SSH, "from": LAB}]}, f"allow 22/tcp from {LAB} to any",
          advice="declare {port: 22, proto: tcp, action: allow} first: this would close ssh over IPv6"),
    drift("wider-than-elsewhere", UFW_ON, {"rules": [{**SSH, "from": "192.0.2.0/24"}]}, "allow 22/tcp from 192.0.2.0/24 to any",
          advice="declare {port: 22"),
    drift("wider-by-profile", PROFILE.format("443/tcp") + UFW_ON,
          {"rules": [SSH, {**WEB, "from": LAB}]}, f"allow 443/tcp from {LAB} to any", advice="remove the rules of ufw that open port 443 wider"),
    drift("extra-port", f"ufw allow 8080/tcp; {UFW_ON}", {"exclusive": True, "rules": [SSH]}, "exclusive", "ufw delete allow 8080/tcp"),
    drift("extra-both-protocols", f"ufw allow 8080; {UFW_ON}", {"exclusive": True, "rules": [SSH]}, "exclusive", "ufw delete allow 8080"),
    drift("extra-partly-declared", f"ufw allow 22; {UFW_ON}", {"exclusive": True, "rules": [SSH]}, "exclusive", "ufw delete allow 22"),
    drift("extra-range", f"ufw allow 8000:8010/tcp; {UFW_ON}", {"exclusive": True, "rules": [SSH, {**WEB, "port": 8003}]}, "exclusive",
          "ufw allow 8003/tcp && ufw delete allow 8000:8010/tcp"),
    drift("extra-list", f"ufw allow 80,8443/tcp; {UFW_ON}", {"exclusive": True, "rules": [SSH]}, "exclusive", "ufw delete allow 80,8443/tcp"),
    drift("extra-profile", PROFILE.format("80,443/tcp|53/udp") + UFW_ON,
          {"exclusive": True, "rules": [SSH]}, "exclusive", "ufw delete allow PE"),
    drift("extra-on-interface", f"{UFW_ON} ufw allow in on host0 to any port 8080 proto tcp", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow in on host0 proto tcp from any to any port 8080"),
    drift("extra-from-net", f"{UFW_ON} ufw allow from 192.0.2.0/24 to any port 8080", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow from 192.0.2.0/24 to any port 8080"),
    drift("extra-everything-from-net", f"{UFW_ON} ufw allow from 192.0.2.0/24", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow from 192.0.2.0/24 to any"),
    drift("extra-ipv4-only", f"{UFW_ON} ufw allow proto tcp from 0.0.0.0/0 to any port 8080", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow proto tcp from 0.0.0.0/0 to any port 8080"),
    drift("extra-ipv6-only", f"{UFW_ON} ufw allow proto tcp from ::/0 to any port 8080", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow proto tcp from ::/0 to any port 8080"),
    drift("extra-logged", f"{UFW_ON} ufw allow log-all 8080/tcp; ufw limit 8081/tcp", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow log-all 8080/tcp && ufw delete limit 8081/tcp"),
    drift("extra-source-port", f"{UFW_ON} ufw allow proto udp from any port 53 to any", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow proto udp from any port 53 to any"),
    drift("extra-routed", f"{UFW_ON} ufw route allow 80/tcp; ufw allow 8080/tcp", {"exclusive": True, "rules": [SSH]}, "exclusive",
          "ufw delete allow 8080/tcp"),
    drift("extra-in-before-rules", IN_BEFORE_RULES.format("443 -j ACCEPT") + UFW_ON,
          {"exclusive": True, "rules": [SSH]}, "exclusive", advice="/etc/ufw/before.rules"),
    drift("extra-is-ssh", UFW_ON, {"exclusive": True, "rules": [WEB]}, "exclusive", advice="declare {port: 22"),
    drift("echo-denied", UFW_ON, {"rules": [{"proto": "icmp", "action": "deny"}]}, "deny icmp from any to any", advice="/etc/ufw/before.rules"),
    drift("ssh-on-2222-declared", f"{PORT_2222} ufw default allow incoming; ufw --force enable",
          {"default_incoming": "deny", "rules": [{**SSH, "port": 2222}]}, "default_incoming", "ufw allow 2222/tcp && ufw default deny incoming",
          port=2222),
    drift("ssh-on-2222-not-declared", f"{PORT_2222} ufw default allow incoming; {UFW_ON}", {"default_incoming": "deny", "rules": [SSH]},
          "default_incoming", advice="declare {port: 2222, proto: tcp, action: allow} first", port=2222),
    drift("ssh-by-socket", "systemctl stop ssh; systemctl start ssh.socket; ufw default allow incoming; ufw --force enable",
          {"default_incoming": "deny", "rules": [WEB]}, "default_incoming", advice="declare {port: 22, proto: tcp, action: allow} first"),
]  # fmt: skip

FIREWALLD = [
    drift("policy-drops-all", f"{POLICY} --add-service=ssh; {POLICY} --set-target=DROP; firewall-cmd --reload", {"rules": [SSH, WEB]},
          "allow 443/tcp from any to any", advice="a policy of firewalld decides"),
    drift("policy-drops-by-default", f"{POLICY} --add-service=ssh; {POLICY} --set-target=DROP; firewall-cmd --reload",
          {"default_incoming": "reject", "rules": [SSH]}, "default_incoming", advice="a policy of firewalld decides"),
    drift("policy-accepts-by-default", f"{POLICY} --set-target=ACCEPT; firewall-cmd --reload", {"default_incoming": "deny", "rules": [SSH]},
          "default_incoming", advice="a policy of firewalld decides"),
    drift("policy-opens", f"{POLICY} --add-port=443/tcp; firewall-cmd --reload", {"rules": [SSH, {**WEB, "action": "deny"}]},
          "deny 443/tcp from any to any", advice="a policy of firewalld decides"),
    drift("port-missing", "", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "firewall-cmd --zone=public --add-port=443/tcp && firewall-cmd --permanent --zone=public --add-port=443/tcp"),
    drift("range-missing", "", {"rules": [MOSH]}, "allow 60000-61000/udp from any to any",
          "firewall-cmd --zone=public --add-port=60000-61000/udp && firewall-cmd --permanent --zone=public --add-port=60000-61000/udp"),
    drift("range-from-net", "", {"rules": [{**MOSH, "from": LAB}]}, f"allow 60000-61000/udp from {LAB} to any",
          f"""firewall-cmd --zone=public '--add-rich-rule=rule family="ipv4" source address="{LAB}" port port="60000-61000" protocol="udp" accept' && """
          "firewall-cmd --permanent --zone=public "
          f"""'--add-rich-rule=rule family="ipv4" source address="{LAB}" port port="60000-61000" protocol="udp" accept'"""),
    drift("range-stopped", f"systemctl stop firewalld; {UNLOADED}", {"enabled": True, "rules": [SSH, MOSH]}, "enabled",
          "firewall-offline-cmd --zone=public --add-port=60000-61000/udp && systemctl enable --now firewalld && firewall-cmd --state"),
    drift("limit", "", {"rules": [{**WEB, "action": "limit"}]}, "limit 443/tcp from any to any", advice="counts all senders"),
    drift("on-interface", "", {"rules": [{**WEB, "interface": "host0"}]}, "allow 443/tcp from any to any on host0",
          advice="opens ports for all interfaces of a zone"),
    drift("port-not-on-file", "firewall-cmd --permanent --add-port=443/tcp", {"rules": [WEB]}, "allow 443/tcp from any to any",
          "firewall-cmd --zone=public --add-port=443/tcp && firewall-cmd --permanent --zone=public --add-port=443/tcp"),
    drift("target", "", {"default_incoming": "deny", "rules": [SSH]}, "default_incoming",
          "firewall-cmd --permanent --zone=public --set-target=DROP && firewall-cmd --reload"),
    drift("target-more-declared", "", {"default_incoming": "deny", "rules": [SSH, WEB]}, "default_incoming",
          "firewall-cmd --zone=public --add-port=443/tcp && firewall-cmd --permanent --zone=public --add-port=443/tcp && "
          "firewall-cmd --permanent --zone=public --set-target=DROP && firewall-cmd --reload"),
    drift("target-accept", TARGET_ACCEPT,
          {"default_incoming": "deny", "rules": [SSH]}, "default_incoming",
          "firewall-cmd --zone=public --add-port=22/tcp && firewall-cmd --permanent --zone=public --add-port=22/tcp && "
          "firewall-cmd --permanent --zone=public --set-target=DROP && firewall-cmd --reload"),
    drift("target-accept-no-ssh", TARGET_ACCEPT,
          {"default_incoming": "deny"}, "default_incoming", advice="declare {port: 22"),
    drift("target-runtime-port", "firewall-cmd --add-port=2222/tcp", {"default_incoming": "deny", "rules": [SSH, {**SSH, "port": 2222}]},
          "default_incoming", advice="a reload of firewalld would undo"),
    drift("target-direct-rule", "firewall-cmd --direct --add-rule ipv4 filter INPUT 0 -p tcp --dport 9 -j ACCEPT",
          {"default_incoming": "deny", "rules": [SSH]}, "default_incoming", advice="a reload of firewalld would undo"),
    drift("deny", "firewall-cmd --permanent --add-port=80/tcp; firewall-cmd --reload",
          {"rules": [SSH, {"port": 80, "proto": "tcp", "action": "deny"}]},
          "deny 80/tcp from any to any",
          """firewall-cmd --zone=public '--add-rich-rule=rule port port="80" protocol="tcp" drop' && """
          """firewall-cmd --permanent --zone=public '--add-rich-rule=rule port port="80" protocol="tcp" drop'"""),
    drift("deny-ssh", "", {"rules": [{"port": 22, "proto": "tcp", "action": "deny"}]}, "deny 22/tcp from any to any",
          advice="the declaration closes ssh"),
    drift("from-net", "", {"rules": [{**WEB, "from": LAB}]}, f"allow 443/tcp from {LAB} to any",
          f"""firewall-cmd --zone=public '--add-rich-rule=rule family="ipv4" source address="{LAB}" port port="443" protocol="tcp" accept' && """
          "firewall-cmd --permanent --zone=public "
          f"""'--add-rich-rule=rule family="ipv4" source address="{LAB}" port port="443" protocol="tcp" accept'"""),
    drift("stopped", f"systemctl stop firewalld; {UNLOADED}", {"enabled": True, "rules": [SSH, WEB]}, "enabled",
          "firewall-offline-cmd --zone=public --add-port=443/tcp && systemctl enable --now firewalld && firewall-cmd --state"),
    drift("stopped-ssh-not-on-file", "firewall-cmd --permanent --remove-service=ssh; systemctl disable --now firewalld; " + UNLOADED,
          {"enabled": True, "rules": [WEB]}, "enabled", advice="declare {port: 22"),
    drift("stopped-ssh-declared", "firewall-cmd --permanent --remove-service=ssh; systemctl disable --now firewalld; " + UNLOADED,
          {"enabled": True, "rules": [SSH]}, "enabled",
          "firewall-offline-cmd --zone=public --add-port=22/tcp && systemctl enable --now firewalld && firewall-cmd --state"),
    drift("stopped-with-source-zone", "firewall-cmd --permanent --zone=drop --add-source=10.8.0.0/16; systemctl stop firewalld; " + UNLOADED,
          {"enabled": True, "rules": [SSH]}, "enabled", advice="zones with interfaces or sources"),
    drift("flushed", "nft flush ruleset", {"enabled": True, "rules": [SSH]}, "enabled",
          "systemctl restart firewalld && firewall-cmd --state"),
    drift("flushed-with-runtime-port", "firewall-cmd --add-port=2222/tcp; nft flush ruleset", {"enabled": True, "rules": [SSH]}, "enabled",
          advice="a reload of firewalld would undo"),
    drift("input-flushed", "nft flush chain inet firewalld filter_INPUT", {"enabled": True, "rules": [SSH]}, "enabled",
          "systemctl restart firewalld && firewall-cmd --state"),
    drift("on-to-be-off", "", {"enabled": False}, "enabled", "systemctl disable --now firewalld"),
    drift("killed-to-be-off", "systemctl kill -s KILL firewalld; systemctl stop firewalld", {"enabled": False}, "enabled",
          "systemctl disable --now firewalld && nft delete table inet firewalld"),
    drift("own-filter-to-be-off", OWN_NFT, {"enabled": False}, "enabled", advice="other rules than those of firewalld filter"),
    drift("source-zone", f"firewall-cmd --zone=work --add-source={LAB}", {"rules": [WEB]}, "allow 443/tcp from any to any",
          advice="the zone of firewalld that decides is chosen by the sender's address"),
    drift("ipset-zone", "firewall-cmd --permanent --new-ipset=s --type=hash:net; firewall-cmd --permanent --ipset=s --add-entry=192.0.2.0/24; "
          "firewall-cmd --permanent --zone=drop --add-source=ipset:s; firewall-cmd --reload", {"rules": [WEB]}, "allow 443/tcp from any to any",
          advice="the zone of firewalld that decides is chosen by the sender's address"),
    drift("input-flushed-rule", "nft flush chain inet firewalld filter_INPUT", {"rules": [SSH]}, "allow 22/tcp from any to any",
          advice="rules of firewalld are missing in the kernel"),
    drift("input-flushed-rule-enabled", "nft flush chain inet firewalld filter_INPUT", {"enabled": True, "rules": [SSH]},
          "allow 22/tcp from any to any", "systemctl restart firewalld && firewall-cmd --state"),
    drift("forwarded-port", "firewall-cmd --add-forward-port=port=8080:proto=tcp:toport=80", {"rules": [{**WEB, "port": 8080}]},
          "allow 8080/tcp from any to any", advice="the result of a command is unknown"),
    drift("own-filter-beside", OWN_NFT, {"rules": [WEB]}, "allow 443/tcp from any to any", advice="other rules than those of firewalld"),
]  # fmt: skip

TWO = [
    drift("neither-was-used", "", {"enabled": True, "rules": [SSH]}, "enabled", advice="ufw and firewalld are both installed"),
    drift("firewalld-at-boot", "systemctl enable firewalld", {"enabled": True, "rules": [SSH]}, "enabled",
          "systemctl enable --now firewalld && firewall-cmd --state"),
    drift("both-were-used", "ufw allow 22/tcp; systemctl enable firewalld", {"enabled": True, "rules": [SSH]}, "enabled",
          advice="ufw and firewalld are both installed"),
    drift("ufw-was-used", "ufw allow 22/tcp", {"enabled": True, "rules": [SSH]}, "enabled", "ufw --force enable"),
]  # fmt: skip


@pytest.fixture(scope="module")
def with_ufw(lab: Lab) -> Iterator[Node]:
    with lab.node("remedy-ufw", root=BASE) as node:
        node.sh(UFW_NEW)
        yield node


@pytest.fixture(scope="module")
def with_firewalld(firewalld_node: Node) -> Node:
    return firewalld_node


@pytest.fixture(scope="module")
def with_both(lab: Lab) -> Iterator[Node]:
    with lab.node("remedy-both", root=BOTH) as node:
        node.sh(UFW_NEW)
        yield node


def items(declared: dict[str, Any]) -> list[Item]:
    rules = [
        Rule(**{"from_" if field == "from" else field: value for field, value in rule.items()})
        for rule in declared.get("rules", ())
    ]
    firewall = Firewall(**{**declared, "rules": rules})
    return [item_of(RESOURCE, entry.name, entry.declared) for entry in RESOURCE.items_of(firewall)]


def ssh(lab: Lab, node: Node, port: int, *argv: str, stdin: str = "", address: str = "") -> str:
    """A new connection, which must get in."""
    options = ["-F", str(lab.ssh_config), "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "StrictHostKeyChecking=no",
               "-o", f"HostKeyAlias={node.address}", "-p", str(port)]  # fmt: skip
    return lab.run("ssh", *options, f"root@{address or node.address}", *argv, stdin=stdin).stdout


def look(lab: Lab, node: Node, declared: dict[str, Any], port: int) -> dict[str, Result]:
    observed: Observations = parse(
        ssh(lab, node, port, "sh", "-s", stdin=PROBE).encode(errors="surrogateescape")
    )
    return {item.name: judge(RESOURCE, item, observed) for item in items(declared)}


def tried(lab: Lab, node: Node, reset: str, case: Drift) -> None:
    node.run("sh", "-c", reset, check=False)
    node.run("sh", "-c", case.setup, check=False)
    before = look(lab, node, case.declared, case.port)
    result = before[case.item]
    assert result.outcome is Outcome.DRIFT, result
    if case.advice:
        assert shell_line(result.remedy) is None, result
        assert case.advice in (result.advice or ""), result.advice
        return
    command = shell_line(result.remedy)
    assert command is not None, result.advice
    assert command == case.command
    kept = node.run("sh", "-c", KEPT, check=False).stdout
    ssh(lab, node, case.port, "true")
    node.sh(command)
    assert node.run("sh", "-c", KEPT, check=False).stdout == kept
    for address in (
        (node.address, node.address6) if SSH in case.declared.get("rules", ()) else (node.address,)
    ):
        ssh(lab, node, case.port, "true", address=address)
    after = look(lab, node, case.declared, case.port)
    assert after[case.item].outcome is Outcome.COMPLIANT, after[case.item]
    held = {name for name, each in before.items() if each.outcome is Outcome.COMPLIANT}
    assert {
        name: after[name].why for name in held if after[name].outcome is not Outcome.COMPLIANT
    } == {}
    if case.declared.get("enabled"):
        assert set(after["enabled"].extra) <= set(before["enabled"].extra)


def chosen(cases: Sequence[Any]) -> Sequence[Any]:
    """The cases that this run tries."""
    if os.environ.get("POWER_EDGE_SOAK"):
        return cases
    return random.Random(SEED).sample(cases, len(cases) // 2)


@pytest.mark.parametrize("case", chosen(UFW))
def test_ufw(lab: Lab, with_ufw: Node, case: Drift) -> None:
    tried(lab, with_ufw, UFW_RESET, case)


@pytest.mark.parametrize("case", chosen(FIREWALLD))
def test_firewalld(lab: Lab, with_firewalld: Node, case: Drift) -> None:
    tried(lab, with_firewalld, FIREWALLD_RESET + LOADED, case)


@pytest.mark.parametrize("case", chosen(TWO))
def test_of_two_providers_the_one_that_was_in_use_comes_back(
    lab: Lab, with_both: Node, case: Drift
) -> None:
    reset = f"{FIREWALLD_RESET.replace('enable --now', 'disable --now')}{UFW_RESET}systemctl disable firewalld"
    tried(lab, with_both, reset, case)
