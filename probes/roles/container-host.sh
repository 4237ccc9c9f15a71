# Evidence for the role container-host. about/roles.sh comes before it.
# shellcheck disable=SC2154 # lib/node.sh sets root, about/roles.sh what runs
look_for docker dockerd docker.service docker.socket
look_for podman '' podman.socket podman.service
for file in "$root"/etc/containers/systemd/*.container; do
    if [ -e "$file" ]; then line podman "${file#"$root"} declares a container"; fi
done
if contains conmon "$processes"; then line podman 'the program conmon runs, which attends to a container of podman'; fi
look_for containerd containerd containerd.service
