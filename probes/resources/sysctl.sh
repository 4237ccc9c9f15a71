# Kernel parameters, read as files below /proc/sys. (`sysctl KEY` writes if KEY holds "=", and exits with 1 for all errors.)
cd "${PE_ROOT-}/proc/sys" || exit

echo '== asked'
printf '%s\n' "$@"

# One grep reads all of them to their ends. (The shell's own read takes single bytes, for which the kernel gives wrong answers.) With /dev/null as a
# second file grep prints names. Its errors are kept apart from the values.
echo '== values'
{ complaints=$(grep '' -- /dev/null "$@" 2>&1 >&3 3>&-); } 3>&1
echo '== complaints'
printf '%s\n' "$complaints"

# Who may write them: no command helps if nobody may.
echo '== owners'
stat -c '%a %u %n' -- "$@" 2>/dev/null
echo '== mounts'
while read -r _ _ _ _ mount options _; do
    case $mount in /proc | /proc/sys | /proc/sys/*) echo "$options $mount" ;; esac
done 2>/dev/null <"${PE_ROOT-}/proc/${PE_OUTSIDE:-self}/mountinfo"

# net/ is that of the network namespace of who reads it, and a login may be in one of its own.
! in_other_network || printf '== elsewhere\nnet\n'

case $complaints in
*'No such file or directory'*)
    # A namespace of its own hides keys. The first namespaces have fixed numbers (include/linux/proc_ns.h), except the network's, which a key shows.
    echo '== contained'
    for space in uts:4026531838 ipc:4026531839 pid:4026531836 user:4026531837 cgroup:4026531835; do
        [ "$(readlink "${PE_ROOT-}/proc/self/ns/${space%:*}")" = "${space%:*}:[${space#*:}]" ] || printf '%s\n' "${space%:*}"
    done
    [ -e net/core/netdev_max_backlog ] || echo net
    ;;
esac

case $complaints in
*'Permission denied'*) ;;
*) PE_SUDO= ;;
esac
[ -n "${PE_SUDO-}" ] || { echo '== end'; exit 0; }
for key; do
    shift
    case "$complaints
" in
    *": $key: Permission denied
"*) set -- "$@" "$key" ;;
    esac
done
echo '== values'
{ complaints=$($PE_SUDO grep '' -- /dev/null "$@" 2>&1 >&3 3>&-); } 3>&1
echo '== complaints'
printf '%s\n' "$complaints"
echo '== end'
