import { type Container, type Directory, dag, type Service } from "@dagger.io/dagger";
import { images } from "../versions.js";
import { generateCredentials } from "./credentials.js";
import { type Application, buildImage } from "./image.js";
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
}

/**
 * The whole stack, built from the application's sources: production image, data services, worker and nginx.
 * @param without parts to leave out; without nginx, requests go directly to the application.
 */
export async function startStack(
  application: Application,
  nginx: Directory,
  without: readonly Part[] = [],
): Promise<Entry> {
  const image = await buildImage(application, "runtime");
  const bound = bindBackends(image, startBackends(generateCredentials("stack")), without);
  // Without its broker a worker never becomes ready.
  const hasWorker = !without.includes("worker") && !without.includes("redis");
  const web = webServer(hasWorker ? bound.withServiceBinding("worker", worker(bound)) : bound);
  if (without.includes("nginx")) return { host: "app", port: 8000, service: web };
  return { host: "nginx", port: 80, service: reverseProxy(nginx, image.directory("/srv/www"), web) };
}

function bindBackends(image: Container, backends: Backends, without: readonly Part[]): Container {
  const wanted = (part: keyof Backends): boolean => !(without as readonly string[]).includes(part);
  return withBackends(image, backends, wanted);
}

/** gunicorn, after the migrations. It also starts without a database; /checks then reports the outage. */
function webServer(container: Container): Service {
  return container
    .withExposedPort(8000)
    .withDockerHealthcheck(["/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py"], readiness)
    .asService({ args: ["sh", "-c", "/opt/docker/entrypoint migrate; exec /opt/docker/entrypoint serve"] });
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
  return withEnvironment(dag.container().from(images.nginx), nginxSettings)
    .withDirectory("/etc/nginx/templates", nginx.directory("templates"))
    .withDirectory("/srv/maintenance", nginx.directory("maintenance"))
    .withNewFile("/etc/nginx/conf.d/upstream.conf", "upstream application { server app:8000; }\n")
    .withDirectory("/srv/www", staticFiles)
    .withServiceBinding("app", app)
    .withExposedPort(80)
    .asService({ useEntrypoint: true });
}
