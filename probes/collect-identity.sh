#!/bin/sh
# Prints the system-identity.yaml of the machine that it runs on. It reads only, and asks `sudo -n` for what root alone may read.
#
#     sh probes/collect-identity.sh >node-configs/NAME/system-identity.yaml
#     cat probes/prelude.sh probes/collect-identity.sh | ssh HOST sh
#
# A machine that shows no identifier gets `require_match: false` alone, and stderr says why.

pe_quoted() { # TEXT, as a YAML string
    printf "'%s'" "$(printf %s "$1" | LC_ALL=C tr -cd ' -~' | sed "s/'/''/g")"
}

pe_release() { # KEY of os-release(5), where there is one
    cat "${PE_ROOT-}/etc/os-release" "${PE_ROOT-}/usr/lib/os-release" 2>/dev/null | sed -n "s/^$1=//p" | head -n 1 | tr -d "\"'"
}

pe_family() {
    if [ "$pe_os" = darwin ]; then
        echo macos
        return
    fi
    for pe_word in $(pe_release ID) $(pe_release ID_LIKE); do
        case $pe_word in
        debian | ubuntu) echo debian ;;
        rhel | fedora | centos) echo rhel ;;
        arch | alpine) echo "$pe_word" ;;
        *) continue ;;
        esac
        return
    done
}

# In a container the firmware's identifiers are the host's, and those of all its neighbours.
pe_contained() {
    for pe_mark in .dockerenv run/.containerenv run/systemd/container; do
        if [ -e "${PE_ROOT-}/$pe_mark" ]; then return; fi
    done
    [ -r "${PE_ROOT-}/proc/1/environ" ] && tr '\0' '\n' <"${PE_ROOT-}/proc/1/environ" | grep -q '^container='
}

pe_sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

pe_field() { # NAME VALUE, with the indentation in the name; nothing where there is no value
    [ -z "$2" ] || printf '%s: %s\n' "$1" "$(pe_quoted "$2")"
}

pe_collect() {
    pe_prepare
    pe_version=$(pe_release VERSION_ID)
    pe_kinds='machine-id product-uuid board-serial'
    case $(uname -s) in
    Darwin)
        pe_os=darwin pe_kinds=io-platform-uuid
        pe_version=$(sw_vers -productVersion 2>/dev/null)
        ;;
    *BSD | DragonFly) pe_os=bsd ;;
    *) pe_os=linux ;;
    esac

    pe_primary='' pe_id='' pe_fields='' pe_told=''
    for pe_kind in $pe_kinds; do
        if [ "$pe_kind" != machine-id ] && [ "$pe_os" != darwin ] && pe_contained; then
            pe_state="the host's" pe_value=''
        else
            pe_identifier "$pe_kind"
        fi
        pe_told="$pe_told${pe_told:+, }$pe_kind: $pe_state"
        [ "$pe_state" = ok ] || continue
        case $pe_kind in
        machine-id) pe_name=machine_id ;;
        product-uuid) pe_name=dmi_product_uuid ;;
        board-serial) pe_name=dmi_board_serial ;;
        io-platform-uuid) pe_name=io_platform_uuid ;;
        esac
        pe_fields="$pe_fields$(pe_field "  $pe_name" "$pe_value")
"
        if [ -z "$pe_primary" ] && [ "$pe_kind" != board-serial ]; then pe_primary=$pe_kind pe_id=$pe_value; fi
    done

    # shellcheck disable=SC2016
    echo '# yaml-language-server: $schema=../../schemas/merged/system-identity.schema.json'
    if [ -z "$pe_primary" ]; then
        echo "no identifier to tell this machine by ($pe_told)" >&2
        printf 'validation:\n  require_match: false\n'
        return
    fi
    echo platform:
    echo "  os_type: $pe_os"
    pe_field '  os_family' "$(pe_family)"
    pe_field '  os_version' "$pe_version"
    pe_field '  kernel_version' "$(uname -r)"
    echo
    echo identifiers:
    pe_field '  primary_id' "$pe_id"
    echo "  id_type: $pe_primary"
    printf %s "$pe_fields"
    pe_field '  collected_at' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    echo '  collected_by: collect-identity.sh'
    echo
    echo composite_key:
    pe_field '  key' "$pe_os:$pe_id"
    echo '  components:'
    echo '  - name: os_type'
    echo "    value: $pe_os"
    echo '  - name: primary_id'
    pe_field '    value' "$pe_id"
    echo "  hash: $(printf %s "$pe_os:$pe_id" | pe_sha256)"
    echo
    printf 'validation:\n  require_match: true\n  check_on_startup: true\n  allow_os_migration: false\n  alert_on_mismatch: true\n'
}

# shellcheck source=probes/prelude.sh
command -v pe_identifier >/dev/null || . "$(dirname "$0")/prelude.sh"
pe_collect </dev/null
