#!/bin/bash
# kafka-server-start.sh [-daemon] server.properties [--override property=value]...
[[ $# -gt 0 ]] || { echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"; exit 1; }
bin="$(cd "$(dirname "$0")" && pwd)"
export KAFKA_LOG4J_OPTS="${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$bin/../config/log4j2.yaml}"
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}"
if [[ "$1" == -daemon ]]; then
  shift
  nohup "$bin/kafka-run-class.sh" kafka.Kafka "$@" >"${LOG_DIR:-$bin/../logs}/kafkaServer.out" 2>&1 </dev/null &
else
  exec "$bin/kafka-run-class.sh" kafka.Kafka "$@"
fi
