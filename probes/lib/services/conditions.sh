# Conditions of units (systemd.unit(5)) at the next boot.
# shellcheck disable=SC2154 # the probe sets what these functions read

# `condition` lines -> `unmet UNIT CONDITION` for each that keeps the next boot from starting the unit, or may: it does not hold now, or what
# holds now is of this boot. Only one of those that begin with `|` has to hold (systemd.unit(5)).
unmet() {
    checked=''
    while read -r word unit kind value; do
        if [ "$word" != condition ]; then
            printf '%s\n' "$word${unit:+ $unit}${kind:+ $kind}${value:+ $value}"
            continue
        fi
        file=${value#'|'}
        file=${file#!}
        holds=no
        case $kind in
        *PathExists) [ ! -e "$file" ] || holds=yes ;;
        *PathIsDirectory) [ ! -d "$file" ] || holds=yes ;;
        *PathIsSymbolicLink) [ ! -L "$file" ] || holds=yes ;;
        *FileNotEmpty) [ ! -f "$file" ] || [ ! -s "$file" ] || holds=yes ;;
        *FileIsExecutable) [ ! -f "$file" ] || [ ! -x "$file" ] || holds=yes ;;
        *) holds=unsure ;;
        esac
        case $value in
        '!'* | '|!'*) case $holds in yes) holds=no ;; no) holds=yes ;; esac ;;
        esac
        # The others, of the kind of machine it is, are for systemd to check. What is up may have got them since its start.
        if [ $holds = unsure ]; then
            if [ "$unit" != "$checked" ]; then
                checked=$unit met=unsure
                # shellcheck disable=SC2086
                ! ${PE_SUDO-} systemd-analyze condition --unit="$unit" </dev/null >/dev/null 2>&1 || met=yes
            fi
            holds=$met
        fi
        if [ "$holds" = yes ]; then
            case $kind in *Path* | *Directory* | *File*) lasts "$kind" "$value" "$file" || holds=no ;; esac
        fi
        case $value in '|'*) sort=any ;; *) sort=each ;; esac
        printf '%s %s %s %s=%s\n' "$sort" "$holds" "$unit" "$kind" "$value"
    done | awk '
        $1 == "each" && $2 != "yes" { sub(/^[a-z]+ [a-z]+ /, ""); print "unmet", $0; next }
        $1 == "any" && $2 == "yes" { met[$3]; next }
        $1 == "any" { sub(/^[a-z]+ [a-z]+ /, ""); if (!($1 in any)) any[$1] = $0; next }
        $1 == "each" { next }
        { print }
        END { for (unit in any) if (!(unit in met)) print "unmet", any[unit] }
    '
}
