#!/bin/bash
# kafka-run-class.sh CLASS [ARGUMENT...]: runs a Kafka class with the options in these variables, as upstream's script
# does: KAFKA_HEAP_OPTS, KAFKA_JVM_PERFORMANCE_OPTS, KAFKA_LOG4J_OPTS, KAFKA_GC_LOG_OPTS, KAFKA_OPTS, KAFKA_JMX_OPTS.
home="$(cd "$(dirname "$0")/.." && pwd)"
logs="${LOG_DIR:-$home/logs}"

jmx=()
if [[ -n "${JMX_PORT-}" ]]; then
  KAFKA_JMX_OPTS="${KAFKA_JMX_OPTS:--Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}"
  jmx=("-Dcom.sun.management.jmxremote.port=$JMX_PORT")
fi

# Each variable is a list of options: word splitting is intended.
# shellcheck disable=SC2086
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" \
  ${KAFKA_HEAP_OPTS:--Xmx256M} \
  ${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 -Djava.awt.headless=true} \
  ${SHARED_ARCHIVE-} ${KAFKA_GC_LOG_OPTS-} ${KAFKA_JMX_OPTS-} "${jmx[@]}" \
  "-Dkafka.logs.dir=$logs" \
  ${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile="$home/config/tools-log4j2.yaml"} \
  -cp "${CLASSPATH:+$CLASSPATH:}$home/libs/*" \
  ${KAFKA_OPTS-} "$@"
