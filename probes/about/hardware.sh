# What the machine is made of. Sizes are in KiB. Filesystems come last: if one hangs, the rest is printed already.
# shellcheck disable=SC2154 # lib/node.sh sets root
firmware() { # NAME: sets `value` to what the firmware says; empty if it is a filler
    first_line "$root/sys/class/dmi/id/$1" || return
    value=$(printf %s "$value" | sed 's/^ *//; s/ *$//')
    case $(printf %s "$value" | tr '[:upper:]' '[:lower:]') in
    '' | none | 'n/a' | unknown | default* | 'not '* | 'to be filled'* | o.e.m.* | oem | 'system manufacturer' | 'system product name' | 'system version' | 0123456789*) value='' ;;
    esac
}

firmware sys_vendor
vendor=$value
firmware product_name
model=$value
if [ -z "$model" ] && [ -e "$root/proc/device-tree/model" ]; then
    model=$(tr -d '\000' <"$root/proc/device-tree/model")
fi
[ -z "$vendor" ] || line vendor "$vendor"
if [ -n "$model" ]; then line model "$model"; else missing model 'the firmware does not say'; fi

if command -v systemd-detect-virt >/dev/null; then
    virtual=$(systemd-detect-virt 2>/dev/null)
elif [ -e "$root/.dockerenv" ]; then
    virtual=docker
elif [ -e "$root/run/.containerenv" ]; then
    virtual=podman
elif grep -q '^flags.* hypervisor' "$root/proc/cpuinfo" 2>/dev/null; then
    virtual='a virtual machine'
else
    virtual=none
fi
[ "${virtual:-none}" = none ] || line virtual "$virtual"

line architecture "$(uname -m)"
cpu=$(awk -F '[ \t]*: ' '
    $1 == "processor" { threads++ }
    $1 == "model name" { model = $2 }
    $1 == "Model" && model == "" { model = $2 }
    $1 == "physical id" { socket = $2; if (!seen[socket]++) sockets++ }
    $1 == "core id" && !seen[socket, $2]++ { cores++ }
    END { if (threads) print threads " " (cores ? cores : threads) " " (sockets ? sockets : 1) " " model }
' "$root/proc/cpuinfo" 2>/dev/null)
if [ -n "$cpu" ]; then
    rest=${cpu#* * * }
    # On ARM, cpuinfo names no model; lscpu knows its number.
    [ -n "$rest" ] || rest=$(lscpu 2>/dev/null | sed -n 's/^Model name: *//p' | head -n 1)
    cpu=${cpu% "${cpu#* * * }"}
    # shellcheck disable=SC2086
    line cpu $cpu "$rest"
else
    missing cpu '/proc/cpuinfo names no processor'
fi

memory=$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { available = $2 } END { if (total) print total "\t" available }' "$root/proc/meminfo" 2>/dev/null)
if [ -n "$memory" ]; then printf 'memory\t%s\n' "$memory"; else missing memory '/proc/meminfo does not say'; fi

for disk in "$root"/sys/block/*; do
    name=${disk##*/} model=''
    case $name in
    '*' | loop* | ram* | zram* | dm-* | md* | sr* | fd* | nbd*) continue ;;
    esac
    first_line "$disk/size" || continue
    size=$value
    case $size in 0 | *[!0-9]*) continue ;; esac
    first_line "$disk/queue/rotational" || value=''
    case $name-$value in
    vd* | xvd*) kind=virtual ;;
    *-0) kind=ssd ;;
    *-1) kind=rotating ;;
    *) kind=unknown ;;
    esac
    if first_line "$disk/device/model"; then model=$(printf %s "$value" | sed 's/ *$//'); fi
    line disk "$name" $((size / 2)) "$kind" "$model"
done

# /proc/mounts writes blanks as \040. A device that is mounted at several places is printed once. For remote filesystems df is not run: it would hang if
# the server is gone.
awk '
    { gsub(/\\040/, " ", $2); gsub(/\\040/, " ", $1) }
    $3 ~ /^(nfs|nfs4|cifs|smb3|ceph|9p|glusterfs|fuse\.sshfs|fuse\.glusterfs)$/ { print "remote\t" $1 "\t" $3 "\t" $2; next }
    $2 != "/" && ($1 !~ /^\/dev\// || $1 ~ /^\/dev\/loop/) && $3 !~ /^(zfs|bcachefs)$/ { next }
    $3 ~ /^(squashfs|iso9660|rootfs|devtmpfs)$/ || seen[$1]++ || ++count > 40 { next }
    { print "local\t" $1 "\t" $3 "\t" $2 }
' "$root/proc/mounts" 2>/dev/null | while IFS='	' read -r where device type mount; do
    if [ "$where" = remote ]; then
        line remote "$device" "$type" "$mount"
        continue
    fi
    [ -d "$root$mount" ] || continue # a file that is mounted on a file
    sizes=$(df -Pk -- "$mount" 2>/dev/null | sed -n '2s/^.*[^0-9]\([0-9][0-9]*\)  *\([0-9][0-9]*\)  *-\{0,1\}\([0-9][0-9]*\)  *[0-9-]*%\{0,1\} .*$/\1 \2 \3/p')
    # shellcheck disable=SC2086
    if [ -n "$sizes" ]; then line filesystem "$device" "$type" "$mount" $sizes; else missing "filesystem $mount" 'df does not tell its size'; fi
done
