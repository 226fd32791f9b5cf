import { type Container, dag, type Service } from "@dagger.io/dagger";
import type { Service as Backend } from "../project/project.js";
import { images } from "../versions.js";
import type { Credentials } from "./credentials.js";

/** Health checks of a service: it must become ready within three minutes, on a machine that does much else, too. */
export const readiness = { interval: "1s", timeout: "10s", retries: 180 };

/** The data services that a project uses, and the credentials of its database. */
export interface Backends {
  services: ReadonlyMap<Backend, Service>;
  credentials: Credentials;
}

/** New, empty services for one run. They start in parallel when a container that is bound to them starts. */
export function startBackends(credentials: Credentials, used: readonly Backend[]): Backends {
  const make = { postgres: () => postgres(credentials), redis, kafka };
  return { services: new Map(used.map((name) => [name, make[name]()])), credentials };
}

/** PostgreSQL in memory and without fsync, because its data is discarded after the run. */
function postgres({ database, user, password }: Credentials): Service {
  return (
    dag
      .container()
      .from(images.postgres)
      .withSecretVariable("POSTGRES_DB", database)
      .withSecretVariable("POSTGRES_USER", user)
      .withSecretVariable("POSTGRES_PASSWORD", password)
      .withEnvVariable("POSTGRES_INITDB_ARGS", "--no-sync")
      .withMountedTemp("/var/lib/postgresql/data")
      .withExposedPort(5432)
      // Over TCP: while the image initialises its database, the server listens only on its Unix socket.
      .withDockerHealthcheck(["pg_isready", "--host=127.0.0.1"], readiness)
      .asService({
        args: ["postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"],
        useEntrypoint: true,
      })
  );
}

function redis(): Service {
  return dag
    .container()
    .from(images.redis)
    .withExposedPort(6379)
    .withDockerHealthcheck(["redis-cli", "ping"], readiness)
    .asService({ args: ["redis-server", "--save", "", "--appendonly", "no"], useEntrypoint: true });
}

/** A container with all of these variables set. */
export function withEnvironment(container: Container, variables: Record<string, string>): Container {
  return Object.entries(variables).reduce(
    (result, [name, value]) => result.withEnvVariable(name, value),
    container,
  );
}

/** One Kafka node that is broker and controller. Setting any KAFKA_ variable drops all defaults of the image, so all are set. */
function kafka(): Service {
  const settings = {
    KAFKA_NODE_ID: "1",
    KAFKA_PROCESS_ROLES: "broker,controller",
    KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://:9093",
    KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://kafka:9092",
    KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
    KAFKA_NUM_PARTITIONS: "1",
    KAFKA_HEAP_OPTS: "-Xms256m -Xmx512m",
    // The C1 compiler starts faster, which matters more for a broker that runs for a minute.
    KAFKA_JVM_PERFORMANCE_OPTS: "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true",
  };
  const container = withEnvironment(dag.container().from(images.kafka), settings);
  return container.withExposedPort(9092).asService({ useEntrypoint: true });
}

/** The variables by which an application finds a service. The entry point derives other usual names from them. */
const variables = {
  postgres: { DATABASE_HOST: "postgres", DATABASE_PORT: "5432" },
  redis: { REDIS_HOST: "redis", REDIS_PORT: "6379" },
  kafka: { KAFKA_HOST: "kafka", KAFKA_PORT: "9092" },
};

/**
 * Binds a container of the application to the services and sets the variables by which it finds them.
 * @param wanted selects the services to bind; the variables are set for all.
 */
export function withBackends(
  container: Container,
  { credentials, services }: Backends,
  wanted: (name: Backend) => boolean = () => true,
): Container {
  const bound = [...services].reduce(
    (result, [name, service]) => {
      const known = withEnvironment(result, variables[name]);
      return wanted(name) ? known.withServiceBinding(name, service) : known;
    },
    // Variables that the settings require have placeholders here, and values in a deploy.
    container
      .withSecretVariable("SECRET_KEY", credentials.key)
      .withEnvVariable("STACKLINE_PLACEHOLDERS", "1"),
  );
  if (!services.has("postgres")) return bound;
  return bound
    .withSecretVariable("POSTGRES_DB", credentials.database)
    .withSecretVariable("POSTGRES_USER", credentials.user)
    .withSecretVariable("POSTGRES_PASSWORD", credentials.password);
}

/**
 * A Celery worker of the application. It is ready when its health check succeeds.
 * @param app a container of the application, bound to the services.
 */
export function worker(app: Container): Service {
  return app
    .withDockerHealthcheck(["/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py"], readiness)
    .asService({ args: ["worker"], useEntrypoint: true });
}
