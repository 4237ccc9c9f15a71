#!/bin/sh
# Prints the system-identity.yaml of a machine: of this one, or of another one over ssh, which needs nothing but sh. It only reads. It uses `sudo -n`
# for what only root may read.
#
#     sh probes/collect-identity.sh [USER@HOST] >system-identity.yaml
#     sh probes/collect-identity.sh --print | ssh HOST sh
#
# --print: print the script as one piece, for a machine that has no checkout.
# The file is complete, or there is none. What was left out of it, and why, goes to stderr. Exits with 12 if nothing distinguishes the machine from
# others, 11 if it is unreachable, 4 for bad use.

pe_say() {
    printf 'collect-identity.sh: %s\n' "$1" >&2
}

pe_quoted() { # TEXT, as a YAML string
    printf "'%s'" "$(printf %s "$1" | LC_ALL=C tr -cd ' -~' | sed "s/'/''/g")"
}

pe_family() { # the os_family of the schema; nothing for a distribution that belongs to none
    if [ "$pe_os" = darwin ]; then
        echo macos
        return
    fi
    for pe_word in $os_id $os_like; do
        pe_found=$(distribution "$pe_word")
        case $pe_found in
        '' | *' -') ;;
        *) echo "${pe_found#* }" && return ;;
        esac
    done
}

# In a container, the firmware's identifiers are those of the host, and of all its other containers.
pe_contained() {
    for pe_mark in .dockerenv run/.containerenv run/systemd/container run/host/container-manager; do
        if [ -e "${PE_ROOT-}/$pe_mark" ]; then return; fi
    done
    [ -z "${KUBERNETES_SERVICE_HOST-}" ] || return 0 # its pods have none of the marks
    [ -r "${PE_ROOT-}/proc/1/environ" ] && tr '\0' '\n' <"${PE_ROOT-}/proc/1/environ" | grep -q '^container='
}

pe_field() { # NAME VALUE: prints a field, with the indentation in NAME; nothing without a value
    [ -z "$2" ] || printf '%s: %s\n' "$1" "$(pe_quoted "$2")"
}

pe_reason() { # KIND STATE VALUE
    case $2 in
    missing) echo 'there is none' ;;
    unreadable) echo 'it cannot be read; perhaps only root can read it' ;;
    empty) echo 'it is empty' ;;
    contained) echo "it is the host's, because this is a container" ;;
    filler)
        case $3 in
        *[!0-]*) echo 'it is a filler of the firmware, which many machines share' ;;
        *) echo 'it is all zero' ;;
        esac
        ;;
    *)
        case $3 in
        uninitialized) echo 'it is uninitialized: the first boot is not complete' ;;
        *) echo 'it is not 32 hexadecimal digits' ;;
        esac
        ;;
    esac
}

pe_collect() {
    pe_prepare
    os_release
    pe_version=$os_version
    pe_kinds='machine-id product-uuid board-serial'
    case $(uname -s) in
    Darwin)
        pe_os=darwin pe_kinds=io-platform-uuid
        pe_version=$(sw_vers -productVersion 2>/dev/null)
        ;;
    *BSD | DragonFly) pe_os=bsd ;;
    *) pe_os=linux ;;
    esac
    pe_container=''
    if [ "$pe_os" != darwin ] && pe_contained; then pe_container=yes; fi

    pe_primary='' pe_id='' pe_fields=''
    for pe_kind in $pe_kinds; do
        if [ "$pe_kind" != machine-id ] && [ -n "$pe_container" ]; then
            pe_state=contained pe_value=''
        else
            pe_value=''
            pe_identifier "$pe_kind"
        fi
        if [ "$pe_state" != ok ]; then
            # Many boards have no identifier in their firmware. That is not news if there is another identifier.
            if [ -n "$pe_primary" ] && [ "$pe_state" = missing ]; then continue; fi
            pe_say "$pe_kind left out: $(pe_reason "$pe_kind" "$pe_state" "$pe_value")"
            continue
        fi
        case $pe_kind in
        product-uuid) pe_name=dmi_product_uuid ;;
        board-serial) pe_name=dmi_board_serial ;;
        esac
        # The first one decides. It is not repeated under its own name.
        if [ -z "$pe_primary" ] && [ "$pe_kind" != board-serial ]; then
            pe_primary=$pe_kind pe_id=$pe_value
            continue
        fi
        pe_fields="$pe_fields$(pe_field "  $pe_name" "$pe_value")
"
    done
    if [ -z "$pe_primary" ]; then
        pe_say 'nothing tells this machine from others'
        return 12
    fi

    # shellcheck disable=SC2016
    echo '# yaml-language-server: $schema=../../schemas/merged/system-identity.schema.json'
    if [ -n "$pe_container" ]; then echo "# A container, without the host's identifiers: its machine-id lasts as long as it does."; fi
    echo platform:
    echo "  os_type: $pe_os"
    pe_field '  os_family' "$(pe_family)"
    pe_field '  os_version' "$pe_version"
    echo
    echo identifiers:
    pe_field '  primary_id' "$pe_id"
    echo "  id_type: $pe_primary"
    printf %s "$pe_fields"
    pe_field '  collected_at' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

# Runs this script where ssh leads; prints what it printed there, from the first line that is its own, because a login shell may print a greeting.
pe_carry() { # DESTINATION FOLDER
    pe_prepare
    # shellcheck source=probes/by-hand.sh
    . "$2/by-hand.sh"
    if ! pe_destination "$1"; then
        pe_say 'usage: collect-identity.sh [USER@HOST | --print]'
        return 4
    fi
    # Neither a terminal nor a CI runner must obey what the machine prints: only ASCII is let through, no line begins with a colon, and none has ##.
    pe_printed=$(
        {
            {
                { cat "$2/prelude.sh" && echo 'unset PE_ROOT' && cat "$2/lib/node.sh" "$2/collect-identity.sh"; } | pe_ssh "$1" 60
                printf '\nstatus %s' "$?"
            } 2>&1 >&3 3>&- | tr -cd '\n -~' >&2
        } 3>&1 | tr -cd '\n -~' | sed 's/##/#?/g; s/^\( *\):/\1?/'
    )
    pe_status=${pe_printed##*status }
    pe_printed=$(printf '%s\n' "${pe_printed%status *}" | sed -n '/^# yaml-language-server: /,$p')
    case $pe_status in
    0)
        case $pe_printed in
        *"collected_at: '"????-??-??T??:??:??"Z'") printf '%s\n' "$pe_printed" && return ;;
        esac
        pe_say "$1 answered, but not as a POSIX sh does"
        ;;
    12) return 12 ;;
    124 | 143) pe_say "$1 gave no answer in 60 s" ;;
    255) pe_say "$1 cannot be reached: see above what ssh says" ;;
    *) pe_say "$1 ran no POSIX sh (status $pe_status): is it a Windows machine, or an appliance?" ;;
    esac
    return 11
}

pe_main() {
    pe_folder=$(dirname "$0")
    if ! command -v pe_identifier >/dev/null; then
        # shellcheck source=probes/prelude.sh
        . "$pe_folder/prelude.sh"
        # shellcheck source=probes/lib/node.sh
        . "$pe_folder/lib/node.sh"
    fi
    case $#${1-} in
    0) pe_collect </dev/null ;;
    1--print) cat "$pe_folder/prelude.sh" "$pe_folder/lib/node.sh" "$pe_folder/collect-identity.sh" ;;
    *) pe_carry "$1" "$pe_folder" ;;
    esac
}

pe_main "$@"
