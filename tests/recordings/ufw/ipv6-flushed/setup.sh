set -eu
ufw allow 22/tcp
ufw --force enable
ip6tables -P INPUT ACCEPT
ip6tables -F INPUT
