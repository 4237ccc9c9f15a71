set -eu
systemctl kill -s KILL firewalld
until systemctl is-failed -q firewalld; do sleep .1; done
systemctl stop firewalld
