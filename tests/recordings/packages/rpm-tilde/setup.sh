set -eu
rpm --erase petilde
rpms petilde '2.0~rc1' 1 noarch
