# Packages that somebody asked for, and those on hold; with `all` every one that is installed.
# Asked for is what the manager has down as such, less the distribution's base, and less what another such package, or the base, depends on (what it
# merely recommends is kept). Where the manager keeps no such list, all are: then it is the packages that no other one needs.
# shellcheck disable=SC2154 # lib/node.sh and lib/packages.sh set manager, installed, dbpath and root
tab='	'
all=''
[ "$1" != all ] || all=yes

# stdin: `is NAME WHY` (installed; nobody asked for it where WHY is empty), `base NAME`, `has NAME NAME` (provides), `needs NAME NAME|NAME...`,
# `status N` of the command that said so, and lines that are discovery's already. Prints the lines of discovery; fails without a package.
chosen() {
    awk -F '\t' -v all="$all" '
        $1 == "is" { order[++n] = $2; why[$2] = $3; next }
        $1 == "base" { base[$2] = 1; next }
        $1 == "has" { providers[$3] = providers[$3] "\t" $2; next }
        $1 == "needs" { needs[$2] = needs[$2] (needs[$2] == "" ? "" : "|") $3; next }
        $1 == "status" { if ($2 != 0) status = 1; next }
        { print }
        function direct(name,    parts, count, i, need, arch, found) {
            if (name in edges) return edges[name]
            arch = name; if (!sub(/.*:/, ":", arch)) arch = ""
            count = split(needs[name], parts, "|")
            for (i = 1; i <= count; i++) {
                need = parts[i]
                if (arch != "" && (need arch) in why) need = need arch
                found = found (need in why ? "\t" need : "") providers[need]
            }
            return edges[name] = found
        }
        # Everything that a package leads to, but for itself: packages may need each other (perl and its modules).
        function mark(start,    queue, head, tail, parts, count, i, seen) {
            seen[start] = 1; queue[tail = 1] = start
            for (head = 1; head <= tail; head++) {
                count = split(direct(queue[head]), parts, "\t")
                for (i = 2; i <= count; i++) {
                    if (parts[i] in seen) continue
                    seen[parts[i]] = needed[parts[i]] = 1
                    queue[++tail] = parts[i]
                }
            }
        }
        END {
            if (status || !n) exit 1
            kernel = "^linux-(image|headers|modules|modules-extra|tools)(-unsigned)?-[0-9]"
            for (i = 1; i <= n; i++) if (all) print "+" order[i] "\tinstalled"
            if (all) exit 0
            for (name in base) mark(name)
            for (i = 1; i <= n; i++) if (why[order[i]] != "" && !(order[i] in needed) && !(order[i] in base)) mark(order[i])
            for (i = 1; i <= n; i++) {
                name = order[i]
                if (why[name] ~ /^on hold/) print "+" name "\t" why[name]
                else if (why[name] == "" || (name in needed) || (name in base)) continue
                else if (name ~ kernel) print "-" name "\tone version of the kernel: the next upgrade brings another"
                else print "+" name "\t" why[name]
            }
        }'
}

# apt keeps what it installed by itself; the rest is manual, as apt-mark showmanual has it. Images and bootstraps have all as manual.
dpkg_packages() {
    command -v dpkg-query >/dev/null || fail 'dpkg-query is not there'
    native=$(dpkg --print-architecture) || fail 'dpkg does not tell its architecture'
    {
        sed -n "/^Package: /{s//auto$tab/;h;}; /^Architecture: /{s//$tab/;H;}; /^Auto-Installed: 1/{g;s/\n//;p;}" \
            "$root/var/lib/apt/extended_states" 2>/dev/null
        dpkg-query ${root:+"--admindir=$root/var/lib/dpkg"} -W -f 'package\t${Package}\t${Architecture}\t${Essential}\t${Priority}\t'\
'${db:Status-Want}/${db:Status-Status}\t${Depends}, ${Pre-Depends}\t${Provides}\n'
        echo "status$tab$?"
    } | awk -F '\t' -v OFS='\t' -v native="$native" '
        function key(name, arch) { return arch == native || arch == "all" || arch == "" ? name : name ":" arch }
        function bare(name) { gsub(/\([^)]*\)|[ \n]/, "", name); sub(/:.*/, "", name); return name }
        $1 == "auto" { auto[key($2, $3)] = 1; next }
        $1 == "status" { print; next }
        $6 ~ /\/(not-installed|config-files)$/ { next }
        {
            name = key($2, $3)
            print "is", name, ($6 ~ /^hold/ ? "on hold at this version (apt-mark hold)" : name in auto ? "" : "asked for (apt-mark showmanual)")
            if ($4 == "yes" || $5 ~ /^(required|important|standard)$/) print "base", name
            count = split($7, groups, ",")
            for (i = 1; i <= count; i++) {
                many = split(groups[i], names, "|"); group = ""
                for (j = 1; j <= many; j++) if (bare(names[j]) != "") group = group (group == "" ? "" : "|") bare(names[j])
                if (group != "") print "needs", name, group
            }
            count = split($8, names, ",")
            for (i = 1; i <= count; i++) if (bare(names[i]) != "") print "has", name, bare(names[i])
        }' | chosen || fail 'the dpkg database is empty or could not be read'
}

# /etc/apk/world is what was asked for, and !NAME what was refused.
apk_packages() {
    world=$root/etc/apk/world
    if ! { [ -r "$installed" ] && [ -r "$world" ]; }; then fail "$installed or $world is not readable"; fi
    awk -v OFS='\t' -v all="$all" '
        function bare(name) { sub(/[<>=~@].*/, "", name); return name }
        FNR == NR {
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^!/) { if (!all) print "+" bare(substr($i, 2)), "refused in /etc/apk/world" }
                else if ($i ~ /^\./) { if (!all) print "-" bare($i), "a list of packages that apk was given in one go" }
                else asked[bare($i)] = $i ~ /[<>=~]/ ? "asked for in /etc/apk/world as " $i : "asked for in /etc/apk/world"
            }
            next
        }
        /^P:/ { name = substr($0, 3); print "is", name, asked[name] }
        /^P:(alpine-base|alpine-baselayout|alpine-keys|alpine-release|apk-tools|busybox|libc-utils)$/ { print "base", name }
        /^D:/ { count = split(substr($0, 3), names, " "); for (i = 1; i <= count; i++) print "needs", name, bare(names[i]) }
        /^p:/ { count = split(substr($0, 3), names, " "); for (i = 1; i <= count; i++) print "has", name, bare(names[i]) }
    ' "$world" "$installed" | chosen || fail "$installed is empty or could not be read"
}

# A reason of 1 is "installed as a dependency", none is "explicitly installed".
pacman_packages() {
    set +f
    cat "$root"/var/lib/pacman/local/*/desc | awk -v OFS='\t' '
        function put() { if (name != "") print "is", name, (reason == 1 ? "" : "asked for (pacman -Qet)"); reason = 0 }
        function bare(name) { sub(/[<>=].*/, "", name); return name }
        /^%[A-Z0-9]+%$/ { field = $0; next }
        $0 == "" { next }
        field == "%NAME%" { put(); name = $0; if (name == "base") print "base", name }
        field == "%REASON%" { reason = $0 }
        field == "%DEPENDS%" { print "needs", name, bare($0) }
        field == "%PROVIDES%" { print "has", name, bare($0) }
        END { put() }
    ' | chosen || fail 'the pacman database is empty or could not be read'
}

# Who asked is written down by dnf 5 in packages.toml, by dnf 4 in a database, by zypper as what nobody asked for. The tools themselves write logs and
# caches whenever they are asked. Printed: `auto` or `asked` as a first line, where there is a list at all, and then its names.
rpm_reasons() {
    toml=$root/usr/lib/sysimage/libdnf5/packages.toml history=$root/var/lib/dnf/history.sqlite zypp=$root/var/lib/zypp/AutoInstalled
    if [ -r "$toml" ]; then
        echo asked
        sed -n 's/^"\{0,1\}\([^"]*\)\.[^".]*"\{0,1\} *= *{.*reason *= *"\(External \)\{0,1\}User".*/\1/p' "$toml"
    elif [ -r "$history" ]; then
        # 2 is TransactionItemReason::USER, and state 1 DONE; the last word on a package counts (max() chooses the row).
        query="SELECT name, reason, max(trans_item.id) FROM trans_item JOIN rpm USING (item_id) WHERE state = 1 GROUP BY name"
        for python in /usr/libexec/platform-python python3; do
            names=$("$python" -c '
import sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro&immutable=1", uri=True).execute(sys.argv[2])
print("asked", *(row[0] for row in rows if row[1] == 2), sep="\n")' "$history" "$query" 2>/dev/null) && echo "$names" && return
        done
    elif [ -r "$zypp" ]; then
        echo auto
        cat "$zypp"
    fi
}

rpm_packages() {
    command -v rpm >/dev/null || fail 'rpm is not there'
    table=$(rpm_query -qa --qf 'rpm\t%{NAME}\t%{ARCH}\n[needs\t%{=NAME}\t%{REQUIRENAME}\n][has\t%{=NAME}\t%{PROVIDENAME}\n]') || exit 1 # rpm has said why
    # Many packages need /bin/sh and the like: a package that has such a file counts as needed.
    files=$(echo "$table" | awk -F '\t' '$1 == "needs" && $3 ~ /^\// && !seen[$3]++ { print $3 }')
    # shellcheck disable=SC2086 # no blanks in them
    owners=$([ -z "$files" ] || rpm_query -qf --qf 'base\t%{NAME}\n' -- $files 2>/dev/null | grep "^base$tab")
    {
        rpm_reasons | sed "s/^/reason$tab/"
        echo "$owners"
        echo "$table"
    } | awk -F '\t' -v OFS='\t' '
        $1 == "reason" && !list { list = $2; next }
        $1 == "reason" { listed[$2] = 1; next }
        $1 != "rpm" || $2 == "gpg-pubkey" { if ($1 != "rpm" && NF) kept[++k] = $0; next }
        { name[++n] = $2; arch[n] = $3; here[$3] += $3 != "noarch" }
        END {
            for (one in here) if (here[one] > here[native]) native = one
            for (i = 1; i <= n; i++) {
                why = !list ? "no other package needs it" : (list == "asked") == (name[i] in listed) ? "asked for (dnf, zypper)" : ""
                key = arch[i] == native || arch[i] == "noarch" ? name[i] : name[i] ":" arch[i]
                if (!seen[key]++) print "is", key, why
            }
            for (i = 1; i <= k; i++) print kept[i]
        }' | chosen || fail 'the rpm database holds no package'
}

choose
case $manager in
dpkg) dpkg_packages ;;
rpm) rpm_packages ;;
apk) apk_packages ;;
pacman) pacman_packages ;;
esac
