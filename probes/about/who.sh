# Which machine this is, and which user reads it. Needs pe_identifier of the prelude.
# shellcheck disable=SC2154 # lib/node.sh sets root, and the prelude pe_state and pe_value
first_line "$root/proc/sys/kernel/hostname" || value=$(uname -n)
line hostname "$value"

identity() {
    os=linux kinds='machine-id product-uuid' states=''
    [ "$(uname -s)" != Darwin ] || os=darwin kinds=io-platform-uuid
    for kind in $kinds; do
        pe_identifier "$kind"
        states="$states${states:+, }$kind: $pe_state"
        [ "$pe_state" = ok ] || continue
        # Never the id itself: machine-id(5) calls it confidential.
        hash=$(printf %s "$os:$pe_value" | { sha256sum 2>/dev/null || shasum -a 256; })
        line identity "$kind" "${hash%% *}"
        return
    done
    missing identity "$states"
}
identity

user=$(id -un 2>/dev/null) || user=$(id -u)
if [ "$(id -u)" = 0 ]; then
    line user "$user" root
elif can_be_root; then
    line user "$user" sudo
else
    line user "$user" plain
fi
