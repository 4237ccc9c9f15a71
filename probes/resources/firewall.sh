# What the kernel filters, and what ufw and firewalld have to say about it. Prints blocks: a line "= NAME STATUS", then what was read, each line of it
# behind a blank, so that nothing in it can pass for a block. STATUS is an exit status (what was read is then its error message), or "absent".

if [ "$(id -u)" != 0 ] && [ -z "${PE_SUDO-}" ]; then
    echo "the firewall can be read by root only, and there is no sudo" >&2
    exit 1
fi

say() {
    printf '= %s %s\n' "$1" "$2"
    [ -z "$3" ] || printf '%s\n' "$3" | sed 's/^/ /'
}

look() { # NAME COMMAND...
    name=$1
    shift
    out=$(${PE_SUDO-} "$@" 2>/dev/null)
    status=$?
    # asked again only to learn why: a warning on stderr must not get into what was read, nor one of a sudo that goes on all the same into the reason
    [ $status = 0 ] || out=$(${PE_SUDO-} "$@" 2>&1 >/dev/null | sed '/^sudo: unable to resolve host /d')
    say "$name" $status "$out"
}

tool() { # the save tool of a variant of iptables: STEM VARIANT
    if command -v "$1-$2-save" >/dev/null; then
        echo "$1-$2-save"
    elif command -v "$1-save" >/dev/null; then
        case "$("$1-save" -V 2>/dev/null) $2" in
            *"(nf_tables) nft" | *"(legacy) legacy") echo "$1-save" ;;
            *"("*) ;;
            *" legacy") echo "$1-save" ;; # before 1.8 there was one variant, which did not say so
        esac
    fi
}

save() { # NAME STEM VARIANT
    command=$(tool "$2" "$3")
    if [ -n "$command" ]; then look "$1" "$command"; else say "$1" absent ""; fi
}

# No two tables, chains or rules ever have the same handle in their place, and a rule that changes gets another one.
handles() { tr ',' '\n' | sed -n 's/.*"handle": *\([0-9]*\).*/\1/p'; }

xt=no
if command -v nft >/dev/null; then
    look nft nft -j list ruleset
    case $out in
        *'"xt"'*)
            xt=yes
            before=$(printf '%s\n' "$out" | handles)
            ;;
    esac
    case $out in
        # nft 1.0.6 names flags of tables wrongly in JSON; as text they are right
        *'"flags"'*)
            text=$(${PE_SUDO-} nft -t list ruleset 2>/dev/null)
            say dormant $? "$(printf '%s\n' "$text" | sed -n '/^table /h; /^	flags .*dormant/{x;p;x;}')"
            ;;
    esac
else
    xt=yes
    say nft absent ""
    if [ -d "${PE_ROOT-}/sys/module/nf_tables" ]; then
        say nf-tables 0 yes
    elif builtin=$(cat "${PE_ROOT-}/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null); then
        case $builtin in
            */nf_tables.ko*) say nf-tables 0 yes ;;
            *) say nf-tables 0 no ;;
        esac
    else
        say nf-tables 0 perhaps
    fi
fi
if [ $xt = yes ]; then
    save iptables iptables nft
    save ip6tables ip6tables nft
    # What the two tools list is held against each other rule by rule, so it has to be one and the same ruleset.
    if command -v nft >/dev/null && [ "$before" != "$(${PE_SUDO-} nft -j list ruleset 2>/dev/null | handles)" ]; then say moved 0 yes; fi
fi

# The tables of the other variant are told by these files; asking for tables that are not there would create them.
for family in ip ip6; do
    if [ -e "${PE_ROOT-}/proc/net/${family}_tables_names" ]; then
        look "$family-legacy-tables" cat "${PE_ROOT-}/proc/net/${family}_tables_names"
        if [ $status != 0 ] || [ -n "$out" ]; then save "$family-legacy" "${family}tables" legacy; fi
    fi
done

say interfaces 0 "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' "${PE_ROOT-}/proc/net/dev" 2>/dev/null)"
say routes 0 "$(
    awk '$2 == "00000000" { print $1 }' "${PE_ROOT-}/proc/net/route" 2>/dev/null
    awk '$1 ~ /^0+$/ { print $NF }' "${PE_ROOT-}/proc/net/ipv6_route" 2>/dev/null
)"
# What is told to answer no echo request answers none, whatever the rules let in.
say echo-ignored 0 "$(
    for file in "${PE_ROOT-}/proc/sys/net/ipv4/icmp_echo_ignore_all" "${PE_ROOT-}/proc/sys/net/ipv6/icmp/echo_ignore_all"; do
        [ -e "$file" ] || continue
        value=''
        read -r value <"$file"
        [ "$value" = 0 ] || printf '%s\n' "$file"
    done
)"
say inet6 0 "$(cat "${PE_ROOT-}/proc/net/if_inet6" 2>/dev/null)"

if [ -e "${PE_ROOT-}/etc/ufw/ufw.conf" ]; then
    say ufw 0 "$(sed -n 's/^ENABLED=//p' "${PE_ROOT-}/etc/ufw/ufw.conf" 2>/dev/null)"
    for family in "" 6; do
        look "ufw-rules$family" sed -n '/^### tuple ###/p' "${PE_ROOT-}/etc/ufw/user$family.rules"
    done
fi

if command -v firewall-cmd >/dev/null; then
    bus=org.fedoraproject.FirewallD1
    # a tenth of the time that firewall-cmd takes; --auto-start=no, since looking must not start it
    if out=$(${PE_SUDO-} busctl --system --auto-start=no --timeout=3 get-property $bus /org/fedoraproject/FirewallD1 $bus state 2>/dev/null); then
        say firewalld 0 "$out"
    else
        look firewalld firewall-cmd --state
    fi
fi
exit 0
