set -eu
mkdir -p /tmp/dmi # a lab node has no DMI: these stand for /sys/class/dmi/id
cd /tmp/dmi
echo 4c4c4544-0035-3510-8053-b8c04f4d3732 >product_uuid
echo 'To be filled by O.E.M.' >board_serial
echo x >product_name
chmod 400 product_uuid board_serial
chmod 444 product_name
