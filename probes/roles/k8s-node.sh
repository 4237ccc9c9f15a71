# Evidence for the role k8s-node. about/roles.sh comes before it.
look_for k3s k3s-server k3s.service k3s-agent.service
look_for kubelet kubelet kubelet.service snap.kubelet.daemon.service
