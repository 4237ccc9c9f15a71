# Print what the kernel filters, and what ufw and firewalld say about it, as blocks: a line "= NAME STATUS", then what was read. Each of its lines begins
# with a blank, so that none looks like a block. STATUS is an exit status, or "absent". Where it is not 0, what follows is the error message. The last line is
# "= end 0".

if [ "$(id -u)" != 0 ] && [ -z "${PE_SUDO-}" ]; then
    echo "only root can read the firewall, and there is no sudo" >&2
    exit 1
fi

# A login may be in a network namespace of its own (a management network): its rules are not those of the node's services.
if in_other_network; then
    echo "the check runs in another network namespace than process 1, which has other rules: run it in the namespace of process 1" >&2
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
    # Run again only to learn the reason. A warning on stderr must not get into what was read, nor a harmless one of sudo into the reason.
    [ $status = 0 ] || out=$(${PE_SUDO-} "$@" 2>&1 >/dev/null | sed '/^sudo: unable to resolve host /d')
    say "$name" $status "$out"
}

tool() { # STEM VARIANT: print the save tool of a variant of iptables
    if command -v "$1-$2-save" >/dev/null; then
        echo "$1-$2-save"
    elif command -v "$1-save" >/dev/null; then
        case "$("$1-save" -V 2>/dev/null) $2" in
            *"(nf_tables) nft" | *"(legacy) legacy") echo "$1-save" ;;
            *"("*) ;;
            *" legacy") echo "$1-save" ;; # before 1.8 there was only this variant, and -V did not name it
        esac
    fi
}

save() { # NAME STEM VARIANT
    command=$(tool "$2" "$3")
    if [ -n "$command" ]; then look "$1" "$command"; else say "$1" absent ""; fi
    case $out in *' --match-set '*) sets=yes ;; esac
}

# nft prints neither as text nor as JSON a condition that it takes for implied by another one. So print what the kernel compares, a line for each rule: its
# place, and behind tabs each comparison that nft may leave out. Only those of the family and the protocol have a value here. `statement` stands for one
# that does something before the rule ends, and `?` for an instruction in a form that is not known here (libnftnl prints them), or a comparison with what
# was loaded further above.
compared() {
    awk '
        BEGIN {
            count = split("bitwise byteorder cmp connlimit counter ct dup dynset exthdr fib flow_offload fwd hash immediate inner last limit log lookup masq " \
                "match meta nat notrack numgen objref osf payload queue quota range redir reject rt socket synproxy target tproxy tunnel xfrm", names, " ")
            for (i = 1; i <= count; i++) known[names[i]]
        }
        function end_rule() { if (rules) print place found; rules = 0; found = ""; split("", loads) }
        function fits(form) { return $0 ~ ("^  \\[ " form " \\]$") }
        # What is loaded into a register is no longer what was there before.
        function loaded(register, what) { delete loads[register]; if (what != "") { loads[register] = what; last = register } }
        /^  \[/ {
            rules = 1
            before = last
            last = ""
            if (!fits(".*") || !($2 in known)) found = found "\t?"
            else if ($2 == "cmp") {
                if (!fits("cmp (eq|neq|lt|lte|gt|gte) reg [0-9]+( 0x[0-9a-f]+)+")) found = found "\t?"
                else if (!($5 in loads)) next
                else if ($5 != before || NF != 7) found = found "\t?"
                else if ($3 == "eq") found = found "\t" loads[$5] "=" $6
            } else if ($2 == "notrack" || $3 == "set") {
                found = found "\tstatement"
                if ($2 != "notrack" && !fits("(ct|meta) set [a-z0-9_ ]+ with reg [0-9]+( , dir (original|reply))?")) found = found "\t?"
            } else if ($2 == "ct") {
                if (!fits("ct load [a-z0-9_ ]+ => reg [0-9]+( , dir (original|reply))?")) found = found "\t?"
                else if ($4 ~ /^(l3)?protocol$/) found = found "\tct " $4
                register = $0
                sub(/.*=> reg /, "", register)
                sub(/ .*/, "", register)
                loaded(register, "")
            } else if ($2 == "meta") {
                if (!fits("meta load [a-z0-9_]+ => reg [0-9]+")) found = found "\t?"
                else if ($4 ~ /^[io]iftype$/) found = found "\tmeta " $4
                loaded($7, $4 ~ /^(nfproto|l4proto|protocol)$/ ? "meta " $4 : "")
            } else if ($2 == "payload" && $3 == "load") {
                if (!fits("payload load [0-9]+b @ (link|network|transport|inner|tunnel) header \\+ [0-9]+ => reg [0-9]+")) found = found "\t?"
                else if ($6 == "link") found = found "\tether"
                loaded($12, $4 " " $6 " " $9 == "1b network 9" ? "ip protocol" : $4 " " $6 " " $9 == "1b network 6" ? "ip6 nexthdr" : "")
            } else if ($2 == "payload") {
                if (!fits("payload write reg [0-9]+ => .*")) found = found "\t?"
            } else if (match($0, /(=> reg|dreg|immediate reg|bitwise reg|byteorder reg) [0-9]+/)) {
                register = substr($0, RSTART, RLENGTH)
                sub(/.* /, "", register)
                loaded(register, "")
            }
            next
        }
        # libnftnl before 1.2 ends the line with a blank.
        /^[a-z]/ { end_rule(); place = $0; sub(/ +$/, "", place) }
        END { end_rule() }'
}

# Handles are never used twice in one place, and a changed rule gets a new one.
handles() { tr ',' '\n' | sed -n 's/.*"handle": *\([0-9]*\).*/\1/p'; }

# firewalld does not answer while it loads its rules, so an answer means that they are loaded. Wait for one before the rules are read, and for one after.
# busctl takes a tenth of the time of firewall-cmd. --auto-start=no: reading must not start it.
firewalld_state() {
    ${PE_SUDO-} busctl --system --auto-start=no --timeout=3 get-property org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 org.fedoraproject.FirewallD1 state 2>/dev/null
}
if command -v firewall-cmd >/dev/null; then firewalld_state >/dev/null; fi

xt=no
again=no
sets=no
if command -v nft >/dev/null; then
    look nft nft -j list ruleset
    json=$out
    case $json in
        *'"xt"'*) xt=yes again=yes ;;
    esac
    case $json in
        # nft 1.0.6 prints the flags of tables wrongly in JSON, and no devices of chains. The text has both.
        *'"flags"'* | *'"hook": "ingress"'* | *'"hook": "egress"'*)
            again=yes
            text=$(${PE_SUDO-} nft -t list ruleset 2>/dev/null)
            status=$?
            say dormant $status "$(printf '%s\n' "$text" | sed -n '/^table /h; /^	flags .*dormant/{x;p;x;}')"
            say devices $status "$(printf '%s\n' "$text" | sed -n '/^table /p; /^	chain /p; /^		type .* hook [a-z]*gress /p')"
            ;;
    esac
    case $json in
        *'"rule"'*)
            again=yes
            text=$(${PE_SUDO-} nft -t --debug=netlink list ruleset 2>/dev/null)
            status=$?
            say compared $status "$(printf '%s\n' "$text" | compared)"
            ;;
    esac
else
    xt=yes
    json=''
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
fi
# Several listings are compared rule by rule, so all of them must show the same ruleset.
if [ $again = yes ] && [ "$(printf '%s\n' "$json" | handles)" != "$(${PE_SUDO-} nft -j list ruleset 2>/dev/null | handles)" ]; then
    say moved 0 yes
fi

# These files name the tables of the legacy variant. Listing a table that does not exist would create it.
for family in ip ip6; do
    if [ -e "${PE_ROOT-}/proc/net/${family}_tables_names" ]; then
        look "$family-legacy-tables" cat "${PE_ROOT-}/proc/net/${family}_tables_names"
        if [ $status != 0 ] || [ -n "$out" ]; then save "$family-legacy" "${family}tables" legacy; fi
    fi
done

# Who gets no answer by ARP finds no IPv4 address.
if [ -e "${PE_ROOT-}/proc/net/arp_tables_names" ]; then
    look arp-legacy-tables cat "${PE_ROOT-}/proc/net/arp_tables_names"
    if [ $status != 0 ] || [ -n "$out" ]; then save arp-legacy arptables legacy; fi
fi

if [ $sets = yes ] && command -v ipset >/dev/null; then
    # In a list that was cut, sets would lack elements. The last line shows that it is complete.
    out=$({ ${PE_SUDO-} ipset save 2>/dev/null && echo '= whole'; } | sed -n -e '20001{s/.*/= too many/p;q;}' -e p)
    case $out in
    *'= whole') say ipset 0 "${out%'= whole'}" ;;
    *'= too many') say ipset 1 "more elements than are read" ;;
    *) say ipset 1 "ipset save failed" ;;
    esac
fi

say interfaces 0 "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' "${PE_ROOT-}/proc/net/dev" 2>/dev/null)"
# Packets that arrive by a device below another one (a port of a bridge, a card of a bond, a card with VLANs) count as arriving by the upper one.
# A port gets none itself.
say stacked 0 "$(
    for link in "${PE_ROOT-}"/sys/class/net/*/upper_*; do
        [ -e "$link" ] || continue
        below=${link%/*}
        kind=above
        if [ -e "$below/brport" ] || [ -e "$below/bonding_slave" ]; then kind=port; fi
        echo "$kind ${below##*/} ${link##*/upper_}"
    done
)"
say routes 0 "$(
    awk '$2 == "00000000" { print $1 }' "${PE_ROOT-}/proc/net/route" 2>/dev/null
    awk '$1 ~ /^0+$/ { print $NF }' "${PE_ROOT-}/proc/net/ipv6_route" 2>/dev/null
)"
# What sees packets before the packet filter does, or after it: programs of XDP, and filters of tc. `unread`: ip cannot list the devices.
say early 0 "$(
    links=$(ip -o link 2>/dev/null) || ! command -v ip >/dev/null || echo unread
    printf '%s\n' "$links" | sed -n 's|^[0-9]*: \([^:@]*\)[:@].*[ /]xdp[a-z]*[/ ]id.*|xdp \1|p'
    command -v tc >/dev/null && tc qdisc show 2>/dev/null | sed -n 's/^qdisc \(clsact\|ingress\) .* dev \([^ ]*\) .*/\2/p' | while read -r dev; do
        [ -z "$(tc filter show dev "$dev" ingress 2>/dev/null || echo unread)" ] || echo "tc $dev"
        [ -z "$(tc filter show dev "$dev" egress 2>/dev/null || echo unread)" ] || echo "tc-egress $dev"
    done
)"
# With these settings the kernel answers no echo request, whatever the rules let in.
say echo-ignored 0 "$(
    for file in "${PE_ROOT-}/proc/sys/net/ipv4/icmp_echo_ignore_all" "${PE_ROOT-}/proc/sys/net/ipv6/icmp/echo_ignore_all"; do
        [ -e "$file" ] || continue
        value=''
        read -r value <"$file"
        [ "$value" = 0 ] || printf '%s\n' "$file"
    done
)"
# The addresses at which the node accepts packets. One may be a whole network (ip-route(8), type local).
say addresses 0 "$(
    for list in '-4 local 0.0.0.0/0' '-6 local ::/0' '-6 anycast ::/0'; do
        # shellcheck disable=SC2086 # three words
        set -- $list
        ip "$1" route show table all type "$2" 2>/dev/null | awk -v kind="$2" -v every="$3" '$1 == kind { print $2 == "default" ? every : $2 }'
    done | sort -u
)"
say inet6 0 "$(cat "${PE_ROOT-}/proc/net/if_inet6" 2>/dev/null)"

if [ -e "${PE_ROOT-}/etc/ufw/ufw.conf" ]; then
    # ufw-init reads both files with the shell, in this order. What cannot be read may set anything, as a line of code may.
    both=$(
        for file in "${PE_ROOT-}/etc/default/ufw" "${PE_ROOT-}/etc/ufw/ufw.conf"; do
            [ -e "$file" ] || continue
            ${PE_SUDO-} cat "$file" 2>/dev/null || echo "$file cannot be read"
            echo
        done
    )
    set_in() { printf '%s\n' "$both" | sed -n "/^[[:space:]]*\(export[[:space:]][[:space:]]*\)\{0,1\}$1=/p"; }
    say ufw 0 "$(set_in ENABLED)"
    # A line of these files that is not a plain setting: it may set anything.
    say ufw-code 0 "$(printf '%s\n' "$both" | grep -Ev '^[[:space:]]*(#|$)|^[[:space:]]*(export[[:space:]]+)?[A-Za-z_][A-Za-z_0-9]*=("[^"$`\\]*"|'"'[^']*'|[^\"'$\`\\\\;&|()<>[:space:]])*[[:space:]]*;?([[:space:]]#.*)?\$" | sed -n 1p)"
    say ufw-settings 0 "$(
        set_in DEFAULT_INPUT_POLICY
        set_in IPV6
        set_in MANAGE_BUILTINS
        for file in /usr/lib/ufw/ufw-init /lib/ufw/ufw-init /usr/libexec/ufw/ufw-init; do
            if [ -x "${PE_ROOT-}$file" ]; then echo "INIT=$file"; break; fi
        done
    )"
    # The files that ufw loads beside the user's rules, if they are not as installed.
    say ufw-edited 0 "$(
        for file in before.rules before6.rules after.rules after6.rules; do
            ${PE_SUDO-} cmp -s "${PE_ROOT-}/etc/ufw/$file" "${PE_ROOT-}/usr/share/ufw/iptables/$file" 2>/dev/null || echo "/etc/ufw/$file"
        done
        for file in before.init after.init; do
            if ${PE_SUDO-} test -x "${PE_ROOT-}/etc/ufw/$file" 2>/dev/null; then echo "/etc/ufw/$file"; fi
        done
    )"
    for family in "" 6; do
        look "ufw-rules$family" sed -n '/^### tuple ###/p' "${PE_ROOT-}/etc/ufw/user$family.rules"
        # A start of ufw loads the lines for iptables-restore, whatever the comments say.
        look "ufw-lines$family" sed -n -e '/^### tuple ###/p' -e '/^-[A-Z] ufw6\{0,1\}-user-input /p' -e '/^-[A-Z] ufw6\{0,1\}-before-input /p' \
            -e '/^-[A-Z] INPUT /p' "${PE_ROOT-}/etc/ufw/user$family.rules"
    done
fi

# Print the zones whose settings differ from the files: a reload would undo them. It leaves interfaces where they are (fw.py, reload).
pending() {
    bus=org.fedoraproject.FirewallD1
    path=/org/fedoraproject/FirewallD1
    direct=$(ask $path $bus.direct getAllRules) && direct=$direct$(ask $path $bus.direct getAllPassthroughs) || return 1
    case $direct in *'"'*) echo 'direct rules' ;; esac
    default=$(ask $path $bus getDefaultZone) || return 1
    printf '%s\n' "$json" "${default%%\"*}\"filter_IN_${default#*\"}" | tr '"' '\n' | sed -n 's/^filter_IN_//p' | grep -v -e '^policy_' -e '_pre$' -e '_log$' -e '_deny$' -e '_allow$' -e '_post$' | sort -u |
        while read -r zone; do
            now=$(ask $path $bus.zone getZoneSettings2 s "$zone") && file=$(ask $path/config $bus.config getZoneByName s "$zone") || exit 1
            file=${file#*\"}
            file=$(ask "${file%\"}" $bus.config.zone getSettings2) || exit 1
            [ "$(sorted "$now")" = "$(sorted "$file")" ] || echo "$zone"
        done
}

# firewalld does not say which settings it was given for a time (`--timeout=`). But it sleeps in poll(2) or ppoll(2) until the first of them is over, and
# the third argument says for how long: -1, or no time at all, without any. Print what the zones in $1, and policies, have now and in their files, as
# JSON, unless nothing is timed; `unread` is the last line where that is not known of each. $2 is 0 if $1 has all zones that differ from their files.
timed() {
    pid=$(${PE_SUDO-} busctl --system --timeout=3 call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus \
        GetConnectionUnixProcessID s org.fedoraproject.FirewallD1 2>/dev/null) || pid='u -'
    call=$(sleeps "${pid#u }")
    # A change of its rules leaves firewalld a timer of its own for 5 s. Where settings differ from their files, it is waited for: it hides a longer one.
    for _ in 1 2 3 4 5 6; do
        case "$1/$call" in
        /*) break ;;
        *' 0x'? | *' 0x'?? | *' 0x'??? | *' 0x1'[0-3]??) sleep 1 ;;
        *) break ;;
        esac
        call=$(sleeps "${pid#u }")
    done
    # shellcheck disable=SC2086 # numbers
    set -- "$1" "$2" $call
    case "${3-} ${4-}" in '7 0xffffffff' | '271 0x0' | '73 0x0') echo none; return ;; esac
    if [ "$2" != 0 ] || ! policies=$(ask /org/fedoraproject/FirewallD1 org.fedoraproject.FirewallD1.policy getPolicies); then
        echo unread
        return
    fi
    printf '%s\n' "$1" | while read -r zone; do
        [ "$zone" != 'direct rules' ] && [ -n "$zone" ] || continue
        settings zone "$zone" getZoneSettings2 getZoneByName getSettings2 || exit 1
    done && printf '%s\n' "$policies" | tr '"' '\n' | sed -n 'n;p' | while read -r policy; do
        settings policy "$policy" getPolicySettings getPolicyByName getSettings || exit 1
    done || echo unread
}

# The call in which a process sleeps, and its third argument: `7 0x12ee`. Nothing where it is another call, or cannot be seen.
sleeps() { # PID
    for _ in 1 2 3 4 5; do
        call=$(${PE_SUDO-} cat "${PE_ROOT-}/proc/$1/syscall" 2>/dev/null) || call=''
        case $call in
        '7 '* | '271 '*) case $(uname -m) in x86_64) break ;; esac ;;
        '73 '*) case $(uname -m) in aarch64 | riscv64 | loongarch64) break ;; esac ;;
        esac
        call=''
    done
    echo "$call" | cut -d ' ' -f 1,4
}

settings() { # KIND NAME NOW FIND FILE
    now=$(ask --json=short /org/fedoraproject/FirewallD1 "org.fedoraproject.FirewallD1.$1" "$3" s "$2") || return
    file=$(ask /org/fedoraproject/FirewallD1/config org.fedoraproject.FirewallD1.config "$4" s "$2") || return
    file=${file#*\"}
    file=$(ask --json=short "${file%\"}" "org.fedoraproject.FirewallD1.config.$1" "$5") || return
    printf '%s\n' "$1 $2" "$now" "$file"
}

ask() { ${PE_SUDO-} busctl --system --auto-start=no --timeout=3 call org.fedoraproject.FirewallD1 "$@" 2>/dev/null; }

sorted() { # SETTINGS: print the settings of a zone, without its interfaces
    printf '%s\n' "$1" | sed -e 's/^a{sv} [0-9]* //' -e 's/"interfaces" as [0-9]*\( "[^"]*"\)*//' | tr ' ' '\n' | sort
}

# Print what a start of firewalld would load: its default zone, and `more` for files that make other zones count.
stored() {
    etc=${PE_ROOT-}/etc/firewalld
    zone=$(${PE_SUDO-} sed -n 's/^DefaultZone=//p' "$etc/firewalld.conf" 2>/dev/null)
    zone=${zone:-public}
    echo "zone $zone"
    file=$etc/zones/$zone.xml
    if ${PE_SUDO-} test -e "$file" 2>/dev/null; then echo own; else file=${PE_ROOT-}/usr/lib/firewalld/zones/$zone.xml; fi
    ${PE_SUDO-} sed -n -e 's/^.*<zone.* target="\([^"]*\)".*$/target \1/p' -e 's/^.*<service name="\([^"]*\)".*$/service \1/p' \
        -e '/<port /{s/^.*port="\([^"]*\)".*$/& \1/;s/^.*protocol="\([^"]*\)".* \([^ ]*\)$/port \2\/\1/p;}' -e 's/^.*<rule.*$/more/p' "$file" 2>/dev/null || return 1
    ${PE_SUDO-} grep -r -l -e '<interface' -e '<source' -e '<forward-port' "$etc/zones" 2>/dev/null | sed 's/.*/more/'
    for file in "$etc/direct.xml" "$etc/policies"/*; do
        if ${PE_SUDO-} test -e "$file" 2>/dev/null; then echo more; fi
    done
}

if command -v firewall-cmd >/dev/null; then
    if out=$(firewalld_state); then
        say firewalld 0 "$out"
        if [ -n "$json" ] && [ "$(printf '%s\n' "$json" | handles)" != "$(${PE_SUDO-} nft -j list ruleset 2>/dev/null | handles)" ]; then
            say firewalld-moved 0 yes
        fi
        out=$(pending)
        status=$?
        say firewalld-pending $status "$out"
        say firewalld-timed 0 "$(timed "$out" $status)"
    else
        look firewalld firewall-cmd --state
    fi
    out=$(stored)
    say firewalld-stored $? "$out"
    if [ -d "${PE_ROOT-}/run/systemd/system" ]; then
        say firewalld-boot 0 "$(systemctl is-enabled firewalld.service 2>/dev/null)"
    fi
fi

# How the operator gets in, which no printed command may close: the ports that sshd listens on, and the connections to them.
print_connection() { # CLIENT SERVER PORT
    dev=$(ip route get "$1" 2>/dev/null | sed -n '1s/^.* dev \([^ ]*\).*$/\1/p')
    if [ -n "$dev" ]; then
        kind=''
        read -r kind 2>/dev/null <"${PE_ROOT-}/sys/class/net/$dev/type"
        # 1: a network card or a bridge (if_arp.h); 772: lo. A tap device also has 1.
        case $kind in 1 | 772) [ ! -e "${PE_ROOT-}/sys/class/net/$dev/tun_flags" ] || echo "tunnel $dev" ;; ?*) echo "tunnel $dev" ;; esac
    fi
    echo "way $1 $2 $3 ${dev:--}"
}

ssh_access() {
    if [ -n "${PE_WAY-}" ]; then
        # client, its port, server, its port (ssh(1), ENVIRONMENT)
        printf '%s\n' "$PE_WAY" | while read -r client _ server port; do print_connection "${client%\%*}" "${server%\%*}" "$port"; done
    fi
    if listening=$(${PE_SUDO-} ss -Hltnp 2>/dev/null); then
        ports=$(printf '%s\n' "$listening" | awk '/"sshd"|"dropbear"/ { n = split($4, part, ":"); print part[n] }')
        case $listening${PE_OUTSIDE:+'"systemd"'} in
        *'"systemd"'*)
            ports="$ports $(systemctl show -p ActiveState -p Listen ssh.socket sshd.socket dropbear.socket 2>/dev/null | awk '
                /^Listen=.*:[0-9]+ \(Stream\)/ { sub(/ .*/, ""); n = split($0, part, ":"); listens = listens " " part[n] }
                /^ActiveState=/ { active = $0 == "ActiveState=active" }
                /^$/ { if (active) print listens; listens = "" }
                END { if (active) print listens }')"
            ;;
        esac
        # A sandbox hides who listens. So it is the ports that sshd is configured for.
        if [ -n "${PE_OUTSIDE-}" ]; then
            for port in $(sshd -T 2>/dev/null | sed -n 's/^port //p'); do
                case $listening in *":$port "*) ports="$ports $port" ;; esac
            done
            [ -n "${ports#"${ports%%[! ]*}"}" ] || echo unknown
        fi
        printf '%s\n' "$ports" | tr ' ' '\n' | sed '/^$/d' | sort -un | while read -r port; do
            echo "port $port"
            [ -z "${PE_WAY-}" ] || continue
            ss -Htn state established "sport = :$port" 2>/dev/null | awk '{ print $3, $4 }' | sed 's/[][]//g; s/::ffff:\([0-9.]*:\)/\1/g; s/%[^:]*//g' |
                awk '{ sub(/:[0-9]+$/, "", $1); sub(/:[0-9]+$/, "", $2); print $2, $1 }' | sort -u | sed 20q |
                while read -r client server; do print_connection "$client" "$server" "$port"; done
        done
    elif ports=$(${PE_SUDO-} sshd -T 2>/dev/null | sed -n 's/^port /port /p') && [ -n "$ports" ]; then
        echo "$ports"
    else
        echo unknown
    fi
}
say way 0 "$(ssh_access)"

say saved 0 "$(
    for file in /etc/nftables.conf /etc/nftables.nft /etc/sysconfig/nftables.conf /etc/iptables/rules.v4 /etc/iptables/iptables.rules /etc/sysconfig/iptables; do
        if [ -e "${PE_ROOT-}$file" ]; then echo "$file"; fi
    done
)"
say end 0 ''
exit 0
