# Which machine this is, and as whom it is looked at. Needs pe_identifier of the prelude.
# shellcheck disable=SC2154
root=${PE_ROOT-}
first_of "$root/proc/sys/kernel/hostname" || value=$(uname -n)
line hostname "$value"

identity() {
    os=linux kinds='machine-id product-uuid' told=''
    [ "$(uname -s)" != Darwin ] || os=darwin kinds=io-platform-uuid
    for kind in $kinds; do
        pe_identifier "$kind"
        told="$told${told:+, }$kind: $pe_state"
        [ "$pe_state" = ok ] || continue
        # Never the id itself: machine-id(5) calls it confidential.
        hash=$(printf %s "$os:$pe_value" | { sha256sum 2>/dev/null || shasum -a 256; })
        line identity "$kind" "${hash%% *}"
        return
    done
    missing identity "$told"
}
identity

user=$(id -un 2>/dev/null) || user=$(id -u)
if [ "$(id -u)" = 0 ]; then
    line user "$user" root
elif [ -n "${PE_SUDO-}" ] && $PE_SUDO true 2>/dev/null; then
    line user "$user" sudo
else
    line user "$user" plain
fi
