# The kernel parameters that are changed most often, and what else decides the speed of a machine. Sizes are in KiB.
# shellcheck disable=SC2154 # lib/node.sh sets root
[ -d "$root/proc/sys" ] || missing sysctl 'there is no /proc/sys'
for key in vm.swappiness vm.overcommit_memory vm.dirty_ratio vm.max_map_count fs.file-max fs.inotify.max_user_watches kernel.panic kernel.pid_max \
    net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter net.ipv4.tcp_syncookies net.ipv4.tcp_congestion_control \
    net.ipv4.tcp_keepalive_time net.core.somaxconn net.core.rmem_max net.core.wmem_max net.core.default_qdisc net.bridge.bridge-nf-call-iptables; do
    printf '%s\n' "$key"
done | tr . / | {
    # One grep reads them all; keys that this kernel lacks are left out.
    if cd "$root/proc/sys" 2>/dev/null; then xargs grep -s '' /dev/null; fi
} | sed 's/:/	/; s/^/sysctl	/' | awk -F '\t' -v OFS='\t' '{ gsub("/", ".", $2); gsub(/[\001-\037\177]/, " ", $3); print $1, $2, $3 }'

governors=$(cat "$root"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor 2>/dev/null | sort | uniq -c | awk '{ print $2 "\t" $1 }')
[ -z "$governors" ] || printf '%s\n' "$governors" | sed 's/^/governor	/'
if first_line "$root/sys/kernel/mm/transparent_hugepage/enabled"; then
    value=${value#*\[}
    line hugepages "${value%%\]*}"
fi
if [ -r "$root/proc/swaps" ]; then
    # The header, then: Filename Type Size Used Priority.
    awk 'NR > 1 { gsub(/\\040/, " ", $1); print "swap\t" $1 "\t" $3 "\t" $4 }' "$root/proc/swaps"
else
    missing swap '/proc/swaps cannot be read'
fi
