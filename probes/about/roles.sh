# Evidence of what the machine is for: lines `EVIDENCE<TAB>what was observed`, for people. What runs, or would after a boot, is evidence; what is only
# installed is none. This is what the evidence for all roles begins with; probes/roles/ has a file for each of them.
# shellcheck disable=SC2154 # lib/node.sh sets root
started='' enabled='' processes='' value=''
if [ -d "$root/run/systemd/system" ]; then
    started=$(systemctl list-units --type=service,socket --state=active --plain --full --no-legend --no-pager | awk '{ print $1 }') || missing units 'systemctl failed'
    enabled=$(systemctl list-unit-files --type=service,socket --state=enabled --no-legend --no-pager | awk '{ print $1 }')
fi
# A program may run outside of a unit. The kernel cuts names at 15 characters. A process of a container says nothing about the machine: it has a number
# in more than one PID namespace (NSpid in proc_pid_status(5)).
processes=$(
    {
        grep -s '^NSpid:' /dev/null "$root"/proc/[0-9]*/status
        grep -s '' /dev/null "$root"/proc/[0-9]*/comm
    } | awk '
        { file = $0 }
        sub(/\/status:NSpid:.*/, "", file) { if (NF > 2) contained[file] = 1; next }
        sub(/\/comm:.*/, "", file) && !(file in contained) { print substr($0, length(file) + 7) }' | sort -u
)

contains() { # WORD LIST, a word a line
    case "
$2
" in
    *"
$1
"*) true ;;
    *) false ;;
    esac
}

look_for() { # EVIDENCE PROGRAM UNIT...: prints the first unit that runs, else the program, else the first unit that is enabled
    evidence=$1 program=$2
    shift 2
    for unit; do
        if contains "$unit" "$started"; then
            line "$evidence" "$unit runs"
            return
        fi
    done
    if [ -n "$program" ] && contains "$program" "$processes"; then
        line "$evidence" "the program $program runs"
        return
    fi
    for unit; do
        if contains "$unit" "$enabled"; then
            line "$evidence" "$unit is enabled, and does not run"
            return
        fi
    done
}

# A gateway and a router both forward.
for key in net.ipv4.ip_forward net.ipv6.conf.all.forwarding; do
    if first_line "$root/proc/sys/$(printf %s "$key" | tr . /)" && [ "$value" = 1 ]; then line forwarding "$key is 1"; fi
done
