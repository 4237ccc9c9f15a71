#!/bin/sh
# Installs from Debian or Ubuntu what the tests need beside Python. Quiet, and done at once when all is there; starts no service. Needs root.
set -eu

packages="systemd-container mmdebstrap iproute2 util-linux openssh-client openssl dash busybox-static mksh shellcheck strace prometheus prometheus-node-exporter podman runc libfaketime auditd buildah rpm git"

missing=
for package in $packages; do
    status=$(dpkg-query -W -f='${db:Status-Status}' -- "$package" 2>/dev/null) || status=absent
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || [ -z "$(find /var/lib/apt/lists -maxdepth 0 -empty)" ] || missing=" " # the lab's roots are made from these lists
[ -n "$missing" ] || exit 0

# invoke-rc.d asks this script before it starts anything; one that is there already is the machine's own decision.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

quietly() {
    log=$("$@" </dev/null 2>&1) || {
        status=$?
        printf '%s\n' "$log" | tail -n 30 >&2
        exit "$status"
    }
}

export DEBIAN_FRONTEND=noninteractive
quietly apt-get update
# shellcheck disable=SC2086 # a list of names
[ "$missing" = " " ] || quietly apt-get install -y --no-install-recommends $missing
