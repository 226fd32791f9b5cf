import { type Container, type Directory, dag, type Service } from "@dagger.io/dagger";
import { type Facts, readFacts } from "../packaging/facts.js";
import { images } from "../versions.js";
import { generateCredentials } from "./credentials.js";
import { type Application, buildImage } from "./image.js";
import { readProject, usedBackends } from "./project.js";
import {
  type Backends,
  readiness,
  startBackends,
  withBackends,
  withEnvironment,
  worker,
} from "./services.js";

/** Parts of the stack that can be left out, to simulate an outage. */
export const parts = ["nginx", "postgres", "redis", "worker", "kafka"] as const;
export type Part = (typeof parts)[number];

/** Address of the stack: bind the service under this host name. */
export interface Entry {
  host: string;
  port: number;
  service: Service;
  /** A container of the application's image, bound to the services that the site uses. */
  application: Container;
  facts: Facts;
}

/**
 * The whole stack, built from the application's sources: production image, data services, worker and nginx.
 * @param without parts to leave out; without nginx, requests go directly to the application.
 */
export async function startStack(
  sources: Application,
  nginx: Directory,
  without: readonly Part[] = [],
): Promise<Entry> {
  const project = await readProject(sources.app);
  const image = await buildImage(sources, "runtime");
  const backends = startBackends(generateCredentials("stack"), usedBackends(project));
  const bound = bindBackends(image, backends, without).withEnvVariable(
    "ALLOWED_HOSTS",
    "localhost,127.0.0.1,[::1]",
  );
  // Without its broker a worker never becomes ready.
  const hasWorker = project.celery && !without.includes("worker") && !without.includes("redis");
  const application = hasWorker ? bound.withServiceBinding("worker", worker(bound)) : bound;
  const common = { application, facts: await readFacts(image) };
  const web = webServer(application, without.includes("postgres") ? serve : migrateAndServe);
  if (without.includes("nginx")) return { host: "app", port: 8000, service: web, ...common };
  const service = reverseProxy(nginx, image.directory("/srv/www"), web);
  return { host: "nginx", port: 80, service, ...common };
}

function bindBackends(image: Container, backends: Backends, without: readonly Part[]): Container {
  const wanted = (part: Part): boolean => !(without as readonly string[]).includes(part);
  return withBackends(image, backends, wanted);
}

const serve = ["/opt/docker/entrypoint", "serve"];
/** A migration that fails ends the service, with the migration and the error in its last line. */
const migrateAndServe = ["sh", "-c", `/opt/docker/entrypoint migrate && exec ${serve.join(" ")}`];

/** gunicorn, which also starts without a database; /checks then reports the outage. */
function webServer(container: Container, args: string[]): Service {
  return container
    .withExposedPort(8000)
    .withDockerHealthcheck(["/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py"], readiness)
    .asService({ args });
}

/** The variables of nginx's templates, as in production without TLS. */
export const nginxSettings = {
  APP_UPSTREAM: "application",
  NGINX_RESOLVER: "127.0.0.11",
  NGINX_SITE: "http",
  NGINX_IPV6: "#",
  STATIC_MAX_AGE: "3600",
  LOGIN_RATE: "10r/m",
  BODY_LIMIT: "5m",
  CLIENT_CONNECTIONS: "256",
  SITE_HOSTS: ".*",
  TRUSTED_PROXY: "127.0.0.1",
};

/** nginx as in production, without TLS. It resolves names once, because the addresses of services do not change. */
function reverseProxy(nginx: Directory, staticFiles: Directory, app: Service): Service {
  return (
    withEnvironment(dag.container().from(images.nginx), nginxSettings)
      .withDirectory("/etc/nginx/templates", nginx.directory("templates"))
      // nginx reads these as its own user, whatever the umask of the checkout.
      .withDirectory("/srv/maintenance", nginx.directory("maintenance"), { owner: "nginx" })
      .withNewFile("/etc/nginx/conf.d/upstream.conf", "upstream application { server app:8000; }\n")
      .withDirectory("/srv/www", staticFiles)
      .withServiceBinding("app", app)
      .withExposedPort(80)
      .asService({ useEntrypoint: true })
  );
}
