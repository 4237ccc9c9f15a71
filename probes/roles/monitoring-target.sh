# Evidence for the role monitoring-target. about/roles.sh comes before it.
look_for node_exporter node_exporter node_exporter.service prometheus-node-exporter.service node-exporter.service
look_for prometheus prometheus prometheus.service
